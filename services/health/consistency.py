"""What the last consistency check found (services/consistency): looked up, not looked for; that takes longer than a page has."""

from datetime import timedelta
from typing import Any, Final

from sqlalchemy import text

from core.errors import Message
from services.consistency import Broken, latest
from services.health.findings import Finding, Ground

#: There is one every night.
_LATE: Final = timedelta(days=3)
#: So many things of a sort are named.
_NAMED: Final = 5


def last_check(ground: Ground) -> list[Finding]:
    """One line for each sort of thing that is broken; one when nothing is."""
    with ground.looking() as session:
        found = latest(session)
        present: Any = session.execute(text("SELECT clock_timestamp()")).scalar_one()
    name = Message("Consistency")
    if found is None:
        told = Message("not looked at yet; the first look is tonight, or now: avain doctor --deep")
        return [Finding(name, "ok", told)]
    findings = [Finding(name, "broken", _in_words(one), Message(one.sort.advice)) for one in found.broken]
    if present - found.finished_at > _LATE:
        late = Message("last looked at {moment}", moment=found.finished_at.isoformat())
        advice = Message(
            "See why: avain run list --failed, then have it done: avain schedule trigger check_consistency"
        )
        findings.append(Finding(name, "warning", late, advice))
    examined = sum(one["examined"] for one in found.looked)
    whole = Message(
        "looked at {moment}, {count} things: all agree", moment=found.finished_at.isoformat(), count=examined
    )
    return findings or [Finding(name, "ok", whole)]


def _in_words(one: Broken) -> Message:
    """`Budgets that …: 3 (HB-2026-000001/P-1, …)`, without what is wrong with each: that is for whoever looks."""
    names = ", ".join(thing.name for thing in one.things[:_NAMED]) + (" …" if one.count > _NAMED else "")
    return Message("{what}: {count} ({names})", what=Message(one.sort.meaning), count=one.count, names=names)
