"""What a day with faults came to: kept as JSON, and as the table in docs/reliability.md."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final

from core.settings import ROOT
from tests.chaos.whole.conductor import Injected

FOLDER: Final = ROOT / "var" / "chaos"
DOCUMENT: Final = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- made by make chaos: begin -->", "<!-- made by make chaos: end -->"


@dataclass(frozen=True)
class Day:
    """One seed's day. `wrong`: what the verdict found, as sentences; `figures`: what was counted at its end."""

    seed: int
    size: str
    seconds: float
    injected: Sequence[Injected]
    wrong: Sequence[str] = ()
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def found(self) -> list[str]:
        """Everything that must not be."""
        return [*(one.outcome.wrong for one in self.injected if one.outcome.wrong), *self.wrong]


def keep(day: Day, folder: Path = FOLDER) -> Path:
    """Write a day's record; where it is."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{day.size}-{day.seed:04d}.json"
    path.write_text(json.dumps(asdict(day), indent=1, sort_keys=True, default=str), "utf-8")
    return path


def kept(folder: Path = FOLDER) -> list[dict[str, Any]]:
    """The records of all days, by size and seed."""
    return [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*-[0-9]*.json"))]


def sentences(day: Day) -> str:
    """A day for a reader at a terminal: each fault in a line, then what is wrong."""
    lines = [
        f"  {one.planned.stage} +{one.at:4.1f} s  {_named(asdict(one))}: {one.outcome.said}"
        + (f", work went on after {one.outcome.seconds} s" if one.outcome.seconds is not None else "")
        for one in sorted(day.injected, key=lambda one: (one.planned.stage, one.at))
    ]
    ending = [f"  WRONG: {sentence}" for sentence in day.found] or ["  nothing lost, nothing twice"]
    felt = sum(one.outcome.met for one in day.injected)
    head = f"seed {day.seed} ({day.size}): {len(day.injected)} faults, {felt} felt, {day.seconds:.0f} s"
    return "\n".join([head, *lines, *ending])


def table(days: Iterable[dict[str, Any]]) -> str:
    """Fault × count × outcome over all days, as Markdown, and a line of sums below."""
    days = list(days)
    by_fault: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for day in days:
        for one in day["injected"]:
            by_fault[one["planned"]["fault"]].append(one)
    rows = [
        "| Fault | injected | felt | under load | outcome | work went on after (s): median, longest |",
        "|---|---:|---:|---:|---|---|",
        *(_row(name, by_fault[name]) for name in sorted(by_fault)),
    ]
    everything = [one for injected in by_fault.values() for one in injected]
    wrong = [sentence for day in days for sentence in _wrong(day)]
    felt = sum(one["outcome"]["met"] for one in everything)
    sums = f"{len(days)} days ({_seeds(days)}), {len(everything)} faults, of which {felt} were felt. " + (
        f"What was wrong at the end of a day: {'; '.join(wrong)}."
        if wrong
        else "At the end of every day nothing was wrong."
    )
    figures: Counter[str] = Counter()
    for day in days:
        figures.update({name: value for name, value in day["figures"].items() if isinstance(value, int)})
    counted = "; ".join(f"{name}: {value}" for name, value in sorted(figures.items()))
    return "\n".join([*rows, "", sums, *([f"Counted over all of them: {counted}."] if counted else [])])


def steps_table(days: Iterable[dict[str, Any]]) -> str:
    """At which step who was killed how often, as Markdown; only deaths that happened."""
    died: dict[str, Counter[str]] = defaultdict(Counter)
    for day in days:
        for one in day["injected"]:
            how = one["planned"]["how"]
            if "step" in how and one["outcome"]["met"]:
                died[how["step"]][how["whom"]] += 1
    rows = [
        f"| `{step}` | {died[step]['child']} | {died[step]['main']} | {died[step]['group']} |" for step in sorted(died)
    ]
    return "\n".join(["| Killed at | child | main | group |", "|---|---:|---:|---:|", *rows])


def write(days: Sequence[dict[str, Any]], document: Path = DOCUMENT) -> None:
    """Put the tables into the document, between its marks. Raises ValueError when the marks are not there."""
    text = document.read_text("utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{document} has no place for the table ({BEGIN})")
    document.write_text(f"{before}{BEGIN}\n{table(days)}\n\n{steps_table(days)}\n{END}{after}", "utf-8")


def _row(name: str, injected: Sequence[dict[str, Any]]) -> str:
    said = Counter(one["outcome"]["said"] for one in injected)
    outcomes = ", ".join(f"{words} ({count})" if len(said) > 1 else words for words, count in said.most_common())
    seconds = [one["outcome"]["seconds"] for one in injected if one["outcome"]["seconds"] is not None]
    took = f"{median(seconds):.1f}, {max(seconds):.1f}" if seconds else "–"
    felt = sum(one["outcome"]["met"] for one in injected)
    load = sum(one["under_load"] for one in injected)
    return f"| {name} | {len(injected)} | {felt} | {load} | {outcomes} | {took} |"


def _seeds(days: Iterable[dict[str, Any]]) -> str:
    """Which seeds were lived through in which size."""
    by_size: dict[str, list[str]] = defaultdict(list)
    for day in days:
        by_size[day["size"]].append(str(day["seed"]))
    return "; ".join(f"{size}: seeds {', '.join(seeds)}" for size, seeds in by_size.items())


def _named(one: dict[str, Any]) -> str:
    how = one["planned"]["how"]
    said = how.get("step") or ", ".join(
        f"{name} {value}" for name, value in how.items() if name not in {"seed", "kinds"}
    )
    return f"{one['planned']['fault']} ({said})" if said else str(one["planned"]["fault"])


def _wrong(day: dict[str, Any]) -> list[str]:
    return [*(one["outcome"]["wrong"] for one in day["injected"] if one["outcome"]["wrong"]), *day["wrong"]]
