"""Scheduled jobs: settings that make no sense any more, and pauses that nobody may remember."""

from core.clock import business_now
from core.errors import Message
from schedules.jobs import jobs
from services.health.findings import Finding, Ground
from services.schedule import overview, troubles


def schedule(ground: Ground) -> list[Finding]:
    """One line for each thing that is amiss; one when nothing is."""
    name, table = Message("Schedule"), jobs(ground.settings.follow_ups)
    with ground.looking() as session:
        now = business_now(session)
        lines, amiss = overview(session, table, now), troubles(session, table, now)
    findings = [
        Finding(
            name,
            "warning",
            Message("{job}: {trouble}", job=job, trouble=trouble),
            Message("It is passed over. Set it anew, or take it back: avain schedule reset {job}", job=job),
        )
        for job, trouble in amiss
    ]
    forgotten = [line for line in lines if line.paused and line.paused_until is None]
    findings += [
        Finding(
            name,
            "warning",
            Message("{job}: paused since {moment}, without an end", job=line.name, moment=str(line.paused_at)),
            Message("Resume it, or give the pause an end: avain schedule pause {job} --until …", job=line.name),
        )
        for line in forgotten
    ]
    return findings or [Finding(name, "ok", Message("nothing is amiss"))]
