"""One order: what was ordered and what came of it, its papers, and what a person may do about it."""

from collections.abc import Callable, Mapping
from hashlib import sha256

from starlette.responses import Response

from console import fields, order_page
from console.forms import Form, Typed
from console.paging import Id
from console.roles import CASE_ROLES
from console.visit import Here, Pages, Visit
from core.errors import InputError, Message
from core.i18n import N_, _
from services.orders.replies import answers_held, hand_over
from services.orders.replies.answer_values import Code
from services.orders.sending import ending, link_renewal, placing, previewing
from services.orders.show import order_document
from services.orders.story import Order

pages = Pages()


@pages.get("/orders/{number}", roles=CASE_ROLES)
def order(visit: Here, number: str) -> Response:
    """Everything about an order."""
    return order_page.show(visit, order_page.seen(visit, number))


@pages.get("/orders/{number}/order.xml", roles=CASE_ROLES)
def document(visit: Here, number: str) -> Response:
    """The very bytes that were stored and sent."""
    found = order_page.seen(visit, number)
    visit.saw(f"order:{found.number}", "order.viewed", document=found.document_sha256)
    content = order_document(visit.session, found.number)
    return visit.file(content, name=f"{found.number}.xml", media_type="application/xml", inline=True)


@pages.get("/orders/{number}/order.pdf", roles=CASE_ROLES)
def paper(visit: Here, number: str) -> Response:
    """The order for people, without the provider's links."""
    found = order_page.seen(visit, number)
    settings = visit.settings
    made = previewing.stored(
        visit.session, found.number, organisation=settings.organisation, orders=settings.orders
    ).copy()
    visit.saw(f"order:{found.number}", "order.viewed", document=sha256(made).hexdigest())
    return visit.file(made, name=f"{found.number}.pdf", media_type="application/pdf", inline=True)


@pages.post("/orders/{number}/resend", roles=CASE_ROLES)
def resend(visit: Here, number: str, note: Typed = "") -> Response:
    """Have it sent again, under the same number, to where the provider takes orders now."""

    def resent(found: Order) -> Message:
        reason = fields.words(note, _("Why"))
        ending.resend(visit.session, found.number, actor=visit.actor, reason=reason, now=visit.now)
        return Message("{order} will be sent again.", order=found.number)

    return _acted(visit, number, "resend", {"note": note}, resent)


@pages.post("/orders/{number}/cancel", roles=CASE_ROLES)
def cancel(visit: Here, number: str, note: Typed = "") -> Response:
    """Take it back, so that its services can be ordered anew."""

    def cancelled(found: Order) -> Message:
        reason = fields.words(note, _("Why"))
        done = ending.cancel(visit.session, found.number, actor=visit.actor, reason=reason, now=visit.now)
        return order_page.said_of(found.number, done)

    return _acted(visit, number, "cancel", {"note": note}, cancelled)


@pages.post("/orders/{number}/answers/{answer}/apply", roles=CASE_ROLES)
def apply_answer(visit: Here, number: str, answer: Id, note: Typed = "") -> Response:
    """Do what an answer says that waits for a person: accept the changes, or whatever it is."""
    return _settle(visit, number, answer, note, apply=True)


@pages.post("/orders/{number}/answers/{answer}/discard", roles=CASE_ROLES)
def discard_answer(visit: Here, number: str, answer: Id, note: Typed = "") -> Response:
    """Let it be: decline the changes, or leave the order as it was answered before."""
    return _settle(visit, number, answer, note, apply=False)


@pages.post("/orders/{number}/respond", roles=CASE_ROLES)
def respond(visit: Here, number: str, code: Typed = "", starts_on: Typed = "", note: Typed = "") -> Response:
    """Write down what the provider said by telephone or letter."""

    def responded(found: Order) -> Message:
        said = _code(code)
        answers_held.respond(
            visit.session,
            found.number,
            said,
            actor=visit.actor,
            reason=fields.words(note, _("Note")),
            starts_on=fields.day(starts_on, _("First day")) if said == "AP" else None,
            now=visit.now,
        )
        return Message("The answer to {order} is written down.", order=found.number)

    return _acted(visit, number, "respond", {"code": code, "starts_on": starts_on, "note": note}, responded)


@pages.post("/orders/{number}/hand-over", roles=CASE_ROLES)
def tick(visit: Here, number: str) -> Response:
    """Tick that the family's contact details were given to the provider, outside Avain."""

    def ticked(found: Order) -> Message:
        hand_over.tick(visit.session, found.number, actor=visit.actor, now=visit.now)
        return Message("Ticked: the contact details were handed over.")

    return _acted(visit, number, "hand_over", {}, ticked)


@pages.post("/orders/{number}/placed", roles=CASE_ROLES)
def placed(visit: Here, number: str, reference: Typed = "") -> Response:
    """Write down that it was placed outside Avain, and what it is called there."""

    def written_down(found: Order) -> Message:
        said = fields.words(reference, _("Its number there"))
        placing.placed(visit.session, found.number, reference=said, actor=visit.actor, now=visit.now)
        return Message("Written down: {order} is placed.", order=found.number)

    return _acted(visit, number, "placed", {"reference": reference}, written_down)


@pages.post("/orders/{number}/links/revoke", roles=CASE_ROLES)
def revoke_links(visit: Here, number: str, note: Typed = "") -> Response:
    """Let the links that went out with it open no more."""

    def revoked(found: Order) -> Message:
        reason = fields.words(note, _("Why"))
        link_renewal.revoke(visit.session, found.number, actor=visit.actor, reason=reason, now=visit.now)
        return Message("The links of {order} open no more.", order=found.number)

    return _acted(visit, number, "links", {"note": note}, revoked)


@pages.post("/orders/{number}/links/renew", roles=CASE_ROLES)
def renew_links(visit: Here, number: str, note: Typed = "") -> Response:
    """New links, shown once: the answer to a form, so that they stand in no address and no history leads back to them."""

    def renewed(found: Order) -> Response:
        reason = fields.words(note, _("Why"))
        reply, delivered = link_renewal.renew(
            visit.session, found.number, settings=visit.settings, actor=visit.actor, reason=reason, now=visit.now
        )
        return visit.page("orders/links.html", order=found, reply=reply, delivered=delivered)

    return _acted(visit, number, "links", {"note": note}, renewed)


def _acted(
    visit: Visit, number: str, form: str, typed: Mapping[str, str], act: Callable[[Order], Message | Response]
) -> Response:
    """Do something about an order and say so on its page; a refusal is said beside the `form` it was asked by, with all that was typed."""
    found = order_page.seen(visit, number)
    try:
        with visit.session.begin_nested():  # a refusal leaves the transaction usable
            done = act(found)
    except InputError as refused:
        return order_page.show(visit, found, Form(typed, {form: str(refused)}))
    return visit.go(f"/orders/{found.number}", done) if isinstance(done, Message) else done


def _code(code: str) -> Code:
    """What a person can write down as an answer. Raises InputError."""
    if code == "AP":
        return "AP"
    if code == "RE":
        return "RE"
    raise InputError("Say what the provider answered.")


def _settle(visit: Visit, number: str, answer: int, note: str, *, apply: bool) -> Response:

    def settled(found: Order) -> Message:
        settle = answers_held.apply_held if apply else answers_held.discard_held
        reason = fields.words(note, _("Why"))
        taken = settle(visit.session, found.number, actor=visit.actor, reason=reason, now=visit.now)
        _must_be(answer, taken.response_id)
        return Message(
            N_("The answer is taken into account.") if apply else N_("The answer is discarded. Tell the provider.")
        )

    return _acted(visit, number, f"answer-{answer}", {"note": note}, settled)


def _must_be(shown: int, settled: int | None) -> None:
    """What is settled is the answer that was shown, not one that has come since. Raises InputError."""
    if settled != shown:
        raise InputError("Another answer has come meanwhile. Look at it first.")
