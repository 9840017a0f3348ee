"""Units with cases, budgets, orders and evaluations, drawn at random; and what a supervisor may be told of them, worked out in plain Python.

The oracle walks day by day over facts of its own and knows neither SQL nor the services: only the rule that is written in docs/oversight.md.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Any

from sqlalchemy.orm import Session

from models.base import days
from models.budget import Budget, BudgetLine, BudgetVersion
from models.order import OrderCoverage
from tests.factories.base import added
from tests.factories.case import make_case, make_choice, make_decision, make_plan_item
from tests.factories.follow_up import make_follow_up
from tests.factories.order import make_order
from tests.factories.provider import make_provider
from tests.factories.service import make_service
from tests.factories.worker import make_unit, make_worker

TODAY = date(2026, 11, 16)
FIRST = date(2026, 1, 1)
CENT = Decimal("0.01")

Blocks = list[tuple[Any, ...]]


@dataclass
class Facts:
    """What happened in one unit: of each its case, and what the oracle needs."""

    #: (case, kind, amount, first day, day after); kind `ceiling` for what was granted
    euros: list[tuple[int, str, Decimal, date, date]] = field(default_factory=list)
    #: (case, service, decided, started)
    starts: list[tuple[int, int, date, date]] = field(default_factory=list)
    #: (case, service, provider, day, rating)
    ratings: list[tuple[int, int, int, date, int]] = field(default_factory=list)
    #: (case, day, findings)
    finals: list[tuple[int, date, dict[str, str]]] = field(default_factory=list)


class World:
    """So many units; `draw` says what is in them."""

    def __init__(self, session: Session, draw: Random, units: int = 2, cases: int = 14) -> None:
        self.session, self.draw = session, draw
        self.units = [make_unit(session) for _ in range(units)]
        self.workers = [make_worker(session, unit_id=unit.id) for unit in self.units]
        self.services = [make_service(session, unit="C62") for _ in range(2)]
        self.providers = [make_provider(session) for _ in range(2)]
        self.facts: dict[int, Facts] = {unit.id: Facts() for unit in self.units}
        for _ in range(cases):
            self.live(draw.randrange(units))
        session.flush()

    def day(self, first: date = FIRST, spread: int = 330) -> date:
        """Some day of the year."""
        return first + timedelta(days=self.draw.randrange(spread))

    def live(self, at: int) -> None:
        """One case: its decision, its budget, what was ordered, what was answered."""
        unit, worker, draw, session = self.units[at], self.workers[at], self.draw, self.session
        # without a responsible worker the case's own unit counts
        tied = {"responsible_worker_id": worker.id} if draw.random() < 0.8 else {"unit_id": unit.id}
        case, facts = make_case(session, **tied), self.facts[unit.id]
        decided = self.day()
        decision = make_decision(session, case, decided_on=decided)
        service, provider = draw.choice(self.services), draw.choice(self.providers)
        first = self.day()
        item = make_plan_item(
            session, decision, service, first=first, last=first + timedelta(days=draw.randrange(1, 150))
        )
        make_choice(session, item, provider, chosen_at=datetime(2025, 1, 1, tzinfo=UTC))
        self._budget(facts, case.id, decision.id, item)
        if draw.random() < 0.8:
            state = draw.choice(["sent", "received", "accepted", "closed", "rejected", "cancelled"])
            promised = self.day() if draw.random() < 0.5 else None
            order = make_order(session, decision, provider, state=state, starts_on=promised)
            added(session, OrderCoverage(order_id=order.id, plan_item_id=item.id, period=item.period, live=True))
            if state in {"sent", "received", "accepted", "closed"}:
                facts.starts.append((case.id, service.id, decided, promised or first))
        for _ in range(draw.randrange(4)):
            settled, rating = self.day(), draw.randrange(1, 6)
            self._answered(item, "interval", settled, rating=rating)
            facts.ratings.append((case.id, service.id, provider.id, settled, rating))
        if draw.random() < 0.9:
            settled = self.day()
            findings = {"end_result": draw.choice(["need_met"] * 3 + ["continues"] * 2 + ["heavier_service"])}
            if draw.random() < 0.8:
                findings["supports_goals"] = draw.choice(["yes", "yes", "no"])
            self._answered(item, "final", settled, findings=findings)
            facts.finals.append((case.id, settled, findings))

    def _answered(self, item: Any, kind: str, day: date, **what: Any) -> None:
        # shortly after midnight in Helsinki, when it is still the day before in UTC
        at = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(minutes=90)
        make_follow_up(
            self.session, item, kind=kind, planned_for=date(2026, 1, 1) + timedelta(days=self.draw.randrange(100_000)),
            state="acknowledged", settled_at=at, **what,
        )  # fmt: skip

    def _budget(self, facts: Facts, case: int, decision: int, item: Any) -> None:
        known, ceiling = self.draw.random() < 0.9, Decimal(self.draw.randrange(0, 500_000)) / 100
        lines = [
            (kind, Decimal(self.draw.randrange(-500, 300_000)) / 100, self._part(item))
            for kind in ("invoiced", "ordered", "planned")
            if self.draw.random() < 0.6
        ]
        self.budget(decision, item, ceiling, lines, known=known)
        if known and lines:
            facts.euros += [(case, kind, gross, first, after) for kind, gross, (first, after) in lines]
            first, after = min(one[2][0] for one in lines), max(one[2][1] for one in lines)
            facts.euros.append((case, "ceiling", ceiling, first, after))

    def budget(
        self,
        decision: int,
        item: Any,
        ceiling: Decimal,
        lines: list[tuple[str, Decimal, tuple[date, date]]],
        *,
        known: bool = True,
    ) -> None:
        """A budget as it is now, and a version before it that must not be counted any more."""
        sums = {
            name: sum((gross for kind, gross, _ in lines if kind == name), Decimal(0))
            for name in ("invoiced", "ordered", "planned")
        }
        budget = added(self.session, Budget(decision_id=decision, ceiling=ceiling, ceiling_basis={}))
        old: dict[str, Any] = {
            "ceiling": Decimal(9999),
            "invoiced": Decimal(9999),
            "ordered": Decimal(0),
            "planned": Decimal(0),
        }
        new: dict[str, Any] = {"ceiling": ceiling, **sums}
        for now, figures in ((False, old), (True, new)):
            free = ceiling - sum(sums.values()) if now else Decimal(0)
            version = added(
                self.session,
                BudgetVersion(
                    budget_id=budget.id, ceiling_basis={}, delivered=Decimal(0), state="ok", reasons=[], cause="test",
                    free=free if known or not now else None, recorded_at=datetime(2026, 1, 1, tzinfo=UTC),
                    superseded_at=None if now else datetime(2026, 1, 2, tzinfo=UTC), **figures,
                ),
            )  # fmt: skip
            for kind, gross, (first, after) in lines:
                added(
                    self.session,
                    BudgetLine(
                        version_id=version.id, plan_item_id=item.id, kind=kind, gross=gross if now else Decimal(5000),
                        period=days(first, after - timedelta(days=1)), quantity=Decimal(1), unit="C62",
                    ),
                )  # fmt: skip

    def _part(self, item: Any) -> tuple[date, date]:
        first, after = item.period.lower, item.period.upper
        cut = first + timedelta(days=self.draw.randrange((after - first).days))
        return self.draw.choice([(first, after), (first, cut + timedelta(days=1)), (cut, after)])


def month_of(day: date) -> date:
    return day.replace(day=1)


def spread(amount: Decimal, first: date, after: date) -> dict[date, Decimal]:
    """An amount over the months of its days: what is rounded at each day's end, less what was at the one before."""
    shares: dict[date, Decimal] = defaultdict(Decimal)
    length, before = (after - first).days, Decimal(0)
    for n in range(1, length + 1):
        until = (amount * n / length).quantize(CENT, ROUND_HALF_UP)
        shares[month_of(first + timedelta(days=n - 1))] += until - before
        before = until
    return shares


def runs(months: dict[date, set[int]]) -> list[list[date]]:
    """Months put together until five cases are in them."""
    made: list[list[date]] = []
    waiting: list[date] = []
    for month in sorted(months):
        waiting.append(month)
        if len(set().union(*(months[one] for one in waiting))) >= 5:
            made.append(waiting)
            waiting = []
    return made


def euros(facts: Facts) -> Blocks:
    """(first month, last month, cost, ceiling)"""
    cost: dict[date, dict[int, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    granted: dict[date, dict[int, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for case, kind, amount, first, after in facts.euros:
        for month, share in spread(amount, first, after).items():
            (granted if kind == "ceiling" else cost)[month][case] += share
    months = {
        month: {
            case for case in cost[month].keys() & granted[month].keys() if cost[month][case] and granted[month][case]
        }
        for month in {*cost, *granted}
        if any(cost[month].values()) or any(granted[month].values())
    }
    return [
        (run[0], run[-1], sum(sum(cost[one].values()) for one in run), sum(sum(granted[one].values()) for one in run))
        for run in runs(months)
    ]


def starts(facts: Facts) -> Blocks:
    """(service or '', first month, last month, days)"""
    past = [one for one in facts.starts if one[3] < month_of(TODAY)]
    big = {service for service in {one[1] for one in past} if len({one[0] for one in past if one[1] == service}) >= 5}
    groups: dict[str, list[tuple[int, date, int]]] = defaultdict(list)
    for case, service, decided, started in past:
        groups[str(service) if service in big else ""].append((case, started, max((started - decided).days, 0)))
    found: Blocks = []
    for group, some in groups.items():
        months: dict[date, set[int]] = defaultdict(set)
        for case, started, _ in some:
            months[month_of(started)].add(case)
        for run in runs(months):
            found.append((group, run[0], run[-1], sorted(took for _, day, took in some if month_of(day) in run)))
    return sorted(found)


def ratings(facts: Facts) -> Blocks:
    """(service, provider, first month, last month, answers, sum); nothing held back"""
    past = [one for one in facts.ratings if one[3] < month_of(TODAY)]

    def cases(service: int | None, provider: int | None = None) -> int:
        return len({one[0] for one in past if service in {None, one[1]} and provider in {None, one[2]}})

    groups: dict[tuple[str, str], list[tuple[int, date, int]]] = defaultdict(list)
    for case, service, provider, day, rating in past:
        if cases(service, provider) >= 5:
            group = (str(service), str(provider))
        else:
            rest = {one[0] for one in past if one[1] == service and cases(service, one[2]) < 5}
            group = (str(service), "") if len(rest) >= 5 else ("", "")
        groups[group].append((case, day, rating))
    found: Blocks = []
    for (service_, provider_), some in groups.items():
        months: dict[date, set[int]] = defaultdict(set)
        for case, day, _ in some:
            months[month_of(day)].add(case)
        for run in runs(months):
            told = [rating for _, day, rating in some if month_of(day) in run]
            found.append((service_, provider_, run[0], run[-1], len(told), sum(told)))
    return sorted(found)


def quarters(facts: Facts) -> Blocks:
    """(first month, last month, evaluations)"""
    months: dict[date, set[int]] = defaultdict(set)
    for case, day, _ in facts.finals:
        if day < date(2026, 10, 1):
            months[date(day.year, (day.month - 1) // 3 * 3 + 1, 1)].add(case)
    found: Blocks = []
    for run in runs(months):
        last = date(run[-1].year, run[-1].month + 2, 1)
        found.append((run[0], last, sum(1 for _, day, _ in facts.finals if run[0] <= month_of(day) <= last)))
    return found
