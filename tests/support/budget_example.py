"""One budget told step by step, for tests that say what should come of it; the oracle reads along (tests/support/budget_play.py)."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from random import Random
from typing import Any

from sqlalchemy.orm import Session

from services.budgets import dirty
from services.budgets.recompute import Recomputed
from services.consistency.budgets import NIGHTS, budgets
from services.consistency.scope import Scope
from tests.support.budget_oracle import (
    Answer,
    Bill,
    Covered,
    Decided,
    Entry,
    Item,
    Limits,
    Order,
    OrderLine,
    Report,
    Rule,
    Tariff,
)
from tests.support.budget_play import Play
from tests.support.budget_told import Offer, Told
from tests.support.bulk import Rows, new_id

Figures = dict[str, Any]


def tariff(amount: str, unit: str = "C62", **over: Any) -> Tariff:
    """A price from 2026 on without an end."""
    return Tariff(new_id(), unit, Decimal(amount), **{"first": date(2026, 1, 1), **over})


class Example:
    """A case with one decision of 1,000 € over everything, unless told otherwise."""

    def __init__(self, session: Session, *, rules: Sequence[Rule] = (), **decided: Any) -> None:
        self.play = Play(session, Random(1))
        self.play.limits = Limits(Decimal("0.90"), Decimal("0.05"), rules=tuple(rules))
        self.play.now = datetime(2027, 11, 1, 4, 0, tzinfo=UTC)
        self.told = Told(self.play.ground)
        self.rows = Rows()
        self.told.open(self.rows)
        self.decided = self.decide(**{"granted": Decimal(1000), **decided})
        self.play.worlds.append(self.told)
        self.offers: dict[int, Offer] = {}

    def decide(self, **said: Any) -> Decided:
        """Another decision of the case."""
        decided = Decided(new_id(), **said)
        self.baseline = self.told.decide(decided, self.rows)
        return decided

    def refer(self, *tariffs: Tariff) -> None:
        """Our own unit costs of what the decision replaces."""
        self.told.refer(self.decided, self.baseline, list(tariffs), self.rows)

    def plan(
        self, quantity: str, unit: str, first: date, last: date, *tariffs: Tariff, service: str = "ORACLE-A"
    ) -> Item:
        """A planned service, chosen from a provider with these prices."""
        item = Item(new_id(), service, Decimal(quantity), unit, first, last)
        self.told.plan(self.decided, item, self.rows)
        offer = self.offers[item.name] = self.told.offer(service, self.rows)
        for one in tariffs:
            self.told.price(offer, one, self.rows)
        self.told.choose(self.decided, item, offer, self.rows)
        return item

    def order(self, item: Item, days: tuple[date, date], gross: str, quantity: str = "1", *, rate: str = "0") -> Order:
        """Days of an item ordered for so much; the quantity is the line's."""
        (first, last), amount, vat_rate = days, Decimal(gross), Decimal(rate)
        net = (amount / (1 + vat_rate)).quantize(Decimal("0.01"))
        line = OrderLine(
            new_id(), item.name, first, last, Decimal(quantity), item.unit, vat_rate, net, amount - net, amount
        )
        order = Order(new_id(), last, (line,), (Covered(new_id(), item.name, first, last),))
        self.told.send(self.decided, order, self.offers[item.name], self.rows)
        return order

    def bill(
        self, order: Order, gross: str, quantity: str | None = None, *, credit: bool = False, final: bool = False
    ) -> None:
        """An invoice for the order's one line, or a credit note."""
        line, amount = order.lines[0], Decimal(gross)
        net = (amount / (1 + line.vat_rate)).quantize(Decimal("0.01"))
        entry = Entry(line.name, net, amount - net, amount, None if quantity is None else Decimal(quantity))
        self.told.bill(
            self.decided, order, Bill((entry,), credit=credit, final=final), self.offers[line.item], self.rows
        )

    def deliver(self, order: Order, quantity: str) -> Report:
        """What the provider says it delivered."""
        report = Report(new_id(), order.lines[0].name, Decimal(quantity))
        self.told.deliver(self.decided, order, report, self.rows)
        return report

    def calculate(self) -> Recomputed:
        """Write what was told, have the budgets of the case calculated, and see that they are what the oracle and the nightly check say."""
        self.rows.flush(self.play.session)
        dirty.mark_decisions(self.play.session, [one.name for one in self.told.decisions], "cases")
        done = self.play.recompute()
        self.play.check()
        looked = budgets(Scope(self.play.session, self.play.today, self.play.settings, budgets=None))
        wrong = [one for one in looked.broken if one.sort is not NIGHTS]  # time is led by hand here
        assert wrong == [], "the nightly check reads the rules otherwise"
        return done

    def budget(self) -> Figures:
        """The figures that are not zero, and the state."""
        self.calculate()
        version = self.play.read()[0][self.decided.name]
        figures = {name: getattr(version, name) for name in ("invoiced", "delivered", "ordered", "planned", "free")}
        return {"state": version.state, **{name: str(value) for name, value in figures.items() if value}}

    def answer(self) -> Answer:
        """What the oracle says."""
        return self.play.answer(self.told, self.decided)

    def lines(self) -> list[tuple[str, str, date, date, str, str | None]]:
        """Kind, extra, first and last day, quantity and gross of each line, by days."""
        rows = self.play.read()[1].get(self.decided.name, [])
        return [
            (
                one.kind,
                one.extra,
                one.first,
                one.last,
                str(one.quantity.normalize()),
                None if one.gross is None else str(one.gross),
            )
            for one in sorted(rows, key=lambda row: (row.extra, row.first, row.kind))
        ]

    def at(self, now: datetime) -> str:
        """The state when it is then, found by the night alone."""
        self.play.now = now
        dirty.mark_by_time_and_settings(self.play.session, today=self.play.today, settings=self.play.settings)
        self.play.recompute()
        self.play.check()
        state: str = self.play.read()[0][self.decided.name].state
        return state
