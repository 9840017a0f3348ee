"""What somebody sees and may do who holds a signed link from an order's letter (services/orders/sending/reply_links.py): answer, and report.

The page tells what the order's PDF tells the provider, and less: no service, no client, no worker. Only one who saw how the order stands
may answer it: a form that was open while somebody else answered does nothing.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.clock import local_date
from core.errors import InputError, Message
from core.i18n import N_
from core.logging import redact
from services import audit
from services.orders.replies.answer_judging import judge, objections
from services.orders.replies.answer_values import OPEN, Answer, Held
from services.orders.replies.answers import hold_order, take
from services.orders.replies.answers_held import changed_lines
from services.orders.replies.delivered import Report, TakenReport, take_delivered
from services.orders.replies.delivered_held import keep_held
from services.orders.sending.reply_links import Purpose, opened
from services.orders.show import STATE_NAMES

#: So much text a provider may write.
LONGEST_NOTE: Final = 500
#: Where reports of the form are kept that wait for a person. No configured source has this name: it has a slash.
FORM: Final = "console/delivered"
#: Who acts here: whoever holds the link.
_ACTOR: Final = "provider"
#: What was delivered may be told of for so long after the order's days.
_REPORT_DAYS: Final = 120
_CASE_NUMBER: Final = re.compile(r"HB-\d{4}-\d+", re.IGNORECASE | re.ASCII)

_NOT_OURS: Final = N_("The link does not open: it is not complete, or it was changed. Copy it whole from the letter.")
_MEANWHILE: Final = N_("Somebody has answered while you were looking at this page. See below how the order stands now.")
_SETTLED: Final = N_("The order is {state}. If that is not right, tell whoever ordered.")
_NOTHING_CHANGED: Final = N_(
    "You propose nothing else than what was ordered. Accept the order, or say what should change."
)

#: Rows in: an order. Rows out: its provider's language and euros in all.
_ORDER: Final = text(
    """
    SELECT provider.language, total_gross, starts_on, answered_at FROM purchase_order
    JOIN provider ON provider.id = provider_id WHERE purchase_order.id = :id
    """
)

#: Rows in: an order. Rows out: its lines as its provider knows them, with what was reported of each.
_LINES: Final = text(
    """
    SELECT line_number, lower(order_line.period) AS first, upper(order_line.period) - 1 AS last, quantity, unit, gross,
           coalesce((SELECT sum(told.quantity) FROM delivered AS told WHERE order_line_id = order_line.id AND superseded_at IS NULL), 0) AS delivered
    FROM order_line WHERE order_id = :id ORDER BY line_number
    """
)


class MeanwhileError(InputError):
    """The order is not any more as it was when the page was opened."""


@dataclass(frozen=True)
class PageLine:
    """A line: the most that may be done on these days, euros with VAT, and how much of it was reported as delivered."""

    line_number: int
    first: date
    last: date
    quantity: Decimal
    unit: str
    gross: Decimal
    delivered: Decimal


@dataclass(frozen=True)
class ReplyView:
    """An order as its provider may see it. `version` tells whether it changed since; `may_answer`: whether it waits for an answer."""

    number: str
    state: str
    language: str
    first: date
    last: date
    lines: tuple[PageLine, ...]
    total_gross: Decimal
    starts_on: date | None
    answered_at: datetime | None
    version: str
    expires: date
    epoch: int

    @property
    def may_answer(self) -> bool:
        """Whether an answer is waited for, or a proposal may still be replaced."""
        return self.state in OPEN

    @property
    def may_report(self) -> bool:
        """Whether something may have been delivered on it."""
        return self.state not in {"rejected", "cancelled"}

    @property
    def reports_until(self) -> date:
        """The last day on which a report is taken."""
        return self.last + timedelta(days=_REPORT_DAYS)


def view(session: Session, secret: bytes, token: str, purpose: Purpose, *, today: date) -> ReplyView:
    """The order that a link opens. Raises InputError (no link of ours), EndedLinkError (its time is over)."""
    order, expires = _opened(session, secret, token, purpose, today, only_look=True)
    row = session.execute(_ORDER, {"id": order.id}).one()
    lines = tuple(PageLine(**one) for one in session.execute(_LINES, {"id": order.id}).mappings())
    return ReplyView(
        order.number, order.state, row.language, order.first, order.last, lines, row.total_gross, row.starts_on, row.answered_at,
        _version(order), expires, order.link_epoch,
    )  # fmt: skip


def accept(session: Session, secret: bytes, token: str, *, starts_on: date | None, seen: str, now: datetime) -> None:
    """Accept the order, from a first day on. Raises InputError (no day, or not one of the order's), MeanwhileError, as `view`."""
    order, _ = _opened(session, secret, token, "reply", local_date(now))
    if starts_on is None:
        raise InputError("Say on which day you begin.")
    _answer(session, order, Answer(order.number, "AP", starts_on=starts_on), seen, now)


def reject(session: Session, secret: bytes, token: str, *, seen: str, now: datetime) -> None:
    """Say that there is no room. Raises MeanwhileError, as `view`."""
    order, _ = _opened(session, secret, token, "reply", local_date(now))
    _answer(session, order, Answer(order.number, "RE"), seen, now)


def propose(
    session: Session,
    secret: bytes,
    token: str,
    *,
    starts_on: date | None,
    quantities: Mapping[int, Decimal],
    note: str,
    seen: str,
    now: datetime,
) -> None:
    """Propose another first day, smaller quantities (by line), or something in words. Raises InputError, MeanwhileError, as `view`."""
    order, _ = _opened(session, secret, token, "reply", local_date(now))
    check_note(note)
    lines = changed_lines(order, quantities)
    if starts_on is None and not note and all(one.code == "5" for one in lines):
        raise InputError(_NOTHING_CHANGED)
    _answer(session, order, Answer(order.number, "CA", starts_on=starts_on, lines=lines, note=note), seen, now)


def check_note(note: str) -> None:
    """Raises InputError for a text that is too long, or tells who the client is."""
    if len(note) > LONGEST_NOTE:
        raise InputError(
            "The text has {count} characters; at most {most} are taken.", count=len(note), most=LONGEST_NOTE
        )
    if redact(note) != note:
        raise InputError(
            "The text holds a personal identity code. Take it out: nothing may be written here that tells who the client is."
        )
    if _CASE_NUMBER.search(note):
        raise InputError(
            "The text names a case. Take it out: nothing may be written here that tells who the client is."
        )


def report(
    session: Session,
    secret: bytes,
    token: str,
    *,
    first: date,
    last: date,
    quantities: Mapping[int, Decimal],
    now: datetime,
) -> list[TakenReport]:
    """Take in what was delivered on these days, by line; what became of each. What goes beyond the order is kept for a person.

    Raises InputError (nothing is told, or days the wrong way round), as `view`.
    """
    order, _ = _opened(session, secret, token, "delivered", local_date(now))
    if last < first:
        raise InputError("The last day is before the first.")
    if not quantities:
        raise InputError("Say for at least one line how much was delivered.")
    reports = [Report(order.number, line, first, last, quantity) for line, quantity in sorted(quantities.items())]
    taken = take_delivered(session, reports, told_by="form", now=now)
    held = keep_held(session, FORM, order.number, taken)
    if any(one.state in {"applied", "held"} for one in taken):
        audit.record(session, _ACTOR, "order.delivery_reported", f"order:{order.number}", now=now, held=held)
    return taken


def _opened(
    session: Session, secret: bytes, token: str, purpose: Purpose, today: date, *, only_look: bool = False
) -> tuple[Held, date]:
    """The order of a link, held, and the link's last day."""
    said = opened(secret, token)
    order = hold_order(session, said.number, only_look=only_look)
    if order is None:
        raise InputError(_NOT_OURS)
    said.must_open(purpose=purpose, today=today, epoch=order.link_epoch)
    return order, said.expires


def _answer(session: Session, order: Held, answer: Answer, seen: str, now: datetime) -> None:
    verdict = judge(order, answer)
    if verdict.state == "repeated":  # sent twice, or by two who agree
        return
    if order.state not in OPEN:
        raise MeanwhileError(_SETTLED, state=Message(STATE_NAMES[order.state]))
    if seen != _version(order):
        raise MeanwhileError(_MEANWHILE)
    wrong = next(objections(order, answer.starts_on, None, answer.lines), None)
    if wrong is not None:
        raise InputError(wrong)
    if verdict.state == "refused" and verdict.reason is not None:
        raise InputError(verdict.reason)
    take(session, answer, now=now)
    audit.record(session, _ACTOR, "order.answered", f"order:{order.number}", now=now, answer=answer.code)


def _version(order: Held) -> str:
    """What an order's page shows, in short: another answer, or another state, is another version."""
    latest = order.standing[-1].id if order.standing else 0
    return sha256(f"{order.number}/{order.state}/{latest}".encode()).hexdigest()[:16]
