"""Whether orders and e-mails may leave, whether that can be told from a copy, and whether it is written down."""

import os

from sqlalchemy import text

from core.errors import Message
from services.effects.elsewhere import unknown
from services.effects.state import counted, state
from services.health.findings import Finding, Ground


def effects(ground: Ground) -> list[Finding]:
    """One line for how it stands; more where a copy could not be told, the journal cannot be written, or a person has to ask providers."""
    with ground.looking() as session:
        stands, waiting, open_questions = state(session), counted(session), unknown(session)
        nameless = session.execute(text("SELECT this_database()")).scalar_one().startswith("/")
    name = Message("What leaves Avain")
    findings = []
    if stands.name == "go":
        findings.append(Finding(name, "ok", stands.words))
    else:
        found = Message("{words} Waiting: {count}", words=stands.words, count=waiting.waiting)
        advice = Message(
            "See what waits, then release it: avain effects list, avain effects release (docs/effects.md)."
        )
        findings.append(Finding(name, "broken" if stands.name == "restored" else "warning", found, advice))
    if open_questions:
        found = Message("left before the restore, and nothing here knows of it: {count}", count=len(open_questions))
        findings.append(
            Finding(
                name,
                "warning",
                found,
                Message("Ask the providers: avain effects list. Until that is noted, nothing is ordered by itself."),
            )
        )
    if nameless:
        found = Message(
            "the database server does not tell its name, so that a copy on another server cannot be told from it"
        )
        advice = Message("Let the owner of the tables ask it: GRANT EXECUTE ON FUNCTION pg_control_system() TO …")
        findings.append(Finding(name, "warning", found, advice))
    return [*findings, *_journal(ground)]


def _journal(ground: Ground) -> list[Finding]:
    folder = ground.settings.effects_journal
    existing = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if os.access(existing, os.W_OK) and existing.is_dir():
        return []
    advice = Message("Let the workers write there, or set [effects] journal: nothing leaves until then.")
    return [Finding(Message("Journal of what left"), "broken", str(folder), advice)]
