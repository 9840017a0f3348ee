"""Tasks of follow-ups and reminders: planning, composing the day's mails, sending one."""

from core.clock import business_now, business_today
from core.errors import Message
from core.faults import fault_point
from core.i18n import N_
from services.follow_ups.planning import plan
from services.follow_ups.ratings import count_ratings
from services.reminders.daily import Composed, compose_due, is_mail_day
from services.reminders.message import writing
from services.reminders.operators import tell_operator
from workers.series import send_series
from workers.task import Closing, Lease, work_task


@work_task("plan_follow_ups")
def plan_follow_ups(lease: Lease) -> None:
    """Plan the follow-ups of one plan item, or of all; with all, count what families answered to those before."""
    ids = None if lease.claimed.subject_id is None else [lease.subject_id]
    with lease.closing() as closing:
        if ids is None:
            count_ratings(closing.session)
        result = plan(
            closing.session, ids, business_today(closing.session), lease.settings.follow_ups, lease.settings.orders
        )
        closing.report(counts=vars(result))
        fault_point("follow_ups.planned")


@work_task("daily_reminders")
def daily_reminders(lease: Lease) -> None:
    """Compose today's mails, whichever slot called: after downtime the missed days become one mail."""
    settings = lease.settings
    with lease.transaction() as session:
        today = business_today(session)
        if is_mail_day(today, settings.follow_ups):
            plan(session, None, today, settings.follow_ups, settings.orders)
    with lease.closing() as closing:
        if not is_mail_day(today, settings.follow_ups):
            closing.report("nothing_to_do", message=Message(N_("Today is not a working day.")))
            return
        now = business_now(closing.session)
        composed = compose_due(closing.session, today, now, settings.follow_ups, writing(settings), documents=False)
        tell_operator(closing.session, settings, composed.unheard, today, now=now)
        _report(closing, composed)
        fault_point("digest.composed")


def _report(closing: Closing, composed: Composed) -> None:
    if composed.held is not None:
        closing.report("held", counts=composed.counts, message=composed.held)
    elif composed.unreachable:
        message = Message(
            N_("{count} reminders reach nobody: neither the worker nor a supervisor has a usable e-mail address."),
            count=composed.unreachable,
        )
        closing.report("partly", counts=composed.counts, message=message)
    else:
        closing.report("succeeded" if composed.mails else "nothing_to_do", counts=composed.counts)


@work_task("send_digest")
def send_digest(lease: Lease) -> None:
    """Send one person's mail of the day, exactly as it was composed, and with it others that wait."""
    send_series(lease)
