"""Trying given-up work again, or letting it rest: a group or all of it in one statement, exactly as it was shown.

What failed after that was shown is not swept along; where something of it is gone, nothing is done at all and the page is shown anew. What
is tried again becomes due one after the other, so that thousands do not fall upon one server together.
"""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import InputError
from services import audit
from services.dead_work.groups import POISON, Chosen, Shown

#: Seconds between two works of a set that is tried again: five a second.
APART_SECONDS: Final = 0.2

_CHOSEN: Final = """
    WITH chosen AS (
        SELECT id FROM work
        WHERE dead_at IS NOT NULL AND acknowledged IS NULL AND dead_at <= :last
          AND (CAST(:kinds AS text[]) IS NULL OR kind = ANY(CAST(:kinds AS text[])))
          AND (CAST(:reason AS text) IS NULL OR dead_reason = :reason)
          AND kind <> ALL(CAST(:but AS text[]))
        ORDER BY id FOR UPDATE
    ), whole AS (
        SELECT count(*) AS count, bit_xor(id) AS mark FROM chosen
    ), placed AS (
        SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM chosen
        WHERE (SELECT count = :count AND mark = :mark FROM whole)  -- asked once, whatever the planner thinks of how many there are
    )"""

#: Rows in: what was shown. Rows changed: all of it is due again with all its attempts, one after the other; none where it is not as shown.
_RETRY = text(
    f"""{_CHOSEN}
    UPDATE work SET dead_at = NULL, attempts = 0, enqueued_at = NULL, acknowledged = NULL,
                    next_at = clock_timestamp() + make_interval(secs => :apart * place)
    FROM placed WHERE work.id = placed.id
    """  # noqa: S608 - our own words
)

#: Rows in: what was shown. Rows changed: all of it rests, with the reason why; none where it is not as shown.
_DISCARD = text(
    f"{_CHOSEN} UPDATE work SET acknowledged = :note FROM placed WHERE work.id = placed.id"  # noqa: S608 - our own words
)


def retry(session: Session, chosen: Chosen, shown: Shown, *, actor: str, now: datetime) -> int:
    """Have all that was shown tried again; how many works. Raises InputError where it is not as it was shown."""
    count = _act(session, _RETRY, chosen, shown, but=[POISON], apart=APART_SECONDS)
    audit.record(session, actor, "dead_work.retried", f"dead_work:{chosen.name}", now=now, count=count)
    return count


def discard(session: Session, chosen: Chosen, shown: Shown, note: str, *, actor: str, now: datetime) -> int:
    """Let all that was shown rest, with the reason; how many works. Raises InputError without one, or where it is not as it was shown."""
    if not note.strip():
        raise InputError("Given-up work is let rest only with a reason. Write why.")
    count = _act(session, _DISCARD, chosen, shown, but=[], note=note.strip())
    audit.record(
        session,
        actor,
        "dead_work.discarded",
        f"dead_work:{chosen.name}",
        now=now,
        reason=note.strip(),
        count=count,
    )
    return count


def minutes_of(count: int) -> int:
    """Over how many minutes, rounded up, so many works become due when they are tried again together."""
    return -int(-count * APART_SECONDS // 60)


def _act(session: Session, statement: Any, chosen: Chosen, shown: Shown, *, but: list[str], **values: Any) -> int:
    about = {
        "kinds": None if chosen.kinds is None else sorted(chosen.kinds),
        "reason": chosen.reason,
        "but": but,
        "last": shown.last,
        "count": shown.count,
        "mark": shown.mark,
    }
    done = int(session.execute(statement, {**about, **values}).rowcount)  # type: ignore[attr-defined]
    if not done:
        raise InputError("It is not as it was shown any more. Nothing was done: look again and decide anew.")
    return done
