"""The schedule: when every job runs, in plain words; paused, resumed, run now, or set to other times by an operator.

It holds names of jobs and times, nothing that leads to a case: looking at it is not noted in the audit trail.
"""

from typing import Final

from starlette.responses import Response

from console import fields
from console.forms import Form, Typed
from console.roles import READERS
from console.visit import Here, Pages, Visit
from core.errors import InputError, Message
from core.i18n import _
from schedules.jobs import OVERLAPS, Job, jobs
from schedules.typed import as_typed, cron_of, moment_of
from services.access.people import OPERATOR
from services.jobs import change, named, pause, reset, resume, trigger
from services.schedule import coming, overlap_name, overview

pages = Pages()
_COMING: Final = 5


@pages.get("/schedule", roles=READERS)
def list_jobs(visit: Here) -> Response:
    """Every job: when it runs, when next, its last run, and what was missed lately."""
    lines = overview(visit.session, _jobs(visit), visit.now)
    return visit.page(
        "schedule/schedule.html", lines=lines, missed=[(line, one) for line in lines for one in line.missed]
    )


@pages.get("/schedule/{name}", roles=READERS)
def show(visit: Here, name: str) -> Response:
    """One job, and what an operator can do about it."""
    return _page(visit, named(_jobs(visit), name))


@pages.post("/schedule/{name}/pause", roles=(OPERATOR,))
def pause_job(visit: Here, name: str, *, until: Typed = "", why: Typed = "") -> Response:
    """Let its times pass by, with or without an end."""
    job = named(_jobs(visit), name)
    form = Form({"until": until, "why": why})
    ends = form.read("until", lambda typed, _label: moment_of(typed) if typed.strip() else None, _("Until"))
    reason = form.read("why", fields.words, _("Why"))
    if form.problems or reason is None:
        return _page(visit, job, form)
    try:
        with visit.session.begin_nested():
            pause(visit.session, job, actor=visit.actor, now=visit.now, until=ends, why=reason)
    except InputError as refused:
        form.wrong("until", str(refused))
        return _page(visit, job, form)
    if ends is None:
        return visit.go(f"/schedule/{name}", Message("Paused until somebody resumes it."))
    return visit.go(f"/schedule/{name}", Message("Paused until {moment}.", moment=ends.isoformat()))


@pages.post("/schedule/{name}/resume", roles=(OPERATOR,))
def resume_job(visit: Here, name: str) -> Response:
    """Let it run again from now on."""
    job = named(_jobs(visit), name)
    try:
        with visit.session.begin_nested():
            resume(visit.session, job, actor=visit.actor, now=visit.now)
    except InputError as refused:
        return visit.go(f"/schedule/{name}", refused.message, wrong=True)
    return visit.go(f"/schedule/{name}", Message("It runs again from now on. What it missed is not made up for."))


@pages.post("/schedule/{name}/trigger", roles=(OPERATOR,))
def trigger_job(visit: Here, name: str) -> Response:
    """Have it run now, beside its times; leads on to the run."""
    job = named(_jobs(visit), name)
    try:
        with visit.session.begin_nested():
            work = trigger(visit.session, job, actor=visit.actor, now=visit.now)
    except InputError as refused:
        return visit.go(f"/schedule/{name}", refused.message, wrong=True)
    return visit.go(f"/runs/called/{work}")


@pages.post("/schedule/{name}/set", roles=(OPERATOR,))
def set_job(visit: Here, name: str, *, time: Typed = "", overlap: Typed = "", jitter: Typed = "") -> Response:
    """Have it run at other times, deal otherwise with a run that has not ended, or begin a little later."""
    job = named(_jobs(visit), name)
    form = Form({"time": time, "overlap": overlap, "jitter": jitter})
    seconds = form.read("jitter", _seconds, _("Begins later by up to (seconds)"))
    if not time.strip():
        form.wrong("time", _("Say when it runs."))
    if form.problems or seconds is None:
        return _page(visit, job, form)
    try:
        with visit.session.begin_nested():
            change(
                visit.session,
                job,
                actor=visit.actor,
                now=visit.now,
                cron=cron_of(time),
                overlap=overlap,
                jitter_seconds=seconds,
            )
    except InputError as refused:
        form.wrong("time", str(refused))
        return _page(visit, job, form)
    return visit.go(f"/schedule/{name}", Message("That counts from now on."))


@pages.post("/schedule/{name}/reset", roles=(OPERATOR,))
def reset_job(visit: Here, name: str) -> Response:
    """Have it run as Avain and avain.toml say."""
    job = named(_jobs(visit), name)
    try:
        with visit.session.begin_nested():
            reset(visit.session, job, actor=visit.actor, now=visit.now)
    except InputError as refused:
        return visit.go(f"/schedule/{name}", refused.message, wrong=True)
    return visit.go(f"/schedule/{name}", Message("That counts from now on."))


def _seconds(typed: str, label: str) -> int | None:
    found = fields.decimal(typed, label)
    if found is None:
        return 0
    if found != int(found):
        raise InputError("{field}: that is not a whole number.", field=label)
    return int(found)


def _jobs(visit: Visit) -> tuple[Job, ...]:
    return jobs(visit.settings.follow_ups)


def _page(visit: Visit, job: Job, form: Form | None = None) -> Response:
    (line,) = overview(visit.session, [job], visit.now)
    filled = {"time": as_typed(line.job.cron), "overlap": line.job.overlap, "jitter": str(line.job.jitter_seconds)}
    paused = {"until": "", "why": line.paused_why}
    typed = form or Form()
    return visit.page(
        "schedule/job.html",
        status=422 if typed.problems else 200,
        line=line,
        coming=coming(line, _COMING, visit.now),
        form=Form({**filled, **paused, **typed.values}, typed.problems),
        overlaps=[(one, overlap_name(one)) for one in OVERLAPS],
        overlap=overlap_name(line.job.overlap),
        default_overlap=overlap_name(line.default.overlap),
        may_act=visit.person.is_one_of(OPERATOR),
    )
