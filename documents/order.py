"""What a purchase order says, as values; documents/ubl_order.py writes them as UBL, documents/order_checks.py refuses bad ones.

**Where things go, and what may not be said.** An order travels through service centres, invoicing and archives of two
organisations, so nothing in it may tell who the client is (DOMAIN "Privacy"). Hence there is no free text for people to fill:

- `client_reference`: the opaque reference, random per order, stands in `CustomerReference` and nowhere else. The provider repeats
  it on the invoice; only Avain can tell whose it is. Originator parties, delivery parties and places, project references and
  attachments are not written at all.
- `decision_number`: every order cites the official decision it rests on, in `OriginatorDocumentReference/ID` (the document the
  order originates from). It is the decision's number in the register of decisions, never a case number.
- `decision_date`: that reference has room for an ID only (T01 refuses more), so the date goes into `Note`, a sentence the
  writer composes and nobody can add to.
- Descriptions of items are not written; `item_name` is the name of the service in the price list.

Amounts are Decimal euros with two decimals, unit prices up to four, VAT rates percentages (`Decimal("25.5")`).
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from core.money import ZERO

Profile = Literal["order_only", "ordering"]
#: UNCL 5305: standard rate, zero rate, exempt, reverse charge, not subject to VAT.
VatCategory = Literal["S", "Z", "E", "AE", "O"]
ADDRESS_SCHEMES = ("0216", "0088")
VAT_CATEGORIES = ("S", "Z", "E", "AE", "O")
PROFILES = ("order_only", "ordering")


@dataclass(frozen=True)
class Party:
    """The buyer or the seller: an organisation, never a person.

    `endpoint` is its Peppol address under `endpoint_scheme`: 0216 (`0037` and the eight digits of the business id) or
    0088 (GLN). `business_id` is the Y-tunnus, `1234567-1`. `country` is ISO 3166-1 alpha-2. `unit` and `mail` are those of
    an office, such as "Palveluohjaus"; they are written for the buyer only.
    """

    name: str
    endpoint: str
    endpoint_scheme: str = "0216"
    business_id: str | None = None
    street: str | None = None
    postal_code: str | None = None
    city: str | None = None
    country: str = "FI"
    unit: str | None = None
    mail: str | None = None


@dataclass(frozen=True)
class Period:
    """Days of delivery, both included."""

    start: date
    end: date


@dataclass(frozen=True)
class OrderLine:
    """One line. `net_amount` = `quantity` × `net_price` / `base_quantity`, rounded by the caller; `vat_amount` is what VAT adds.

    `unit_code` is UN/ECE Rec 20 (`HUR`, `C62`…); `net_price` is for `base_quantity` units; `vat_percent` is 0 for every
    category but S; `item_id` is the seller's id of the service; `cpv_code` a code of the common procurement vocabulary.
    """

    id: str
    quantity: Decimal
    unit_code: str
    net_price: Decimal
    net_amount: Decimal
    item_name: str
    base_quantity: Decimal = Decimal(1)
    vat_category: VatCategory = "E"
    vat_percent: Decimal = Decimal(0)
    vat_amount: Decimal = ZERO
    item_id: str | None = None
    accounting_cost: str | None = None
    period: Period | None = None
    cpv_code: str | None = None


@dataclass(frozen=True)
class Order:
    """One purchase order in euros.

    `accounting_cost` is the buyer's posting reference, `catalogue` the id of the price list, `valid_until` the day up to which the
    seller may answer.
    """

    number: str
    issue_date: date
    buyer: Party
    seller: Party
    lines: tuple[OrderLine, ...]
    client_reference: str
    decision_number: str
    decision_date: date | None = None
    profile: Profile = "order_only"
    currency: str = "EUR"
    period: Period | None = None
    valid_until: date | None = None
    contract: str | None = None
    catalogue: str | None = None
    accounting_cost: str | None = None


@dataclass(frozen=True)
class Totals:
    """The sums of an order, euros."""

    net: Decimal
    vat: Decimal
    gross: Decimal


def totals(order: Order) -> Totals:
    """Net, VAT and gross of the whole order: sums of its lines, so they balance by themselves."""
    net = sum((line.net_amount for line in order.lines), ZERO)
    vat = sum((line.vat_amount for line in order.lines), ZERO)
    return Totals(net=net, vat=vat, gross=net + vat)


def price_for(net_amount: Decimal, quantity: Decimal, net_price: Decimal) -> tuple[Decimal, Decimal]:
    """`(net_price, base_quantity)` that explain `net_amount` within a cent.

    A price without VAT worked out of a price with VAT may need more than four decimals; over many units the lost ones add up
    to more than rule T01-R024 allows. Then the price is stated for the whole quantity, which is exact.
    """
    if abs(quantity * net_price - net_amount) < Decimal("0.01"):
        return net_price, Decimal(1)
    return net_amount, quantity
