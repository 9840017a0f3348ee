"""What a provider's row is about: our service, and the VAT that is agreed for it.

A row is known by the provider's own code, our code or the service's name, in that order. One that is not known is rejected with near
matches offered; one whose VAT contradicts what is registered for the provider and service is rejected too, since the exemption rests
on more than a price list (DOMAIN "Money"). What is charged beside services that it does not name (`extra`) comes beside every service the
list prices, except where the list says it for that service.
"""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from connectors.prices.row import PriceDocument, PriceRow
from connectors.rejection import Rejection
from core.errors import Message
from services.prices.values import OPEN, Key, Removed, Stated

#: Rows in: a provider, or none. Rows out: all our services, with what the provider offers of them.
_SERVICES = text(
    """
    SELECT service.id, code, name_fi, name_sv, name_en, provider_code, vat_category, vat_rate, offered.service_id IS NOT NULL AS offered
    FROM service
    LEFT JOIN provider_service AS offered ON offered.service_id = service.id AND offered.provider_id = :provider_id
    ORDER BY service.id
    """
)


#: So many unknown names are compared with all known words; a list with more of them is of something else.
_COMPARED: Final = 200


@dataclass(frozen=True)
class Offer:
    """One of our services as this source may price it."""

    service_id: int
    code: str
    offered: bool
    vat_category: str
    vat_rate: Decimal


@dataclass
class Matched:
    """What a list says, in our terms; what of it cannot be said in them, with the reason."""

    stated: list[Stated] = field(default_factory=list)
    removed: set[Removed] = field(default_factory=set)
    rejections: list[Rejection] = field(default_factory=list)


class Catalogue:
    """Our services by every word a list may know them by. `own` costs need no agreement; their VAT is exempt unless stated."""

    def __init__(self, session: Session, provider_id: int | None) -> None:
        self.own = provider_id is None
        self.codes: dict[int, str] = {}
        self.offers: dict[int, Offer] = {}
        self._by_word: dict[str, Offer] = {}
        self._shown: dict[str, str] = {}
        self._near: dict[str, str] = {}
        rows = session.execute(_SERVICES, {"provider_id": provider_id}).all()
        # The provider's own codes first: where two words meet, the earlier meaning stays.
        for names in (("provider_code",), ("code",), ("name_fi", "name_sv", "name_en")):
            for row in rows:
                self.codes[row.id] = row.code
                offer = Offer(
                    row.id, row.code, self.own or row.offered, row.vat_category or "E", row.vat_rate or Decimal(0)
                )
                self.offers[row.id] = offer
                for name in names:
                    self._learn(getattr(row, name), offer)

    def _learn(self, name: str | None, offer: Offer) -> None:
        if name and _word(name) not in self._by_word:
            self._by_word[_word(name)] = offer
            self._shown[_word(name)] = name

    def find(self, row: PriceRow) -> Offer | None:
        """The service a row names, by its code or else its name."""
        return self._by_word.get(_word(row.service)) or self._by_word.get(_word(row.service_name))

    def named(self, word: str) -> Offer | None:
        """The service a word names."""
        return self._by_word.get(_word(word))

    def services_of(self, names: Iterable[str | None]) -> set[int]:
        """Ids of the services some words name; words that name none are passed over."""
        return {offer.service_id for name in names if name and (offer := self._by_word.get(_word(name)))}

    def near(self, name: str) -> str:
        """Up to three known words like `name`, or all codes when there are few, for a hint."""
        word = _word(name)
        if word not in self._near:
            compared = len(self._near) < _COMPARED and len(word) <= 100
            near = difflib.get_close_matches(word, self._by_word, n=3, cutoff=0.6) if compared else []
            hint = ", ".join(self._shown[one] for one in near) or ", ".join(sorted(self.codes.values())[:8])
            if not compared:
                return hint
            self._near[word] = hint
        return self._near[word]


def match_document(document: PriceDocument, catalogue: Catalogue, *, business_id: str | None, today: date) -> Matched:
    """A list in our terms. Rows that overlap another of the same key are both rejected.

    `business_id` is the source's provider (None: our own unit costs).
    """
    matched = Matched()
    beside: list[PriceRow] = []
    for row in document.rows:
        if row.extra and not row.service:
            beside.append(row)
            continue
        result = _match(row, catalogue, business_id, today)
        if isinstance(result, Stated):
            matched.stated.append(result)
        else:
            matched.rejections.append(Rejection(row.position, result[0], row.service, result[1]))
    if beside:
        _match_beside(matched, beside, catalogue, business_id, today)
    overlapping = _overlapping(matched.stated)
    if overlapping:
        matched.rejections += [
            Rejection(
                one.position,
                "valid_from",
                catalogue.codes[one.key.service_id],
                Message(
                    "The row overlaps row {other}: two prices for the same thing on the same days.",
                    other=other.position,
                ),
            )
            for one, other in overlapping.values()
        ]
        matched.stated = [one for one in matched.stated if one.position not in overlapping]
    _match_removals(matched, document, catalogue)
    return matched


def _match_beside(
    matched: Matched, rows: Sequence[PriceRow], catalogue: Catalogue, business_id: str | None, today: date
) -> None:
    """Expand what names no service to every service the list prices. A row that fits one of them not is rejected as a whole."""
    offers = {one.key.service_id: catalogue.offers[one.key.service_id] for one in matched.stated}
    named = {one.key for one in matched.stated}
    for row in rows:
        if not offers:
            reason = Message("The row is for every service of the list, but the list prices none.")
            matched.rejections.append(Rejection(row.position, "service", None, reason))
            continue
        results = [_state(row, offer, catalogue, business_id, today) for offer in offers.values()]
        problem = next((one for one in results if not isinstance(one, Stated)), None)
        if problem is not None:
            matched.rejections.append(Rejection(row.position, problem[0], None, problem[1]))
            continue
        matched.stated += [one for one in results if isinstance(one, Stated) and one.key not in named]


def _match_removals(matched: Matched, document: PriceDocument, catalogue: Catalogue) -> None:
    for removal in document.removals:
        offer = catalogue.named(removal.service)
        if offer is None:
            matched.rejections.append(
                Rejection(removal.position, "service", removal.service, _unknown(removal.service, catalogue))
            )
        else:
            matched.removed.add(Removed(offer.service_id, removal.unit))


def _match(row: PriceRow, catalogue: Catalogue, business_id: str | None, today: date) -> Stated | tuple[str, Message]:
    offer = catalogue.find(row)
    if offer is None:
        return "service", _unknown(row.service, catalogue)
    return _state(row, offer, catalogue, business_id, today)


def _unknown(name: str, catalogue: Catalogue) -> Message:
    return Message("The service {name} is not known. Did you mean: {near}?", name=name, near=catalogue.near(name))


def _state(
    row: PriceRow, offer: Offer, catalogue: Catalogue, business_id: str | None, today: date
) -> Stated | tuple[str, Message]:
    """What a row says about a service, or what is wrong with it."""
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
    if len({one.key for one in stated}) == len(stated):
        return {}
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


@lru_cache(maxsize=4096)
def _word(name: str) -> str:
    return " ".join(name.casefold().replace("\u00a0", " ").split())


def _digits(business_id: str) -> str:
    return "".join(character for character in business_id if character.isdigit())


def _percent(rate: Decimal) -> str:
    return f"{(rate * 100).normalize():f}"
