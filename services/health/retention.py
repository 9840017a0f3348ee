"""Retention: what waits to be removed, as the last night counted it, and what would let a removed case come back."""

from typing import Final

from sqlalchemy import text

from core.errors import Message
from core.keys import record_hasher
from services.health.findings import Finding, Ground, some

_LAST: Final = text(
    "SELECT CAST(counts ->> 'due' AS bigint) AS due FROM run WHERE kind = 'retention' AND outcome IN ('succeeded', 'nothing_to_do') ORDER BY id DESC LIMIT 1"
)
_UNITS: Final = text(
    "SELECT code FROM unnest(CAST(:codes AS text[])) AS code WHERE code NOT IN (SELECT code FROM unit) ORDER BY code"
)
#: Rows out: how many cases were removed under another key than this.
_FORGOTTEN: Final = text("SELECT count(*) FROM removed_case WHERE key <> :key")


def waiting(ground: Ground) -> list[Finding]:
    """One line for each thing to be looked at; one when there is nothing."""
    configured = ground.settings.retention
    with ground.looking() as session:
        due = session.execute(_LAST).scalar() or 0
        unknown = list(session.scalars(_UNITS, {"codes": [*configured.working_age_units, *configured.kept_units]}))
        forgotten = session.execute(_FORGOTTEN, {"key": record_hasher(ground.settings).key_id}).scalar_one()
    name, findings = Message("Retention"), []
    if due and not configured.automatic:
        advice = Message(
            "See what: avain retention report. Then remove it, or let the nights do it ([retention] automatic): docs/retention.md."
        )
        findings.append(Finding(name, "warning", Message("over their time and still here: {count}", count=due), advice))
    if unknown:
        advice = Message(
            "Correct working_age_units and kept_units in [retention]: cases of units that they miss are kept as long as a family's."
        )
        told = Message("units that are not known: {codes}", codes=some(unknown))
        findings.append(Finding(name, "warning", told, advice))
    if forgotten:
        advice = Message(
            "AVAIN_HASH_KEY is another than when they were removed: a closed case that its source still brings would be taken for a new one. Bring the former key back, or have the source leave them out."
        )
        findings.append(
            Finding(
                name, "warning", Message("removed cases that are not known any more: {count}", count=forgotten), advice
            )
        )
    return findings or [Finding(name, "ok", Message("nothing waits to be removed"))]
