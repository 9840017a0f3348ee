"""The canonical price row: what every price connector yields, whatever the provider sent.

Nothing here knows our own services or VAT registrations: `services/prices/` matches rows to them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from connectors.rejection import Rejection

#: What is charged beside the service itself, by that name; '' is the service.
EXTRAS = ("", "travel", "no_show")
#: When a price applies (DOMAIN "Money": practice adds time classes). `weekday` is the ordinary price.
TIME_CLASSES = ("weekday", "evening", "night", "saturday", "sunday")


# Not frozen, and hashed by hand: a frozen one of so many fields takes seven times as long to make, and a list has 200,000 of them.
@dataclass(slots=True, unsafe_hash=True)
class PriceRow:
    """One price as its provider stated it; not to be changed once it is made.

    `extra`: not the service but what comes beside it (EXTRAS), under the same service; a list that names no service for it leaves
    `service` empty: then it comes beside every service of the list.

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
    extra: str = ""
    valid_from: date | None = None
    valid_to: date | None = None
    provider: str | None = None
    service_name: str = ""


@dataclass(frozen=True, slots=True)
class Removal:
    """What a list says is offered no more: a service (code or name), or with `unit` only its prices per that unit."""

    service: str
    position: str
    unit: str | None = None


@dataclass(frozen=True)
class PriceDocument:
    """One file, read to its end: `file_name` without folders, `sha256` of its bytes in hex, rows in the file's order.

    `complete`: the list states everything, so that what it leaves out has vanished; else only what it names changes (`removals` end).
    `business_id`: whose list it says it is; `contract`: the number it refers to; `catalogue`: its own
    id, where it is a catalogue; `unknown_columns`: titles nobody knows the meaning of.
    """

    file_name: str
    sha256: str
    rows: list[PriceRow]
    rejections: list[Rejection]
    complete: bool = True
    removals: list[Removal] = field(default_factory=list)
    business_id: str | None = None
    contract: str | None = None
    catalogue: str | None = None
    unknown_columns: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Reading:
    """How a list is to be read: the encoding of text that is not UTF-8, and what the provider's own column titles mean (title as
    `table.wire` compares it → our column; "" for a column that means nothing to us).
    """

    encoding: str = "cp1252"
    columns: Mapping[str, str] = field(default_factory=dict)
