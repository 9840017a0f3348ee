"""Claiming and closing Work around a task: the one place for retry policy and what an error means.

A task body is handed a `Lease` and is about five lines: it reads in `lease.transaction()`, acts on the outside with no transaction
open, and writes in `lease.closing()`, which ends the Work in the same commit as the business rows.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import structlog
from billiard.common import terminate_handler_fired
from billiard.exceptions import SoftTimeLimitExceeded
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from core.database import transaction
from core.errors import AlreadyDone, AvainError, LeaseLost, LeftAlone, Message, Postponed, Transient
from core.faults import fault_point
from core.settings import Settings
from services import ways
from services.work import KINDS, Claimed, Ended, claim, close, fail, give_back, holds, kind_of, leave, postpone
from services.work.lease import CRASHED, after_death, took_too_long
from workers.app import app
from workers.configuration import current_settings
from workers.effects import BehindItsJournalError, Journal, journal_of
from workers.keeper import keeper
from workers.queue import hint
from workers.stopping import ending_quietly, interruptible

log = structlog.get_logger()

#: Celery's soft limit comes this long before the hard one, so that a slow attempt can still say so itself.
_LAST_WORDS_SECONDS = 5.0


@dataclass
class Closing:
    """The last transaction of an attempt: write business rows through `session`, say with `report` what came of it."""

    session: Session
    outcome: str = "succeeded"
    counts: dict[str, Any] = field(default_factory=dict)
    message: Message | None = None
    reply: str | None = None

    def report(
        self,
        outcome: str = "succeeded",
        *,
        counts: dict[str, Any] | None = None,
        message: Message | None = None,
        reply: str | None = None,
    ) -> None:
        """How the attempt ended: succeeded, partly, held, refused or nothing_to_do."""
        self.outcome, self.counts, self.message, self.reply = outcome, counts or {}, message, reply


class Lease:
    """A claimed Work, as a task body sees it."""

    def __init__(self, claimed: Claimed, configured: Settings, journal: Journal | None = None) -> None:
        """`journal`: of Work that has an effect (services/work/kinds.py), where it is written down."""
        self.claimed = claimed
        self.settings = configured
        self.closed = False
        self._journal = journal

    @property
    def journal(self) -> Journal:
        """Where it is written down that something leaves, before it does."""
        if self._journal is None:
            raise AvainError("Work of kind {kind} has no effect.", kind=self.claimed.kind)
        return self._journal

    @property
    def arguments(self) -> dict[str, Any]:
        """What the caller asked for. Written perhaps by an earlier version: read with defaults."""
        return self.claimed.arguments

    @property
    def subject_id(self) -> int:
        """The row this work is about."""
        if self.claimed.subject_id is None:
            raise AvainError(
                "Work {work} of kind {kind} has no subject.", work=self.claimed.work_id, kind=self.claimed.kind
            )
        return self.claimed.subject_id

    @property
    def run_id(self) -> int:
        """The Run that records this attempt."""
        return self.claimed.run_id

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A transaction that commits only if the lease is still ours. Raises LeaseLost."""
        with transaction() as session:
            yield session
            holds(session, self.claimed)
        hint(session.info.get("called", []))

    @contextmanager
    def closing(self) -> Iterator[Closing]:
        """The transaction that also ends the Work. Raises LeaseLost, and then nothing of it was written."""
        with transaction() as session:
            ending = Closing(session)
            yield ending
            fault_point("work.before_close")
            close(
                session, self.claimed, ending.outcome, counts=ending.counts, message=ending.message, reply=ending.reply
            )
        self.note_closed(ending.outcome)
        hint(session.info.get("called", []))

    def note_closed(self, outcome: str) -> None:
        """The Work has ended, and that is committed."""
        self.mark_closed()
        self.log_closed(outcome)

    def mark_closed(self) -> None:
        """What must not wait of `note_closed`."""
        self.closed = True
        fault_point("work.after_close")

    def log_closed(self, outcome: str) -> None:
        """What may wait of it."""
        log.info(
            "work_closed",
            work=self.claimed.work_id,
            kind=self.claimed.kind,
            outcome=outcome,
            attempt=self.claimed.attempt,
        )

    def fail(self, message: Message, *, final: bool, pause: float | None = None) -> None:
        """Record that the attempt failed; given up at once if `final`, or when no attempts are left."""
        with self.failing(message, final=final, pause=pause):
            pass

    @contextmanager
    def failing(self, message: Message, *, final: bool, pause: float | None = None) -> Iterator[Session]:
        """The transaction that records that the attempt failed, with what else is to be written of it. Raises LeaseLost."""
        with transaction() as session:
            yield session
            ended = fail(session, self.claimed, message, final=final, pause=pause)
            after_death(session, ended)
        self._note_failed(session, ended)

    def _note_failed(self, session: Session, ended: Ended | None) -> None:
        self.closed = True
        if ended is not None:
            fault_point("work.given_up")
        log.warning(
            "work_failed",
            work=self.claimed.work_id,
            kind=self.claimed.kind,
            attempt=self.claimed.attempt,
            final=ended is not None,
        )
        hint(session.info.get("called", []))

    def put_off(self, why: Transient) -> None:
        """The work is for later: a failed attempt, one of a series in which the other side failed everybody, or none at all where it was a
        rule of ours that said so.
        """
        if isinstance(why, Postponed):
            self._postpone(why)
        elif isinstance(why, LeftAlone):
            with transaction() as session:
                ended = leave(session, self.claimed, why.message, why.retry_after or 0.0, counts=why.counts)
                after_death(session, ended)
            self._note_failed(session, ended)
        else:
            self.fail(why.message, final=False, pause=why.retry_after)

    def _postpone(self, why: Postponed) -> None:
        pause = why.retry_after or 0.0
        with transaction() as session:
            if isinstance(why, ways.ClosedError):
                pause = ways.hold_back(session, why.way)
                if pause:  # else it has been opened meanwhile
                    ways.wait_for(session, why.way, self.claimed.work_id)
            postpone(session, self.claimed, why.message, pause)
        self.closed = True
        log.info("work_postponed", work=self.claimed.work_id, kind=self.claimed.kind, seconds=round(pause))

    def shows(self, counts: Callable[[], Mapping[str, int]]) -> None:
        """How far it is while it is under way: asked for every few seconds, from another thread, and kept with the Run."""
        keeper().watch(counts)

    def give_back(self) -> None:
        """Return the work untouched: this process is stopping."""
        with transaction() as session:
            give_back(session, self.claimed)
        self.closed = True
        log.info("work_given_back", work=self.claimed.work_id, kind=self.claimed.kind)


def work_task(kind: str) -> Callable[[Callable[[Lease], None]], Callable[[Lease], None]]:
    """Register the body that does Work of a kind. `**_` lets a message of an earlier or later version through."""
    limits = KINDS[kind]

    def register(body: Callable[[Lease], None]) -> Callable[[Lease], None]:
        def run(work_id: int, **_: Any) -> None:
            with ending_quietly(), _nothing_to_tell(work_id, kind):
                perform(work_id, body, kind)

        run.__doc__ = body.__doc__
        app.task(
            name=kind,
            time_limit=limits.deadline,
            soft_time_limit=max(limits.deadline - _LAST_WORDS_SECONDS, limits.deadline / 2),
        )(run)
        return body

    return register


def perform(work_id: int, body: Callable[[Lease], None], kind: str | None = None) -> None:
    """Claim a Work, do it, and see that it ends one way or another. Returns quietly when there is nothing to do.

    `kind`: what the body does, where only a message says which Work it is for.
    """
    configured, journal, untrusted = current_settings(), None, None
    with transaction() as session:
        claimed = claim(session, work_id, kind)
        if claimed is not None and kind_of(claimed.kind).effect:
            try:
                journal = journal_of(session, configured)
            except BehindItsJournalError as behind:
                untrusted = behind
    if claimed is None:
        return
    fault_point("work.claimed")
    lease = Lease(claimed, configured, journal)
    with structlog.contextvars.bound_contextvars(run=claimed.run_id, work=claimed.work_id), keeper().holding(claimed):
        try:
            settle(lease, _to_its_end(body if untrusted is None else _raising(untrusted)))
        except LeaseLost:
            log.warning("lease_lost", kind=claimed.kind)
        except SQLAlchemyError as error:
            # Not even the failure could be recorded: the database is away. The lease runs out, and the tick goes on from there.
            log.warning("database_failed", kind=claimed.kind, error=type(error).__name__)


@contextmanager
def _nothing_to_tell(work_id: int, kind: str) -> Iterator[None]:
    """Nothing but the end of the process leaves a task: the rows say how its Work stands, and an error tells Celery nothing it has to know.

    An error with its traceback is also so long that its way to Celery's main process takes several reads. If the connection to the broker
    breaks between two of them, Celery 5.7 forgets the first, takes what follows for another message, and the process counts as busy for ever.
    """
    try:
        yield
    except SQLAlchemyError as error:  # nothing was claimed, or what was is lost; the tick sees to it
        log.warning("database_failed", kind=kind, work=work_id, error=type(error).__name__)
    except Exception:
        log.exception("task_failed", kind=kind, work=work_id)


def _raising(error: AvainError) -> Callable[[Lease], None]:
    def instead(_lease: Lease) -> None:
        raise error

    return instead


def _to_its_end(body: Callable[[Lease], None]) -> Callable[[Lease], None]:
    """A body after which the Work has ended, also if it did not say so itself."""

    def whole(lease: Lease) -> None:
        body(lease)
        if not lease.closed:
            with lease.closing():
                pass

    return whole


def settle(lease: Lease, body: Callable[[Lease], None]) -> None:
    """Do something for a Work, and record what an error means for it. Raises LeaseLost, SQLAlchemyError, and what ends the process."""
    try:
        with interruptible():
            body(lease)
    except (SystemExit, KeyboardInterrupt):
        if not lease.closed:
            with suppress(LeaseLost, SQLAlchemyError):  # whatever becomes of the lease, this process must end
                if terminate_handler_fired():  # Celery's hard limit, which leaves a moment before it kills
                    lease.fail(took_too_long(lease.claimed.kind), final=False)
                else:
                    lease.give_back()
        raise
    except LeaseLost:
        raise
    except SoftTimeLimitExceeded:
        lease.fail(took_too_long(lease.claimed.kind), final=False)
    except AlreadyDone as done:
        with lease.closing() as closing:
            closing.report("succeeded", message=done.message)
    except Transient as passing:
        lease.put_off(passing)
    except AvainError as known:
        lease.fail(known.message, final=True)
    except Exception as unknown:
        # A fault of ours, or the database's. What it says may be personal: the reader gets its type, the log the redacted rest.
        log.exception("work_crashed", kind=lease.claimed.kind)
        lease.fail(
            Message(CRASHED, error=type(unknown).__name__, run=lease.run_id),
            final=False,
        )
