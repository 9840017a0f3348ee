"""Following what `avain source` asked for: to its end, with live figures for whoever sits at a terminal, and the report of what it came to."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from cli.common import DONE, ERROR, SOME_REJECTED, complaints, console, emit, stop, transaction
from core.errors import Transient
from core.i18n import N_, _, ngettext
from services.labels import count_name, outcome_name

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from services.asking import Asked
    from services.sources import Source, Step

FIGURES = ("read", "added", "changed", "unchanged", "gone", "rejected")
#: What became of mails that came back (services/reminders/bounces.py).
BOUNCED = ("bounced", "known", "delayed", "others")
STEPS = (
    "fetch_cases",
    "fetch_prices",
    "sync_cases",
    "read_price_mail",
    "import_prices",
    "fetch_incoming",
    "read_incoming",
    "fetch_absences",
    "read_absences",
    "fetch_bounces",
    "read_bounces",
    "put_away_files",
)
_LATE = N_("The run has not ended in {seconds} s; it goes on when a worker is there (avain up, avain worker).")
_LATE_INLINE = N_(
    "The run has not ended in {seconds} s: another run holds the source, or it waits for its next attempt. It stays called for."
)
_FAILED = N_("{reason} It is tried again by itself. Nobody has to wait for that: after Ctrl-C it stays called for.")
Name = Annotated[str, typer.Argument(metavar=_("SOURCE"), help=_("The source's name in avain.toml."))]
#: Help of `--now`.
NOW = _("Ask the source at whatever hour, and even while it is left alone after failures; it is recorded.")
#: How often a request under way is looked at, in seconds.
_LOOK_EVERY = 0.3


def done_here() -> AbstractContextManager[None]:
    """No worker is told of the steps of a request: this process does them."""
    from workers.queue import keep

    return keep(STEPS)


def ask_and_follow(asks: "Callable[[Session], Asked]", inline: bool, patience: float, as_json: bool) -> None:
    """Have a source read as `asks` says, in a transaction of its own, and report what it came to."""
    from core.faults import fault_point

    with done_here() if inline else nullcontext():
        with transaction() as session:
            asked = asks(session)
        fault_point("run.called")
        steps = follow(asked.source, asked.request, patience, inline=inline, quiet=as_json)
    report(asked.source, steps, as_json)


def follow(source: "Source", request: str, patience: float, *, inline: bool, quiet: bool) -> "list[Step]":
    """Wait until everything the request called for has ended or was put off, doing it here if `inline`. Raises Transient when it is late."""
    from services.progress import state_of, waited_for
    from services.sources import progress

    until = time.monotonic() + patience
    seen: tuple[int, int | None] | None = None
    told = quiet
    with _showing(quiet=quiet) as show:
        while True:
            with transaction() as session:
                steps = progress(session, source.name, request)
            waiting = waited_for(steps)
            if waiting is None or waiting.outcome == "postponed" or (inline and waiting.outcome == "retry"):
                return steps
            show(state_of(waiting))
            if waiting.outcome == "retry" and not told:  # a source that is down is tried for days
                complaints().print(_(_FAILED).format(reason=waiting.message or ""), markup=False)
                told = True
            if time.monotonic() > until:
                raise Transient(_LATE_INLINE if inline else _LATE, seconds=int(patience))
            here = (waiting.work_id, waiting.run_id)
            if not inline or here == seen:  # nothing could be claimed: another holds the source, or it is not due yet
                time.sleep(_LOOK_EVERY)
            if inline:
                _do(waiting, show)
            seen = here


def _do(step: "Step", show: Callable[[str], None]) -> None:
    """Do a step in this process; a thread beside it tells how far it is."""
    from services.progress import in_words
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


def _figures(kind: str, counts: dict[str, Any]) -> dict[str, Any]:
    """What a run's figures are called, whatever is read: prices that ended are gone; mails that came back have figures of their own."""
    figures = {figure: counts.get(figure, 0) for figure in (*FIGURES, "conflicts")}
    if kind == "prices":
        figures["gone"] = counts.get("ended", 0)
    if kind == "bounces":
        figures |= {"read": counts.get("mails", 0), **{figure: counts.get(figure, 0) for figure in BOUNCED}}
    return figures


def report(source: "Source", steps: "list[Step]", as_json: bool) -> None:
    """What a request came to, and its exit code: 3 when records were rejected, 1 when it was held, refused, put off or failed."""
    from services.progress import counts_of, in_sum

    last = in_sum(steps)
    counts = counts_of(last)
    data = {
        "run": last.run_id, "source": source.name, "state": last.outcome,
        **_figures(source.kind, counts),
        "seconds": round(sum(step.seconds for step in steps), 3),
    }  # fmt: skip
    shown = ("read", *BOUNCED) if source.kind == "bounces" else FIGURES

    def render() -> None:
        figures = ", ".join(f"{count_name(figure)} {data[figure]}" for figure in shown)
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


def _exit_code(outcome: str | None, rejected: int) -> int:
    if outcome in ("succeeded", "nothing_to_do"):
        return SOME_REJECTED if rejected else DONE
    return SOME_REJECTED if outcome == "partly" else ERROR
