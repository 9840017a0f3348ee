"""What is read of an invoice or credit note: ids, days, quantities and euros, and no text that people wrote.

Names, notes, descriptions of items, payment details and attachments are not read at all: an invoice of a service for a family may tell
who they are. A reference is kept only where it looks like one (`reference`): in practice people write names into such fields.
"""

import re
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from hashlib import sha256
from json import dumps
from typing import Any, Final, Literal

from core.errors import Message
from core.logging import redact

Kind = Literal["invoice", "credit"]
#: One word with a digit in it. A name has none; a personal identity code is told by its check mark (core/logging.redact).
_REFERENCE: Final = re.compile(r"(?=[^0-9]*[0-9])[0-9A-Za-z][0-9A-Za-z/_.:-]{0,49}", re.ASCII)

#: The numbers of our own orders, which people write a word before or behind.
_ORDER: Final = re.compile(r"(?<![0-9A-Za-z-])T-[0-9]{4}-[0-9]{6,12}(?![0-9A-Za-z-])", re.IGNORECASE)


@dataclass(frozen=True)
class Days:
    """A period, both days included."""

    first: date
    last: date


@dataclass(frozen=True)
class Line:
    """What one line bills. `number` counts the lines from 1; `vat_rate` is a fraction (0.255).

    Euros with two decimals, `gross` = `net` + `vat`; its share of what stands beside the lines (allowances, charges, rounding) is in them, so
    that the lines add up to the document. Of a credit note they say what is given back, above zero. `order` is stated where a line
    names an order of its own, `order_line` is the number of the order's line.
    """

    number: int
    net: Decimal
    vat: Decimal
    gross: Decimal
    vat_rate: Decimal
    quantity: Decimal | None = None
    unit: str | None = None
    order: str | None = None
    order_line: str | None = None
    period: Days | None = None


@dataclass(frozen=True)
class Invoice:
    """An invoice, or a credit note: then `credits` is the number of the invoice it gives back from, where it says so.

    `seller` and `buyer` are business ids (Y-tunnus), None where none can be told. `client_reference` is our own opaque reference, which
    providers repeat. `prepaid`: euros that the document says were paid before. `objection`: why its figures cannot be taken as they are.
    """

    form: Literal["peppol", "finvoice"]
    kind: Kind
    number: str
    issue_date: date
    currency: str
    lines: tuple[Line, ...]
    net: Decimal
    vat: Decimal
    gross: Decimal
    seller: str | None = None
    buyer: str | None = None
    order: str | None = None
    client_reference: str | None = None
    contract: str | None = None
    period: Days | None = None
    credits: str | None = None
    prepaid: Decimal = Decimal(0)
    objection: Message | None = None

    def to_json(self) -> dict[str, Any]:
        """The form kept in the database while somebody may still decide."""
        return {one.name: _plain(getattr(self, one.name)) for one in fields(self)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Invoice":
        """Read back what `to_json` wrote."""
        euros = {name: Decimal(data[name]) for name in ("net", "vat", "gross", "prepaid")}
        return cls(**{
            **data,
            **euros,
            "issue_date": date.fromisoformat(data["issue_date"]),
            "lines": tuple(_line(one) for one in data["lines"]),
            "period": _days(data["period"]),
            "objection": Message.from_json(data["objection"]) if data["objection"] else None,
        })  # fmt: skip

    @property
    def fingerprint(self) -> str:
        """Equal for two documents that say the same, however they are written."""
        return sha256(dumps(self.to_json(), sort_keys=True).encode()).hexdigest()


def reference(text: str) -> str | None:
    """What is written as a reference, if it looks like one: one word with a digit, no personal identity code. Else None."""
    return text if _REFERENCE.fullmatch(text) and redact(text) == text else None


def order_reference(text: str) -> str | None:
    """The number of an order: ours wherever it stands in the text, if only one does; else what looks like a reference."""
    ours = {found.upper() for found in _ORDER.findall(text)}
    return ours.pop() if len(ours) == 1 else reference(text)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [{one.name: _plain(getattr(line, one.name)) for one in fields(line)} for line in value]
    if isinstance(value, Days):
        return [value.first.isoformat(), value.last.isoformat()]
    if isinstance(value, Message):
        return value.to_json()
    return str(value) if isinstance(value, Decimal | date) else value


def _days(value: list[str] | None) -> Days | None:
    return Days(*map(date.fromisoformat, value)) if value else None


def _line(data: dict[str, Any]) -> Line:
    numbers = {name: Decimal(data[name]) for name in ("net", "vat", "gross", "vat_rate")}
    quantity = Decimal(data["quantity"]) if data["quantity"] is not None else None
    return Line(**{**data, **numbers, "quantity": quantity, "period": _days(data["period"])})
