"""The values of price planning: keys, statements of a list, prices in force, and the plan that leads from one to the other."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Final, NamedTuple

from pydantic import TypeAdapter

from core.errors import Message

#: Why a list that a person brought is not applied at once: by itself no reason to doubt it.
TO_BE_SEEN: Final = Message("It was uploaded: it is applied when somebody has seen what it changes.")
#: The day after the last of a price that holds until further notice.
OPEN: Final = date.max


class Key(NamedTuple):
    """What is priced at one provider: see models.price.PriceKey."""

    service_id: int
    unit: str
    base_quantity: Decimal
    time_class: str
    minimum_quantity: Decimal
    territory: str
    extra: str = ""


@dataclass(frozen=True, slots=True)
class Stated:
    """What one row of a list says. `first` None: from the day the list is applied; `until` is the day after the last, or OPEN."""

    key: Key
    first: date | None
    until: date
    amount: Decimal
    vat_category: str
    vat_rate: Decimal
    vat_inclusive: bool
    position: str


class Removed(NamedTuple):
    """What a list says is offered no more: a service, or with `unit` only its prices per that unit."""

    service_id: int
    unit: str | None


@dataclass(frozen=True, slots=True)
class InForce:
    """A price version that is not superseded."""

    price_id: int
    price_key_id: int
    key: Key
    first: date
    until: date
    amount: Decimal
    vat_category: str
    vat_rate: Decimal
    vat_inclusive: bool

    def says(self, other: "Stated | InForce | New") -> bool:
        """Whether the other one states the same price, whatever its days."""
        return (self.amount, self.vat_category, self.vat_rate, self.vat_inclusive) == (
            other.amount,
            other.vat_category,
            other.vat_rate,
            other.vat_inclusive,
        )


@dataclass(frozen=True, slots=True)
class New:
    """A price version to insert."""

    key: Key
    first: date
    until: date
    amount: Decimal
    vat_category: str
    vat_rate: Decimal
    vat_inclusive: bool
    position: str

    def overlaps(self, other: InForce) -> bool:
        """Whether both claim a day."""
        return self.first < other.until and other.first < self.until


@dataclass(frozen=True, slots=True)
class Ending:
    """A price version to supersede; a copy is kept for its days before `keep_until`, if that is not None."""

    price_id: int
    price_key_id: int
    keep_until: date | None


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a plan as people read it: `sign` + added, ~ changed, - ended. `percent` of change, gross; `rule`: the contract's word
    on a rise, a Message as JSON. Amounts are per `base_quantity` units, from `minimum_quantity` on, in `territory` ('': everywhere).
    """

    sign: str
    service: str
    unit: str
    time_class: str
    old: Decimal | None
    new: Decimal | None
    percent: Decimal | None
    first: date
    position: str
    extra: str = ""
    rule: dict[str, Any] | None = None
    # Plans that wait since before these were kept are read without them.
    base_quantity: Decimal = Decimal(1)
    minimum_quantity: Decimal = Decimal(0)
    territory: str = ""


@dataclass(frozen=True)
class Plan:
    """What a list would change, as it was on `day`. Applied exactly as it stands, at once or after approval; `held` says why it must wait."""

    provider_id: int | None
    new: list[New] = field(default_factory=list)
    endings: list[Ending] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    unchanged: int = 0
    missing: int = 0
    held: list[dict[str, Any]] = field(default_factory=list)
    day: date | None = None

    @property
    def counts(self) -> dict[str, int]:
        """`added, changed, unchanged, ended, missing`; missing are products in use that the list no longer has."""
        signs = [change.sign for change in self.changes]
        return {
            "added": signs.count("+"),
            "changed": signs.count("~"),
            "unchanged": self.unchanged,
            "ended": signs.count("-"),
            "missing": self.missing,
        }

    @property
    def empty(self) -> bool:
        """Whether applying it would write nothing."""
        return not self.new and not self.endings

    @property
    def reasons(self) -> list[Message]:
        """Why the plan must wait for a person."""
        return [Message.from_json(reason) for reason in self.held]

    @property
    def doubts(self) -> list[Message]:
        """The same without TO_BE_SEEN: what must be answered with a note."""
        return doubts(self.held)

    def to_json(self) -> dict[str, Any]:
        """As a JSON document."""
        dumped: dict[str, Any] = _PLAN.dump_python(self, mode="json")
        return dumped

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Plan":
        """Read back what `to_json` wrote, also by an earlier version. Raises pydantic.ValidationError."""
        return _PLAN.validate_python(data)


_PLAN: Final = TypeAdapter(Plan)


def doubts(held: Iterable[dict[str, Any]]) -> list[Message]:
    """Of reasons to wait, as JSON, those that must be answered with a note."""
    return [one for one in map(Message.from_json, held) if one != TO_BE_SEEN]


@dataclass(frozen=True)
class PriceRule:
    """What a contract allows: see models.provider.Contract. `until` is the day after the contract's last."""

    number: str
    first: date
    until: date
    rule: dict[str, Any]
