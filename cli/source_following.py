"""Following what `avain source` asked for: to its end, with live figures for whoever sits at a terminal, and the report of what it came to."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import typer
from rich.text import Text

from cli.common import DONE, ERROR, SOME_REJECTED, actor, complaints, console, emit, outcome_name, stop, transaction
from core.errors import Transient
from core.i18n import N_, _, ngettext, number
from services.labels import count_name, kind_name

if TYPE_CHECKING:
    from services.sources import Source, Step

FIGURES = (N_("read"), N_("added"), N_("changed"), N_("unchanged"), N_("gone"), N_("rejected"))
_READING = ("read", "rejected")
STEPS = ("fetch_cases", "fetch_prices", "sync_cases", "read_price_mail", "import_prices", "put_away_files")
_LATE = N_("The run has not ended in {seconds} s; it goes on when a worker is there (avain up, avain worker).")
_LATE_INLINE = N_(
    "The run has not ended in {seconds} s: another run holds the source, or it waits for its next attempt. It stays called for."
)
Name = Annotated[str, typer.Argument(metavar=_("SOURCE"), help=_("The source's name in avain.toml."))]
#: Help of `--now`.
NOW = _("Ask the source at whatever hour, and even while it is left alone after failures; it is recorded.")
_WORST_FIRST = ("failed", "lost", "retry", "refused", "held", "postponed", "partly", "succeeded", "nothing_to_do")
#: How often a request under way is looked at, in seconds.
_LOOK_EVERY = 0.3
#: What has a rate worth telling, and is not told beside another one.
_RATED = ("read", "rows", "recomputed")


def done_here() -> AbstractContextManager[None]:
    """No worker is told of the steps of a request: this process does them."""
    from workers.queue import keep

    return keep(STEPS)


def call_and_follow(
    source: "Source", inline: bool, patience: float, as_: str | None, as_json: bool, **asked: Any
) -> None:
    """Have a source read, recording who asked for what, and report what it came to."""
    from core.clock import business_now
    from core.faults import fault_point
    from services import audit
    from services.sources import call_fetch

    request = f"cli-{uuid4().hex[:12]}"
    asked = {name: value for name, value in asked.items() if value}
    with done_here() if inline else nullcontext():
        with transaction() as session:
            call_fetch(session, source, request, **asked)
            options = sorted(name for name, value in asked.items() if value is True)
            audit.record(
                session, actor(as_), "source.run_called", f"source:{source.name}", now=business_now(session), request=request, options=options
            )  # fmt: skip
        fault_point("run.called")
        steps = follow(source, request, patience, inline=inline, quiet=as_json)
    report(source, steps, as_json)


def follow(source: "Source", request: str, patience: float, *, inline: bool, quiet: bool) -> "list[Step]":
    """Wait until everything the request called for has ended or was put off, doing it here if `inline`. Raises Transient when it is late."""
    from services.sources import progress

    until = time.monotonic() + patience
    seen: tuple[int, int | None] | None = None
    with _showing(quiet=quiet) as show:
        while True:
            with transaction() as session:
                steps = progress(session, source.name, request)
            waiting = [step for step in steps if not step.ended and not _left_for_later(step)]
            if not waiting or waiting[0].outcome == "postponed" or (inline and waiting[0].outcome == "retry"):
                return steps
            show(state_of(waiting[0]))
            if time.monotonic() > until:
                raise Transient(_LATE_INLINE if inline else _LATE, seconds=int(patience))
            here = (waiting[0].work_id, waiting[0].run_id)
            if not inline or here == seen:  # nothing could be claimed: another holds the source, or it is not due yet
                time.sleep(_LOOK_EVERY)
            if inline:
                _do(waiting[0], show)
            seen = here


def _left_for_later(step: "Step") -> bool:
    """Putting files away that did not work at once is no reason to wait: what they said has been applied."""
    return step.kind == "put_away_files" and step.outcome in {"retry", "postponed"}


def _do(step: "Step", show: Callable[[str], None]) -> None:
    """Do a step in this process; a thread beside it tells how far it is."""
    from workers.inline import do_now
    from workers.keeper import keeper

    over = threading.Event()

    def tell() -> None:
        begun = time.monotonic()
        while not over.wait(_LOOK_EVERY):
            show(in_words(step.kind, keeper().progress(), time.monotonic() - begun))

    teller = threading.Thread(target=tell, name="progress", daemon=True)
    teller.start()
    try:
        do_now(step.work_id, step.kind)
    finally:
        over.set()
        teller.join()


@contextmanager
def _showing(*, quiet: bool) -> Iterator[Callable[[str], None]]:
    shown = complaints().status(_("waiting for a worker"), spinner="dots")
    if quiet:
        yield lambda _state: None
        return
    with shown:
        yield shown.update


def state_of(step: "Step") -> str:
    """Where a step stands, for the line that is written over and over."""
    return in_words(step.kind, step.counts, step.running) if step.under_way else _("waiting for a worker")


def in_words(kind: str, counts: Mapping[str, Any], seconds: float) -> str:
    """`synchronising cases … read 120,000, 8,500/s, 14 s`."""
    said = [f"{count_name(name)} {number(count)}" for name, count in counts.items()]
    rated = next((counts[name] for name in _RATED if counts.get(name)), None)
    if rated is not None and seconds > 0:
        said.append(_("{rate}/s").format(rate=number(round(rated / seconds))))
    return f"{kind_name(kind)} … {', '.join([*said, f'{seconds:.0f} s'])}"


def report(source: "Source", steps: "list[Step]", as_json: bool) -> None:
    """What a request came to, and its exit code: 3 when records were rejected, 1 when it was held, refused, put off or failed."""
    last = _in_sum([step for step in steps if step.kind != "put_away_files"])
    counts = _counts_of(last)
    data = {
        "run": last.run_id, "source": source.name, "state": last.outcome,
        **{figure: counts.get(figure, 0) for figure in (*FIGURES, "conflicts")},
        "seconds": round(sum(step.seconds for step in steps), 3),
    }  # fmt: skip
    if source.kind == "prices":
        data["gone"] = counts.get("ended", 0)

    def render() -> None:
        figures = ", ".join(f"{_(figure)} {data[figure]}" for figure in FIGURES)
        console().print(
            Text(source.name, style="bold"), f"{outcome_name(last.outcome)}: {figures} ({data['seconds']:.1f} s)"
        )
        if data["rejected"]:
            console().print(_("See what was rejected with: {command}").format(command="avain rejected list"))
        if data["conflicts"]:
            console().print(
                ngettext(
                    "The source names another provider than was chosen here for {count} planned service; the choice stays.",
                    "The source names another provider than was chosen here for {count} planned services; the choices stay.",
                    data["conflicts"],
                ).format(count=data["conflicts"])
            )
        if last.outcome == "held":
            command = f"avain source approve {last.run_id} --note …"
            console().print(_("A person may approve it with: {command}").format(command=command), markup=False)
        if last.outcome == "refused":
            command = f"avain source run {source.name}"
            said = _("Nothing of it was applied. When the file has been put right at the source: {command}")
            console().print(said.format(command=command), markup=False)
        if last.outcome == "postponed":
            command = f"avain source run {source.name} --now"
            console().print(_("To ask the source all the same: {command}").format(command=command), markup=False)

    emit(data, as_json, render)
    said = [step for step in steps if step.message and (step is last or step.outcome == "succeeded")]
    if not as_json:
        for step in said:
            complaints().print(" ".join(filter(None, (step.reply, str(step.message)))), markup=False)
    stop(_exit_code(last.outcome, data["rejected"]))


def _in_sum(steps: "list[Step]") -> "Step":
    """What a request came to: its last step; where e-mails brought several lists, all of them together, as what went worst."""
    lists = [step for step in steps if step.kind in {"read_price_mail", "import_prices"}]
    if not any(step.kind == "read_price_mail" for step in steps):
        return steps[-1]
    worst = min(lists, key=lambda step: _WORST_FIRST.index(step.outcome) if step.outcome in _WORST_FIRST else 0)
    counts: Counter[str] = Counter()
    for step in lists:
        counts.update({name: int(count) for name, count in _counts_of(step).items()})
    return replace(worst, counts=dict(counts))


def _counts_of(step: "Step") -> dict[str, Any]:
    """The figures of a step. Of a refused file only those of reading it: what it would have changed was not done."""
    return (
        {name: step.counts[name] for name in _READING if name in step.counts}
        if step.outcome == "refused"
        else step.counts
    )


def _exit_code(outcome: str | None, rejected: int) -> int:
    if outcome in ("succeeded", "nothing_to_do"):
        return SOME_REJECTED if rejected else DONE
    return SOME_REJECTED if outcome == "partly" else ERROR
