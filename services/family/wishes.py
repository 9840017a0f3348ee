"""What families wish: ticks of a fixed list, and words of their own, which are sealed until they stand in the client information system.

The words are read by the responsible worker and whoever stands in, as the free words about a follow-up are. They go when the worker ticks
that they are written down, or after `family.wish_days`: Avain is no place for what a family tells. They are not shown on the family's page
again either: several people of a family may look at it, and a child may have written them.
"""

import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.errors import ConfigurationError, InputError, Message, NotFound
from core.i18n import N_, _
from core.identity import Sealer, SealError, wish_row
from models.base import table_of
from models.family import FAMILY_VOICES, FamilyWish
from services import audit
from services.family.free_words import wished
from services.family.sessions import FamilyCase
from services.family.telling import tell_worker

#: What can be ticked.
TICKS: Final = {
    "time": N_("Another time of day or week"),
    "place": N_("Another place to meet"),
    "more_often": N_("Meetings more often"),
    "less_often": N_("Meetings less often"),
    "person": N_("Another person to work with us"),
    "language": N_("Another language"),
    "child_heard": N_("The child should be heard more"),
    "whole_family": N_("The whole family should take part"),
    "other_service": N_("Another kind of help"),
    "talk": N_("We want to talk with our worker"),
}
#: So many of a case may wait for its worker.
MOST_WAITING: Final = 20
_PLACE: Final = re.compile(r"[0-9a-f]{32}")

#: Rows in: a case, held so that two browsers count one after the other. Rows out: how many of its wishes wait, and the oldest unseen one.
_HOLD: Final = text("SELECT FROM client_case WHERE id = :case FOR NO KEY UPDATE")
_WAITING: Final = text(
    """
    SELECT count(*) AS waiting, min(id) FILTER (WHERE seen_at IS NULL) AS unseen
    FROM family_wish WHERE case_id = :case AND noted_at IS NULL
    """
)

#: Rows in: a case. Rows out: its wishes, those that wait first, then the newest; no more than anybody reads.
_OF_CASE: Final = text(
    """
    SELECT id, voice, ticks, place, sealed_words, written_at, seen_at, seen_by, noted_at, noted_by FROM family_wish
    WHERE case_id = :case ORDER BY noted_at IS NULL DESC, id DESC LIMIT 50
    """
)

_CASE: Final = text("SELECT id FROM client_case WHERE number = :number")
#: Rows in: a wish, perhaps of one case alone. Rows out: it, held.
_ONE: Final = text(
    """
    SELECT family_wish.id, client_case.number, seen_at, noted_at, sealed_words IS NOT NULL AS has_words
    FROM family_wish JOIN client_case ON client_case.id = family_wish.case_id
    WHERE family_wish.id = :id AND (CAST(:case AS bigint) IS NULL OR family_wish.case_id = :case)
    FOR UPDATE OF family_wish
    """
)
_SEEN: Final = text("UPDATE family_wish SET seen_at = :now, seen_by = :actor WHERE id = :id")
_NOTED: Final = text(
    """
    UPDATE family_wish SET noted_at = :now, noted_by = :actor, sealed_words = NULL,
           seen_at = coalesce(seen_at, :now), seen_by = coalesce(seen_by, :actor)
    WHERE id = :id
    """
)

#: Rows in: a moment. Rows changed: wishes written before it lose their words. Rows out: their cases, and how many of nobody's seeing.
_REMOVE: Final = text(
    """
    WITH old AS (
        SELECT id FROM family_wish WHERE sealed_words IS NOT NULL AND written_at < :before FOR UPDATE SKIP LOCKED
    ), gone AS (
        UPDATE family_wish SET sealed_words = NULL FROM old WHERE family_wish.id = old.id
        RETURNING case_id, seen_at
    )
    SELECT client_case.number, count(*) AS wishes, count(*) FILTER (WHERE gone.seen_at IS NULL) AS unseen
    FROM gone JOIN client_case ON client_case.id = gone.case_id GROUP BY client_case.number ORDER BY client_case.number
    """
)


@dataclass(frozen=True)
class Wish:
    """A wish as its worker sees it. `words`: '' for none, or none any more; `has_words`: there are some, which not every reader may read.

    `problem`: why they cannot be opened.
    """

    id: int
    voice: str
    ticks: tuple[str, ...]
    has_words: bool
    words: str
    problem: str
    written_at: datetime
    seen_at: datetime | None
    seen_by: str | None
    noted_at: datetime | None
    noted_by: str | None

    @property
    def state(self) -> str:
        """sent, seen or noted."""
        return "noted" if self.noted_at else "seen" if self.seen_at else "sent"


def tick_label(tick: str) -> str:
    """A tick in the reader's language."""
    return _(TICKS.get(tick, tick))


def new_place() -> str:
    """A name for the wish that a form will send: sent twice, it is one wish."""
    return secrets.token_hex(16)


def write(
    session: Session,
    case: FamilyCase,
    *,
    place: str,
    ticks: Collection[str],
    words: str,
    voice: str,
    actor: str,
    sealer: Sealer,
    now: datetime,
) -> bool:
    """Keep a wish and tell the worker, who is told again only when everything before it was seen. False: this form was sent before.

    `place` is `new_place` of the form. Raises InputError for an empty wish, for words that do not belong here, and when too many wait.
    """
    said = wished(words)
    wanted = [tick for tick in TICKS if tick in ticks]
    if voice not in FAMILY_VOICES:
        raise InputError("Say who answers.")
    if not wanted and not said:
        raise InputError("Tick something, or write what you wish.")
    if not _PLACE.fullmatch(place):
        raise InputError("The form was not complete. Open the page again.")
    session.execute(_HOLD, {"case": case.case_id})
    before = session.execute(_WAITING, {"case": case.case_id}).one()
    if before.waiting >= MOST_WAITING:
        raise InputError("Many wishes of yours wait for your worker already. Talk with your worker.")
    values = {
        "case_id": case.case_id,
        "voice": voice,
        "ticks": wanted,
        "place": place,
        "sealed_words": sealer.seal(
            {"words": said}, table="family_wish", row=wish_row(case.case_id, place), column="sealed_words"
        )
        if said
        else None,
        "written_by": actor,
        "written_at": now,
    }
    table = table_of(FamilyWish)
    new = session.execute(insert(table).values(values).on_conflict_do_nothing().returning(table.c.id)).scalar()
    if new is None:
        return False
    audit.record(
        session,
        actor,
        "family.wished",
        f"case:{case.number}",
        now=now,
        wish=new,
        voice=voice,
        ticks=wanted,
        words=bool(said),
    )
    message = Message("A family has sent a wish. It stands on the page of the case.")
    tell_worker(session, case.case_id, "family_wish", f"wishes from {before.unseen or new} on", message)
    return True


def wishes_called(session: Session, number: str) -> list[Wish]:
    """The wishes of a case by its number, without their words. Raises NotFound."""
    case_id = session.execute(_CASE, {"number": number}).scalar()
    if case_id is None:
        raise NotFound("There is no case {case}.", case=number)
    return wishes_of(session, case_id, None)


def wishes_of(session: Session, case_id: int, sealer: Sealer | None) -> list[Wish]:
    """The wishes of a case, those that wait first; with a `sealer` their words are opened."""
    found = []
    for row in session.execute(_OF_CASE, {"case": case_id}):
        words, problem = _opened(row.sealed_words, wish_row(case_id, row.place), sealer)
        found.append(
            Wish(
                row.id,
                row.voice,
                tuple(row.ticks),
                row.sealed_words is not None,
                words,
                problem,
                row.written_at,
                row.seen_at,
                row.seen_by,
                row.noted_at,
                row.noted_by,
            )
        )
    return found


def _opened(blob: bytes | None, row: str, sealer: Sealer | None) -> tuple[str, str]:
    if blob is None or sealer is None:
        return "", ""
    try:
        opened = sealer.unseal(bytes(blob), table="family_wish", row=row, column="sealed_words")
    except (SealError, ConfigurationError):
        return "", _(
            "What was written cannot be opened here: the key is missing, or what was sealed has been changed. Tell those who look after Avain."
        )
    return str(opened["words"]), ""


def mark_seen(
    session: Session, wish_id: int, *, case_id: int | None = None, actor: str, now: datetime, may_read: bool = True
) -> None:
    """The worker has read it; the family sees that. A second time changes nothing.

    `may_read`: whether the actor may read words; who may not has not read them. Raises NotFound, InputError.
    """
    row = _held(session, wish_id, case_id)
    if row.has_words and not may_read:
        raise InputError("There are words as well. The responsible worker and whoever stands in can read them.")
    if row.seen_at is None:
        session.execute(_SEEN, {"id": wish_id, "now": now, "actor": actor})
        audit.record(session, actor, "family.wish_seen", f"case:{row.number}", now=now, wish=wish_id)


def note_down(
    session: Session,
    wish_id: int,
    *,
    case_id: int | None = None,
    actor: str,
    now: datetime,
    may_read: bool = True,
) -> None:
    """It stands in the client information system: its words are removed from here. A second time changes nothing.

    `may_read`: whether the actor may read words; who may not cannot have written them down. Raises NotFound, InputError.
    """
    row = _held(session, wish_id, case_id)
    if row.noted_at is not None:
        return
    if row.has_words and not may_read:
        raise InputError("Whoever may read the words writes them down: the responsible worker, or who stands in.")
    session.execute(_NOTED, {"id": wish_id, "now": now, "actor": actor})
    audit.record(session, actor, "family.wish_noted", f"case:{row.number}", now=now, wish=wish_id)


def _held(session: Session, wish_id: int, case_id: int | None) -> Row[Any]:
    row = session.execute(_ONE, {"id": wish_id, "case": case_id}).one_or_none()
    if row is None:
        raise NotFound("There is no such wish.")
    return row


def remove_old_words(session: Session, *, days: int, now: datetime) -> int:
    """Remove the words of wishes written more than `days` days ago, whether anybody read them or not. Returns of how many wishes."""
    gone = session.execute(_REMOVE, {"before": now - timedelta(days=days)}).all()
    audit.record_many(
        session,
        [
            audit.Event(
                "avain",
                "family.words_removed",
                f"case:{row.number}",
                details={"wishes": row.wishes, "unseen": row.unseen},
            )
            for row in gone
        ],
        now=now,
    )
    return sum(row.wishes for row in gone)
