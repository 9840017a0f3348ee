"""What stands against ordering a planned service: every reason as a sentence that says what to do. Pure."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import chain

from connectors.channels import registry
from core.budget_settings import Budgets
from core.channel_settings import Connections
from core.errors import Message
from core.i18n import N_
from core.order_settings import Orders
from services.orders.weighing.items import Item, Seller
from services.orders.weighing.lines import Part
from services.orders.weighing.money import BudgetNow
from services.orders.weighing.periods import MONTHLY

ENDED = N_("The planned service, its decision or its case has ended.")


def objection(
    item: Item, *, connections: Connections, automatic: bool = False, renewing: bool = False
) -> Message | None:
    """The first reason why nothing of an item can be ordered, or None.

    Every order rests on a decision with number and date and on a choice that nobody declined (DESIGN "Orders"); nothing is approved
    automatically without an assessment or a client plan. `renewing`: the item's next months are ordered on an approval that stands.
    `connections`: those of avain.toml that orders may go out by.
    """
    reasons = chain(
        _of_the_plan(item, automatic=automatic, renewing=renewing),
        _of_the_provider(item.seller, connections),
        _of_people(item, renewing=renewing),
    )
    return next(reasons, None)


def part_objection(part: Part) -> Message | None:
    """The first reason why these days of an item cannot be ordered, or None: contract and decision in force, and a price for every day."""
    return next(_of_the_days(part), None)


def _of_the_plan(item: Item, *, automatic: bool, renewing: bool) -> Iterator[Message]:
    if item.order_number and (item.order_period != MONTHLY or not item.open):
        yield Message(N_("It is already ordered: {order}."), order=item.order_number)
    if item.ended:
        yield Message(ENDED)
    if not item.decision_number or not item.decided_on:
        yield Message(
            N_("The official decision has no number or no date yet. Complete it in the client information system.")
        )
    if not renewing and item.decision_valid is not None and not item.decision_valid.contains(item.period):
        yield Message(N_("The decision {decision} does not cover the whole period."), decision=item.decision_number)
    if automatic and not item.assessed:
        yield Message(N_("Without a date of the assessment or the client plan, a person has to approve."))


def _of_the_provider(seller: Seller | None, connections: Connections) -> Iterator[Message]:
    if seller is None:
        yield Message(N_("No provider has been chosen yet."))
        return
    if not seller.active:
        yield Message(N_("The provider {provider} is no longer active."), provider=seller.name)
    if not seller.channel:
        yield Message(
            N_("It is not known how orders reach {provider}. Say so with the provider."), provider=seller.name
        )
        return
    unreachable = registry.problem(seller.channel, seller.destination, connections)
    if unreachable:
        yield Message(N_("Orders cannot reach {provider}: {problem}"), provider=seller.name, problem=unreachable.text())


def _of_people(item: Item, *, renewing: bool) -> Iterator[Message]:
    if item.declined is not None:
        yield Message(N_("It was declined: {reason}"), reason=item.declined)
    if item.standing and not renewing:
        yield Message(N_("Its months are approved already and are ordered as they come."))
    if item.proposed:
        yield Message(N_("An order of it no longer says what is planned. Settle that first: avain order proposals"))


def _of_the_days(part: Part) -> Iterator[Message]:
    seller, item = part.item.seller, part.item
    name = seller.name if seller else ""
    if item.decision_valid is not None and not item.decision_valid.contains(part.period):
        yield Message(N_("The decision {decision} does not cover the whole period."), decision=item.decision_number)
    if part.contract_id is None:
        yield Message(N_("No contract with {provider} covers the whole period."), provider=name)
    if part.gap:
        yield Message(
            N_(
                "No price of {provider} is in force from {first} to {last}, but a price list of theirs waits for the price manager."
            )
            if item.prices_held
            else N_("No price of {provider} is in force from {first} to {last}."),
            provider=name,
            first=part.gap.first.isoformat(),
            last=part.gap.last.isoformat(),
        )
    if not part.shares and part.month is None:  # such as an amount beyond belief, which the budget explains
        yield Message(UNPRICED)
    if any(
        seller is None or share.provider_id != seller.id for share in part.shares
    ):  # nobody is ever paid by another's price list
        yield Message(N_("Its budget was calculated for another provider. Recompute it: avain budget recompute"))


UNPRICED = N_("It has no price. The budget says why: avain budget explain")


def over_objection(budget: BudgetNow, *, reason: str, budgets: Budgets) -> Message | None:
    """Why the budget's state forbids ordering without a reason, or None. Over the ceiling nothing is forbidden, but why must be recorded."""
    over = (
        budget.ceiling is None or budget.state == "over" or budget.committed > budget.ceiling * (1 + budgets.tolerance)
    )
    if not over or reason.strip():
        return None
    if budget.ceiling is None:
        return Message(N_("The ceiling of the budget is not known; approving needs a reason."))
    return Message(
        N_("The budget goes over its ceiling of {euros}; approving needs a reason."), euros=str(budget.ceiling)
    )


def automatic_objection(committed: Decimal, settings: Orders) -> Message | None:
    """Why so much committed on a decision is not approved by itself, or None."""
    if committed <= settings.automatic_up_to:
        return None
    return Message(
        N_("With {euros} committed on the decision, above {of_euros}, a person has to approve."),
        euros=str(committed),
        of_euros=str(settings.automatic_up_to),
    )
