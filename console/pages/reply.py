"""Pages for providers: answering an order, and reporting what was delivered. Who holds the letter's link is let in, and nobody signs in.

Looking changes nothing: mail scanners open every link. The link stands in the address, so the answer is never kept, no other site hears
of it (Referrer-Policy `same-origin`; with `no-referrer` browsers would not say where a form comes from), and nothing logs it
(console/web/measured.py logs patterns).
"""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Final

from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from console import fields
from console.forms import Form, Sent
from console.visit import SEE_OTHER, Anybody, Guest, Pages
from console.web.who import LANGUAGE_COOKIE
from core.clock import business_now, local_date
from core.errors import InputError
from core.i18n import LANGUAGES, _, day, speaking
from core.keys import link_secret
from core.units import amount
from services.orders.replies import reply_page
from services.orders.replies.delivered import TakenReport
from services.orders.replies.reply_page import MeanwhileError, ReplyView
from services.orders.sending.reply_links import EndedLinkError, Purpose, link

pages = Pages()
#: A provider's office looks more often than it answers.
_LOOKS: Final = "60/minute"
_ACTS: Final = "20/minute"
_QUANTITY: Final = "quantity."


@pages.open_get("/reply/{token}", at_most=_LOOKS)
def reply(guest: Anybody, token: str) -> Response:
    """The order and the ways to answer it; or how it was answered."""
    return _shown(guest, token, "reply", _reply_page)


@pages.open_post("/reply/{token}", at_most=_ACTS)
def answer(guest: Anybody, token: str, sent: Sent) -> Response:
    """Answer the order."""
    return _done(guest, token, "reply", sent, act=_take_answer, page=_reply_page)


@pages.open_get("/delivered/{token}", at_most=_LOOKS)
def delivered(guest: Anybody, token: str) -> Response:
    """What was reported of the order, and fields for more."""
    return _shown(guest, token, "delivered", _delivered_page)


@pages.open_post("/delivered/{token}", at_most=_ACTS)
def report(guest: Anybody, token: str, sent: Sent) -> Response:
    """Report what was delivered."""
    return _done(guest, token, "delivered", sent, act=_take_report, page=_delivered_page)


_Page = Callable[..., Response]


def _shown(guest: Guest, token: str, purpose: Purpose, page: _Page) -> Response:
    with guest.console.transaction() as session:
        today = local_date(business_now(session))
        try:
            found = reply_page.view(session, link_secret(guest.settings), token, purpose, today=today)
        except InputError as refused:
            return _closed(guest, refused)
    return _spoken(guest, found, partial(page, guest, token, found, today))


def _done(
    guest: Guest,
    token: str,
    purpose: Purpose,
    sent: dict[str, str],
    *,
    act: Callable[..., list[TakenReport]],
    page: _Page,
) -> Response:
    """Do what a form says, in one transaction; then the page anew, or with what is wrong."""
    with guest.console.transaction() as session:
        today = local_date(business_now(session))
        try:
            found = reply_page.view(session, link_secret(guest.settings), token, purpose, today=today)
        except InputError as refused:
            return _closed(guest, refused)
        form, taken, status = Form(sent), [], 422
        _speak(guest, found)
        with speaking(guest.request.state.language):
            try:
                with session.begin_nested() as kept:  # a refusal leaves the transaction usable
                    taken = act(session, guest, token, found, form)
                    if form.problems:
                        kept.rollback()
            except InputError as refused:
                form.wrong("", str(refused))
                status = 409 if isinstance(refused, MeanwhileError) else status
            if form.problems:
                found = reply_page.view(session, link_secret(guest.settings), token, purpose, today=today)
                return page(guest, token, found, today, form=form, status=status)
            left = [one.reason.text() for one in taken if one.reason is not None]
            if left:
                found = reply_page.view(session, link_secret(guest.settings), token, purpose, today=today)
                return page(guest, token, found, today, left=left)
    return RedirectResponse(f"/{purpose}/{token}", SEE_OTHER)


def _take_answer(session: Session, guest: Guest, token: str, found: ReplyView, form: Form) -> list[TakenReport]:
    secret, now, seen = link_secret(guest.settings), business_now(session), form.value("seen")
    chosen = form.value("answer")
    if chosen == "accept":
        starts_on = form.read("starts_on", fields.day, _("First day"))
        if not form.problems:
            reply_page.accept(session, secret, token, starts_on=starts_on, seen=seen, now=now)
    elif chosen == "change":
        starts_on = form.read("other_start", fields.day, _("First day"))
        note = form.read("note", fields.words, _("In your words")) or ""
        quantities = _quantities(found, form)
        if not form.problems:
            reply_page.propose(
                session, secret, token, starts_on=starts_on, quantities=quantities, note=note, seen=seen, now=now
            )
    elif chosen == "reject":
        reply_page.reject(session, secret, token, seen=seen, now=now)
    else:
        raise InputError("Say whether you accept the order, propose a change, or have no room.")
    return []


def _take_report(session: Session, guest: Guest, token: str, found: ReplyView, form: Form) -> list[TakenReport]:
    first = form.read("first", fields.day, _("First day"))
    last = form.read("last", fields.day, _("Last day"))
    for name, value, label in (("first", first, _("First day")), ("last", last, _("Last day"))):
        if value is None:
            form.wrong(name, _("{field}: is missing").format(field=label))
    quantities = _quantities(found, form)
    if first is None or last is None or form.problems:
        return []
    taken = reply_page.report(
        session,
        link_secret(guest.settings),
        token,
        first=first,
        last=last,
        quantities=quantities,
        now=business_now(session),
    )
    for one in taken:
        if one.state == "refused" and one.reason is not None:
            form.wrong(f"{_QUANTITY}{one.report.line}", one.reason.text())
    return taken


def _quantities(found: ReplyView, form: Form) -> dict[int, Decimal]:
    """What stands in the fields of the lines; empty ones are left out."""
    quantities = {}
    for line in found.lines:
        name, label = f"{_QUANTITY}{line.line_number}", _("Quantity, line {line}").format(line=line.line_number)
        value = form.read(name, fields.decimal, label)
        if value is not None and not 0 <= value < 1_000_000:
            form.wrong(name, _("{field}: that cannot be meant.").format(field=label))
        elif value is not None:
            quantities[line.line_number] = value.quantize(Decimal("0.0001"))
    return quantities


def _reply_page(guest: Guest, token: str, found: ReplyView, today: date, **given: Any) -> Response:
    form: Form = given.pop("form", None) or Form({"starts_on": day(max(found.first, today))})
    secret = link_secret(guest.settings)
    onward = link(secret, "", found.number, "delivered", expires=found.reports_until, epoch=found.epoch)
    return guest.page(
        "reply/reply.html",
        order=found,
        token=token,
        form=form,
        amount=amount,
        buyer=guest.settings.organisation.name,
        report=onward if found.state in {"accepted", "closed"} else None,
        status=given.pop("status", 200),
    )


def _delivered_page(guest: Guest, token: str, found: ReplyView, today: date, **given: Any) -> Response:
    ended = today.replace(day=1) - timedelta(days=1)  # the month before, as far as it is the order's
    first, last = max(found.first, ended.replace(day=1)), min(found.last, ended)
    form: Form = given.pop("form", None) or Form({"first": day(first), "last": day(max(first, last))})
    return guest.page(
        "reply/delivered.html",
        order=found,
        token=token,
        form=form,
        amount=amount,
        buyer=guest.settings.organisation.name,
        left=given.pop("left", []),
        status=given.pop("status", 200),
    )


def _closed(guest: Guest, refused: InputError) -> Response:
    """Why a link does not open."""
    status = 410 if isinstance(refused, EndedLinkError) else 404
    return guest.page("reply/closed.html", status=status, sentence=refused.message.text())


def _speak(guest: Guest, found: ReplyView) -> None:
    """The provider's language, unless the reader has asked for another."""
    request = guest.request
    chosen = (request.query_params.get("lang"), request.cookies.get(LANGUAGE_COOKIE))
    if not any(one in LANGUAGES for one in chosen) and found.language in LANGUAGES:
        request.state.language = found.language


def _spoken(guest: Guest, found: ReplyView, page: Callable[[], Response]) -> Response:
    _speak(guest, found)
    with speaking(guest.request.state.language):
        return page()
