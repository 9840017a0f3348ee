"""`avain schedule`: what runs when; pause, resume, run now, other times."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.common import As, DryRun, Json, actor, console, emit, sub_app, table, transaction
from core.clock import business_now
from core.i18n import _, moment

if TYPE_CHECKING:
    from services.schedule import Line, MissedStretch

app = sub_app(_("What runs when; pause, resume, run now, other times."))

Name = Annotated[str, typer.Argument(metavar=_("JOB"), help=_("The job's name."))]
Until = Annotated[
    str | None,
    typer.Option(metavar=_("MOMENT"), help=_("2026-12-01T08:00, or a day: it runs again from its beginning.")),
]
Why = Annotated[str, typer.Option(metavar=_("TEXT"), help=_("Why it is paused."))]
Time = Annotated[
    str | None,
    typer.Option(metavar=_("TIME"), help=_("Every day at a time (8.00), or a cron of five fields, Helsinki time.")),
]
Overlap = Annotated[
    str | None,
    typer.Option(
        metavar="skip|queue",
        help=_("A time that comes while the run before has not ended is left out (skip) or waits (queue)."),
    ),
]
Jitter = Annotated[
    int | None,
    typer.Option(
        metavar=_("SECONDS"), help=_("Each start is moved by up to so many seconds, always the same for one time.")
    ),
]


@app.command("list", help=_("All jobs: when they run, when next, the last run, what was missed."))
def list_jobs(as_json: Json = False) -> None:
    """Each job with its times in words and as a cron (Helsinki time), its next time, its last run, what it missed in seven days."""
    from core.settings import settings
    from schedules.jobs import jobs
    from services.schedule import overview

    with transaction() as session:
        lines = overview(session, jobs(settings().follow_ups), business_now(session))
    emit([_as_json(line) for line in lines], as_json, lambda: _print(lines))


def _as_json(line: "Line") -> dict[str, Any]:
    return {
        "job": line.name,
        "description": line.job.described(),
        "when": line.times(),
        "cron": line.job.cron,
        "working_days_only": line.job.only_on is not None,
        "overlap": line.job.overlap,
        "jitter_seconds": line.job.jitter_seconds,
        "default_cron": line.default.cron,
        "changed_by": line.row.changed_by if line.row else None,
        "changed_at": line.row.changed_at if line.row else None,
        "paused": line.paused,
        "paused_until": line.paused_until,
        "paused_why": line.paused_why,
        "next": line.next_slot,
        "begins": line.begins,
        "last": None
        if line.last is None
        else {
            "run": line.last.run_id,
            "started": line.last.started_at,
            "outcome": line.last.outcome,
            "waiting": line.last.waiting,
        },
        "missed": [_missed_json(one) for one in line.missed],
        "troubles": list(line.troubles),
    }


def _missed_json(one: "MissedStretch") -> dict[str, Any]:
    return {
        "first": one.first_slot,
        "last": one.last_slot,
        "slots": one.slots,
        "why": one.why,
        "caught_up": one.caught_up_at,
    }


def _print(lines: "list[Line]") -> None:
    from services.labels import outcome_name

    def following(line: "Line") -> str:
        if not line.paused:
            return moment(line.begins)
        if line.paused_until is None:
            return _("paused")
        return _("paused until {moment}").format(moment=moment(line.paused_until))

    def last(line: "Line") -> str:
        if line.last is None or line.last.run_id is None:
            return "–"
        return f"{moment(line.last.started_at)} {outcome_name(line.last.outcome, line.last.attempt)}"

    body = [[line.name, line.times(), following(line), last(line), line.job.described()] for line in lines]
    columns = [_("Job"), _("When"), _("Next"), _("Last run"), _("What")]
    console().print(table(_("Jobs (Helsinki time)"), columns, body))
    missed = [[line.name, times_of(one), one.reason()] for line in lines for one in line.missed]
    if missed:
        console().print(table(_("Missed in the last seven days"), [_("Job"), _("Times"), _("Why")], missed))
    for line in lines:
        for trouble in line.troubles:
            console().print(
                _("{job}: {trouble} What the job does otherwise counts.").format(job=line.name, trouble=trouble)
            )


def times_of(one: "MissedStretch") -> str:
    """A stretch in words: `7.12.2026 06.00 – 7.12.2026 20.45 (60)`."""
    if one.slots == 1:
        return moment(one.first_slot)
    return f"{moment(one.first_slot)} – {moment(one.last_slot)} ({one.slots}{'+' if one.many else ''})"


@app.command("next", help=_("The next times a job runs."))
def next_times(name: Name, count: Annotated[int, typer.Option(min=1, max=1000)] = 5, as_json: Json = False) -> None:
    """The next slots of a job and the moments it begins at; after the end of a pause that has one, else as if it were not paused."""
    from core.settings import settings
    from schedules.jobs import jobs
    from services.jobs import named
    from services.schedule import coming, overview

    job = named(jobs(settings().follow_ups), name)
    with transaction() as session:
        now = business_now(session)
        (line,) = overview(session, [job], now)
    found = coming(line, count, now)
    emit(
        {"job": name, "slots": [slot for slot, _begins in found], "begins": [begins for _slot, begins in found]},
        as_json,
        lambda: console().print("\n".join(_start(slot, begins) for slot, begins in found)),
    )


def _start(slot: Any, begins: Any) -> str:
    if slot == begins:
        return moment(slot)
    return _("{moment}, begins {seconds} seconds later").format(
        moment=moment(slot), seconds=round((begins - slot).total_seconds())
    )


@app.command("pause", help=_("Let a job's times pass by until it is resumed, or until a moment."))
def pause(
    *, name: Name, until: Until = None, why: Why = "", as_json: Json = False, dry_run: DryRun = False, as_: As = None
) -> None:
    """Nothing is inserted for the job while it is paused; what it misses is told and not caught up."""
    from schedules.typed import moment_of
    from services import jobs as switching

    ends = None if until is None else moment_of(until)
    with transaction(dry_run=dry_run) as session:
        now = business_now(session)
        switching.pause(session, _named(name), actor=actor(as_), now=now, until=ends, why=why.strip())
    said = _("{job} is paused.") if ends is None else _("{job} is paused until {moment}.")
    emit(
        {"job": name, "paused": True, "until": ends},
        as_json,
        lambda: console().print(said.format(job=name, moment=moment(ends))),
    )


@app.command("resume", help=_("Let a paused job run again from now on."))
def resume(name: Name, as_json: Json = False, dry_run: DryRun = False, as_: As = None) -> None:
    """What was missed while paused is not caught up."""
    from services import jobs as switching

    with transaction(dry_run=dry_run) as session:
        switching.resume(session, _named(name), actor=actor(as_), now=business_now(session))
    emit({"job": name, "paused": False}, as_json, lambda: console().print(_("{job} runs again.").format(job=name)))


@app.command("trigger", help=_("Run a job now, beside its times."))
def trigger(name: Name, as_json: Json = False, dry_run: DryRun = False, as_: As = None) -> None:
    """Calls for the job's work; `avain run list` shows what came of it."""
    from services import jobs as switching

    with transaction(dry_run=dry_run) as session:
        work = switching.trigger(session, _named(name), actor=actor(as_), now=business_now(session))
    emit({"job": name, "work": work}, as_json, lambda: console().print(_("{job} was called for.").format(job=name)))


@app.command("set", help=_("Have a job run at other times, or deal otherwise with a run that has not ended."))
def set_(
    *,
    name: Name,
    time: Time = None,
    overlap: Overlap = None,
    jitter: Jitter = None,
    as_json: Json = False,
    dry_run: DryRun = False,
    as_: As = None,
) -> None:
    """Counts from now on, in every beat, without a restart. What is not named stays as it is."""
    from schedules.typed import cron_of
    from services import jobs as switching

    with transaction(dry_run=dry_run) as session:
        switching.change(
            session,
            _named(name),
            actor=actor(as_),
            now=business_now(session),
            cron=None if time is None else cron_of(time),
            overlap=overlap,
            jitter_seconds=jitter,
        )
        line = _line(session, name)
    _tell(line, as_json)


@app.command("reset", help=_("Have a job run as Avain and avain.toml say."))
def reset(name: Name, as_json: Json = False, dry_run: DryRun = False, as_: As = None) -> None:
    """Takes back what was set; a pause stays."""
    from services import jobs as switching

    with transaction(dry_run=dry_run) as session:
        switching.reset(session, _named(name), actor=actor(as_), now=business_now(session))
        line = _line(session, name)
    _tell(line, as_json)


def _named(name: str) -> Any:
    from core.settings import settings
    from schedules.jobs import jobs
    from services.jobs import named

    return named(jobs(settings().follow_ups), name)


def _line(session: Any, name: str) -> "Line":
    from services.schedule import overview

    return overview(session, [_named(name)], business_now(session))[0]


def _tell(line: "Line", as_json: bool) -> None:
    said = _("{job}: {times}. Next: {moment}").format(
        job=line.name, times=line.times(), moment=_("paused") if line.next_slot is None else moment(line.begins)
    )
    emit(_as_json(line), as_json, lambda: console().print(said))
