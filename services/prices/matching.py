"""What a provider's row is about: our service, and the VAT that is agreed for it.

A row is known by the provider's own code, our code or the service's name, in that order. One that is not known is rejected with near
matches offered; one whose VAT contradicts what is registered for the provider and service is rejected too, since the exemption rests
on more than a price list (DOMAIN "Money").
"""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.orm import Session

from connectors.prices.row import PriceRow
from connectors.rejection import Rejection
from core.errors import Message
from services.prices.values import OPEN, Key, Stated

#: Rows in: a provider, or none. Rows out: all our services, with what the provider offers of them.
_SERVICES = text(
    """
    SELECT service.id, code, name_fi, name_sv, name_en, provider_code, vat_category, vat_rate, offered.service_id IS NOT NULL AS offered
    FROM service
    LEFT JOIN provider_service AS offered ON offered.service_id = service.id AND offered.provider_id = :provider_id
    ORDER BY service.id
    """
)


@dataclass(frozen=True)
class Offer:
    """One of our services as this source may price it."""

    service_id: int
    code: str
    offered: bool
    vat_category: str
    vat_rate: Decimal


class Catalogue:
    """Our services by every word a list may know them by. `own` costs need no agreement; their VAT is exempt unless stated."""

    def __init__(self, session: Session, provider_id: int | None) -> None:
        self.own = provider_id is None
        self.codes: dict[int, str] = {}
        self._by_word: dict[str, Offer] = {}
        self._shown: dict[str, str] = {}
        rows = session.execute(_SERVICES, {"provider_id": provider_id}).all()
        # The provider's own codes first: where two words meet, the earlier meaning stays.
        for names in (("provider_code",), ("code",), ("name_fi", "name_sv", "name_en")):
            for row in rows:
                self.codes[row.id] = row.code
                offer = Offer(
                    row.id, row.code, self.own or row.offered, row.vat_category or "E", row.vat_rate or Decimal(0)
                )
                for name in names:
                    self._learn(getattr(row, name), offer)

    def _learn(self, name: str | None, offer: Offer) -> None:
        if name and _word(name) not in self._by_word:
            self._by_word[_word(name)] = offer
            self._shown[_word(name)] = name

    def find(self, row: PriceRow) -> Offer | None:
        """The service a row names, by its code or else its name."""
        return self._by_word.get(_word(row.service)) or self._by_word.get(_word(row.service_name))

    def services_of(self, names: Iterable[str | None]) -> set[int]:
        """Ids of the services some words name; words that name none are passed over."""
        return {offer.service_id for name in names if name and (offer := self._by_word.get(_word(name)))}

    def near(self, name: str) -> str:
        """Up to three known words like `name`, or all codes when there are few, for a hint."""
        near = difflib.get_close_matches(_word(name), self._by_word, n=3, cutoff=0.6)
        return ", ".join(self._shown[word] for word in near) or ", ".join(sorted(self.codes.values())[:8])


def match_rows(
    rows: Iterable[PriceRow], catalogue: Catalogue, *, business_id: str | None, today: date
) -> tuple[list[Stated], list[Rejection]]:
    """Rows as statements about our services, and those that are not. Rows that overlap another of the same key are both rejected."""
    stated: list[Stated] = []
    rejections: list[Rejection] = []
    for row in rows:
        result = _match(row, catalogue, business_id, today)
        if isinstance(result, Stated):
            stated.append(result)
        else:
            field, reason = result
            rejections.append(Rejection(row.position, field, row.service, reason))
    overlapping = _overlapping(stated)
    rejections += [
        Rejection(
            one.position,
            "valid_from",
            catalogue.codes[one.key.service_id],
            Message(
                "The row overlaps row {other}: two prices for the same thing on the same days.", other=other.position
            ),
        )
        for one, other in overlapping.values()
    ]
    return [one for one in stated if one.position not in overlapping], rejections


def _match(row: PriceRow, catalogue: Catalogue, business_id: str | None, today: date) -> Stated | tuple[str, Message]:
    offer = catalogue.find(row)
    if offer is None:
        return "service", Message(
            "The service {name} is not known. Did you mean: {near}?", name=row.service, near=catalogue.near(row.service)
        )
    problem = _disagreement(row, offer, business_id, today)
    if problem is not None:
        return problem
    rate = offer.vat_rate if row.vat_rate is None or not catalogue.own else row.vat_rate
    category = offer.vat_category if not catalogue.own else row.vat_category or ("E" if rate == 0 else "S")
    if rate > 0 and row.vat_inclusive is None:
        return "vat_inclusive", Message("The list does not say whether the price includes VAT.")
    return Stated(
        Key(
            offer.service_id,
            row.unit,
            row.base_quantity,
            row.time_class,
            row.minimum_quantity,
            row.territory,
            row.extra,
        ),
        row.valid_from,
        _day_after(row.valid_to),
        row.amount,
        category,
        rate,
        bool(row.vat_inclusive),
        row.position,
    )


def _disagreement(row: PriceRow, offer: Offer, business_id: str | None, today: date) -> tuple[str, Message] | None:
    """What in a row contradicts what is agreed with the provider."""
    if business_id is not None and row.provider is not None and _digits(row.provider) != _digits(business_id):
        return "provider", Message("The row belongs to another provider ({business_id}).", business_id=row.provider)
    if not offer.offered:
        return "service", Message(
            "The service {code} is not agreed with this provider. Add it with: avain provider import", code=offer.code
        )
    if business_id is not None and row.vat_rate is not None and row.vat_rate != offer.vat_rate:
        return "vat_rate", Message(
            "The list says VAT {stated} per cent, but {agreed} per cent is agreed with this provider.",
            stated=_percent(row.vat_rate),
            agreed=_percent(offer.vat_rate),
        )
    if row.valid_from is None and row.valid_to is not None and row.valid_to < today:
        return "valid_to", Message("The price ended already ({last}).", last=row.valid_to.isoformat())
    return None


def _overlapping(stated: list[Stated]) -> dict[str, tuple[Stated, Stated]]:
    """Position → the statement and another of the same key that shares days with it. An undated one begins before all others."""
    found: dict[str, tuple[Stated, Stated]] = {}
    widest: dict[Key, Stated] = {}
    for one in sorted(stated, key=lambda each: (each.first or date.min, each.position)):
        earlier = widest.get(one.key)
        if earlier is not None and (one.first or date.min) < earlier.until:
            found[one.position] = (one, earlier)
            found.setdefault(earlier.position, (earlier, one))
        if earlier is None or one.until > earlier.until:
            widest[one.key] = one
    return found


def _day_after(last: date | None) -> date:
    return OPEN if last is None or last >= date.max else date.fromordinal(last.toordinal() + 1)


def _word(name: str) -> str:
    return " ".join(name.casefold().replace("\u00a0", " ").split())


def _digits(business_id: str) -> str:
    return "".join(character for character in business_id if character.isdigit())


def _percent(rate: Decimal) -> str:
    return f"{(rate * 100).normalize():f}"
