"""A budget in words, as the command line and the console both say it: states, what is not as it should be, and where each figure comes from."""

import dataclasses
from collections.abc import Mapping
from typing import Final

from core.errors import Message
from core.i18n import N_, _, day, moment, money
from core.units import amount, unit_price, what_is_priced
from services.budgets.dirty import cause_message
from services.budgets.show import BudgetView, Ceiling, Line, Provenance

#: How each state of a budget reads.
STATE_NAMES: Final = {
    "ok": N_("ok"),
    "near": N_("near the ceiling"),
    "within_tolerance": N_("over the ceiling, within the tolerance"),
    "over": N_("over"),
    "unpriced": N_("cannot be calculated in full"),
    "ended": N_("ended"),
}
_KINDS: Final = {
    "planned": N_("planned"),
    "ordered": N_("ordered"),
    "delivered": N_("delivered, of what is ordered"),
    "invoiced": N_("invoiced"),
    "unpriced": N_("unpriced"),
}
#: The parts of a budget that lines add up to, in the order they are told. `delivered` is a part of `ordered`.
PARTS: Final = {
    "invoiced": N_("Invoiced"),
    "ordered": N_("Ordered"),
    "delivered": N_("– of which delivered"),
    "planned": N_("Planned"),
}
_NOT_OPEN: Final = {
    "closed": N_("The case is closed: nothing more is planned in it."),
    "gone": N_("The case is no longer in its source system: nothing more is planned in it."),
}
_TOUCHED: Final = N_("Something has changed since: these figures are about to be calculated anew.")


def state_name(state: str) -> str:
    """`near the ceiling`; a state without words is shown as it is."""
    return _(STATE_NAMES.get(state, state))


def kind_in_words(line: Line) -> str:
    """What a share is by now: `ordered T-2026-000001`, `planned (price pending)`."""
    kind = _(_KINDS[line.kind])
    if line.order:
        return f"{kind} {line.order}"
    return f"{kind} ({_('price pending')})" if line.price is not None and line.price.pending else kind


def with_names(budget: BudgetView, services: Mapping[str, str]) -> BudgetView:
    """The same for people: services by name instead of code."""

    def named(code: str | None) -> str | None:
        return None if code is None else services.get(code, code)

    return dataclasses.replace(
        budget,
        ceiling_from=dataclasses.replace(budget.ceiling_from, service=named(budget.ceiling_from.service)),
        reasons=tuple(_naming(reason, services) for reason in budget.reasons),
        lines=tuple(
            dataclasses.replace(line, service=services.get(line.service, line.service)) for line in budget.lines
        ),
    )


def _naming(reason: Message, services: Mapping[str, str]) -> Message:
    """The same reason with the service's name where it has its code."""
    code = reason.params.get("service")
    return Message(reason.msgid, **{**reason.params, "service": services.get(code, code)}) if code else reason


def remarks(budget: BudgetView) -> list[str]:
    """What a reader has to know beside the figures."""
    of_case = [_(_NOT_OPEN[budget.case_status])] if budget.case_status in _NOT_OPEN else []
    return [*of_case, *([_(_TOUCHED)] if budget.touched else []), *map(str, budget.reasons)]


def title(budget: BudgetView) -> str:
    """`Budget of case HB-2026-000001, decision P-2026-101`."""
    return _("Budget of case {case}, decision {decision}").format(case=budget.case, decision=budget.decision)


def cause_in_words(budget: BudgetView) -> str:
    """Since when the figures are as they are, and why."""
    said = _("figures of {moment}; cause: {cause}").format(
        moment=moment(budget.recorded_at), cause=cause_message(budget.cause).text()
    )
    return said + ("; " + _("run") + f" {budget.run_id}" if budget.run_id else "")


def days_of(line: Line) -> str:
    """`23.11.2026–22.2.2027`."""
    return f"{day(line.first)}–{day(line.last)}"


def price_in_words(price: Provenance | None) -> str:
    """`88,00 €/visit`."""
    return unit_price(price.amount, price.unit, price.base_quantity) if price else "–"


def ceiling_in_words(ceiling: Ceiling) -> str:
    """What makes the ceiling: the granted amount, or a quantity at a unit cost. Empty while it is not known: the remarks say why."""
    if ceiling.granted_amount is not None:
        return _("granted amount of the decision")
    if ceiling.price is None or ceiling.quantity is None:
        return ""
    return _("{service}, {quantity} at {price}, the unit cost in force on {date}").format(
        quantity=amount(ceiling.quantity, ceiling.unit),
        service=ceiling.service,
        price=price_in_words(ceiling.price),
        date=day(ceiling.decided_on),
    )


def line_in_words(line: Line) -> str:
    """How a share comes to its amount: `ADHD coaching 23.11.2026–22.2.2027: 12 visits × 88,00 €/visit = 1 056,00 €`."""
    what = f"{what_is_priced(line.service, line.extra)} {days_of(line)}: {amount(line.quantity, line.unit)}"
    if line.kind == "unpriced":
        return what
    # what was billed, or is left of an order, is no product of quantity and price
    whole = line.kind == "planned" or line.order is None
    price = price_in_words(line.price)
    return f"{what} × {price} = {money(line.gross)}" if whole else f"{what}, {money(line.gross)} ({price})"


def line_notes(line: Line) -> list[str]:
    """What stands behind a share: VAT, order, invoices."""
    notes = []
    if line.vat:
        notes.append(_("without VAT {net}, VAT {vat}").format(net=money(line.net), vat=money(line.vat)))
    if line.order:
        notes.append(_("purchase order {order}").format(order=line.order))
    if line.invoices:
        notes.append(_("invoices {numbers}").format(numbers=", ".join(line.invoices)))
    return notes


def origin_in_words(price: Provenance) -> str:
    """The row of the file a price stands in, with its sha256 and the run that brought it."""
    origin = _("{file}:{position}, sha256 {sha256}, run {run}").format(
        file=price.file_name, position=price.position, sha256=price.sha256, run=price.run_id
    )
    return f"{origin} ({_('price pending')})" if price.pending else origin
