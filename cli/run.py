"""`avain run`: the history of work: what was done, what failed and why, retry and acknowledge."""

from typing import Annotated

import typer
from rich.text import Text

from cli.common import LARGEST_ID, As, Json, Limit, actor, console, emit, sub_app, table, transaction
from core.clock import business_now
from core.errors import Message
from core.i18n import _, moment
from services.labels import counts_in_words, kind_name, outcome_name

app = sub_app(_("History of runs; retry and acknowledge."))

Id = Annotated[int, typer.Argument(min=1, max=LARGEST_ID, help=_("The run's number."))]


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
    with transaction() as session:
        rows = history.given_up(session) if failed else history.latest(session, kind, limit)

    def render() -> None:
        if failed:
            body = [
                [kind_name(r["kind"]), r["count"], Message.from_json(r["error"] or {}).text(), r["runs"]] for r in rows
            ]
            console().print(table(_("Given up"), [_("Kind"), _("Count"), _("Reason"), _("Runs")], body, right=[1]))
            return
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


@app.command("retry", help=_("Do the work of a run again, from the start of its attempts."))
def retry(run: Id, as_: As = None) -> None:
    """Makes given-up work due again; the effect keeps its idempotency key, so nothing is done twice outside."""
    from services import runs

    with transaction() as session:
        key = runs.retry(session, run, actor=actor(as_), now=business_now(session))
    console().print(_("{key} is due again.").format(key=key))


@app.command("ack", help=_("Acknowledge given-up work, with a note; it is not shown as needing attention any more."))
def acknowledge(run: Id, note: Annotated[str, typer.Option(help=_("Why it may rest."))], as_: As = None) -> None:
    """Records who accepted the failure and why."""
    from services import runs

    with transaction() as session:
        runs.acknowledge(session, run, note, actor=actor(as_), now=business_now(session))
    console().print(_("Acknowledged."))
