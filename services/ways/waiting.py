"""The Work that waits for a way out: put off as a set when the way closes, due as a set when it opens.

Without this each of five hundred orders would be claimed, refused and put off by itself at every try, and each leave a Run. What is put off
so leaves none: that it waits, and since when, stands in `put_off`.
"""

from datetime import date, datetime
from typing import Final

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from services.ways.names import MAIL, OUTBOX, connection_in
from services.work.lease import Ended, when_given_up

#: What leaves by ways, and the queues it waits in.
KINDS: Final = ("deliver_order", "tell_cancelled", "send_digest", "send_letter")
_QUEUES: Final = ("orders", "reminders")

#: Daily e-mails of days that have passed are not meant: those never go out, and what they tell is to be told anew.
_BY_MAIL: Final = """(
    kind IN ('tell_cancelled', 'send_letter')
    OR kind = 'send_digest' AND NOT EXISTS (
        SELECT FROM digest WHERE digest.id = work.subject_id AND digest.state = 'composed' AND digest.local_date < :today)
    OR kind = 'deliver_order' AND EXISTS (
        SELECT FROM purchase_order WHERE purchase_order.id = work.subject_id AND purchase_order.channel = 'email'))
    AND CAST(:connection AS text) IS NULL"""
_BY_FILE: Final = """
    kind = 'deliver_order' AND EXISTS (
        SELECT FROM purchase_order WHERE purchase_order.id = work.subject_id AND purchase_order.channel = 'file')
    AND CAST(:connection AS text) IS NULL AND CAST(:today AS date) IS NOT NULL"""
_BY_CONNECTION: Final = """
    kind = 'deliver_order' AND EXISTS (
        SELECT FROM purchase_order JOIN provider ON provider.id = purchase_order.provider_id
        WHERE purchase_order.id = work.subject_id AND purchase_order.channel IN ('sftp', 'https')
          AND provider.channel_settings ->> 'connection' = :connection)
    AND CAST(:today AS date) IS NOT NULL"""


def _putting_off(going: str) -> TextClause:
    """Rows in: a way, when one may try and when all others may, whatever comes of that. Rows changed: all Work that goes this way and is in
    nobody's hands: the one that tried least is due first, for itself. Rows out: how many.
    """
    return text(
        f"""
        WITH waiting AS (
            SELECT id, next_at FROM work
            WHERE queue = ANY(:queues) AND kind = ANY(:kinds) AND done_at IS NULL AND dead_at IS NULL AND token IS NULL
              AND next_at < :others AND ({going})
            FOR UPDATE SKIP LOCKED
        ), placed AS (
            SELECT waiting.id, row_number() OVER (ORDER BY coalesce(put_off.tries, 0), waiting.next_at, waiting.id) AS place
            FROM waiting LEFT JOIN put_off ON put_off.work_id = waiting.id
        ), moved AS (
            UPDATE work SET next_at = CASE WHEN place = 1 THEN CAST(:until AS timestamptz) ELSE :others END, enqueued_at = NULL
            FROM placed WHERE work.id = placed.id RETURNING work.id
        ), kept AS (
            INSERT INTO put_off (work_id, way) SELECT id, :way FROM moved ORDER BY id
            ON CONFLICT (work_id) DO UPDATE SET way = excluded.way, since = clock_timestamp(), tries = 0 WHERE put_off.way <> excluded.way
        )
        SELECT count(*) FROM moved
        """  # noqa: S608 - our own words
    )


_PUT_OFF: Final = {MAIL: _putting_off(_BY_MAIL), OUTBOX: _putting_off(_BY_FILE)}
_PUT_OFF_CONNECTION: Final = _putting_off(_BY_CONNECTION)

#: Rows in: a Work, the way it waits for, and whether it has just tried in vain. Rows changed: that it waits, and since when.
_WAIT = text(
    """
    INSERT INTO put_off (work_id, way, tries) VALUES (:work_id, :way, :tries)
    ON CONFLICT (work_id) DO UPDATE SET
        way = excluded.way,
        since = CASE put_off.way WHEN excluded.way THEN put_off.since ELSE clock_timestamp() END,
        tries = CASE put_off.way WHEN excluded.way THEN put_off.tries ELSE 0 END + excluded.tries
    """
)

#: Rows in: a way. Rows changed: what waited for it is due now, but for what somebody has just taken in hand.
_LET_GO = text(
    """
    WITH freed AS (
        DELETE FROM put_off WHERE way = :way RETURNING work_id
    ), waiting AS (
        SELECT work.id FROM work JOIN freed ON freed.work_id = work.id
        WHERE token IS NULL AND done_at IS NULL AND dead_at IS NULL AND next_at > clock_timestamp() FOR UPDATE OF work SKIP LOCKED
    )
    UPDATE work SET next_at = clock_timestamp() FROM waiting WHERE work.id = waiting.id
    """
)


def put_off(session: Session, way: str, *, until: datetime, others: datetime, today: date) -> int:
    """Put off all that goes a way, in one statement: one is due at `until`, the rest at `others`. How many. `today`: the business day."""
    name = connection_in(way)
    statement = _PUT_OFF_CONNECTION if name is not None else _PUT_OFF[way]
    values = {
        "way": way,
        "connection": name,
        "until": until,
        "others": others,
        "today": today,
        "kinds": list(KINDS),
        "queues": list(_QUEUES),
    }
    return int(session.execute(statement, values).scalar_one())


def wait_for(session: Session, way: str, work_id: int, *, tried: bool = False) -> None:
    """Note that a Work waits for a way; `tried`: it was the one that tried whether it works again."""
    session.execute(_WAIT, {"way": way, "work_id": work_id, "tries": int(tried)})


def begin_anew(session: Session, way: str) -> None:
    """What waits for a way has waited from now on: nobody has tried for long, and that was not the other side's fault."""
    session.execute(text("UPDATE put_off SET since = clock_timestamp() WHERE way = :way"), {"way": way})


def let_go(session: Session, way: str) -> int:
    """Have all that waits for a way go now; how many."""
    return int(session.execute(_LET_GO, {"way": way}).rowcount)  # type: ignore[attr-defined]


@when_given_up("deliver_order")
@when_given_up("tell_cancelled")
@when_given_up("send_digest")
@when_given_up("send_letter")
def forget(session: Session, ended: Ended) -> None:
    """It waits no more; should a person have it tried again, it may wait as long as any other."""
    session.execute(text("DELETE FROM put_off WHERE work_id = :id"), {"id": ended.work_id})
