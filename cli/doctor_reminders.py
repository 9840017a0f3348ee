"""What `avain doctor` says of reminders: whether they are held, and whom they do not reach."""

from collections.abc import Sequence

from cli.common import transaction
from cli.doctor_findings import Finding
from core.clock import business_today
from core.i18n import _, day
from core.settings import Settings
from services.reminders import operators

#: So many workers are named.
_NAMED = 10


def reminders(_settings: Settings) -> list[Finding]:
    """One line for each thing that is wrong; one when nothing is."""
    with transaction() as session:
        found = operators.state(session, business_today(session))
    findings = []
    if found.held is not None:
        said = _("held since {date}: {reason}").format(date=day(found.held.since), reason=found.held.reason.text())
        advice = _("Look at them: avain reminder send --dry-run, then let them go: avain reminder send --release")
        findings.append(Finding(_("Reminders"), "broken", said, advice))
    if found.unheard:
        said = _("{count} reach nobody: neither a worker nor a supervisor").format(count=found.unheard)
        advice = _("Give the workers' units a supervisor with an e-mail address, or the workers an address.")
        findings.append(Finding(_("Reminders"), "broken", said, advice))
    if found.refused:
        said = _("addresses that a mail server refused: {workers}").format(workers=_names(found.refused))
        advice = _("Correct the address where workers come from; until then their supervisors hear.")
        findings.append(Finding(_("Reminders"), "warning", said, advice))
    return findings or [Finding(_("Reminders"), "ok", _("nothing is held, and everybody can be reached"))]


def _names(workers: Sequence[str]) -> str:
    """The first of them, and how many there are."""
    named = ", ".join(workers[:_NAMED])
    return (
        named if len(workers) <= _NAMED else _("{workers} … ({count} in all)").format(workers=named, count=len(workers))
    )
