"""`avain effects`: whether anything may leave this installation, what waits to, and letting it go; also after a restore."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from cli.common import As, DryRun, Json, actor, console, emit, sub_app, table, transaction
from core.clock import business_now
from core.errors import InputError
from core.i18n import N_, _, moment, ngettext
from core.reasons import os_reason
from services.labels import channel_name, kind_name

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from services.effects.journal import Line
    from services.effects.pending import Pending
    from services.effects.releasing import Released
    from services.effects.taking_in import Told

app = sub_app(_("Whether orders and e-mails may leave; pausing them, and releasing them, also after a restore."))

_FATES: Final = {
    "left": N_("left already"),
    "perhaps": N_("may have left"),
    "waits": N_("has not left"),
    "unknown": N_("nobody can tell; it may have left"),
}

Journals = Annotated[
    list[Path] | None,
    typer.Option(
        "--journal",
        metavar=_("FILE"),
        exists=True,
        help=_("A journal of another machine: a file or a folder (repeatable)."),
    ),
]
Without = Annotated[
    bool,
    typer.Option("--without-journal", help=_("There is no journal, or not all of it: you know what left.")),
]
Past = Annotated[
    list[str] | None,
    typer.Option(
        "--past", metavar="T-2026-000151", help=_("A number known to have been given out; the next ones come after it.")
    ),
]
Keys = Annotated[
    list[str] | None, typer.Argument(metavar=_("NAME"), help=_("Only these: numbers or Message-IDs from the list."))
]


@app.command("status", help=_("Say whether anything may leave, and why not."))
def status(as_json: Json = False) -> None:
    """State, what waits, and how far the journal of this machine goes."""
    from core.settings import settings
    from services.effects.elsewhere import unknown
    from services.effects.journal import files
    from services.effects.state import counted, state

    with transaction() as session:
        stands, waiting, open_questions = state(session), counted(session), unknown(session)
    journal = files([settings().effects_journal])
    data = {
        "state": stands.name, "since": stands.since, "by": stands.by, "why": str(stands.why),
        "released_at": stands.released_at, "released_by": stands.released_by,
        "waiting": waiting.waiting, "under_way": waiting.under_way,
        "unknown_here": [asdict(one) for one in open_questions], "journal": [str(one) for one in journal],
    }  # fmt: skip

    def render() -> None:
        console().print(stands.words.text())
        console().print(
            _("Waiting to leave: {waiting}; being sent now: {under_way}").format(
                waiting=waiting.waiting, under_way=waiting.under_way
            )
        )
        _print_unknown(data["unknown_here"])
        if stands.name != "go":
            console().print(_("See what waits with: {command}").format(command="avain effects list"))

    emit(data, as_json, render)


@app.command("list", help=_("What waits to leave, and what is known of whether it left already."))
def show(journal: Journals = None, as_json: Json = False) -> None:
    """Reads the journal of this machine and those that are named; changes nothing."""
    from services.effects.elsewhere import all_left, unknown, unknown_of
    from services.effects.pending import pending
    from services.effects.state import state
    from services.effects.taking_in import Gone

    until: Mapping[str, datetime] = {}
    with transaction() as session:
        restored = state(session).name == "restored"
        if restored:
            said = _told(session, journal)
            gone, until = said.gone if said.lines else None, said.until
        else:
            gone = {
                one.key: Gone(one.key, one.kind, one.sent_at, sure)
                for sure in (False, True)
                for one in all_left(session, sure=sure)
            }
        waiting, open_questions = pending(session, gone=gone), unknown(session)
        if restored and gone is not None:
            open_questions = unknown_of(session, gone.values())
    data = {
        "waiting": [_row(one) for one in waiting],
        "unknown_here": [asdict(one) for one in open_questions],
        "journal_until": until,
    }

    def render() -> None:
        rows = [
            [
                kind_name(one.kind), one.key, channel_name(one.way) if one.way else "", moment(one.since), _(_FATES[one.fate]),
                moment(one.sent_at) if one.sent_at else "",
            ]
            for one in waiting
        ]  # fmt: skip
        columns = [_("What"), _("Name"), _("Goes by"), _("Waits since"), _("Left?"), _("When")]
        console().print(table(_("What waits to leave"), columns, rows))
        _print_unknown(data["unknown_here"])
        _print_until(until)

    emit(data, as_json, render)


@app.command("pause", help=_("Let nothing leave until it is released: no order, no e-mail, no file moved at a source."))
def pause(
    why: Annotated[
        str, typer.Option("--why", metavar=_("TEXT"), help=_("Why; everybody who opens the console reads it."))
    ],
    as_: As = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """What is being sent just now ends first; everything else goes on."""
    from services.effects.state import counted
    from services.effects.state import pause as pause_all

    with transaction(dry_run=dry_run) as session:
        pause_all(session, actor=actor(as_), why=why, now=business_now(session))
        under_way = counted(session).under_way

    def render() -> None:
        console().print(_("Nothing leaves Avain from now on. Release it with: {command}").format(command="avain effects release"))  # fmt: skip
        if under_way:
            console().print(
                ngettext(
                    "{count} thing is being sent just now; that ends within two minutes.",
                    "{count} things are being sent just now; that ends within two minutes.",
                    under_way,
                ).format(count=under_way)
            )

    emit({"state": "paused", "under_way": under_way}, as_json, render)


@app.command(
    "release",
    help=_(
        "Let everything leave that waits, or only what is named. After a restore what left meanwhile is recorded first."
    ),
)
def release(  # noqa: PLR0917 - options of a command
    names: Keys = None,
    journal: Journals = None,
    without_journal: Without = False,
    past: Past = None,
    as_: As = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """`avain effects release --journal /backup/effects`: nothing that a journal names is sent again."""
    from services.effects.releasing import Before
    from services.effects.releasing import release as let_go
    from services.effects.state import state
    from workers.tick import expire

    if not dry_run:
        expire()  # what the copy held in hand, nobody holds here
    with transaction(dry_run=dry_run) as session:
        before = Before()
        if state(session).name == "restored":
            before = Before(_told(session, journal), past or (), without_journal)
        done = let_go(session, names or (), before=before, actor=actor(as_), now=business_now(session))
        # a dry run takes the numbers of Work back with the rest
        data = {**_result(done), "journal_until": before.said.until}

    def render() -> None:
        _print_until(before.said.until)
        _print_released(done, partly=bool(names))

    emit(data, as_json, render)


@app.command("sent", help=_("Say that something left already, so that it is recorded as sent and not sent again."))
def sent(
    names: Annotated[list[str], typer.Argument(metavar=_("NAME"), help=_("Numbers or Message-IDs from the list."))],
    as_: As = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """For who asked the provider; also for orders that left and that nothing here knows of: that somebody has seen to them."""
    from services.effects.releasing import record_sent

    with transaction(dry_run=dry_run) as session:
        recorded, noted = record_sent(session, names, actor=actor(as_), now=business_now(session))

    def render() -> None:
        for name in recorded:
            console().print(_("{name} is recorded as sent.").format(name=name))
        for name in noted:
            console().print(_("{name} is noted as looked into.").format(name=name))

    emit({"recorded": recorded, "noted": noted}, as_json, render)


def _told(session: "Session", journals: Iterable[Path] | None) -> "Told":
    """What the journal of this machine and those named tell."""
    from core.settings import settings
    from services.effects.journal import files, lines
    from services.effects.taking_in import told

    def of(places: Iterable[Path]) -> Iterator["Line"]:
        for place in places:
            count = 0
            for count, line in enumerate(lines(files([place])), start=1):  # noqa: B007
                yield line
            if not count:
                raise InputError("{path} is no journal: no line of one is in it.", path=str(place))

    own = settings().effects_journal
    try:
        return told(session, chain(lines(files([own] if own.is_dir() else [])), of(journals or ())))
    except OSError as error:
        raise InputError(
            "The journal {path} cannot be read: {error}", path=str(error.filename), error=os_reason(error)
        ) from error


def _row(one: "Pending") -> dict[str, Any]:
    row = asdict(one)
    return {"name": row.pop("key"), **{name: value for name, value in row.items() if name != "work_id"}}


def _result(done: "Released") -> dict[str, Any]:
    return {
        "was": done.was.name,
        "recorded": done.recorded,
        "going": [one.key for one in done.going],
        "numbers_passed_over": [asdict(one) for one in done.gaps],
        "unknown_here": [asdict(one) for one in done.unknown],
    }


def _print_released(done: "Released", *, partly: bool) -> None:
    for gap in done.gaps:
        console().print(
            _("Numbers that may have been given out and are passed over: {series}: {first}–{last}").format(
                series=gap.series, first=f"{gap.first:06d}", last=f"{gap.last:06d}"
            )
        )
    if done.recorded:
        console().print(_("Recorded as sent, because they left before: {count}").format(count=len(done.recorded)))
    console().print(_("Leave now: {count}").format(count=len(done.going)))
    if partly:
        console().print(_("Everything else still waits."))
    _print_unknown([asdict(one) for one in done.unknown])


def _print_until(until: Mapping[str, datetime]) -> None:
    """Nobody but a person knows whether something left after that."""
    for host, last in until.items():
        console().print(_("The journal of {host} goes to {moment}.").format(host=host, moment=moment(last)))


def _print_unknown(rows: Any) -> None:
    if not rows:
        return
    shown = [
        [
            _("an order") if one["kind"] == "deliver_order" else _("that an order is cancelled"),
            one["key"].partition("/")[0], channel_name(one["way"]) if one["way"] else "", moment(one["sent_at"]),
        ]
        for one in rows
    ]  # fmt: skip
    columns = [_("What the provider was sent"), _("Order"), _("Went by"), _("When")]
    console().print(table(_("Left before the restore, and nothing here knows of it: ask the provider"), columns, shown))
    console().print(_("Note what you have looked into with: {command}").format(command="avain effects sent …"))
    console().print(_("Until then Avain orders nothing by itself: it might order the same once more."))
