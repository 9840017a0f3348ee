"""What stands against ordering a planned service: every reason as a sentence that says what to do. Pure."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import chain

from connectors.channels import registry
from core.budget_settings import Budgets
from core.errors import Message
from core.i18n import N_
from core.settings import Orders
from services.orders.items import Item, Seller
from services.orders.lines import BudgetNow, Gap, Share

ENDED = N_("The planned service, its decision or its case has ended.")


def objection(item: Item, shares: list[Share], gap: Gap | None, *, automatic: bool) -> Message | None:
    """The first reason why an item cannot be ordered by itself, or None.

    Every order rests on a decision with number and date, a contract in force for the whole period, and a price for every day
    (DESIGN "Orders"); nothing is approved automatically without an assessment or a client plan.
    """
    reasons = chain(_of_the_plan(item, automatic=automatic), _of_the_provider(item, item.seller, shares, gap))
    return next(reasons, None)


def _of_the_plan(item: Item, *, automatic: bool) -> Iterator[Message]:
    if item.order_number:
        yield Message(N_("It is already ordered: {order}."), order=item.order_number)
    if item.ended:
        yield Message(ENDED)
    if not item.decision_number or not item.decided_on:
        yield Message(
            N_("The official decision has no number or no date yet. Complete it in the client information system.")
        )
    if item.decision_valid is not None and not item.decision_valid.contains(item.period):
        yield Message(N_("The decision {decision} does not cover the whole period."), decision=item.decision_number)
    if automatic and not item.assessed:
        yield Message(N_("Without a date of the assessment or the client plan, a person has to approve."))


def _of_the_provider(item: Item, seller: Seller | None, shares: list[Share], gap: Gap | None) -> Iterator[Message]:
    if seller is None:
        yield Message(N_("No provider has been chosen yet."))
        return
    if not seller.active:
        yield Message(N_("The provider {provider} is no longer active."), provider=seller.name)
    unreachable = registry.problem(seller.channel, seller.destination)
    if unreachable:
        yield Message(N_("Orders cannot reach {provider}: {problem}"), provider=seller.name, problem=unreachable.text())
    if item.contract_id is None:
        yield Message(N_("No contract with {provider} covers the whole period."), provider=seller.name)
    if gap:
        yield Message(
            N_("No price of {provider} is in force from {first} to {last}."),
            provider=seller.name,
            first=gap.first.isoformat(),
            last=gap.last.isoformat(),
        )
    if not shares:  # such as an amount beyond belief, which the budget explains
        yield Message(N_("It has no price. The budget says why: avain budget explain"))
    if any(share.provider_id != seller.id for share in shares):  # nobody is ever paid by another's price list
        yield Message(N_("Its budget was calculated for another provider. Recompute it: avain budget recompute"))


def money_objection(
    items: list[Item],
    gross: Decimal,
    budget: BudgetNow,
    *,
    approver: str,
    reason: str,
    budgets: Budgets,
    orders: Orders,
) -> Message | None:
    """Why an order of `gross` euros cannot be approved by this person in this way, or None.

    Over the ceiling nothing is forbidden, but a reason must be recorded. Above the limit the approver is not who chose; the limit
    counts everything committed on the decision, so that it cannot be passed by in slices.
    """
    committed = budget.committed + gross
    over = budget.ceiling is None or budget.state == "over" or committed > budget.ceiling * (1 + budgets.tolerance)
    if over and not reason.strip():
        if budget.ceiling is None:
            return Message(N_("The ceiling of the budget is not known; approving needs a reason."))
        return Message(
            N_("The budget goes over its ceiling of {ceiling} €; approving needs a reason."),
            ceiling=str(budget.ceiling),
        )
    if committed > orders.approval_limit and approver in {item.chooser for item in items}:
        return Message(
            N_(
                "With {amount} € committed on the decision, above the limit of {limit} €, somebody else than who recorded the choice must approve."
            ),
            amount=str(committed),
            limit=str(orders.approval_limit),
        )
    return None
