"""What is printed of a purchase order, as values. services/orders/sending/paper.py reads and prints them.

They name no client: `client_reference` is opaque, and there is no field for free text about a person (documents/order.py says why).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from core.money import ZERO


@dataclass(frozen=True)
class Buyer:
    """Who orders: the organisation, and the unit with the e-mail address of its office. Never a person."""

    name: str
    business_id: str
    unit: str | None = None
    mail: str | None = None


@dataclass(frozen=True)
class Seller:
    """The provider."""

    name: str
    business_id: str


@dataclass(frozen=True)
class PaperLine:
    """One line: at most `quantity` of `service` from `first` to `last`, both included; `extra`: what comes beside it, such as travel.

    `price` is for `base_quantity` units as the provider's price list says it, with VAT in it or not (`vat_inclusive`). `vat_rate` is a
    share of one; `vat_category` is UNCL 5305 (`S`, `E`…). `net`, `vat`, `gross` are euros.
    """

    number: int
    service: str
    first: date
    last: date
    quantity: Decimal
    unit: str
    price: Decimal
    base_quantity: Decimal
    vat_inclusive: bool
    vat_category: str
    vat_rate: Decimal
    net: Decimal
    vat: Decimal
    gross: Decimal
    extra: str = ""


@dataclass(frozen=True)
class Sums:
    """What lines of one VAT come to, or all of them, in euros."""

    net: Decimal
    vat: Decimal
    gross: Decimal


@dataclass(frozen=True)
class Invoicing:
    """Where the buyer takes e-invoices: its address, and the operator it is reached through."""

    address: str
    operator: str = ""


@dataclass(frozen=True)
class Link:
    """A page the provider can use without signing in, and the last day on which it opens."""

    url: str
    expires: date


@dataclass(frozen=True)
class Paper:
    """All that is printed of one order. Days are both included.

    `number` and `client_reference` are empty while nothing is ordered yet: the paper then says that it is a proposal. `no_show` and
    `cancellation` are the buyer's own terms, printed as they are, a paragraph a line; nothing where there are none. `reply` is where
    the order is answered, `report` where it is told what was delivered. `language` (fi, sv, en) is the provider's: that of terms and names.
    """

    number: str
    issue_date: date
    buyer: Buyer
    seller: Seller
    decision_number: str
    decision_date: date | None
    contract: str | None
    client_reference: str
    first: date
    last: date
    lines: tuple[PaperLine, ...]
    invoicing: Invoicing | None = None
    no_show: str = ""
    cancellation: str = ""
    reply: Link | None = None
    report: Link | None = None
    language: str = "fi"

    @property
    def total(self) -> Sums:
        """The whole order: no more than this is ever paid."""
        return _sums(self.lines)

    @property
    def by_vat(self) -> dict[tuple[str, Decimal], Sums]:
        """The sums by category and rate of VAT, in the order of the lines."""
        kinds = dict.fromkeys((line.vat_category, line.vat_rate) for line in self.lines)
        return {kind: _sums(one for one in self.lines if (one.vat_category, one.vat_rate) == kind) for kind in kinds}


def _sums(lines: Iterable[PaperLine]) -> Sums:
    together = list(lines)
    return Sums(
        net=sum((line.net for line in together), ZERO),
        vat=sum((line.vat for line in together), ZERO),
        gross=sum((line.gross for line in together), ZERO),
    )
