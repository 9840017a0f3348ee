"""A comparison as the pages show it: the words of services/compare/words.py, put into the cells of a table."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from starlette.responses import Response

from console.visit import Visit
from core.errors import Message
from core.i18n import _
from services.compare import Comparison, Offer
from services.compare.judging import shortened
from services.compare.words import (
    about_in_words,
    bought_in_words,
    difference_in_words,
    facts_in_words,
    marks_of,
    origin_in_words,
    price_in_words,
    price_of,
    rating_in_words,
    valid_in_words,
    verdict_name,
)

#: So many alternatives are shown until somebody asks for all of them.
FIRST: Final = 10
_COLOURS: Final = {"fits": "good", "within_tolerance": "care", "over": "bad"}


@dataclass(frozen=True)
class Row:
    """One alternative. `colour` goes with the verdict, which says the same; `stands`: file and row of each price, `origins` with all that is known."""

    provider_id: int
    service: str
    service_name: str
    provider: str
    facts: str
    rating: str
    price: list[str]
    total: Decimal | None
    difference: str
    buys: str
    verdict: str
    colour: str
    marks: list[str]
    cheapest: bool
    chosen: bool
    reason: Message | None
    valid: str
    stands: list[str]
    origins: list[tuple[str, str]]


@dataclass(frozen=True)
class Rows:
    """Alternatives of one table, cheapest first, and how many more there are."""

    shown: list[Row]
    more: int


def rows_of(offers: Iterable[Offer], *, everything: bool) -> Rows:
    """The first of the offers, or all of them; the chosen one is always among them."""
    every = tuple(offers)
    shown: Sequence[Offer] = every if everything else shortened(every, FIRST)
    return Rows([_row(offer) for offer in shown], len(every) - len(shown))


def about(comparison: Comparison) -> list[tuple[str, str]]:
    """What is compared with what."""
    return about_in_words(comparison)


def remarks(comparison: Comparison) -> list[Message]:
    """What a reader has to know beside the figures."""
    return [*comparison.notes, *([comparison.reason] if comparison.reason else [])]


def paper(visit: Visit, made: bytes, *, case: str) -> Response:
    """The annex, to be looked at in the browser; its name tells the number of the case, or nothing."""
    name = "-".join(part for part in (_("comparison"), case) if part)
    return visit.file(made, name=f"{name}.pdf", media_type="application/pdf", inline=True)


def _row(offer: Offer) -> Row:
    return Row(
        provider_id=offer.provider_id,
        service=offer.service,
        service_name=offer.service_name,
        provider=offer.provider,
        facts=facts_in_words(offer.facts),
        rating=rating_in_words(offer.rating) if offer.rating else "",
        price=price_in_words(offer).split("\n"),
        total=offer.total,
        difference=difference_in_words(offer),
        buys=bought_in_words(offer),
        verdict=verdict_name(offer),
        colour=_COLOURS.get(offer.verdict, ""),
        marks=marks_of(offer),
        cheapest=offer.cheapest,
        chosen=offer.chosen,
        reason=offer.reason,
        valid=valid_in_words(offer),
        stands=list(dict.fromkeys(f"{price.file_name}:{price.position}" for price in offer.every_price)),
        origins=[(price_of(price), origin_in_words(price)) for price in offer.every_price],
    )
