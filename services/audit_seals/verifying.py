"""Verifying: the chain is walked from its beginning, batch by batch, beside the anchors, until the first row that is not as it was sealed.

Nothing the database says of itself is believed: what stands in the rows is hashed here, in this process. Whatever the trail's size, one
batch is in memory. Each statement may be a transaction of its own: sealing and purging go on meanwhile.
"""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import Message, NotFound
from services.audit_seals.anchored import Anchors
from services.audit_seals.findings import Broken, Verified
from services.audit_seals.form import BEGINNING, FRAME, PAYLOAD, link, named, payload_digest
from services.audit_seals.purged import Records
from services.audit_seals.sealing import not_over, still_means

#: So many seals are read at once.
BATCH: Final = 10_000
#: The canonical payload of an event whose payload was purged.
_NOTHING: Final = '["", "", "", {}]'

_STATE = text("SELECT snapshot, cluster, anchors FROM audit_sealing")
_END = text("SELECT month, position FROM audit_seal WHERE month <= :last ORDER BY month DESC, position DESC LIMIT 1")
_BEFORE = text(
    "SELECT month, position, hash FROM audit_seal WHERE month < :first ORDER BY month DESC, position DESC LIMIT 1"
)
#: Rows out: the event of a seal that stands in no month there is.
_STRAY = text("SELECT event_id FROM audit_seal WHERE month < '0001-01-01' OR month > '9999-12-31' LIMIT 1")
#: Rows in: a place in the chain, exclusive, and the last one. Rows out: the next seals in order, each with its event, if there is one.
_SEALS = text(
    f"""
    SELECT seal.month, seal.position, seal.event_id, seal.salt, seal.payload_sha256, seal.hash, event.id, event.purged_by,
           CASE WHEN event.purged_by IS NOT NULL THEN CAST(extract(epoch FROM event.recorded_at) AS float8) END AS recorded,
           {PAYLOAD} AS payload, {FRAME} AS frame
    FROM (
        SELECT * FROM audit_seal WHERE (month, position) > (:month, :position) AND (month, position) <= (:last_month, :last_position)
        ORDER BY month, position LIMIT :batch
    ) AS seal
    LEFT JOIN LATERAL (SELECT * FROM audit_event WHERE audit_event.id = seal.event_id OFFSET 0) AS event ON true
    ORDER BY seal.month, seal.position
    """  # noqa: S608 - our own words
)
#: Rows in: months of recording, from and to, and a snapshot. Rows out: the first event that is not sealed although its transaction was over
#: when the sealer looked through everything.
_PASSED_OVER = text(
    """
    SELECT event.id FROM audit_event AS event
    WHERE NOT EXISTS (SELECT FROM audit_seal WHERE audit_seal.event_id = event.id)
      AND (CAST(:first AS date) IS NULL OR event.recorded_at >= CAST(CAST(:first AS date) AS timestamp) AT TIME ZONE 'Europe/Helsinki')
      AND (CAST(:last AS date) IS NULL
           OR event.recorded_at < (CAST(CAST(:last AS date) AS timestamp) + interval '1 month') AT TIME ZONE 'Europe/Helsinki')
      AND pg_visible_in_snapshot(CAST(CAST(event.xid AS text) AS xid8), CAST(:seen AS pg_snapshot))
    ORDER BY event.id LIMIT 1
    """
)


def verify(
    session: Session,
    file: Path,
    *,
    first: date | None = None,
    last: date | None = None,
    batch: int = BATCH,
    told: Callable[[int], None] = lambda _count: None,
) -> Verified:
    """Verify the months from `first` to `last` (firsts of the month; None: all there are), and that the anchor file is whole.

    `told` is handed how many events were verified, after each batch. Raises NotFound when a single month is asked for and nothing was
    sealed in it, OSError when the anchor file cannot be read.
    """
    found = Verified()
    state = session.execute(_STATE).one_or_none()
    if state is None:
        found.broken = Broken("state", Message("The row that says how far the audit trail was sealed is missing."))
        return found
    stray = session.execute(_STRAY).scalar()
    if stray is not None:
        found.broken = Broken("chain", Message("The seal of event {event} was changed.", event=stray), stray)
        return found
    end = session.execute(_END, {"last": last or date.max}).one_or_none()
    if first is not None and first == last and (end is None or end.month != first):
        raise NotFound("No event was sealed in {month}.", month=named(first))
    anchors = Anchors(session, file, state.anchors)
    found.broken = anchors.broken
    if found.broken is None:
        found.broken = _Walk(session, anchors, found, whole=first is last is None).along(first, end, batch, told)
    found.broken = found.broken or anchors.rest(last)
    found.anchors, found.anchored_anew = anchors.agreed, anchors.anew_at
    seen = state.snapshot if still_means(session, state.snapshot, state.cluster) else None
    if found.broken is None and seen is not None:
        found.broken = _passed_over(session, seen, first, last)
    found.waiting, found.waiting_since = not_over(session, seen)
    return found


def _passed_over(session: Session, seen: str, first: date | None, last: date | None) -> Broken | None:
    event = session.execute(_PASSED_OVER, {"seen": seen, "first": first, "last": last}).scalar_one_or_none()
    if event is None:
        return None
    message = Message(
        "Event {event} has no seal, though everything of its time was sealed: it was inserted later, or its seal was removed.",
        event=event,
    )
    return Broken("inserted", message, event)


class _Walk:
    """A walk along the chain, with the hash of the seal it comes from."""

    def __init__(self, session: Session, anchors: Anchors, found: Verified, *, whole: bool) -> None:
        self._session, self._anchors, self._found, self._whole = session, anchors, found, whole
        self._records = Records(session)
        self._month, self._position, self._previous = date.min, 0, BEGINNING

    def along(self, first: date | None, end: Any, batch: int, told: Callable[[int], None]) -> Broken | None:
        """From the month `first` to the seal `end`; the first thing that is broken."""
        before = self._session.execute(_BEFORE, {"first": first}).one_or_none() if first is not None else None
        if before is not None:
            self._month, self._position, self._previous = before
        more, found, anchors = end is not None, self._found, self._anchors
        while more:
            given = {"month": self._month, "position": self._position, "batch": batch}
            rows = self._session.execute(
                _SEALS, {**given, "last_month": end.month, "last_position": end.position}
            ).all()
            for row in rows:
                if not self._holds(row):
                    broken = self._follows(row) or self._stands(row)
                    if broken is not None:
                        return broken
                self._month, self._position, self._previous = row[0], row[1], row[5]
                found.events += 1
                found.not_anchored += 1
                if anchors.due(self._month, self._position):
                    agreed = anchors.agreed
                    broken = anchors.meet(row.month, row.position, row.hash, row.event_id)
                    if broken is not None:
                        found.events -= 1
                        return broken
                    if anchors.agreed > agreed:
                        found.not_anchored = 0
            more = len(rows) == batch
            told(found.events)
        return self._records.all_told() if self._whole else None

    def _holds(self, row: Any) -> bool:
        """Whether all is well, as it nearly always is: asked of every row, so nothing more is done than must be."""
        month, position, _event, salt, digest, stored, id_, purged_by, _recorded, payload, frame = row
        return (
            position == self._position + 1
            and month == self._month
            and id_ is not None
            and purged_by is None
            and salt is not None
            and payload_digest(salt, payload) == digest
            and link(self._previous, digest, month, position, frame) == stored
        )

    def _follows(self, row: Any) -> Broken | None:
        """Whether the seal's place is the next one, and its event there."""
        month, wanted = row.month, self._position + 1 if row.month == self._month else 1
        if row.month != self._month and self._anchors.lacks(self._month, self._position) is not None:
            month, wanted = self._month, self._position + 1
        if (row.month, row.position) != (month, wanted):
            gone = Message("Seal {position} of {month} is missing.", position=wanted, month=named(month))
            return Broken("missing", gone, None, month, wanted)
        if row.id is None:
            gone = Message("Event {event} was sealed and is not in the trail any more.", event=row.event_id)
            return Broken("missing", gone, row.event_id, row.month, row.position)
        return None

    def _stands(self, row: Any) -> Broken | None:
        """Whether the event is as it was sealed, at this place of the chain."""
        if row.purged_by is not None:
            self._found.purged += 1
            if row.salt is not None or row.payload != _NOTHING:
                return _changed(row, Message("Event {event} was changed after it was purged.", event=row.event_id))
            if not self._records.covers(row.purged_by, row.recorded):
                told = Message("What event {event} says was purged, but nobody recorded it.", event=row.event_id)
                return Broken("purge", told, row.event_id, row.month, row.position)
            digest = row.payload_sha256
        elif row.salt is None:
            return _changed(row, Message("Event {event} lost its salt, though it was not purged.", event=row.event_id))
        else:
            digest = payload_digest(row.salt, row.payload)
        if digest == row.payload_sha256 and self._linked(row, digest) == row.hash:
            return None
        return self._why(row, digest)

    def _linked(self, row: Any, digest: bytes) -> bytes:
        return link(self._previous, digest, row.month, row.position, row.frame)

    def _why(self, row: Any, digest: bytes) -> Broken:
        """What does not hold is the event or its seal: whichever the rest of the chain, or the anchor, does not vouch for."""
        seal = Message("The seal of event {event} was changed.", event=row.event_id)
        if digest != row.payload_sha256:
            if self._linked(row, digest) == row.hash:
                return Broken("chain", seal, row.event_id, row.month, row.position)
            return _changed(
                row, Message("Event {event} was changed: who, to what, why or its details.", event=row.event_id)
            )
        place = {"month": row.month, "position": row.position, "last_month": date.max, "last_position": 0}
        rest = [one for one in self._session.execute(_SEALS, {**place, "batch": BATCH}) if one.id is not None]
        for other in rest:
            if link(self._previous, other.payload_sha256, row.month, row.position, other.frame) == other.hash:
                swapped = Message(
                    "Event {event} stands where event {other} was sealed.", event=row.event_id, other=other.event_id
                )
                return Broken("order", swapped, row.event_id, row.month, row.position)
        vouched = self._vouched(row, rest[0] if rest else None)
        if vouched is None:
            broken = Message(
                "The chain is broken at event {event}: its seal does not follow from the one before.",
                event=row.event_id,
            )
            return Broken("chain", broken, row.event_id, row.month, row.position)
        if vouched == row.hash:
            return _changed(row, Message("Event {event} was changed: when or what was done.", event=row.event_id))
        return Broken("chain", seal, row.event_id, row.month, row.position)

    def _vouched(self, row: Any, after: Any) -> bytes | None:
        """The hash that was anchored, or that the next seal cites: the stored one, the calculated one, or neither."""
        anchored = self._anchors.says(row.month, row.position)
        for possible in (row.hash, self._linked(row, row.payload_sha256)):
            if anchored == possible:
                return possible
            if (
                after is not None
                and link(possible, after.payload_sha256, after.month, after.position, after.frame) == after.hash
            ):
                return possible
        return None


def _changed(row: Any, message: Message) -> Broken:
    return Broken("changed", message, row.event_id, row.month, row.position)
