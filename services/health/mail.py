"""E-mail: the server that takes it, whom Avain writes to when a job fails for good, reminders (whether they are held, and whom they do not reach), and the organisation's templates."""

from connectors.mail_server import check_server
from core.clock import business_today
from core.errors import AvainError, Message
from services.health.findings import Finding, Ground, some
from services.reminders import operators
from services.reminders.message import check_templates


def server(ground: Ground) -> list[Finding]:
    """Whether it lets us in."""
    name, configured = Message("Mail server"), ground.settings.mail
    try:
        check_server(configured)
    except AvainError as error:
        advice = Message(
            "Mails wait until it answers, and leave by themselves then. If it is not down: correct [mail] in avain.toml."
        )
        return [Finding(name, "broken", error.message, advice)]
    return [Finding(name, "ok", f"{configured.host}:{configured.port}")]


def operator(ground: Ground) -> list[Finding]:
    """Whether anybody is written to when a job fails for good, or when reminders are held."""
    name, address = Message("Letters to the operator"), ground.settings.mail.operator_email
    if address is not None:
        return [Finding(name, "ok", address)]
    found = Message("nobody is written to when a job finally fails, or when reminders are held")
    return [Finding(name, "warning", found, Message("Set operator_email in [mail] of avain.toml."))]


def reminders(ground: Ground) -> list[Finding]:
    """One line for each thing that is wrong; one when nothing is."""
    name = Message("Reminders")
    with ground.looking() as session:
        found = operators.state(session, business_today(session))
    findings = []
    if found.held is not None:
        said = Message("held since {date}: {reason}", date=found.held.since.isoformat(), reason=found.held.reason)
        advice = Message("Look at them: avain reminder send --dry-run, then let them go: avain reminder send --release")
        findings.append(Finding(name, "broken", said, advice))
    if found.unheard:
        said = Message("{count} reach nobody: neither a worker nor a supervisor", count=found.unheard)
        advice = Message("Give the workers' units a supervisor with an e-mail address, or the workers an address.")
        findings.append(Finding(name, "broken", said, advice))
    if found.refused:
        said = Message("addresses that a mail server refused: {workers}", workers=some(found.refused))
        advice = Message("Correct the address where workers come from; until then their supervisors hear.")
        findings.append(Finding(name, "warning", said, advice))
    return findings or [Finding(name, "ok", Message("nothing is held, and everybody can be reached"))]


def templates(ground: Ground) -> list[Finding]:
    """Whether the organisation's own can be used."""
    name, folder = Message("Templates of e-mails"), ground.settings.mail_templates
    if folder is None:
        return [Finding(name, "ok", Message("Avain's own"))]
    try:
        check_templates(ground.settings)
    except AvainError as error:
        advice = Message(
            "Correct the file. Until then running processes use what they read before, and none can be started."
        )
        return [Finding(name, "broken", error.message, advice)]
    return [Finding(name, "ok", str(folder))]
