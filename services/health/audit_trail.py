"""The audit trail: whether it is sealed as it grows, and what its last verification found."""

from datetime import timedelta
from typing import Final

from core.errors import Message
from services.audit_seals.state import state
from services.health.findings import Finding, Ground

#: Seconds. Sealing is called for every five minutes.
_LATE: Final = 3600
#: The newest month is verified every night.
_UNVERIFIED: Final = timedelta(days=3)
_KEEP: Final = Message(
    "Keep the database and the anchor file as they are, and look: avain audit verify (docs/audit.md)."
)


def sealing(ground: Ground) -> list[Finding]:
    """One line for each thing that is wrong; one when nothing is."""
    with ground.looking() as session:
        found = state(session)
    name = Message("Audit trail")
    if found is None:
        gone = Message("The row that says how far the audit trail was sealed is missing.")
        return [Finding(name, "broken", gone, _KEEP)]
    findings = []
    if found.broken is not None:
        findings.append(Finding(name, "broken", found.broken, _KEEP))
    if found.oldest_seconds > _LATE:
        late = Message(
            "events that are not sealed: {count}, the oldest for {hours} h",
            count=found.waiting, hours=round(found.oldest_seconds / 3600),
        )  # fmt: skip
        advice = Message("See why: avain run list --failed, then have it done: avain schedule trigger seal_audit")
        findings.append(Finding(name, "warning", late, advice))
    if (
        found.sealed_at is not None
        and found.verified_at is not None
        and found.sealed_at - found.verified_at > _UNVERIFIED
    ):
        advice = Message("See why: avain run list --failed, then have it done: avain schedule trigger verify_audit")
        findings.append(Finding(name, "warning", Message("its seals were not verified for days"), advice))
    return findings or [
        Finding(name, "ok", Message("sealed and anchored; still to be sealed: {count}", count=found.waiting))
    ]
