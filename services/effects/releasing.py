"""Letting effects leave again: all of them, or one by one; in a restored database only after what had left was taken in.

Two people cannot both do it: whoever comes second finds it done.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import InputError, Message
from core.i18n import N_
from services import audit
from services.effects.elsewhere import Unknown, all_left, looked_into, unknown
from services.effects.pending import Pending, pending
from services.effects.settling import BY_JOURNAL, BY_PERSON, Left, doubt, settle
from services.effects.state import State, state
from services.effects.taking_in import NO_JOURNAL, Told, silent_hosts, take_in
from services.numbers import Gap

_LOCK: Final = text("SELECT FROM effects FOR UPDATE")
_GO: Final = text(
    """
    UPDATE effects SET paused_at = NULL, paused_by = NULL, paused_why = '', released_at = clock_timestamp(), released_by = :actor
    """
)
_EMPTY: Final = text("DELETE FROM let_go")
_LET: Final = text(
    "INSERT INTO let_go (work_id, let_by) SELECT id, :actor FROM unnest(CAST(:ids AS bigint[])) AS id ON CONFLICT DO NOTHING"
)

_SILENT: Final = N_(
    "The journal says nothing of these machines, from which something left lately: {hosts}. Bring their files (--journal), or say that there are none (--without-journal)."
)
_SHORT: Final = N_(
    "The journal of these machines ends before the last thing that left from them, as this database knows: {hosts}. Bring their newest files (--journal), or say that there are none (--without-journal)."
)


@dataclass(frozen=True)
class Before:
    """What whoever releases a restored database knows of what had left: what journals tell, numbers known to be given out (`past`).

    `incomplete`: there are no journals, or not all; who says so answers for what is sent twice.
    """

    said: Told = field(default_factory=Told)
    past: Sequence[str] = ()
    incomplete: bool = False


@dataclass(frozen=True)
class Released:
    """What came of it: what was recorded as sent, what goes now (all that waits, or what was named), numbers passed over, and what a person
    must look into because only providers know of it.
    """

    was: State
    recorded: list[str]
    going: list[Pending]
    gaps: list[Gap]
    unknown: list[Unknown]


def release(session: Session, keys: Collection[str] = (), *, before: Before, actor: str, now: datetime) -> Released:
    """Let everything that waits leave, or only what these keys name. Raises InputError where nothing is held, a key names nothing that waits,
    or it is not known what left of a restored database.
    """
    session.execute(_LOCK)
    was = state(session)
    if was.name == "go":
        raise InputError("Nothing is held: orders and e-mails leave as usual.")
    gaps: list[Gap] = []
    recorded: list[str] = []
    if was.name == "restored":
        gaps = _taken_in(session, before, actor=actor, now=now)
        recorded = settle(session, all_left(session, sure=True), why=Message(BY_JOURNAL), actor=actor, now=now)
        doubt(session, all_left(session, sure=False))
    going = [one for one in pending(session, gone={}, keys=keys or None) if not one.dead]
    missing = sorted(set(keys) - {one.key for one in going} - set(recorded))
    if missing:
        raise InputError("Nothing of this name waits to leave: {names}", names=", ".join(missing))
    if keys:
        session.execute(_LET, {"ids": [one.work_id for one in going], "actor": actor})
        audit.record(session, actor, "effects.let_go", "effects:all", now=now, keys=sorted(one.key for one in going))
    else:
        session.execute(_EMPTY)
        session.execute(_GO, {"actor": actor})
        audit.record(
            session, actor, "effects.released", "effects:all", now=now,
            was=was.name, waiting=len(going), recorded=len(recorded), incomplete=before.incomplete,
        )  # fmt: skip
    session.info.setdefault("called", []).extend(one.work_id for one in going)
    return Released(was, recorded, going, gaps, unknown(session))


def _taken_in(session: Session, before: Before, *, actor: str, now: datetime) -> list[Gap]:
    if not before.incomplete:
        if not before.said.lines:
            raise InputError(NO_JOURNAL)
        none, short = silent_hosts(session, before.said)
        if none:
            raise InputError(_SILENT, hosts=", ".join(none))
        if short:
            raise InputError(_SHORT, hosts=", ".join(short))
    return take_in(session, before.said, past=before.past, complete=not before.incomplete, actor=actor, now=now)


def record_sent(session: Session, keys: Collection[str], *, actor: str, now: datetime) -> tuple[list[str], list[str]]:
    """A person knows that these left, however they stand here: they are recorded as sent and not sent again. What was recorded, and which of
    them nothing here knew of. Raises InputError where a key names nothing that waits or is asked about, or something is under way.
    """
    waiting = {one.key: one for one in pending(session, gone={}, keys=keys)}
    busy = sorted(one.key for one in waiting.values() if one.under_way)
    if busy:
        raise InputError("It is being sent just now: {names}", names=", ".join(busy))
    noted = looked_into(session, list(keys), actor=actor)
    missing = sorted(set(keys) - set(waiting) - set(noted))
    if missing:
        raise InputError("Nothing of this name waits to leave: {names}", names=", ".join(missing))
    at = datetime.now(UTC)
    left = [Left(one.key, one.kind, at) for one in waiting.values()]
    recorded = settle(session, left, why=Message(BY_PERSON, actor=actor), actor=actor, now=now)
    audit.record(session, actor, "effects.recorded", "effects:all", now=now, keys=sorted(keys))
    return recorded, noted
