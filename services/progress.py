"""How far a request to read a source is, and what it came to: the words and sums that a terminal and a page show alike.

A request is several Works, one after another (services/sources.py): its steps. While it is under way one of them is waited for; when none
is, the last of them says what came of all.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from core.i18n import _, number
from services.labels import count_name, kind_name
from services.sources import Step

#: What has a rate worth telling, and is not told beside another one.
_RATED: Final = ("read", "rows", "recomputed")
_READING: Final = ("read", "rejected")
_WORST_FIRST: Final = (
    "failed",
    "lost",
    "retry",
    "refused",
    "held",
    "postponed",
    "partly",
    "succeeded",
    "nothing_to_do",
)


def waited_for(steps: Sequence[Step]) -> Step | None:
    """The step that a request waits for; None: it has ended, or what is left of it is for later."""
    return next((step for step in steps if not step.ended and not _left_for_later(step)), None)


def _left_for_later(step: Step) -> bool:
    """Putting files away that did not work at once is no reason to wait: what they said has been applied."""
    return step.kind == "put_away_files" and step.outcome in {"retry", "postponed"}


def state_of(step: Step) -> str:
    """Where a step stands, in one line: `synchronising cases … read 120,000, 8,500/s, 14 s`."""
    if step.under_way:
        return in_words(step.kind, step.counts, step.running)
    return _("waiting for the next attempt") if step.outcome == "retry" else _("waiting for a worker")


def in_words(kind: str, counts: Mapping[str, Any], seconds: float) -> str:
    """What is being done, how much of it was, and how fast: `synchronising cases … read 120,000, 8,500/s, 14 s`."""
    said = [f"{count_name(name)} {number(count)}" for name, count in counts.items()]
    rated = done_so_far(counts)
    if rated is not None and seconds > 0:
        said.append(_("{rate}/s").format(rate=number(round(rated / seconds))))
    return f"{kind_name(kind)} … {', '.join([*said, f'{seconds:.0f} s'])}"


def done_so_far(counts: Mapping[str, Any]) -> int | None:
    """The one figure that tells how far something is: records, rows or budgets; None where nothing was counted yet."""
    return next((int(counts[name]) for name in _RATED if counts.get(name)), None)


def in_sum(steps: Sequence[Step]) -> Step:
    """What a request came to: its last step; where e-mails brought several lists, all of them together, as what went worst."""
    steps = [step for step in steps if step.kind != "put_away_files"]
    lists = [step for step in steps if step.kind in {"read_price_mail", "import_prices"}]
    if not any(step.kind == "read_price_mail" for step in steps):
        return steps[-1]
    worst = min(lists, key=lambda step: _WORST_FIRST.index(step.outcome) if step.outcome in _WORST_FIRST else 0)
    counts: Counter[str] = Counter()
    for step in lists:
        counts.update({name: int(count) for name, count in counts_of(step).items()})
    return replace(worst, counts=dict(counts))


def counts_of(step: Step) -> dict[str, Any]:
    """The figures of a step. Of a refused file only those of reading it: what it would have changed was not done."""
    return (
        {name: step.counts[name] for name in _READING if name in step.counts}
        if step.outcome == "refused"
        else step.counts
    )
