"""`avain run`: the history of work: what was done, what failed and why; given-up work tried again or let rest, one, a group or all."""

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text
from sqlalchemy.orm import Session

from cli.common import LARGEST_ID, As, DryRun, Json, Limit, actor, console, emit, sub_app, table, transaction
from core.clock import business_now
from core.errors import InputError, Message
from core.i18n import _, moment
from services.labels import counts_in_words, kind_name, outcome_name

if TYPE_CHECKING:
    from services.dead_work import Chosen, Shown

app = sub_app(_("History of runs; retry and acknowledge."))

Id = Annotated[int, typer.Argument(min=1, max=LARGEST_ID, help=_("The run's number."))]
OneRun = Annotated[int | None, typer.Argument(min=1, max=LARGEST_ID, help=_("The run's number."))]


@app.command("list", help=_("Latest runs, newest first."))
def list_runs(
    kind: Annotated[str | None, typer.Option(help=_("Only this kind of work."))] = None,
    failed: Annotated[bool, typer.Option("--failed", help=_("Only what needs attention, grouped by reason."))] = False,
    limit: Limit = 30,
    as_json: Json = False,
) -> None:
    """Each attempt with its outcome; `--failed` shows work given up and not acknowledged, equal reasons as one line."""
    from services import names
    from services.work import history
    from services.work.kinds import KINDS

    names.must_be_one_of("--kind", kind, {*KINDS, "poison"})
    if failed:
        _list_given_up(kind, as_json)
        return
    with transaction() as session:
        rows = history.latest(session, kind, limit)

    def render() -> None:
        body = [
            [
                r["id"],
                kind_name(r["kind"]),
                r["key"],
                r["attempt"],
                moment(r["started_at"]),
                outcome_name(r["outcome"], r["attempt"]),
                _sentence(r),
            ]
            for r in rows
        ]
        console().print(
            table(
                _("Runs"),
                [_("Run"), _("Kind"), _("Key"), _("Attempt"), _("Started"), _("Outcome"), ""],
                body,
                right=[0, 3],
            )
        )

    emit(rows, as_json, render)


def _sentence(row: dict) -> str:  # type: ignore[type-arg]
    return Message.from_json(row["message"]).text() if row["message"] else ""


@app.command("show", help=_("One run with all it left behind."))
def show(run: Id, as_json: Json = False) -> None:
    """Counts, message, the other side's reply, rejected records."""
    from services.work import history

    with transaction() as session:
        row = history.one(session, run)

    def render() -> None:
        for label, value in (
            (_("Run"), row["id"]), (_("Kind"), kind_name(row["kind"])), (_("Key"), row["key"]), (_("Attempt"), row["attempt"]),
            (_("Host"), row["host"]), (_("Started"), moment(row["started_at"])), (_("Finished"), moment(row["finished_at"])),
            (_("Outcome"), outcome_name(row["outcome"], row["attempt"])), (_("Counts"), counts_in_words(row["counts"])),
            (_("What happened"), _sentence(row)), (_("Reply"), row["reply"] or ""), (_("Rejected records"), row["rejected"]),
        ):  # fmt: skip
            console().print(Text.assemble((f"{label}:", "bold"), " ", str(value)))

    emit(row, as_json, render)


Whole = Annotated[
    str | None, typer.Option("--group", help=_("All of a group, by its name in: avain run list --failed"))
]
Everything = Annotated[bool, typer.Option("--all", help=_("All given-up work."))]
AsShown = Annotated[
    str | None,
    typer.Option("--shown", help=_("Only if it is still exactly what `--dry-run --json` or the list showed.")),
]


@app.command("retry", help=_("Do given-up work again, from the start of its attempts: of one run, a group, or all."))
def retry(
    run: OneRun = None,
    *,
    group: Whole = None,
    everything: Everything = False,
    shown: AsShown = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    as_: As = None,
) -> None:
    """Makes given-up work due again; the effect keeps its idempotency key, so nothing is done twice outside.

    A set becomes due one after the other, so that no server is overrun.
    """
    from services import dead_work, runs

    _exactly_one(run, group, everything)
    with transaction(dry_run=dry_run) as session:
        now = business_now(session)
        if run is not None:
            key = runs.retry(session, run, actor=actor(as_), now=now)
            done: dict[str, Any] = {"run": run, "key": key}
        else:
            chosen, seen = _set(session, group, shown, retried=True)
            count = dead_work.retry(session, chosen, seen, actor=actor(as_), now=now)
            done = {"group": chosen.name, "count": count, "minutes": dead_work.minutes_of(count), "shown": str(seen)}

    def render() -> None:
        if run is not None:
            console().print(_("{key} is due again.").format(key=key))
            return
        again = Message(
            "Due again, with all its attempts: {count}. The last of it is tried in about {minutes} min.",
            count=done["count"],
            minutes=done["minutes"],
        )
        console().print(again.text())

    emit(done, as_json, render)


@app.command(
    "ack",
    help=_(
        "Let given-up work rest, with a note: of one run, a group, or all. It is not shown as needing attention any more."
    ),
)
def acknowledge(
    run: OneRun = None,
    *,
    note: Annotated[str, typer.Option(help=_("Why it may rest."))],
    group: Whole = None,
    everything: Everything = False,
    shown: AsShown = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    as_: As = None,
) -> None:
    """Records who accepted the failure and why."""
    from services import dead_work, runs

    _exactly_one(run, group, everything)
    with transaction(dry_run=dry_run) as session:
        now = business_now(session)
        if run is not None:
            runs.acknowledge(session, run, note, actor=actor(as_), now=now)
            done: dict[str, Any] = {"run": run}
        else:
            chosen, seen = _set(session, group, shown, retried=False)
            count = dead_work.discard(session, chosen, seen, note, actor=actor(as_), now=now)
            done = {"group": chosen.name, "count": count, "shown": str(seen)}

    def render() -> None:
        if run is not None:
            console().print(_("Acknowledged."))
        else:
            console().print(Message("Given-up work that was let rest: {count}", count=done["count"]).text())

    emit(done, as_json, render)


def _list_given_up(kind: str | None, as_json: bool) -> None:
    """Groups of given-up work, the largest first."""
    from services import dead_work

    with transaction() as session:
        groups = dead_work.groups(session, None if kind is None else [kind])

    def render() -> None:
        body = [
            [
                one.code,
                kind_name(one.kind),
                one.count,
                one.sentence.text() if one.sentence else _("No reason is known."),
                moment(one.since),
                moment(one.last),
                ", ".join(str(number) for number in one.runs[:3]),
            ]
            for one in groups
        ]
        headings = [_("Group"), _("Kind"), _("Count"), _("Reason"), _("Since"), _("Last at"), _("Runs")]
        console().print(table(_("Given up"), headings, body, right=[2]))

    rows = [
        {
            "group": one.code,
            "kind": one.kind,
            "reason": one.reason,
            "count": one.count,
            "since": one.since,
            "last": one.last,
            "samples": [sample.text() for sample in one.samples],
            "runs": one.runs,
            "shown": str(one.shown),
        }
        for one in groups
    ]
    emit(rows, as_json, render)


def _exactly_one(run: int | None, group: str | None, everything: bool) -> None:
    if sum((run is not None, group is not None, everything)) != 1:
        raise InputError("Say which: a run, --group or --all.")


def _set(session: Session, group: str | None, shown: str | None, *, retried: bool) -> "tuple[Chosen, Shown]":
    """What is acted on, and what of it there is: as it was shown, or as it is now. Raises InputError when that is nothing."""
    from services import dead_work
    from services.dead_work import Chosen, Shown

    if group is not None:
        found = dead_work.group_named(session, group)
        chosen, there = Chosen.of(found), [found]
    else:
        chosen, there = Chosen(None), dead_work.groups(session)
    seen = dead_work.everything(one for one in there if one.may_be_retried or not retried)
    if seen is None:
        raise InputError("There is no given-up work that this could be done to.")
    return chosen, Shown.read(shown) if shown is not None else seen
