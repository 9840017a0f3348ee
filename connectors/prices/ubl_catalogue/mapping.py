"""One line of a catalogue to its prices, or the reason why not. Checks the line alone; `__init__.py` checks it against the others.

A price is taken only where there is one way to read it. What T19 does not foresee beside a price (an allowance, a tax, a second amount)
is not passed over: it would change what is paid.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, NamedTuple

from lxml import etree

from connectors.prices.amounts import shown
from connectors.prices.row import PriceRow, Removal
from connectors.prices.ubl_catalogue import values, wire
from connectors.prices.ubl_catalogue.values import Span, Unfit, Unit
from connectors.prices.ubl_catalogue.wire import child_of, said_by, text_of
from connectors.rejection import Rejection, quote
from core.errors import Message

#: UNCL 5387: prices that are not what is paid, because allowances, taxes or the deal itself are still to come.
_NOT_PAID: Final = frozenset(
    # gross; for information; estimated, expected; at most, at least; retail; no quote
    ["AAB", "AAE", "AAF", "ES", "EUP", "MAX", "MIN", "MSR", "RTP", "SRP", "NQT"]
)
#: Line actions that contradict the catalogue's own: what is there to change or delete, if everything is stated anew?
_CONTRADICTIONS: Final = {"Replace": {"Update", "Delete"}, "Add": {"Delete"}, "Update": set(), "Delete": set()}
_ACTIONS: Final = ("Add", "Update", "Delete")
_ITEM: Final = frozenset({wire.NAME, wire.SELLERS_ID, wire.STANDARD_ID, wire.TAX})
_LINE: Final = frozenset({wire.ACTION, wire.UNIT, wire.LINE_VALIDITY, wire.ITEM, wire.CONTRACT, wire.SELLER})


class Header(NamedTuple):
    """What the catalogue says of all its lines."""

    action: str
    validity: Span
    contract: str | None


@dataclass(slots=True)
class Line:
    """What came of one line: prices and rejections, or the item's removal. `service` is the item's id, '' if it has none."""

    position: str
    service: str = ""
    rows: list[PriceRow] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    removal: Removal | None = None

    def reject(self, position: str, unfit: Unfit) -> None:
        """Leave out what stood at `position`."""
        self.rejections.append(Rejection(position, unfit.field, self.service or None, unfit.reason))


class _Stated(NamedTuple):
    """What a line says of all its prices."""

    service: str
    name: str
    unit: str
    validity: Span
    vat_category: str | None
    vat_rate: Decimal | None
    provider: str | None


def read_line(element: "etree._Element", position: str, header: Header) -> Line:
    """Everything one line states. `position` counts lines from 1; prices of a line with several are counted behind a slash."""
    parts, again = _collected(element, _LINE)
    item, item_again = _collected(parts.get(wire.ITEM, ()), _ITEM)
    line = Line(position, _service(item))
    try:
        _refuse_unclear(line.service, again if again is not None else item_again)
        if _is_removal(text_of(parts.get(wire.ACTION)), header.action):
            line.removal = Removal(line.service, position)
            return line
        stated = _stated(line.service, parts, item, header)
        priced = _priced(element)
    except Unfit as unfit:
        line.reject(position, unfit)
        return line
    for number, one in enumerate(priced, start=1):
        place = position if len(priced) == 1 else f"{position}/{number}"
        try:
            line.rows += _prices(one, place, stated)
        except Unfit as unfit:
            line.reject(place, unfit)
    return line


def _collected(
    element: "Iterable[etree._Element]", wanted: frozenset[str]
) -> "tuple[dict[str, etree._Element], etree._Element | None]":
    """The wanted children by name, the first of each, and the last one whose name stood there before."""
    parts: dict[str, etree._Element] = {}
    again = None
    for child in element:
        tag = str(child.tag)
        if tag in wanted and parts.setdefault(tag, child) is not child:
            again = child
    return parts, again


def _service(item: "dict[str, etree._Element]") -> str:
    """The seller's id of the item, else the standard one."""
    for name in (wire.SELLERS_ID, wire.STANDARD_ID):
        if name in item and (service := text_of(child_of(item[name], wire.ID))):
            return service
    return ""


def _refuse_unclear(service: str, again: "etree._Element | None") -> None:
    """What stands in the way of any price of a line, and of a removal (PEPPOL-T19-R012)."""
    if not service:
        raise Unfit("service", Message("An item needs the seller's identifier or a standard one."))
    if again is not None:
        raise wire.twice("service", again)


def _is_removal(action: str, header: str) -> bool:
    """Whether the line takes its item out of the catalogue. Raises Unfit where its action contradicts the catalogue's."""
    if action and action not in _ACTIONS:
        raise Unfit("action", unknown_action(action, _ACTIONS))
    if action in _CONTRADICTIONS[header]:
        raise Unfit(
            "action",
            Message(
                "The line's action is {action}, but the catalogue's is {header}: single items are changed and deleted by an update only.",
                action=action,
                header=header,
            ),
        )
    return header == "Delete" or action == "Delete"


def unknown_action(action: str, allowed: tuple[str, ...]) -> Message:
    """The objection to an action code that is not in the list."""
    return Message(
        "The action {action} is not known; allowed: {allowed}", action=quote(action), allowed=", ".join(allowed)
    )


def _stated(
    service: str, parts: "dict[str, etree._Element]", item: "dict[str, etree._Element]", header: Header
) -> _Stated:
    validity = span_of(parts.get(wire.LINE_VALIDITY), header.validity)
    contract = text_of(parts[wire.CONTRACT].find(wire.ID)) if wire.CONTRACT in parts else header.contract
    if contract != header.contract:
        raise Unfit(
            "contract",
            Message(
                "The line refers to contract {contract}, the catalogue to {other}.",
                contract=quote(contract),
                other=quote(header.contract or ""),
            ),
        )
    category, rate = _vat(item.get(wire.TAX))
    seller = parts.get(wire.SELLER)
    return _Stated(
        service,
        text_of(item.get(wire.NAME)),
        text_of(parts.get(wire.UNIT)),
        validity,
        category,
        rate,
        None if seller is None else wire.business_id_of(wire.party_in(seller)),
    )


def _vat(tax: "etree._Element | None") -> tuple[str | None, Decimal | None]:
    """Category and rate; None where nothing is said."""
    if tax is None:
        return None, None
    parts, again = _collected(tax, wire.IN_TAX)
    if again is not None:
        raise wire.twice("vat_category", again)
    category = text_of(parts.get(wire.ID))
    return category, values.vat(category, said_by(parts.get(wire.RATE)))


def span_of(period: "etree._Element | None", outer: Span) -> Span:
    """The days of a period inside `outer`, or all of them; see values.span."""
    if period is None:
        return outer
    parts = wire.parts_of(period, wire.IN_PERIOD, "valid_from")
    return values.span(said_by(parts.get(wire.START)), said_by(parts.get(wire.END)), outer)


def _priced(element: "etree._Element") -> "list[etree._Element]":
    """What holds the prices of a line. A line without any is a fault: silence would look like a product that was left out."""
    priced = list(element.iterchildren(wire.PRICED))
    if not priced:
        raise Unfit("price", Message("The price is missing."))
    return priced


def _prices(priced: "etree._Element", position: str, stated: _Stated) -> list[PriceRow]:
    """The price of one RequiredItemLocationQuantity, once for each territory it names."""
    parts = wire.parts_of(priced, wire.IN_PRICED, "price", many=wire.TERRITORY)
    if wire.PRICE not in parts:
        raise Unfit("price", Message("The price is missing."))
    price = wire.parts_of(parts[wire.PRICE], wire.IN_PRICE, "price")
    amount = _amount(price)
    unit = _unit(price, stated.unit)
    minimum = _minimum(parts.get(wire.MINIMUM), unit, stated.unit, price)
    first, last = span_of(price.get(wire.VALIDITY), stated.validity)
    places = [""]
    if wire.TERRITORY in parts:
        places = list(dict.fromkeys(map(wire.territory_of, priced.iterchildren(wire.TERRITORY))))
    return [
        PriceRow(
            service=stated.service,
            unit=unit.code,
            amount=amount,
            position=position if number == 1 else f"{position}.{number}",
            base_quantity=unit.base,
            vat_category=stated.vat_category,
            vat_rate=stated.vat_rate,
            vat_inclusive=False,
            minimum_quantity=minimum,
            territory=place,
            valid_from=first,
            valid_to=last,
            provider=stated.provider,
            service_name=stated.name,
        )
        for number, place in enumerate(places, start=1)
    ]


def _amount(price: "dict[str, etree._Element]") -> Decimal:
    if wire.AMOUNT not in price:
        raise Unfit("price", Message("The price is missing."))
    currency = price[wire.AMOUNT].get("currencyID", "")
    if currency != "EUR":
        raise Unfit(
            "currency", Message("The currency is {value}; only euros are accepted.", value=shown(quote(currency)))
        )
    kind = text_of(price.get(wire.PRICE_TYPE))
    if kind in _NOT_PAID:
        raise Unfit(
            "price",
            Message("The price is of type {type} (UNCL 5387): that is not what is paid.", type=kind),
        )
    return values.amount(text_of(price[wire.AMOUNT]))


def _unit(price: "dict[str, etree._Element]", orderable: str) -> Unit:
    """What the price is per: its base quantity, or one orderable unit."""
    base = price.get(wire.BASE)
    code = orderable if base is None else base.get("unitCode", orderable)
    if not code:
        raise Unfit("unit", Message("The unit is missing."))
    if code == orderable and _factor(price) != 1:
        raise Unfit(
            "base_quantity",
            Message(
                "The price is per orderable unit ({code}), but a conversion rate other than 1 is stated.",
                code=quote(code),
            ),
        )
    return values.unit(code, said_by(base))


def _factor(price: "dict[str, etree._Element]") -> Decimal:
    """How many base units an orderable unit holds."""
    rate = price.get(wire.FACTOR)
    return Decimal(1) if rate is None else values.number("base_quantity", text_of(rate))


def _minimum(
    minimum: "etree._Element | None", unit: Unit, orderable: str, price: "dict[str, etree._Element]"
) -> Decimal:
    """From which quantity the price holds, in the price's unit."""
    if minimum is None:
        return Decimal(0)
    other = minimum.get("unitCode", unit.written)
    # An orderable unit that is one price unit is as good; how else to convert it, T19 does not say clearly enough.
    if other != unit.written and not (other == orderable and wire.FACTOR in price and _factor(price) == 1):
        raise Unfit(
            "minimum_quantity",
            Message(
                "The price is per {one} but the minimum quantity is in {other}.",
                one=quote(unit.written),
                other=quote(other),
            ),
        )
    return values.minimum(text_of(minimum), unit)
