"""Reminders that are held as far too many: an operator lets them go out, from the first page."""

from starlette.responses import Response

from console.forms import Typed
from console.visit import Here, Pages
from core.errors import InputError, Message
from schedules.jobs import jobs
from services.access.people import OPERATOR
from services.jobs import named, trigger
from services.reminders import guard

pages = Pages()


@pages.post("/reminders/release", roles=(OPERATOR,))
def release(visit: Here, day: Typed = "") -> Response:
    """Have the mails that `day` held composed now, by a worker; leads on to the run."""
    follow_ups = visit.settings.follow_ups
    try:
        with visit.session.begin_nested():
            guard.release(visit.session, follow_ups, visit.today, actor=visit.actor, now=visit.now, seen=day)
            work = trigger(visit.session, named(jobs(follow_ups), "daily_reminders"), actor=visit.actor, now=visit.now)
    except InputError as refused:
        return visit.go("/", refused.message, wrong=True)
    return visit.go(f"/runs/called/{work}", Message("The reminders go out."))
