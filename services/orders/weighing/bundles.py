"""Which days of which services become one order together, and what is refused on the way. Pure."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from core.errors import Message
from services.orders.weighing.items import Item
from services.orders.weighing.lines import Part
from services.orders.weighing.money import total


@dataclass(frozen=True)
class Refused:
    """An item that was not ordered, under the name people know it by, and why; of one ordered by the month, which. No id: a name that
    stands for none.
    """

    plan_item_id: int | None
    item: str
    reason: Message
    month: date | None = None


@dataclass(frozen=True)
class Bundle:
    """What one order holds: parts of one decision from one provider under one contract, whole or of one month.

    Without parts: services ordered by the month none of whose months is due yet.
    """

    items: tuple[Item, ...]
    parts: tuple[Part, ...]
    month: date | None = None

    @property
    def gross(self) -> Decimal:
        """What it comes to, euros."""
        return total(part.gross for part in self.parts)


def refused(item: Item, reason: Message, month: date | None = None) -> Refused:
    """That an item is not ordered."""
    return Refused(item.id, item.reference, reason, month)


def bundled(parts: Iterable[Part], besides: Callable[[Item], Hashable] = lambda _: None) -> list[Bundle]:
    """The orders that parts make, in the order in which the first of each comes; `besides`: what else items of an order share."""
    together: dict[Hashable, list[Part]] = defaultdict(list)
    for part in parts:
        item, seller = part.item, part.item.seller
        key = (item.decision_id, seller.id if seller else None, part.contract_id, part.month, besides(item))
        together[key].append(part)
    return [_bundle(group) for group in together.values()]


def _bundle(parts: Sequence[Part]) -> Bundle:
    items = tuple({part.item.id: part.item for part in parts}.values())
    return Bundle(items, tuple(parts), parts[0].month)
