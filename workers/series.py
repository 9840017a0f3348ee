"""Sending the daily e-mails that wait, one after the other over one connection, with one commit between two of them.

The task holds the Work it was called for and takes more of its kind that are due. Of each mail it is committed that it is being sent before
its first byte leaves, and that it was taken before the next leaves: in the same transaction, so that at any moment the fate of one mail at
most is unknown to who comes after us. That transaction runs beside the announcement of the next mail, which waits for it before its text
goes. A worker that stops is obeyed between two mails. Each mail's Work ends by itself and as its own attempt came out; none stops another.
"""

import hashlib
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from connectors.mail_server import AddressRefused, ServerUnreachable, send
from core.clock import business_now, local_date
from core.database import statements, transaction
from core.errors import LeaseLost, LeftAlone, Message, Permanent, Postponed, Transient, Unclear
from core.faults import fault_point
from core.i18n import N_
from services.effects.keys import message_id_of
from services.reminders import sending
from services.ways import MAIL, ClosedError, hold_back
from services.work import Claimed, claim_more, postpone, spread
from workers.keeper import keeper
from workers.mail_pace import mail_pace
from workers.sending import arrived, did_not_arrive, go
from workers.stopping import stopping, uncut
from workers.task import Lease, settle

log = structlog.get_logger()

#: So many are taken at once: few enough to be given back when the worker stops.
SHARE: Final = 50
#: So long one task goes on: orders that wait in the same processes are to leave before long.
SERIES_SECONDS: Final = 15.0
#: A server that could not be reached is left alone for so long.
_UNREACHABLE_SECONDS: Final = 60.0

_PACED: Final = Message(N_("So many e-mails a minute as the settings allow were sent; this one waits for its turn."))
_UNREACHABLE: Final = Message(N_("The mail server could not be reached; this e-mail waits with the others."))


class _NotBegunError(Exception):
    """The mail could not be begun together with the record of the one before."""


def send_series(first: Lease) -> None:
    """Send the mail of `first`, and others that are due, for as long as a task may."""
    with uncut(), statements() as session, ThreadPoolExecutor(1, "recording") as beside:
        series = _Series(first, session, beside)
        keeper().keep_all(series.held)
        try:
            series.run()
        except (SystemExit, KeyboardInterrupt):
            with suppress(SQLAlchemyError):  # whatever becomes of the leases, this process must end
                series.give_back()
            raise
        finally:
            series.log_ended()
        series.give_back()


class _Series:
    """Mails in hand: `_current` is being seen to, `_waiting` are claimed and not begun."""

    def __init__(self, first: Lease, session: Session, beside: Executor) -> None:
        """`session`: in which every statement is a transaction of its own; used in the one thread of `beside` alone."""
        self._settings, self._statements, self._beside = first.settings, session, beside
        self._journal = first.journal
        self._recording: tuple[Future[bool], Lease] | None = None
        self._waiting = deque([first])
        self._ended: list[Lease] = []
        self._current: Lease | None = None
        self._mail: sending.Outgoing | None = None
        self._until = time.monotonic() + SERIES_SECONDS
        self._may_claim = True
        self._well = False  # the server, as far as this series knows
        self._ready: dict[int, sending.Outgoing] = {}
        self._ahead = timedelta()  # business time before the machine's, as `_begin` saw it

    def held(self) -> list[Claimed]:
        """Whose leases are to be kept; asked from the keeper's thread."""
        leases = [*self._waiting.copy()]
        current, recording = self._current, self._recording
        leases += [] if current is None else [current]
        leases += [] if recording is None else [recording[1]]
        return [one.claimed for one in dict.fromkeys(leases) if not one.closed]

    def run(self) -> None:
        while self._waiting and self._may_go_on():
            self._see_to(self._waiting.popleft(), self._begin)
            while self._current is not None and self._mail is not None:
                self._see_to(self._current, self._send)
            self._recorded()
            self._claim()

    def give_back(self) -> None:
        """What was not begun is due again."""
        while self._waiting:
            with suppress(LeaseLost):
                self._waiting.popleft().give_back()

    def _see_to(self, lease: Lease, act: Callable[[Lease], None]) -> None:
        self._current = lease
        with structlog.contextvars.bound_contextvars(run=lease.run_id, work=lease.claimed.work_id):
            try:
                settle(lease, act)
            except LeaseLost:
                log.warning("lease_lost", kind=lease.claimed.kind)

    def _begin(self, lease: Lease) -> None:
        self._mail = None
        self._recorded()
        self._await_turn()
        try:
            with lease.transaction() as session:
                now = business_now(session)
                self._ahead = now - datetime.now(UTC)
                mail = sending.begin(session, lease.subject_id, now)
                if mail is not None:
                    go(session, lease, MAIL)
        except ClosedError:
            self._let_wait()
            raise
        if mail is None:
            with lease.closing() as closing:
                closing.report("nothing_to_do")
        self._mail = mail

    def _send(self, lease: Lease) -> None:
        """Hand the mail over; then have it recorded and the next begun, in one transaction, while that one is announced to the server."""
        mail, self._mail = self._mail, None
        if mail is None:
            return
        self._claim()
        key, digest = message_id_of(mail.message), hashlib.sha256(mail.message).hexdigest()
        try:
            with self._journal.around(lease.claimed, key, sha256=digest, way="email") as going:
                reply = send(
                    self._settings.mail,
                    recipient=mail.recipient,
                    message=mail.message,
                    before=lambda: self._before(going),
                    meanwhile=self.log_ended,
                )
        except _NotBegunError:
            self._waiting.appendleft(lease)
            return
        except Unclear as failure:
            raise self._came_to(lease, failure) from failure
        except (Transient, Permanent) as failure:
            if self._recorded():
                self._note_failure(lease, mail, failure)
            else:
                self._waiting.appendleft(lease)
            return
        fault_point("digest.sent")
        self._turn_to_next(sending.Taken(lease.claimed, mail, reply, datetime.now(UTC) + self._ahead), lease)
        self._note_arrived()

    def _before(self, going: Callable[[], None]) -> None:
        """Nothing of a mail leaves before it is committed that it does, and that the one before it was taken, and the journal says so."""
        if not self._recorded():
            raise _NotBegunError
        going()
        fault_point("digest.sending")

    def _note_failure(self, lease: Lease, mail: sending.Outgoing, failure: Transient | Permanent) -> None:
        """Record that the server did not take it. Raises `failure`, unless that has ended the Work."""
        if isinstance(failure, AddressRefused):
            with lease.failing(failure.message, final=True) as session:
                did_not_arrive(session, lease, MAIL, failure)
                sending.record_refused(session, mail, failure.message, business_now(session))
            return
        raise self._came_to(lease, failure, mail) from failure

    def _came_to(
        self, lease: Lease, failure: Transient | Permanent, mail: sending.Outgoing | None = None
    ) -> Transient | Permanent:
        """Note a failure, and of what `mail` it was if the server certainly does not have that; returns what is to be raised."""
        self._well = False
        with lease.transaction() as session:
            came_to = did_not_arrive(session, lease, MAIL, failure)
            if mail is not None and isinstance(failure, Transient):
                sending.record_not_taken(session, mail)
        if isinstance(came_to, LeftAlone):
            self._let_wait()
        elif isinstance(failure, ServerUnreachable):
            self._put_off(_UNREACHABLE, _UNREACHABLE_SECONDS, apart=0.0)
        return came_to

    def _note_arrived(self) -> None:
        """The server takes mails: noted with the first of them, and with the first after one that it did not take."""
        if not self._well:
            with transaction() as session:
                self._may_claim |= arrived(session, MAIL)
            self._well = True

    def _let_wait(self) -> None:
        """The server is left alone, and what is in hand waits with all that is due (services/ways)."""
        self._may_claim = False
        with transaction() as session:
            for lease in self._waiting:
                with suppress(LeaseLost):
                    postpone(session, lease.claimed, _UNREACHABLE, 0.0)
                lease.closed = True
            hold_back(session, MAIL)
        self._waiting.clear()

    def _turn_to_next(self, taken: sending.Taken, lease: Lease) -> None:
        following = self._following()
        mail = None if following is None else self._ready.get(following.claimed.work_id)
        after = None if following is None or mail is None else (following.claimed, mail)
        fault_point("work.before_close")
        recording = self._beside.submit(sending.record_and_begin, self._statements, taken, after)
        self._recording = (recording, lease)
        if following is None:
            self._recorded()
        elif mail is None:  # what hinders it is found out in a transaction of its own
            self._waiting.appendleft(following)
            self._recorded()
        else:
            self._current, self._mail = following, mail

    def _recorded(self) -> bool:
        """Wait until the mail before is recorded; whether the present one was begun with that, or by itself."""
        if self._recording is None:
            return True
        recording, lease = self._recording
        try:
            begun = recording.result()
        except LeaseLost:
            log.warning("lease_lost", kind=lease.claimed.kind, work=lease.claimed.work_id)
            return False
        finally:
            self._recording = None
        lease.mark_closed()
        self._ended.append(lease)
        return begun

    def log_ended(self) -> None:
        """Log what has ended since it was last done: while the server thinks about the next, as it costs as much as a third of a mail."""
        while self._ended:
            lease = self._ended.pop()
            with structlog.contextvars.bound_contextvars(run=lease.run_id, work=lease.claimed.work_id):
                lease.log_closed("succeeded")

    def _following(self) -> Lease | None:
        """The next of those that wait, if it may go now."""
        if not self._waiting or not self._may_go_on():
            return None
        return None if self._turn() > 0 else self._waiting.popleft()

    def _may_go_on(self) -> bool:
        return time.monotonic() < self._until and not stopping()

    def _turn(self) -> float:
        per_minute = self._settings.mail.per_minute
        return mail_pace().turn(per_minute) if per_minute else 0.0

    def _claim(self) -> None:
        """Take more when none waits. Whoever got fewer than asked for has seen the end."""
        if self._waiting or not self._may_claim or not self._may_go_on():
            return
        with transaction() as session:
            claims = claim_more(session, "send_digest", SHARE)
            self._ready = sending.ready(session, claims, local_date(datetime.now(UTC) + self._ahead)) if claims else {}
        self._may_claim = len(claims) == SHARE
        self._waiting.extend(Lease(one, self._settings) for one in claims)

    def _await_turn(self) -> None:
        """Wait for the mail's turn. Raises Postponed, and puts off all others too, if that takes longer than the task may."""
        while (seconds := self._turn()) > 0:
            if time.monotonic() + seconds > self._until or stopping():
                apart = 60.0 / self._settings.mail.per_minute
                self._put_off(_PACED, seconds + apart, apart=apart)
                raise Postponed(_PACED, retry_after=seconds)
            time.sleep(seconds)

    def _put_off(self, why: Message, seconds: float, *, apart: float) -> None:
        """Nothing more goes now: what is in hand and what is due is put off, so that no task tries each in vain."""
        self._may_claim = False
        with transaction() as session:
            for place, lease in enumerate(self._waiting):
                with suppress(LeaseLost):
                    postpone(session, lease.claimed, why, seconds + apart * place)
                lease.closed = True
            spread(session, "send_digest", wait=seconds + apart * len(self._waiting), apart=apart)
        self._waiting.clear()
