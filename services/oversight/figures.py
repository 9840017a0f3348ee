"""What may be told of a unit in a period, from the blocks that were counted: euros, waiting times, ratings, results."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from statistics import median
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.i18n import language
from core.money import round_half_up
from services.labels import SERVICE_NAME
from services.oversight.blocks import Block, within
from services.oversight.euros import PARTS
from services.oversight.months import Period, months_on
from services.oversight.results import OTHER, QUESTIONS

#: A ninetieth percentile of fewer would be one family's own waiting time.
_ENOUGH_FOR_P90: Final = 10
_TENTH: Final = Decimal("0.1")


@dataclass(frozen=True)
class MonthLine:
    """Months from `first` to `last` (their first days) in euros; all figures None where they are not told. `parts`: where they may be told."""

    first: date
    last: date
    cases: int | None = None
    cost: Decimal | None = None
    ceiling: Decimal | None = None
    parts: dict[str, Decimal] | None = None

    @property
    def told(self) -> bool:
        """Whether there is anything to read."""
        return self.cost is not None

    @property
    def difference(self) -> Decimal | None:
        """What the alternatives cost more (less, where negative) than the ceilings."""
        return None if self.cost is None or self.ceiling is None else self.cost - self.ceiling


@dataclass(frozen=True)
class Euros:
    """The months of a period, and the sums of those that are told. `tolerance`: what may be over, as a fraction of the ceiling."""

    lines: tuple[MonthLine, ...]
    cost: Decimal
    ceiling: Decimal
    tolerance: Decimal

    @property
    def told(self) -> bool:
        """Whether there is any month to read."""
        return any(line.told for line in self.lines)

    @property
    def difference(self) -> Decimal:
        """What the alternatives cost more (less, where negative) than the ceilings, in the months that are told."""
        return self.cost - self.ceiling

    @property
    def judged(self) -> str:
        """`below` or `within` the ceiling and its tolerance, or `over`; `unknown` where nothing is told."""
        if not self.told:
            return "unknown"
        if self.difference <= 0:
            return "below"
        return "within" if self.cost <= self.ceiling * (1 + self.tolerance) else "over"


@dataclass(frozen=True)
class Wait:
    """Days from decision to start. `service`: its name, None for those of few cases together, '' for all. `p90`: only of ten or more."""

    service: str | None
    starts: int
    median: Decimal
    p90: Decimal | None


@dataclass(frozen=True)
class Rated:
    """What families answered, from 1 to 5. None: services, or providers, of few cases together."""

    service: str | None
    provider: str | None
    average: Decimal
    answers: int


@dataclass(frozen=True)
class Result:
    """How many final evaluations answered a question how; `evaluations`: all that are told, of whatever answer."""

    question: str
    answers: dict[str, int]


@dataclass(frozen=True)
class Figures:
    """All that was counted of a unit, for a period. `counted_at` is None before the first night; `left_out`: None where few or none."""

    counted_at: datetime | None
    euros: Euros
    left_out: int | None
    waits: tuple[Wait, ...]
    ratings: tuple[Rated, ...]
    evaluations: int
    results: tuple[Result, ...]


#: Rows in: a unit. Rows out: its blocks by subject.
_COUNTED = text("SELECT subject, blocks, counted_at FROM unit_count WHERE unit_id = :unit")
#: Rows in: ids of services and providers. Rows out: their names.
_NAMES = text(
    f"""
    SELECT 'service' AS kind, id, {SERVICE_NAME} AS name FROM service WHERE id = ANY(:services)
    UNION ALL SELECT 'provider', id, name FROM provider WHERE id = ANY(:providers)
    """  # noqa: S608 - our own words
)


@dataclass(frozen=True)
class Counted:
    """What was counted of a unit, by subject, and when: None before the first night."""

    blocks: dict[str, list[Block]]
    at: datetime | None


def counted_of(session: Session, unit: int) -> Counted:
    """What was counted last night. One query."""
    told: dict[str, list[Block]] = defaultdict(list)
    counted_at = None
    for row in session.execute(_COUNTED, {"unit": unit}):
        told[row.subject] = [Block.from_json(one) for one in row.blocks]
        counted_at = row.counted_at
    return Counted(told, counted_at)


def figures_of(session: Session, counted: Counted, period: Period, tolerance: Decimal) -> Figures:
    """What may be told of it in a period. One query."""
    told = counted.blocks
    chosen = {subject: within(blocks, period.first, period.last) for subject, blocks in told.items()}
    names = _names(session, [*chosen.get("starts", []), *chosen.get("ratings", [])])
    results = chosen.get("results", [])
    return Figures(
        counted_at=counted.at,
        euros=_euros(chosen.get("euros", []), period, tolerance),
        left_out=next((one.cases for one in told["left_out"]), None),
        waits=tuple(_waits(chosen.get("starts", []), names)),
        ratings=tuple(_ratings(chosen.get("ratings", []), names)),
        evaluations=sum(_count(one) for one in results if one.group == ("", "")),
        results=tuple(_results(results)),
    )


def _names(session: Session, blocks: Iterable[Block]) -> dict[tuple[str, str], str]:
    groups = [one.group for one in blocks]
    services = {int(group[0]) for group in groups if group[0]}
    providers = {int(group[1]) for group in groups if len(group) > 1 and group[1]}
    if not services:
        return {}
    values = {"services": list(services), "providers": list(providers), "language": language()}
    return {(row.kind, str(row.id)): row.name for row in session.execute(_NAMES, values)}


def _euros(told: list[Block], period: Period, tolerance: Decimal) -> Euros:
    lines, at = [], period.first
    for block in sorted(told, key=lambda one: one.first):
        if at < block.first:
            lines.append(MonthLine(at, months_on(block.first, -1)))
        parts = {name: block.sums[name] for name in PARTS if name in block.sums}
        whole = parts if len(parts) == len(PARTS) else None
        lines.append(MonthLine(block.first, block.last, block.cases, block.sums["cost"], block.sums["ceiling"], whole))
        at = months_on(block.last, 1)
    if at <= period.last:
        lines.append(MonthLine(at, period.last))
    zero = Decimal("0.00")
    return Euros(
        tuple(lines),
        sum((line.cost for line in lines if line.cost is not None), zero),
        sum((line.ceiling for line in lines if line.ceiling is not None), zero),
        tolerance,
    )


def _waits(told: list[Block], names: dict[tuple[str, str], str]) -> Iterable[Wait]:
    days: dict[str, list[int]] = defaultdict(list)
    for block in told:
        days[block.group[0]].extend(block.values)
    if len(days) > 1:
        yield _wait("", [day for some in days.values() for day in some])
    named = [(names.get(("service", service)) if service else None, some) for service, some in days.items()]
    for service, some in sorted(named, key=lambda one: (one[0] is None, one[0] or "")):
        yield _wait(service, some)


def _wait(service: str | None, days: list[int]) -> Wait:
    p90 = percentile(days, Decimal("0.9")) if len(days) >= _ENOUGH_FOR_P90 else None
    return Wait(service, len(days), round_half_up(Decimal(median(days)), _TENTH), p90)


def percentile(values: list[int], share: Decimal) -> Decimal:
    """The value that `share` of the values do not pass, between two neighbours in proportion (as PostgreSQL's percentile_cont)."""
    ordered = sorted(values)
    at = share * (len(ordered) - 1)
    low = int(at)
    high = min(low + 1, len(ordered) - 1)
    return round_half_up(ordered[low] + (at - low) * (ordered[high] - ordered[low]), _TENTH)


def _ratings(told: list[Block], names: dict[tuple[str, str], str]) -> Iterable[Rated]:
    sums: dict[tuple[str, str], list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for block in told:
        of = sums[block.group[0], block.group[1]]
        of[0] += block.sums["answers"]
        of[1] += block.sums["total"]
    rows = [
        Rated(
            names.get(("service", service)) if service else None,
            names.get(("provider", provider)) if provider else None,
            round_half_up(total / answers, _TENTH),
            int(answers),
        )
        for (service, provider), (answers, total) in sums.items()
    ]
    return sorted(
        rows, key=lambda one: (one.service is None, one.service or "", one.provider is None, one.provider or "")
    )


def _results(told: list[Block]) -> Iterable[Result]:
    for question, answers in QUESTIONS.items():
        counted = {
            answer: sum(_count(one) for one in told if one.group == (question, answer)) for answer in (*answers, OTHER)
        }
        if any(counted.values()):
            yield Result(question, {answer: count for answer, count in counted.items() if count})


def _count(block: Block) -> int:
    return int(block.sums["evaluations"])
