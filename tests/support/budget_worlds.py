"""Random cases with decisions, plans, price histories, orders, bills and deliveries, as events that may happen in many orders.

What happens once stays true whatever happens before or after it, so that however the events are ordered they end in the same state;
`needs` holds back only what cannot come earlier: no bill before its order.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from itertools import pairwise
from random import Random
from typing import Any, TypeVar

from tests.support.budget_oracle import Bill, Covered, Decided, Entry, Item, Order, OrderLine, Report, Tariff
from tests.support.budget_told import Ground, Offer, Told
from tests.support.bulk import Rows, new_id

Value = TypeVar("Value")

START = date(2027, 11, 1)
#: Around a leap day, both nights the clocks are moved, and a change of year.
SPECIAL = [
    date.fromisoformat(day) + timedelta(days=beside)
    for day in ("2028-02-29", "2028-03-26", "2028-10-29", "2028-01-01")
    for beside in (-1, 0, 1)
]
#: Services any provider may offer; rules of extras name them.
SERVICES = ("ORACLE-A", "ORACLE-B", "ORACLE-C")

_KINDS = (("C62", "H87", "E48", "ACT"), ("HUR", "MIN"), ("MON",))
_BASES = {"HUR": ("1", "0.75", "3"), "MIN": ("45", "1", "30", "60", "7")}
_MINIMA = {"HUR": ("0", "5", "7.5"), "MIN": ("0", "300", "600")}
_CENT = Decimal("0.01")


@dataclass(eq=False)
class Event:
    """Something that happens once those it needs have happened."""

    do: Callable[[Rows], object]
    needs: tuple["Event", ...] = ()
    #: Not by the same price list as those: it changes a price that is in force.
    later: bool = False


class World(Told):
    """A case made of dice. `settled`: its events commute; otherwise prices that are in use may be put right, too.

    Half of the decisions are `plain`, with a price for every day, so that many budgets are known in full.
    """

    def __init__(self, seed: int, ground: Ground, *, settled: bool = True) -> None:
        super().__init__(ground)
        self.seed, self.settled = seed, settled
        self.random = Random(seed)
        self.plain = False
        self.events: list[Event] = []

    def __str__(self) -> str:
        return f"seed {self.seed}"

    def begin(self, rows: Rows) -> None:
        """The case and its decisions; everything else is left to events."""
        self.open(rows)
        for _ in range(self.pick(1, 1, 1, 2)):
            self._decide(rows)
        if self.chance(0.06):
            self._may(self.close)

    # dice

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def pick(self, *values: Value) -> Value:
        return self.random.choice(values)

    def hundredths(self, least: int, most: int) -> Decimal:
        return Decimal(self.random.randint(least, most)) / 100

    def day(self) -> date:
        return self.random.choice(SPECIAL) if self.chance(0.25) else START + timedelta(days=self.random.randrange(330))

    def days(self) -> tuple[date, date]:
        first = self.day()
        length = self.pick(1, 2, 3, 10, 31, 92, self.random.randint(1, 200), self.random.randint(1, 200))
        return first, first + timedelta(days=length - 1)

    def _may(self, do: Callable[..., object], *arguments: object, needs: tuple[Event, ...] = ()) -> Event:
        event = Event(partial(do, *arguments), needs)
        self.events.append(event)
        return event

    # decisions and what becomes of them

    def _decide(self, rows: Rows) -> None:
        self.plain = self.chance(0.5)
        decided = Decided(name=new_id())
        first, last = self.days()
        decided.first = None if self.chance(0.1) else first - timedelta(days=self.random.randint(0, 40))
        decided.last = None if self.chance(0.1) else last + timedelta(days=self.random.randint(0, 200))
        decided.decided_on = START
        if not self.plain and self.chance(0.5):
            decided.decided_on = self.pick(START + timedelta(days=30), first, None)
        if self.chance(0.6):
            decided.granted = self.pick(self.hundredths(0, 500_000), self.hundredths(0, 5_000_000))
        elif self.plain or self.chance(0.95):
            decided.quantity, decided.unit = self._quantity(), self.pick("C62", "C62", "HUR", "MIN", "H87")
        baseline = self.decide(decided, rows)
        if decided.granted is None:
            self._may(self.refer, decided, baseline, self._history(decided.unit or "C62"))
        for _ in range(self.pick(0, 1, 1, 2, 2, 3)):
            self._plan(decided, (first, last), rows)
        self._second_thoughts(decided)

    def _second_thoughts(self, decided: Decided) -> None:
        """What the client information system may say later of a decision."""
        if self.chance(0.15) and decided.granted is not None:
            self._may(self.regrant, decided, self.hundredths(0, 700_000))
        if self.chance(0.1) and decided.quantity is not None:
            self._may(self.rebase, decided, self._quantity())
        if self.chance(0.1):
            self._may(self.revalidate, decided, *sorted((self.day(), self.day())))
        if self.chance(0.07):
            self._may(self.end_decision, decided)

    # prices

    def _history(self, unit: str, *, extra: str = "") -> list[Tariff]:
        """Some price keys, each with prices one after another, gaps between some of them; where all is plain one without an end."""
        found = [self._tariff(unit, START - timedelta(days=400), None, extra)] if self.plain and not extra else []
        seen: set[tuple[object, ...]] = {(unit, 1, 0)} if found else set()
        kind = next((kind for kind in _KINDS if unit in kind), (unit,))
        for _ in range(self.pick(1, 1, 2, 3, 4)):
            own = self.pick(*kind) if self.chance(0.97) else "MON"
            base = Decimal(self.pick("1", *_BASES.get(own, ("1", "5"))))
            minimum = Decimal(self.pick("0", "0", *_MINIMA.get(own, ("0", "5", "10"))))
            over = (
                {"time_class": "evening"} if self.chance(0.06) else {"territory": "NORTH"} if self.chance(0.06) else {}
            )
            if (own, base, minimum, *over.values()) not in seen:
                seen.add((own, base, minimum, *over.values()))
                found += self._turns(own, extra, base_quantity=base, minimum_quantity=minimum, **over)
        return found

    def _turns(self, unit: str, extra: str, **key: Any) -> list[Tariff]:
        """The prices of one key."""
        found: list[Tariff] = []
        first = self.day() if self.chance(0.3) else START - timedelta(days=self.pick(400, 400, 60, 0))
        for _ in range(self.pick(1, 1, 2, 3)):
            turn = (
                max(self.day(), first + timedelta(days=1))
                if self.chance(0.3)
                else first + timedelta(days=self.random.randint(1, 150))
            )
            if self.chance(0.4):
                return [*found, self._tariff(unit, first, None, extra, **key)]
            found.append(self._tariff(unit, first, turn - timedelta(days=1), extra, **key))
            first = turn + timedelta(days=self.pick(0, 0, 0, 1, 5))
        return found

    def _tariff(self, unit: str, first: date, last: date | None, extra: str, **key: Any) -> Tariff:
        rate = Decimal(self.pick("0", "0", "0.1", "0.135", "0.255"))
        amount, inclusive = self._amount(), self.chance(0.5)
        return Tariff(new_id(), unit, amount, first, last, vat_rate=rate, inclusive=inclusive, extra=extra, **key)

    def _amount(self) -> Decimal:
        if self.chance(0.003):
            return Decimal("99999999.9999")
        if self.chance(0.5):
            return self.hundredths(1, 15_000)
        return Decimal(self.random.randint(1, 3_000_000)) / 10_000

    def _change(self, offer: Offer, one: Tariff, came: Event) -> None:
        """Another list has the price otherwise."""
        if self.chance(0.4):
            self.events.append(Event(partial(self.reprice, offer, one, self._amount()), (came,), later=True))
            return
        days = ((one.last or START + timedelta(days=330)) - one.first).days
        ends = one.first + timedelta(days=self.random.randint(0, max(0, days)))
        shorter = Event(partial(self.shorten, offer, one, ends), (came,), later=True)
        self.events.append(shorter)
        if self.chance(0.4):  # what was applied is undone
            self.events.append(Event(partial(self._undo, offer, one), (shorter,), later=True))

    def _undo(self, offer: Offer, one: Tariff, rows: Rows) -> None:
        self.shorten(offer, one, one.last, rows)

    # plans

    def _quantity(self) -> Decimal:
        return self.pick(
            Decimal(self.random.randint(1, 40)), Decimal(self.random.randint(1, 160)) / 4, self.hundredths(1, 4_000)
        )

    def _plan(self, decided: Decided, around: tuple[date, date], rows: Rows) -> None:
        first, last = around if self.plain or self.chance(0.5) else self.days()
        unit = self.pick("C62", "C62", "C62", "HUR", "HUR", "MIN", "H87")
        quantity = Decimal(self.random.randint(1, 2400)) if unit == "MIN" else self._quantity()
        if self.chance(0.003):
            quantity = Decimal("99999999.99")
        item = Item(new_id(), self.pick(*SERVICES), quantity, unit, first, last)
        self.plan(decided, item, rows)
        offer = self._offer(item, rows)
        if self.plain or self.chance(0.92):
            chosen = self._may(self.choose, decided, item, offer)
            if self.chance(0.1):
                self._may(self.choose, decided, item, self._offer(item, rows), needs=(chosen,))
        self._order_some(decided, item, offer)
        if self.chance(0.08):
            self._may(self.end_item, item)
        if self.chance(0.1):
            self._may(self.replan, item, self._quantity())

    def _offer(self, item: Item, rows: Rows) -> Offer:
        """A provider of the item's service, whose prices are still to come."""
        offer = self.offer(item.service, rows)
        tariffs = self._history(item.unit if self.plain or self.chance(0.95) else self.pick("C62", "HUR", "MON"))
        if self.chance(0.4):
            tariffs += self._history("KMT", extra="travel")
        if self.chance(0.3):
            tariffs += self._history(item.unit, extra="no_show")
        if self.plain or self.chance(0.9):
            for one in tariffs:
                came = self._may(self.price, offer, one)
                if not self.settled and self.chance(0.3):
                    self._change(offer, one, came)
        return offer

    # orders and what comes of them

    def _order_some(self, decided: Decided, item: Item, offer: Offer) -> None:
        """Some of the item's days are ordered; of these some are rejected, and of these some ordered again."""
        if self.chance(0.5):
            return
        length = (item.last - item.first).days + 1
        cuts = {self.random.randint(0, length) for _ in range(4)} | ({0, length} if self.chance(0.3) else set())
        for start, end in list(pairwise(sorted(cuts)))[:: self.pick(1, 1, 2)]:
            covered = item.first + timedelta(days=start), item.first + timedelta(days=end - 1)
            order, sent = self._order(decided, item, offer, covered)
            if self.chance(0.25):
                rejected = self._may(self.reject, order, self.pick("rejected", "failed", "cancelled"), needs=(sent,))
                if self.chance(0.6):
                    self._order(decided, item, offer, covered, needs=(rejected,))
            elif self.chance(0.1):
                self._may(self.close_order, order, needs=(sent,))

    def _order(
        self, decided: Decided, item: Item, offer: Offer, covered: tuple[date, date], needs: tuple[Event, ...] = ()
    ) -> tuple[Order, Event]:
        first, last = covered
        lines = []
        for extra in ("", *(["travel"] if self.chance(0.3) else []), *([""] if self.chance(0.2) else [])):
            rate = Decimal(self.pick("0", "0", "0.1", "0.255"))
            net = self.hundredths(0, 100_000) if self.chance(0.99) else Decimal("9999999.99")
            # an order's line is the sum of its shares, each rounded: its VAT may be a cent off what its net would give
            vat = (net * rate).quantize(_CENT) + (self.pick(Decimal(0), _CENT) if rate else 0)
            unit = "KMT" if extra else item.unit
            lines.append(
                OrderLine(new_id(), item.name, first, last, self._quantity(), unit, rate, net, vat, net + vat, extra)
            )
        order_last = max(last, decided.last or last) if self.chance(0.3) else last
        order = Order(
            new_id(),
            order_last,
            tuple(lines),
            (Covered(new_id(), item.name, first, last),),
            self.pick("sent", "approved", "accepted", "changed"),
        )
        sent = self._may(self.send, decided, order, offer, needs=needs)
        if self.chance(0.45):
            for _ in range(self.pick(1, 1, 2, 3)):
                self._may(self.bill, decided, order, self._bill(order), offer, needs=(sent,))
        if self.chance(0.4):
            for _ in range(self.pick(1, 2)):
                self._deliver(decided, order, sent)
        return order, sent

    def _bill(self, order: Order) -> Bill:
        entries = []
        for one in order.lines:
            if self.chance(0.8):
                net = one.net if self.chance(0.4) else self.hundredths(0, 80_000)
                vat = one.vat if net == one.net else (net * one.vat_rate).quantize(_CENT)
                entries.append(Entry(one.name, net, vat, net + vat, self.pick(None, one.quantity, self._quantity())))
        credit = self.chance(0.3)
        return Bill(tuple(entries), credit=credit, final=not credit and self.chance(0.15))

    def _deliver(self, decided: Decided, order: Order, sent: Event) -> None:
        one = self.pick(*order.lines)
        report = Report(new_id(), one.name, self.pick(self._quantity(), one.quantity, one.quantity / 2))
        delivered = self._may(self.deliver, decided, order, report, needs=(sent,))
        if self.chance(0.2):
            self._may(self.correct, order, report, needs=(delivered,))
