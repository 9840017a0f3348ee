"""`avain schedule`: what runs when; pause, resume, trigger."""

from typing import Annotated, Any

import typer

from cli.common import As, DryRun, Json, actor, console, emit, sub_app, table, transaction
from core.clock import business_now
from core.i18n import _, moment

app = sub_app(_("What runs when; pause, resume, trigger."))

Name = Annotated[str, typer.Argument(metavar=_("JOB"), help=_("The job's name."))]


@app.command("list", help=_("All jobs and when they run next."))
def list_jobs(as_json: Json = False) -> None:
    """Each job with its cron (Helsinki time), whether it is paused, and its next slot."""
    from core.settings import settings
    from schedules.jobs import jobs
    from schedules.slots import next_slots
    from services.jobs import paused

    with transaction() as session:
        now, stopped = business_now(session), paused(session)
    rows: list[dict[str, Any]] = [
        {
            "job": job.name,
            "cron": job.cron,
            "working_days_only": job.only_on is not None,
            "paused": job.name in stopped,
            "next": None if job.name in stopped else next(iter(next_slots(job, now, 1)), None),
            "description": job.described(),
        }
        for job in jobs(settings().follow_ups)
    ]

    def render() -> None:
        body = [
            [
                row["job"],
                _("{cron} (working days)").format(cron=row["cron"]) if row["working_days_only"] else row["cron"],
                _("paused") if row["paused"] else moment(row["next"]),
                row["description"],
            ]
            for row in rows
        ]
        console().print(table(_("Jobs (Helsinki time)"), [_("Job"), _("When"), _("Next"), _("What")], body))

    emit(rows, as_json, render)


@app.command("next", help=_("The next times a job runs."))
def next_times(name: Name, count: Annotated[int, typer.Option(min=1, max=1000)] = 5, as_json: Json = False) -> None:
    """The next slots of a job, as if it were not paused."""
    from core.settings import settings
    from schedules.jobs import jobs
    from schedules.slots import next_slots
    from services.jobs import named

    job = named(jobs(settings().follow_ups), name)
    with transaction() as session:
        slots = next_slots(job, business_now(session), count)
    emit({"job": name, "slots": slots}, as_json, lambda: console().print("\n".join(moment(slot) for slot in slots)))


@app.command("pause", help=_("Let a job's times pass by until it is resumed."))
def pause(name: Name, as_json: Json = False, dry_run: DryRun = False, as_: As = None) -> None:
    """Nothing is inserted for the job while it is paused."""
    _switch("pause", name, as_, dry_run=dry_run)
    emit({"job": name, "paused": True}, as_json, lambda: console().print(_("{job} is paused.").format(job=name)))


@app.command("resume", help=_("Let a paused job run again from now on."))
def resume(name: Name, as_json: Json = False, dry_run: DryRun = False, as_: As = None) -> None:
    """What was missed while paused is not caught up."""
    _switch("resume", name, as_, dry_run=dry_run)
    emit({"job": name, "paused": False}, as_json, lambda: console().print(_("{job} runs again.").format(job=name)))


@app.command("trigger", help=_("Run a job now, beside its times."))
def trigger(name: Name, as_json: Json = False, dry_run: DryRun = False, as_: As = None) -> None:
    """Calls for the job's work; `avain run list` shows what came of it."""
    work = _switch("trigger", name, as_, dry_run=dry_run)
    emit({"job": name, "work": work}, as_json, lambda: console().print(_("{job} was called for.").format(job=name)))


def _switch(act: str, name: str, as_: str | None, *, dry_run: bool) -> int | None:
    from core.settings import settings
    from schedules.jobs import jobs
    from services import jobs as switching

    job = switching.named(jobs(settings().follow_ups), name)
    with transaction(dry_run=dry_run) as session:
        act_on = {"pause": switching.pause, "resume": switching.resume, "trigger": switching.trigger}[act]
        return act_on(session, job, actor=actor(as_), now=business_now(session))
