"""Workers and units: what is entered of them so that something would reach nobody."""

from core.errors import Message
from services.health.findings import Finding, Ground, some
from services.reference_data.supervision import everybody

_NAMED = 5


def responsible_workers(ground: Ground) -> list[Finding]:
    """One line for each thing that is amiss; one when nothing is."""
    with ground.looking() as session:
        found = everybody(session)
    name, put_right = Message("Responsible workers"), Message("Correct workers.toml and run: avain worker import")
    amiss = list(found.warnings)
    if found.unaddressed:
        who = some(found.unaddressed, _NAMED)
        amiss.append(Message("without an e-mail address that can be written to: {workers}", workers=who))
    if found.languages:
        languages = [f"{worker} ({language})" for worker, language in found.languages]
        amiss.append(Message("whose language is not known: {workers}", workers=some(languages, _NAMED)))
    return [Finding(name, "warning", one, put_right) for one in amiss] or [
        Finding(name, "ok", Message("nothing is amiss"))
    ]
