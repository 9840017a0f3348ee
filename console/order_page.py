"""The page of one order, as it is shown after looking and again after a form that could not be saved: what was typed stays."""

from typing import Any, Final

from starlette.responses import Response

from console.forms import Form
from console.visit import Visit
from core.errors import Message
from core.units import amount, unit_price, what_is_priced
from services.labels import chooser_name
from services.names import people, service_names
from services.orders import story, words
from services.orders.proposals import open_proposals
from services.orders.replies.answer_values import OPEN
from services.orders.sending import placing
from services.orders.sending.ending import CANCELLABLE, RESENDABLE, Cancelled
from services.orders.sending.link_renewal import WITH_LINKS
from services.orders.show import delivery_attempts, state_name

#: In these a person may write down an answer: one is waited for, or what was answered is taken back.
ANSWERABLE: Final = frozenset({*OPEN, "accepted", "rejected"}) - {"approved", "sending"}


def seen(visit: Visit, number: str) -> story.Order:
    """The order, if the person may see its case. Raises NotFound."""
    return story.order_seen(visit.session, visit.person, number, visit.today)


def show(visit: Visit, order: story.Order, form: Form | None = None) -> Response:
    """The page, and one event in the audit trail. With `form` it says what could not be done, with status 422."""
    visit.saw(f"order:{order.number}", "order.viewed")
    proposed = open_proposals(visit.session, today=visit.today, person=visit.person, order_number=order.number)
    names = service_names(visit.session) if proposed else {}
    answers = story.answers_of(visit.session, order.id)
    # of several answers that wait, the latest is settled first
    waiting = next((one.id for one in answers if one.state == "held"), None)
    forms = {
        "resend": order.state in RESENDABLE,
        "cancel": order.state in CANCELLABLE,
        "respond": order.state in ANSWERABLE,
        f"answer-{waiting}": waiting is not None,
        "links": order.has_mail and order.state in WITH_LINKS,
        "hand_over": order.state == "accepted" and order.handed_over_at is None,
        "placed": order.channel == placing.EXTERNAL and order.state in placing.PLACEABLE and order.placed_at is None,
    }
    return visit.page(
        "orders/order.html",
        status=422 if form else 200,
        order=order,
        lines=story.lines_of(visit.session, order.id),
        choices=story.choices_of(visit.session, order.id),
        attempts=delivery_attempts(visit.session, order.number),
        proposed=proposed,
        differences={one.id: words.differences(one.details, names) for one in proposed},
        answers=answers,
        waiting=waiting,
        papers=story.papers_of(visit.session, order.id),
        billed=story.billed_on(visit.session, order.id),
        may=forms,
        form=form or Form(),
        none_typed=Form(),
        homeless=[] if form is None else [said for name, said in form.problems.items() if not forms.get(name)],
        named=_Named(people(visit.session)),
        **tools(),
    )


def said_of(number: str, done: Cancelled) -> Message:
    """What follows from having cancelled an order."""
    if done.person_tells:
        return Message(
            "{order} is cancelled. The provider may have it and cannot be written to: tell it.", order=number
        )
    if done.letter:
        return Message("{order} is cancelled. A letter tells the provider.", order=number)
    return Message("{order} is cancelled. The provider never had it.", order=number)


def tools() -> dict[str, Any]:
    """What the templates of orders call."""
    return {
        "words": words,
        "tones": words.TONES,
        "state_name": state_name,
        "chooser_name": chooser_name,
        "amount": amount,
        "unit_price": unit_price,
        "what_is_priced": what_is_priced,
    }


class _Named:
    """What the reader calls those who did something: workers by their names, Avain itself, and others as the audit trail does."""

    def __init__(self, names: dict[str, str]) -> None:
        self._names = names

    def actor(self, actor: str | None) -> str:
        return "–" if not actor else self._names.get(actor, actor)
