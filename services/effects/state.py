"""Whether effects may leave from here, and who or what says that they may not.

`go`; `paused`: a person said so; `restored`: the row that names the one database they may leave from names another, or none: this one is a copy of
that, was set back to an earlier point, or taken over by another server. Nobody has to notice a restore for that: a copy does not match.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session
from sqlalchemy.sql import bindparam

from core.errors import InputError, Message
from core.i18n import N_
from services import audit
from services.work.kinds import EFFECTS, kind_of

Name = Literal["go", "paused", "restored"]

#: Rows out: one, or none where somebody has removed it, which counts as restored.
_STATE: Final = text(
    """
    SELECT effects_state() AS state, instance, home IS NULL AS away, away_since, away_why, paused_at, paused_by, paused_why,
           released_at, released_by
    FROM effects
    """
)
#: Rows in: kinds. Rows out: one: how much of it waits, and how much is under way.
_COUNTS: Final = text(
    """
    SELECT count(*) FILTER (WHERE token IS NULL) AS waiting, count(*) FILTER (WHERE token IS NOT NULL) AS under_way
    FROM work WHERE kind = ANY(:kinds) AND done_at IS NULL AND dead_at IS NULL
    """
)
_PAUSE: Final = text(
    """
    UPDATE effects SET paused_at = clock_timestamp(), paused_by = :actor, paused_why = :why WHERE paused_at IS NULL RETURNING 1
    """
)
_DISOWN: Final = text(
    """
    INSERT INTO effects (id, instance, away_since, away_why)
    VALUES (1, replace(gen_random_uuid()::text, '-', ''), clock_timestamp(), :why)
    ON CONFLICT (id) DO UPDATE SET home = NULL, away_since = excluded.away_since, away_why = excluded.away_why WHERE effects.home IS NOT NULL
    RETURNING 1
    """
).bindparams(bindparam("why", type_=JSONB))

_WORDS: Final[dict[Name, str]] = {
    "go": N_("Orders and e-mails leave as usual."),
    "paused": N_(
        "Nothing leaves Avain: orders, e-mails and the moving of files wait. Paused by {actor} on {moment}: {why}"
    ),
    "restored": N_(
        "Nothing leaves Avain: orders, e-mails and the moving of files wait until a person says that this is the installation itself. Why: {why}"
    ),
}
_COPY: Final = N_("The database was restored from a copy, set back to an earlier point, or moved to another server.")


@dataclass(frozen=True)
class State:
    """How effects stand. `since`, `by`, `why`: of the pause, or of what made this a restored database. Times are the machine's."""

    name: Name
    instance: str
    since: datetime | None = None
    by: str | None = None
    why: Message | str = ""
    released_at: datetime | None = None
    released_by: str | None = None

    @property
    def words(self) -> Message:
        """What a person is told."""
        if self.name == "paused":
            moment = "" if self.since is None else self.since.isoformat()
            return Message(_WORDS[self.name], actor=self.by, moment=moment, why=self.why)
        return Message(_WORDS[self.name], why=self.why) if self.name == "restored" else Message(_WORDS[self.name])


@dataclass(frozen=True)
class Waiting:
    """Pieces of Work that have an effect: how many are not begun, and how many are in somebody's hands."""

    waiting: int
    under_way: int


def state(session: Session) -> State:
    """How effects stand."""
    row = session.execute(_STATE).one_or_none()
    if row is None:
        return State("restored", "", why=Message("The row that says where effects may leave from is missing."))
    if row.state == "go":
        return State("go", row.instance, released_at=row.released_at, released_by=row.released_by)
    if row.state == "paused":
        return State("paused", row.instance, row.paused_at, row.paused_by, row.paused_why)
    why = Message.from_json(row.away_why) if row.away_why else Message(_COPY)
    return State("restored", row.instance, row.away_since, None, why)


def counted(session: Session) -> Waiting:
    """How much waits to have its effect."""
    row = session.execute(_COUNTS, {"kinds": list(EFFECTS)}).one()
    return Waiting(row.waiting, row.under_way)


def must_be_allowed(session: Session, kind: str) -> None:
    """For who does Work of a kind in their own process: raise InputError, which says why, when it may not be begun."""
    of = kind_of(kind)
    if not (of.effect or of.numbers):
        return
    found = state(session)
    if found.name == "restored" or (found.name == "paused" and of.effect):
        raise InputError(N_("{reason} See: {command}"), reason=found.words, command="avain effects status")


def pause(session: Session, *, actor: str, why: str, now: datetime) -> None:
    """Let nothing begin that is seen outside; what is under way ends. Raises InputError without a reason, or when it is paused already.

    The reason is shown between sentences, so it is kept as one: with a full stop, if it ends with no mark.
    """
    if not why.strip():
        raise InputError("Say why nothing is to leave Avain.")
    shown = why.strip() if why.strip().endswith((".", "!", "?", "…")) else f"{why.strip()}."
    if session.execute(_PAUSE, {"actor": actor, "why": shown}).one_or_none() is None:
        raise InputError(N_("It is paused already. {reason}"), reason=state(session).words)
    audit.record(session, actor, "effects.paused", "effects:all", now=now, reason=why.strip())


def disown(session: Session, why: Message, *, now: datetime) -> bool:
    """Take this database for a restored one, until a person releases it; False when it was taken for one before."""
    if session.execute(_DISOWN, {"why": why.to_json()}).one_or_none() is None:
        return False
    audit.record(session, "avain", "effects.away", "effects:all", now=now, reason=why.text("en"))
    return True
