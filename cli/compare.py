"""`avain compare`: what the same money buys, with a case or before there is any; on paper for the steering group too."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, is_dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import papers
from cli.common import As, Json, actor, complaints, console, emit, table, transaction
from core.errors import InputError
from core.i18n import _, day, language, money, speaking
from core.units import amount
from services.compare import Comparison, Offer
from services.compare.asking import MOST_MONTHS, TOO_MUCH, USUAL_MONTHS, NothingToCompareError
from services.compare.words import (
    FOR_THOSE_WHO_DECIDE,
    bought_in_words,
    known_of,
    origin_in_words,
    price_in_words,
    price_of,
    valid_in_words,
    verdict_in_words,
)

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class Language(StrEnum):
    """What people read."""

    fi = "fi"
    sv = "sv"
    en = "en"


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
    months: Annotated[
        int, typer.Option("--months", min=1, max=MOST_MONTHS, help=_("For how many months from today."))
    ] = USUAL_MONTHS,
    pdf: Annotated[
        Path | None, typer.Option("--pdf", metavar=_("FILE"), help=_("Print it on one page for the steering group."))
    ] = None,
    force: Annotated[bool, typer.Option("--force", help=_("Replace the file that is there."))] = False,
    lang: Annotated[Language | None, typer.Option("--lang", help=_("In this language."))] = None,
    as_: As = None,
    as_json: Json = False,
) -> None:
    """`avain compare --case HB-2026-000001`, `avain compare --baseline PERHETYO --quantity 12 --unit C62 --months 3`.

    Looking at a case, and printing it, is recorded, as the law on access logs wants.
    """
    from core.clock import business_now
    from services.cases import is_non_disclosure
    from services.compare.noting import note_compared

    hidden = False
    if (
        bool(case) == bool(baseline)
        or (baseline and not quantity)
        or (case and (quantity or unit))
        or (item and not case)
    ):
        raise typer.BadParameter(_("Give either --case, or --baseline and --quantity."))
    with speaking(lang or language()):
        with transaction() as session:
            found = _ask(session, case, item, (baseline, quantity, unit, months))
            paper = None if pdf is None else _print_annex(session, found, actor(as_))
            if pdf is not None and paper is not None:
                papers.is_there(pdf, paper, force=force)
                hidden = bool(case) and is_non_disclosure(session, str(case))
            if case:
                note_compared(session, actor(as_), case, now=business_now(session), printed=paper)
        if pdf is not None and paper is not None:  # recorded first: what can be read has been recorded
            papers.put(pdf, paper, force=force)
            if hidden:
                complaints().print(_(FOR_THOSE_WHO_DECIDE))
        emit(_plain(found), as_json, lambda: _print(found, pdf))


def _ask(
    session: "Session", case: str | None, item: str | None, asked: tuple[str | None, str | None, str | None, int]
) -> list[Comparison]:
    """For a case, or for what is asked without any: the service to replace, how much of it in which unit, for how many months."""
    from core.clock import business_today
    from core.settings import settings
    from services.compare import compare_case, compare_service

    today, budgets = business_today(session), settings().budgets
    if case:
        try:
            return compare_case(session, case, item=item, today=today, settings=budgets)
        except NothingToCompareError as error:
            raise InputError(
                "{reason} Compare without it: avain compare --baseline SERVICE --quantity N", reason=error.message
            ) from None
    baseline, quantity, unit, months = asked
    return [
        compare_service(
            session,
            baseline=baseline or "",
            quantity=_quantity(quantity or ""),
            unit=unit.upper() if unit else None,
            months=months,
            today=today,
            settings=budgets,
        )
    ]


def _print_annex(session: "Session", found: list[Comparison], who: str) -> bytes:
    """The one page. Raises InputError where there would be several."""
    from core.clock import business_now
    from services.compare.annex import annex

    if len(found) > 1:
        raise InputError(
            "Case {case} has several planned services; say with --item which: {items}",
            case=found[0].case,
            items=", ".join(one.item or one.decision or "–" for one in found),
        )
    return annex(found[0], made_by=who.partition(":")[2], now=business_now(session), language=language())


def _quantity(written: str) -> Decimal:
    try:
        value = Decimal(written.replace(",", "."))
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or not 0 < value < TOO_MUCH:
        raise InputError("{value} is not a quantity.", value=written)
    return value


def _plain(value: Any) -> Any:
    """What JSON can hold: tuples with names as objects."""
    if isinstance(value, Offer):
        return {**{name: _plain(one) for name, one in value._asdict().items()}, "pending": value.pending}
    if hasattr(value, "_asdict"):
        return {name: _plain(one) for name, one in value._asdict().items()}
    if is_dataclass(value) and isinstance(value, Comparison):
        return {name: _plain(getattr(value, name)) for name in asdict(value)}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return dict(value) if isinstance(value, Mapping) else value


def _print(comparisons: list[Comparison], pdf: Path | None) -> None:
    out = console()
    for one in comparisons:
        headings = (
            _("Service and provider"), _("Price"), _("Total"), _("Left of the ceiling"), _("The money buys"), _("Verdict"),
            _("Price known until"),
        )  # fmt: skip
        out.print(table(_title(one), headings, [_cells(offer) for offer in one.offers], right=(1, 2, 3, 4)))
        if one.beside:
            out.print(_("The budget has to pay beside it: {amount}").format(amount=money(one.beside)))
        if one.reference:
            out.print(
                f"{_('Own unit cost')}: {price_of(one.reference)} – {origin_in_words(one.reference)}", markup=False
            )
        for said in filter(None, (*one.notes, one.reason)):
            out.print(f"  ! {said}", markup=False)
        for line in (line for offer in one.offers for line in _behind(offer)):
            out.print(line, markup=False)
        if not one.offers:
            out.print(_("No provider's price is known for any alternative."))
        out.print()
    if pdf is not None:
        out.print(_("Written: {file}").format(file=pdf), markup=False)


def _behind(offer: Offer) -> Iterator[str]:
    """Where each of its prices comes from, and why a figure is missing."""
    name = f"{offer.service_name}, {offer.provider}"
    for price in offer.every_price:
        yield f"{name}: {price_of(price)} – {origin_in_words(price)}"
    if offer.reason:
        yield f"  ! {name}: {offer.reason}"


def _title(one: Comparison) -> str:
    about = _("Case {case}, decision {decision}").format(case=one.case, decision=one.decision) if one.case else ""
    replaced = f"{one.baseline_name} {amount(one.quantity, one.unit)}" if one.baseline else ""
    ceiling = _("ceiling {amount}").format(amount=money(one.ceiling))
    parts = (about, one.item, replaced, f"{day(one.first)}–{day(one.last)}", ceiling)
    return " · ".join(part for part in parts if part)


def _cells(offer: Offer) -> tuple[str, ...]:
    return (
        "\n".join(filter(None, (offer.service_name, offer.provider, known_of(offer)))),
        price_in_words(offer),
        money(offer.total),
        money(offer.difference),
        bought_in_words(offer),
        verdict_in_words(offer),
        valid_in_words(offer),
    )
