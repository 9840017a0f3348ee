"""One order: what was ordered and what came of it, its papers, and what a person may do about it."""

from starlette.responses import Response

from console import fields, order_page
from console.forms import Form, Typed
from console.roles import CASE_ROLES
from console.visit import Here, Pages
from core.errors import InputError, Message
from core.i18n import _
from services.orders import ending
from services.orders.show import order_document

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


@pages.post("/orders/{number}/resend", roles=CASE_ROLES)
def resend(visit: Here, number: str, note: Typed = "") -> Response:
    """Have it sent again, under the same number, to where the provider takes orders now."""
    found = order_page.seen(visit, number)
    try:
        with visit.session.begin_nested():
            reason = fields.words(note, _("Why"))
            ending.resend(visit.session, found.number, actor=visit.actor, reason=reason, now=visit.now)
    except InputError as refused:
        return order_page.show(visit, found, Form({"note": note}, {"resend": str(refused)}))
    return visit.go(f"/orders/{found.number}", Message("{order} will be sent again.", order=found.number))


@pages.post("/orders/{number}/cancel", roles=CASE_ROLES)
def cancel(visit: Here, number: str, note: Typed = "") -> Response:
    """Take it back, so that its services can be ordered anew."""
    found = order_page.seen(visit, number)
    try:
        with visit.session.begin_nested():
            reason = fields.words(note, _("Why"))
            tell = ending.cancel(visit.session, found.number, actor=visit.actor, reason=reason, now=visit.now)
    except InputError as refused:
        return order_page.show(visit, found, Form({"note": note}, {"cancel": str(refused)}))
    said = Message("{order} is cancelled.", order=found.number)
    if tell:
        said = Message(
            "{order} is cancelled. The provider may have received it: tell the provider that it is cancelled.",
            order=found.number,
        )
    return visit.go(f"/orders/{found.number}", said)
