"""The canonical price row: what every price connector yields, whatever the provider sent.

Nothing here knows our own services or VAT registrations: `services/prices/` matches rows to them.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from connectors.rejection import Rejection

#: When a price applies (DOMAIN "Money": practice adds time classes). `weekday` is the ordinary price.
TIME_CLASSES = ("weekday", "evening", "night", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class PriceRow:
    """One price as its provider stated it.

    `service` is the code or, failing that, the name the list uses; `service_name` the name beside a code. `unit` is UN/ECE Rec 20; `amount` is euros (0 < amount, at most
    four decimals) per `base_quantity` units. VAT is None where the list says nothing; `vat_rate` is a fraction (0.255).
    `valid_from` None: from when the list is applied. `valid_to` is the last day; None: until further notice.
    """

    service: str
    unit: str
    amount: Decimal
    position: str
    base_quantity: Decimal = Decimal(1)
    vat_category: str | None = None
    vat_rate: Decimal | None = None
    vat_inclusive: bool | None = None
    time_class: str = "weekday"
    minimum_quantity: Decimal = Decimal(0)
    territory: str = ""
    valid_from: date | None = None
    valid_to: date | None = None
    provider: str | None = None
    service_name: str = ""


@dataclass(frozen=True)
class PriceDocument:
    """One file, read to its end: `file_name` without folders, `sha256` of its bytes in hex, rows in the file's order."""

    file_name: str
    sha256: str
    rows: list[PriceRow]
    rejections: list[Rejection]
