"""Rows of a price table to `PriceRow`s, or the reasons why not. Checks a row alone; services/prices/ checks it against the rest.

A list may have 200,000 rows, most of them alike but for a service and a price. So a header is turned into a reader once; what the
other cells of a row come to is remembered by their content; and only a row that is not plainly right is looked at cell by cell,
which also finds the sentence for what is wrong with it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from operator import itemgetter
from typing import Any, Final, Generic, NamedTuple, TypeVar

from connectors.prices.amounts import WrittenPrice, read_price, shown
from connectors.prices.row import EXTRAS as ALL_EXTRAS
from connectors.prices.row import PriceRow
from connectors.prices.table import cells as read
from connectors.prices.table.cells import Supplement
from connectors.prices.table.lines import Line, ListLine, TooLargeError, changed, line_of
from connectors.prices.table.wire import Header, PriceColumn, cell_at
from connectors.prices.units import read_unit
from connectors.rejection import Rejection
from core.errors import Message
from documents.workbook import Cell

Value = TypeVar("Value")
#: So many different contents are remembered of each kind.
_REMEMBERED: Final = 50_000
EXTRAS: Final = frozenset(ALL_EXTRAS) - {""}
_USUAL_UNIT: Final = {"travel": ("KMT", Decimal(1)), "no_show": ("C62", Decimal(1))}


class _Unfit(Exception):  # noqa: N818 - an answer on its way to `RowReader`
    def __init__(self, field: str, reason: Message) -> None:
        super().__init__(field)
        self.field = field
        self.reason = reason


class _Memo(dict[Any, Value], Generic[Value]):
    """What a function made of each value so far."""

    def __init__(self, make: Callable[[Any], Value]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: Any) -> Value:
        value = self._make(key)
        if len(self) < _REMEMBERED:
            self[key] = value
        return value


class _Terms(NamedTuple):
    """All of a price but its service and amount, as PriceRow names them."""

    base_quantity: Decimal
    vat_category: str | None
    vat_rate: Decimal | None
    vat_inclusive: bool | None
    time_class: str
    minimum_quantity: Decimal
    territory: str
    extra: str
    valid_from: date | None
    valid_to: date | None
    provider: str | None


@dataclass
class Found:
    """What the rows so far came to: prices, rejections, and lines that are about all prices of the list."""

    rows: list[PriceRow] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    lines: list[ListLine] = field(default_factory=list)


class RowReader:
    """Reads the rows under one header into a `Found`; `place` stands before row numbers in positions."""

    def __init__(self, header: Header, place: str, found: Found) -> None:
        self._header, self._place, self._found = header, place, found
        columns = header.columns
        self._code, self._name = columns.get("service_code"), columns.get("service_name")
        self._amount = header.amounts[0]
        self._one = len(header.amounts) == 1 and self._amount.kind == "price"
        self._places = sorted(set(columns.values()) - {self._code, self._name})
        self._take = _taker(self._places)
        self._width = 1 + max([*columns.values(), *(one.place for one in header.amounts)])
        self._texts: _Memo[str] = _Memo(lambda cell: "" if cell is None else read.read_text(cell))
        self._prices = _Memo(read_price)
        self._terms: _Memo[tuple[str, _Terms] | None] = _Memo(self._plain_terms)
        self._special: _Memo[bool] = _Memo(lambda name: line_of(name) is not None)

    def read(self, rows: Iterable[Sequence[Cell]], first: int) -> None:
        """Read rows of texts, the first one numbered `first`. Blank ones are passed over."""
        texts, special, prices, terms = self._texts, self._special, self._prices, self._terms
        place, code_at, name_at, price_at, width = self._place, self._code, self._name, self._amount.place, self._width
        take, append, one = self._take, self._found.rows.append, self._one
        for number, row in enumerate(rows, first):
            cells = row if len(row) >= width else [*row, *[None] * (width - len(row))]
            code = texts[cells[code_at]] if code_at is not None else ""
            name = texts[cells[name_at]] if name_at is not None else ""
            if one and (code or (name and not special[name])):
                written = prices[cells[price_at]]
                if written.__class__ is WrittenPrice:
                    known = terms[0, written.unit, take(cells)]
                    if known is not None:
                        unit, rest = known
                        append(PriceRow(code or name, unit, written.amount, f"{place}{number}", *rest, name))
                        continue
            self._slowly(cells, f"{place}{number}", code, name)

    def read_typed(self, rows: Iterable[Sequence[Cell]], first: int) -> None:
        """The same for cells of many kinds: True equals 1 to a memory, but is none."""
        self.read((_without_truth(cells) if bool in map(type, cells) else cells for cells in rows), first)

    def _slowly(self, cells: Sequence[Cell], position: str, code: str, name: str) -> None:
        """A row of several prices, a line that is about all prices, or a row with something wrong in it."""
        if all(cell is None or not str(cell).strip() for cell in cells):
            return
        service = code or name
        found = None if code else line_of(name)
        try:
            if found is not None and self._line(found, cells, position, name):
                return
            self._prices_of(cells, position, service, name)
        except _Unfit as unfit:
            self._reject(position, unfit.field, service, unfit.reason)

    def _prices_of(self, cells: Sequence[Cell], position: str, service: str, name: str) -> None:
        """Every price of a row, each with the position of the row and its own label."""
        if not service and not self._value(cells, "extra", read.extra):
            raise _Unfit("service", Message("The service is missing."))
        self._value(cells, "currency", read.euros)
        base: PriceRow | None = None
        found = False
        for index, column in enumerate(self._header.amounts):
            value = cell_at(cells, column.place)
            if value is None:
                continue
            found = True
            at = f"{position}/{column.label}" if column.label else position
            try:
                row = self._price(index, column, value, cells, base)
            except TooLargeError as error:
                self._reject(at, "price", service, error.reason)
                continue
            except _Unfit as unfit:
                self._reject(at if unfit.field == "price" else position, unfit.field, service, unfit.reason)
                if unfit.field != "price":
                    return
                continue
            row = replace(row, service=service, position=at, service_name=name)
            base = base or (row if not row.extra and column.kind == "price" else None)
            self._found.rows.append(row)
        if not found:
            raise _Unfit("price", Message("The price is missing."))

    def _price(
        self, index: int, column: PriceColumn, value: Cell, cells: Sequence[Cell], base: PriceRow | None
    ) -> PriceRow:
        """One amount of a row; `base` is the row's ordinary price, where it has one."""
        share = read.read_share(value, column.sign) if column.kind == "no_show" else None
        if share is not None or column.kind in ("supplement", "multiplier") or (index and read.is_supplement(value)):
            if base is None:
                raise _Unfit(
                    "price", Message("There is no ordinary price that {value} could be taken of.", value=shown(value))
                )
            if share is not None:
                return changed(base, Supplement(factor=share), extra="no_show")
            supplement = _or_unfit("price", read.read_supplement(value, kind=column.kind, sign=column.sign))
            if supplement.unit is not None and read_unit(supplement.unit) != (base.unit, base.base_quantity):
                reason = Message(
                    "The price is per {priced_unit} but the supplement per {unit}.",
                    priced_unit=base.unit,
                    unit=supplement.unit,
                )
                raise _Unfit("price", reason)
            return changed(base, supplement, time_class=column.time_class)
        written = _or_unfit("price", read_price(value))
        known = self._terms[index, written.unit, self._take(cells)]
        unit, terms = known or self._terms_of(index, written.unit, lambda name: self._header.cell(cells, name))
        return PriceRow("", unit, written.amount, "", *terms)

    def _line(self, found: Line, cells: Sequence[Cell], position: str, name: str) -> bool:
        """Keep a line that is about all prices of the list; False where it is a service of that name after all."""
        self._value(cells, "currency", read.euros)
        if found.kind in EXTRAS:
            return self._extra_line(found, cells, position, name)
        if found.kind == "over":
            return self._line_over_columns(found, cells, position)
        value = found.value if found.value is not None else cell_at(cells, self._amount.place)
        if found.kind == "price" and not read.is_supplement(value):
            return False
        if value is None:
            raise _Unfit("price", Message("The price is missing."))
        unit = read.read_text(self._header.cell(cells, "unit") or "")
        sign = "%" if "%" in unit else "€" if "€" in unit else self._amount.sign
        supplement = _or_unfit("price", read.read_supplement(value, kind=found.kind, sign=sign))
        self._keep_lines(found.times, supplement, position, cells)
        return True

    def _line_over_columns(self, found: Line, cells: Sequence[Cell], position: str) -> bool:
        """`Kerroin | 1 | ×1,15 | ×1,2 | ×2` under columns of times."""
        for column in self._header.amounts:
            value = cell_at(cells, column.place)
            if value is not None and column.time_class != "weekday" and column.kind not in EXTRAS:
                supplement = read.read_supplement(value, kind=found.times[0], sign=column.sign)
                self._keep_lines((column.time_class,), _or_unfit("price", supplement), position, cells)
        return True

    def _keep_lines(
        self, times: Iterable[str], supplement: Supplement, position: str, cells: Sequence[Cell], extra: str = ""
    ) -> None:
        first, last = self._value(cells, "valid_from", read.day), self._value(cells, "valid_to", read.day)
        for time in times:
            self._found.lines.append(ListLine(time, supplement, position, extra, first, last))

    def _extra_line(self, found: Line, cells: Sequence[Cell], position: str, name: str) -> bool:
        """`Matkakorvaus | km | 0,57`: comes beside every service of the list."""
        value = found.value if found.value is not None else cell_at(cells, self._amount.place)
        share = read.read_share(value, self._amount.sign) if found.kind == "no_show" and value is not None else None
        if share is not None:
            self._keep_lines(("weekday",), Supplement(factor=share), position, cells, extra="no_show")
            return True
        if value is None:
            raise _Unfit("price", Message("The price is missing."))
        written = _or_unfit("price", read_price(value))
        unit, terms = self._terms_of(0, written.unit, lambda column: self._header.cell(cells, column), found.kind)
        self._found.rows.append(PriceRow("", unit, written.amount, position, *terms._replace(extra=found.kind), name))
        return True

    def _reject(self, position: str, field_name: str, service: str, reason: Message) -> None:
        self._found.rejections.append(Rejection(position, field_name, service or None, reason))

    def _value(self, cells: Sequence[Cell], column: str, how: Callable[[Any], Value | Message]) -> Value | None:
        value = self._header.cell(cells, column)
        return None if value is None else _or_unfit(column, how(value))

    def _plain_terms(self, key: tuple[int, str | None, tuple[Cell, ...]]) -> tuple[str, _Terms] | None:
        """The terms of a row whose other cells these are; None where something is wrong with them."""
        index, beside, taken = key
        cells = dict(zip(self._places, taken, strict=True))
        columns = self._header.columns

        def cell(name: str) -> Cell:
            value = cells.get(columns[name]) if name in columns else None
            return None if isinstance(value, str) and not value.strip() else value

        try:
            if (currency := cell("currency")) is not None:
                _or_unfit("currency", read.euros(currency))
            return self._terms_of(index, beside, cell)
        except _Unfit:
            return None

    def _terms_of(
        self, index: int, beside: str | None, cell: Callable[[str], Cell], extra: str = ""
    ) -> tuple[str, _Terms]:
        """The unit and terms of a price in one of the columns of amounts; `cell` gives a row's cells by our columns' names."""
        column = self._header.amounts[index]

        def value(name: str, how: Callable[[Any], Value | Message]) -> Value | None:
            content = cell(name)
            return None if content is None else _or_unfit(name, how(content))

        beside_service = column.kind in EXTRAS
        extra = extra or (column.kind if beside_service else value("extra", read.extra) or "")
        unit, base = _unit(None if beside_service else value("unit", read.unit_cell), beside, column.unit, extra)
        first, last = value("valid_from", read.day), value("valid_to", read.day)
        if first and last and last < first:
            reason = Message(
                "The price would end ({last}) before it begins ({first}).",
                first=first.isoformat(),
                last=last.isoformat(),
            )
            raise _Unfit("valid_to", reason)
        category, rate = value("vat_category", read.vat_category), value("vat_rate", read.vat_rate)
        basis, included = value("vat_basis", read.exempt_by), value("vat_inclusive", read.yes_or_no)
        rate = column.vat_rate if rate is None else rate
        quantity = value("base_quantity", read.positive) or Decimal(1)
        time = value("time_class", read.time_class) or "weekday"
        terms = _Terms(
            base_quantity=base if beside_service else base * quantity,
            vat_category=category or ("E" if rate == 0 or (rate is None and basis) else None),
            vat_rate=rate,
            vat_inclusive=column.vat_inclusive if included is None else included,
            time_class="weekday" if extra else time if column.time_class == "weekday" else column.time_class,
            minimum_quantity=Decimal(0) if extra else _minimum(value("minimum_quantity", read.minimum), unit),
            territory=value("territory", read.read_text) or "",
            extra=extra,
            valid_from=first,
            valid_to=last,
            provider=value("provider", read.read_text),
        )
        return unit, terms


def _taker(places: Sequence[int]) -> Callable[[Sequence[Cell]], tuple[Cell, ...]]:
    """What takes the cells at some places out of a row, as fast as can be."""
    if len(places) > 1:
        return itemgetter(*places)
    return (lambda cells: (cells[places[0]],)) if places else lambda _: ()


def _without_truth(cells: Sequence[Cell]) -> list[Cell]:
    return [("true" if cell else "false") if isinstance(cell, bool) else cell for cell in cells]


def _or_unfit(column: str, result: Value | Message) -> Value:
    if isinstance(result, Message):
        raise _Unfit(column, result)
    return result


def _unit(
    cell: tuple[str, Decimal] | None, beside_price: str | None, in_title: str | None, extra: str
) -> tuple[str, Decimal]:
    """The unit of its own column, of the price (`60 €/h`) or of the price's title; what is said twice must agree."""
    beside = None
    if beside_price is not None:
        beside = read_unit(beside_price)
        if beside is None:
            raise _Unfit("unit", read.unknown_unit(beside_price))
    if cell and beside and cell != beside:
        raise _Unfit("unit", _other_unit(beside, cell))
    unit = cell or beside or (read_unit(in_title) if in_title else None) or _USUAL_UNIT.get(extra)
    if unit is None:
        raise _Unfit("unit", Message("The unit is missing."))
    return unit


def _other_unit(beside: tuple[str, Decimal], cell: tuple[str, Decimal]) -> Message:
    """Words for both, with how many: `60 €/h` in a row of 45 minutes differs in nothing else."""
    return Message(
        "Beside the price the unit is {stated} × {priced_unit}, in the column of units {quantity} × {unit}. Make them agree.",
        stated=str(beside[1]),
        priced_unit=beside[0],
        quantity=str(cell[1]),
        unit=cell[0],
    )


def _minimum(stated: tuple[Decimal, str | None] | None, unit: str) -> Decimal:
    """The least quantity, in the price's unit."""
    if stated is None:
        return Decimal(0)
    quantity, its_unit = stated
    if its_unit is not None and its_unit != unit:
        reason = Message(
            "The price is per {priced_unit} but the minimum quantity is in {unit}.", priced_unit=unit, unit=its_unit
        )
        raise _Unfit("minimum_quantity", reason)
    return quantity
