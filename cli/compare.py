"""`avain compare`: what the same money buys, with a case or before there is any."""

import dataclasses
from decimal import Decimal, InvalidOperation
from typing import Annotated

import typer

from cli.common import As, Json, actor, console, emit, table, transaction
from cli.labels import facts_in_words
from core.errors import InputError
from core.i18n import N_, _, day, money, number
from core.units import amount, unit_price
from services.compare import Comparison, Offer
from services.compare.pricing import Tariff

_VERDICTS = {
    "fits": N_("fits"),
    "within_tolerance": N_("within the tolerance"),
    "over": N_("would go over"),
    "unknown": N_("cannot be told"),
}

#: No service is asked for in such quantities; arithmetic beyond it would fail.
_TOO_MUCH = 1_000_000_000


def register(app: typer.Typer) -> None:
    """Add the command to `avain` itself."""
    app.command("compare", help=_("Show what the money of a service buys at every priced alternative."))(compare)


def compare(  # noqa: PLR0917 - options of a command
    case: Annotated[
        str | None, typer.Option("--case", metavar=_("CASE"), help=_("Compare for the decisions of a case."))
    ] = None,
    item: Annotated[
        str | None, typer.Option("--item", metavar=_("ITEM"), help=_("Only for this planned service."))
    ] = None,
    baseline: Annotated[
        str | None, typer.Option("--baseline", metavar=_("SERVICE"), help=_("Without a case: the service to replace."))
    ] = None,
    quantity: Annotated[
        str | None, typer.Option("--quantity", metavar=_("N"), help=_("Without a case: how much of it."))
    ] = None,
    unit: Annotated[
        str | None, typer.Option("--unit", metavar=_("UNIT"), help=_("Its unit, such as C62 (visits) or HUR (hours)."))
    ] = None,
    months: Annotated[int, typer.Option("--months", min=1, max=120, help=_("For how many months from today."))] = 3,
    as_: As = None,
    as_json: Json = False,
) -> None:
    """`avain compare --case HB-2026-000001`, `avain compare --baseline PERHETYO --quantity 12 --unit C62 --months 3`.

    Looking at a case is recorded, as the law on access logs wants.
    """
    from core.clock import business_now, business_today
    from core.settings import settings
    from services import audit
    from services.compare import compare_case, compare_service

    with transaction() as session:
        today, budgets = business_today(session), settings().budgets
        if case and not baseline:
            found = compare_case(session, case, item=item, today=today, settings=budgets)
            audit.record(session, actor(as_), "case.compared", f"case:{case}", now=business_now(session))
        elif baseline and quantity and not case:
            wanted = _quantity(quantity)
            found = [
                compare_service(
                    session, baseline=baseline, quantity=wanted, unit=unit, months=months, today=today, settings=budgets
                )
            ]
        else:
            raise typer.BadParameter(_("Give either --case, or --baseline and --quantity."))
    emit([_plain(one) for one in found], as_json, lambda: _print(found))


def _quantity(written: str) -> Decimal:
    try:
        value = Decimal(written.replace(",", "."))
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or not 0 < value < _TOO_MUCH:
        raise InputError("{value} is not a quantity.", value=written)
    return value


def _plain(comparison: Comparison) -> dict[str, object]:
    offers = [{**dataclasses.asdict(one), "reason": one.reason} for one in comparison.offers]
    return {**dataclasses.asdict(comparison), "reason": comparison.reason, "offers": offers}


def _print(comparisons: list[Comparison]) -> None:
    out = console()
    for one in comparisons:
        headings = (
            _("Service and provider"), _("Price"), _("Total"), _("Left of the ceiling"), _("The money buys"), _("Verdict"),
            _("Price known until"),
        )  # fmt: skip
        out.print(table(_title(one), headings, [_cells(offer) for offer in one.offers], right=(1, 2, 3, 4)))
        if one.reference:
            out.print(_origin(_("Own unit cost"), one.reference))
        if one.reason:
            out.print(f"  ! {one.reason}")
        for offer in one.offers:
            for price in offer.prices:
                out.print(_origin(f"{offer.service_name}, {offer.provider}", price))
            if offer.reason:
                out.print(f"  ! {offer.service_name}, {offer.provider}: {offer.reason}")
        if not one.offers:
            out.print(_("No provider's price is known for any alternative."))
        out.print()


def _title(one: Comparison) -> str:
    about = _("Case {case}, decision {decision}").format(case=one.case, decision=one.decision) if one.case else ""
    replaced = f"{one.baseline_name} {amount(one.quantity, one.unit)}" if one.baseline else ""
    ceiling = _("ceiling {amount}").format(amount=money(one.ceiling))
    return " · ".join(part for part in (about, replaced, f"{day(one.first)}–{day(one.last)}", ceiling) if part)


def _cells(offer: Offer) -> tuple[str, ...]:
    price = offer.prices[0] if offer.prices else None
    verdict = _(_VERDICTS[offer.verdict])
    marks = [_("cheapest")] * offer.cheapest + [_("chosen")] * offer.chosen
    each = "–" if price is None else unit_price(price.amount, price.unit, price.base_quantity)
    return (
        "\n".join(filter(None, (offer.service_name, offer.provider, facts_in_words(offer.facts)))),
        each if offer.quantity is None else f"{number(offer.quantity)} × {each}",
        money(offer.total),
        money(offer.difference),
        amount(offer.buys, offer.unit),
        ", ".join([verdict, *marks]),
        _("until further notice") if offer.prices and offer.valid_until is None else day(offer.valid_until),
    )


def _origin(label: str, price: Tariff) -> str:
    return f"{label}: {unit_price(price.amount, price.unit, price.base_quantity)} – {price.file_name}:{price.position}, sha256 {price.sha256}"
