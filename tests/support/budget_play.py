"""Random cases played on the real database: their events in a random order, with recomputations in between, each checked by the oracle."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from math import floor
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.budget_settings import Budgets, ExtraRule
from services.budgets import ceiling, dirty
from services.budgets import reasons as why
from services.budgets.recompute import Recomputed
from services.budgets.show import budgets_of_case
from tests.factories.price import make_price, make_price_list, make_price_source
from tests.factories.service import make_service
from tests.support.budget_oracle import Answer, Decided, Limits, Rule, calculate, freeze, quantity_between
from tests.support.budget_told import Ground, Told, Touches
from tests.support.budget_worlds import SERVICES, SPECIAL, START, Event, World
from tests.support.budgets import recompute_dirty
from tests.support.bulk import Rows

HELSINKI = ZoneInfo("Europe/Helsinki")
_FIGURES = ("ceiling", "invoiced", "delivered", "ordered", "planned", "free")

#: Names of reasons by what is said.
_REASONS = {
    value: name
    for module in (why, ceiling)
    for name, value in vars(module).items()
    if name.isupper() and isinstance(value, str)
}

_VERSIONS = text(
    "SELECT budget.decision_id, budget_version.* FROM budget_version JOIN budget ON budget.id = budget_id"
    " WHERE decision_id = ANY(:ids) AND superseded_at IS NULL"
)
_LINES = text(
    """
    SELECT decision_id, plan_item_id, kind, extra, lower(period) AS first, upper(period) - 1 AS last, quantity, unit, price_id,
           order_line_id, amount, net, vat, gross
    FROM budget_line
    JOIN budget_version ON budget_version.id = version_id
    JOIN budget ON budget.id = budget_id
    WHERE decision_id = ANY(:ids) AND superseded_at IS NULL
    """
)


@dataclass(frozen=True)
class Known:
    """What could be read of a case's budgets at the end of a day."""

    case: str
    day: date
    versions: list[Any]


@dataclass
class Play:
    """A batch of worlds on one database. `compared` counts budgets held against the oracle."""

    session: Session
    random: Random
    ground: Ground = field(init=False)
    worlds: list[Told] = field(default_factory=list)
    limits: Limits = field(init=False)
    now: datetime = datetime(2027, 9, 30, 21, 30, tzinfo=UTC)
    compared: int = 0
    known: list[Known] = field(default_factory=list)
    _source: int = 0
    _run: int = 0
    _left: dict[Told, list[Event]] = field(default_factory=dict)
    _happened: set[Event] = field(default_factory=set)

    def __post_init__(self) -> None:
        own = make_price_source(self.session)
        listed = make_price_list(self.session, own)
        services = {code: make_service(self.session, code=code).id for code in SERVICES}
        cited = make_price(self.session, make_service(self.session), amount="1.00", price_list=listed)
        self.ground = Ground(services, listed.id, cited.id)
        self._source, self._run = own.id, listed.run_id
        self.limits = self._some_limits(self._some_rules())
        self._night()  # remembers what is calculated by

    # the ground rules

    def _some_rules(self) -> tuple[Rule, ...]:
        possible = [
            Rule("travel", "KMT", "C62", self._of("20", "0.35", "7.5")),
            Rule("travel", "KMT", "C62", self._of("1", "12.25"), frozenset(SERVICES[:1])),
            Rule("travel", "KMT", "HUR", self._of("4", "0.01")),
            Rule("no_show", "C62", "C62", self._of("0.05", "1")),
            Rule("no_show", "HUR", "HUR", Decimal("0.1")),
            Rule("no_show", "C62", "HUR", Decimal("0.33"), frozenset(SERVICES[1:])),
        ]
        return tuple(one for one in possible if self.random.random() < 0.5)

    def _of(self, *values: str) -> Decimal:
        return Decimal(self.random.choice(values))

    def _some_limits(self, rules: tuple[Rule, ...]) -> Limits:
        return Limits(
            near=self._of("0.90", "0.5", "1", "0"),
            tolerance=self._of("0.05", "0", "0.1", "1"),
            close_after=self.random.choice([0, 1, 30, 90]),
            rules=rules,
        )

    @property
    def settings(self) -> Budgets:
        return Budgets(
            near_limit=self.limits.near,
            tolerance=self.limits.tolerance,
            close_after_days=self.limits.close_after,
            extras=[
                ExtraRule(
                    extra="travel" if one.extra == "travel" else "no_show", unit=one.unit, for_unit=one.for_unit,
                    quantity=one.quantity, services=sorted(one.services),
                )
                for one in self.limits.rules
            ],
        )  # fmt: skip

    # what happens

    def begin(self, seeds: Iterable[int], *, settled: bool = True) -> None:
        """Cases with their decisions and plans."""
        rows = Rows()
        for seed in seeds:
            world = World(seed, self.ground, settled=settled)
            world.begin(rows)
            self.worlds.append(world)
            self._left[world] = list(world.events)
            self.random.shuffle(self._left[world])
        rows.flush(self.session)

    def happen(self, share: float) -> None:
        """So much of what is left happens to each case, in an order of its own; what it touched is noted as its writers would."""
        rows, before = Rows(), set(self._happened)
        self._next_list()
        for left in self._left.values():
            for _ in range(round(len(left) * share)):
                event = next(
                    (one for one in left if (before if one.later else self._happened).issuperset(one.needs)), None
                )
                if event is None:
                    break
                left.remove(event)
                event.do(rows)
                self._happened.add(event)
        rows.flush(self.session)
        touched = Touches()
        for world in self.worlds:
            touched.take(world.touches)
        dirty.mark_decisions(self.session, touched.decisions, "cases")
        dirty.mark_orders(self.session, touched.orders)
        dirty.mark_price_keys(self.session, touched.price_keys, price_list_id=self.ground.price_list)

    def _next_list(self) -> None:
        """What prices come and go from now on do so by a list of their own."""
        rows = Rows()
        said: dict[str, Any] = {
            "source_id": self._source,
            "run_id": self._run,
            "file_name": "hinnasto.csv",
            "sha256": "0" * 64,
        }
        self.ground.price_list = rows.add("price_list", **said, state="applied", counts="{}")
        rows.flush(self.session)

    def change_settings(self) -> None:
        """The limits are set anew, or what is counted in; the night finds whom that moves."""
        rules = self._some_rules() if self.random.random() < 0.3 else self.limits.rules
        self.limits = self._some_limits(rules)
        self._night()

    def next_day(self) -> None:
        """Time passes to some later day, to the minute around its midnight or the middle of it; the night finds whom that moves."""
        today = self.today
        days = [day for day in (*SPECIAL, START, *self._turns()) if day > today]
        later = self.random.choice(days) if days else today + timedelta(days=1)
        midnight = datetime.combine(later, time(), HELSINKI).astimezone(UTC)
        self.now = max(self.now, midnight + timedelta(minutes=self.random.choice([-1, 0, 1, 600])))
        self._night()

    def _night(self) -> None:
        dirty.mark_by_time_and_settings(self.session, today=self.today, settings=self.settings)

    def _turns(self) -> list[date]:
        """Days on which something ends by the calendar."""
        ends = [decided.last for decided in self.decided() if decided.last is not None]
        closes = [
            one.last + timedelta(days=self.limits.close_after) for decided in self.decided() for one in decided.orders
        ]
        return [end + timedelta(days=1) for end in self.random.sample(ends + closes, min(8, len(ends + closes)))]

    @property
    def today(self) -> date:
        return self.now.astimezone(HELSINKI).date()

    def recompute(self) -> Recomputed:
        """Everything that was noted, as a worker does; a minute later than the last time."""
        self.now += timedelta(seconds=1)
        total = Recomputed()
        while (done := recompute_dirty(self.session, now=self.now, settings=self.settings)).recomputed:
            total += done
        return total

    def decided(self) -> list[Decided]:
        return [decided for world in self.worlds for decided in world.decisions]

    # checks

    def check(self) -> None:
        """Every budget is to the cent what the oracle makes of what was said so far."""
        versions, lines = self.read()
        wrong: list[tuple[int, str]] = []
        for world in self.worlds:
            for decided in world.decisions:
                answer = self.answer(world, decided)
                version, shares = versions[decided.name], lines.get(decided.name, [])
                found = difference(answer, version, shares) + self._sums(world, decided, version, shares)
                if found:
                    size = len(decided.items) * 10 + len(decided.orders) * 5 + len(answer.lines)
                    wrong.append((size, f"{world}, {self.limits}, {self.today}\n{decided}\n" + "\n".join(found)))
                self.compared += 1
        # the smallest says most
        assert not wrong, f"{len(wrong)} budgets are not what they should be; the smallest:\n{min(wrong)[1]}"

    def _sums(self, world: Told, decided: Decided, version: Any, lines: Sequence[Any]) -> list[str]:
        """What does not add up, whatever the oracle says."""
        found = []
        if (
            version.free is not None
            and version.invoiced + version.ordered + version.planned + version.free != version.ceiling
        ):
            found.append("the parts of the ceiling do not add up to it")
        if version.delivered > version.ordered:
            found.append("more is delivered than ordered")
        for item in decided.items if world.goes_on and not decided.ended else []:
            planned = sum(
                Fraction(one.quantity)
                for one in lines
                if one.plan_item_id == item.name and not one.extra and one.kind in {"planned", "unpriced"}
            )
            covers = [one for order in decided.orders for one in order.covers if one.live and one.item == item.name]
            covered = sum(quantity_between(item, one.first, one.last, self.limits.step(item.unit)) for one in covers)
            if not item.ended and planned + covered != item.quantity:
                found.append(f"{item.name}: {planned} planned and {covered} ordered are not {item.quantity}")
        return found

    def answer(self, world: Told, decided: Decided) -> Answer:
        """What the oracle makes of a budget now."""
        frozen = world.frozen[decided.name] = freeze(decided, world.frozen.get(decided.name))
        return calculate(
            decided, frozen, limits=self.limits, today=self.today, case_goes_on=world.goes_on,
            beside=[one for one in world.decisions if one is not decided],
        )  # fmt: skip

    def read(self) -> tuple[dict[int, Any], dict[int, list[Any]]]:
        """Current versions and their lines, by decision."""
        ids = {"ids": [decided.name for decided in self.decided()]}
        lines: dict[int, list[Any]] = {}
        for row in self.session.execute(_LINES, ids):
            lines.setdefault(row.decision_id, []).append(row)
        return {row.decision_id: row for row in self.session.execute(_VERSIONS, ids)}, lines

    def remember(self, how_many: int) -> None:
        """Read some cases as they are known today, to read them again when more is known. What was read earlier today is out of date."""
        self.known = [one for one in self.known if one.day < self.today]
        for world in self.random.sample(self.worlds, min(how_many, len(self.worlds))):
            known = budgets_of_case(self.session, world.number, at=self.today)
            self.known.append(Known(world.number, self.today, known))

    def check_known(self) -> None:
        """What was known at the end of a day stays what it was."""
        for one in self.known:
            if one.day < self.today:
                assert budgets_of_case(self.session, one.case, at=one.day) == one.versions, one

    def check_nothing_to_do(self) -> None:
        """Calculating everything once more changes nothing and writes nothing."""
        before = self.session.execute(text("SELECT max(id) FROM budget_version")).scalar_one()
        dirty.mark_all(self.session, "asked")
        again = self.recompute()
        assert (again.recomputed, again.changed) == (len(self.decided()), 0)
        assert self.session.execute(text("SELECT max(id) FROM budget_version")).scalar_one() == before


def difference(answer: Answer, version: Any, lines: Sequence[Any]) -> list[str]:
    """What is not as it should be, in words for whoever reads a failed test."""
    found = []
    for name in _FIGURES:
        have, want = _fraction(getattr(version, name)), getattr(answer, name)
        if have != want:
            found.append(f"{name}: {_shown(have)}, not {_shown(want)}")
    if version.state != answer.state:
        found.append(f"state: {version.state}, not {answer.state}")
    reasons = {_REASONS[reason["msgid"]] for reason in version.reasons}
    if reasons != answer.reasons:
        found.append(f"reasons: {sorted(reasons)}, not {sorted(answer.reasons)}")
    have_lines = sorted(map(_key_of_row, lines), key=str)
    want_lines = sorted(
        (
            (
                one.kind, one.item, one.extra, one.first, one.last, None if one.kind == "delivered" else _kept(one.quantity), one.unit,
                None if one.order_line else one.price, one.order_line,
                None if one.figures is None else one.figures if one.kind != "delivered" else one.figures[2],
            )
            for one in answer.lines
        ),
        key=str,
    )  # fmt: skip
    found += [f"too much: {_shown(one)}" for one in have_lines if one not in want_lines]
    found += [f"missing: {_shown(one)}" for one in want_lines if one not in have_lines]
    if len(have_lines) != len(want_lines):
        found.append(f"{len(have_lines)} lines, not {len(want_lines)}")
    return [one[:500] for one in found]


def _key_of_row(row: Any) -> tuple[Any, ...]:
    figures: Any = None if row.gross is None else tuple(map(_fraction, (row.net, row.vat, row.gross)))
    delivered = row.kind == "delivered"
    return (
        row.kind, row.plan_item_id, row.extra, row.first, row.last, None if delivered else Fraction(row.quantity), row.unit,
        None if row.order_line_id else row.price_id, row.order_line_id, figures[2] if delivered else figures,
    )  # fmt: skip


def _fraction(value: Decimal | None) -> Fraction | None:
    return None if value is None else Fraction(value)


def _kept(quantity: Fraction) -> Fraction:
    """As NUMERIC(12,4) has it: no more than fits, rounded to four decimals."""
    half = floor(abs(quantity) * 10_000 + Fraction(1, 2))
    return min(Fraction(half if quantity >= 0 else -half, 10_000), Fraction(999_999_999_999, 10_000))


def _shown(value: Any) -> str:
    if isinstance(value, Fraction):
        return str(float(value))
    if isinstance(value, tuple):
        return "(" + ", ".join(map(_shown, value)) + ")"
    return str(value)


def outcome(world: Told, versions: dict[int, Any], lines: dict[int, list[Any]]) -> list[object]:
    """What came of a case, with ids counted from its own: the same for two cases to whom the same happened."""

    def own(id: int | None) -> int | None:
        return None if id is None or id < world.case else id - world.case

    return [
        (
            [getattr(versions[decided.name], name) for name in (*_FIGURES, "state")],
            sorted(
                (
                    (
                        row.kind, row.extra, row.first, row.last, row.quantity, row.unit, row.net, row.vat, row.gross,
                        own(row.plan_item_id), own(row.price_id), own(row.order_line_id),
                    )
                    for row in lines.get(decided.name, [])
                ),
                key=str,
            ),
        )
        for decided in world.decisions
    ]  # fmt: skip
