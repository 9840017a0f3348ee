"""`avain reminder`: what is due, today's mails, acknowledging, putting off, the hand-over of contact details."""

import email
from datetime import datetime, timedelta
from email.policy import default
from typing import Annotated, Any

import typer

from cli.common import As, DryRun, Json, actor, console, emit, sub_app, table, transaction
from core.clock import business_now, business_today
from core.errors import InputError
from core.i18n import _, day

app = sub_app(_("Follow-ups and reminders."))

Which = Annotated[
    str, typer.Argument(metavar=_("FOLLOW-UP"), help=_("Its number, or a case number for the case's next one."))
]


@app.command("due", help=_("Open follow-ups that are due."))
def due(
    worker: Annotated[str | None, typer.Option(help=_("Only this worker's."))] = None,
    days: Annotated[int, typer.Option(min=0, max=3660, help=_("Also those due within so many days."))] = 0,
    as_json: Json = False,
) -> None:
    """Open follow-ups due today or earlier, with what was announced when."""
    from services import names
    from services.follow_ups.listing import open_follow_ups
    from services.reminders.message import kind_label

    with transaction() as session:
        names.must_exist(session, "--worker", worker, "worker")
        rows = open_follow_ups(session, business_today(session) + timedelta(days=days), worker)

    def render() -> None:
        body = [
            [
                row["id"],
                row["case_number"],
                row["worker"] or "–",
                kind_label(row["kind"]),
                day(row["due"]),
                row["announced_times"],
                day(row["escalated_on"]),
            ]
            for row in rows
        ]
        columns = [_("Follow-up"), _("Case"), _("Worker"), _("Kind"), _("Due"), _("Reminded"), _("Passed on")]
        console().print(table(_("Follow-ups"), columns, body, right=[0, 5]))

    emit(rows, as_json, render)


@app.command("send", help=_("Write today's e-mails now to everybody who has none of today yet."))
def send(dry_run: DryRun = False, as_json: Json = False, as_: As = None) -> None:
    """Does at once what the daily job does; `--dry-run` shows every mail as it would go."""
    from core.settings import settings
    from services import audit
    from services.follow_ups.planning import plan
    from services.reminders.daily import compose_due, is_mail_day

    configured = settings()
    with transaction(dry_run=dry_run) as session:
        today, now = business_today(session), business_now(session)
        if not is_mail_day(today, configured.follow_ups):
            raise InputError("Today is not a working day; reminders are sent on working days.")
        plan(session, None, today, configured.follow_ups)
        composed = compose_due(session, today, now, configured.follow_ups, configured.mail)
        audit.record(session, actor(as_), "reminders.sent", f"day:{today}", now=now, counts=composed.counts)

    def render() -> None:
        if dry_run:
            for mail in composed.mails:
                console().rule(f"{mail.worker} <{mail.recipient}>")
                console().print(_readable(mail.document), markup=False)
        console().print(
            _(
                "{mails} e-mails, {announced} follow-ups, {escalated} passed on, {news} news, {unreachable} reach nobody"
            ).format(**composed.counts)
        )

    mails = [{"worker": mail.worker, "to": mail.recipient, **mail.items} for mail in composed.mails]
    if dry_run:
        for entry, mail in zip(mails, composed.mails, strict=True):
            entry["text"] = _readable(mail.document)
    emit({**composed.counts, "sent": mails}, as_json, render)


@app.command("ack", help=_("Acknowledge a follow-up, with what was found."))
def acknowledge(
    which: Which,
    *,
    rating: Annotated[int | None, typer.Option(help=_("1 to 5."))] = None,
    by: Annotated[
        str | None, typer.Option(metavar=_("WHO"), help=_("Who gave the rating: child, parent, adult."))
    ] = None,
    finding: Annotated[
        list[str] | None, typer.Option(metavar=_("NAME=ANSWER"), help=_("For example supports_goals=yes."))
    ] = None,
    not_needed: Annotated[
        str | None, typer.Option(metavar=_("REASON"), help=_("It is not needed at all, because …"))
    ] = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    as_: As = None,
) -> None:
    """Settles the follow-up; it is not reminded of any more."""
    from services.follow_ups import acknowledging

    findings = dict(_pair(one) for one in finding or [])
    with transaction(dry_run=dry_run) as session:
        follow_up_id, now = acknowledging.find(session, which), business_now(session)
        if not_needed is not None:
            settled = acknowledging.not_needed(session, follow_up_id, actor=actor(as_), now=now, reason=not_needed)
        else:
            settled = acknowledging.acknowledge(
                session, follow_up_id, actor=actor(as_), now=now, rating=rating, rated_by=by, findings=findings
            )
        shown = _settled(settled)
    emit(shown, as_json, lambda: console().print(_("Follow-up {id} is settled.").format(id=follow_up_id)))


@app.command("snooze", help=_("Put a follow-up off to a later day, with a reason."))
def snooze(
    which: Which,
    *,
    until: Annotated[datetime, typer.Option(formats=["%Y-%m-%d", "%d.%m.%Y"], help=_("The day it becomes due."))],
    reason: Annotated[str, typer.Option(help=_("Why."))],
    dry_run: DryRun = False,
    as_json: Json = False,
    as_: As = None,
) -> None:
    """It is silent until then and announced afresh on that day, or the next working day."""
    from core.settings import settings
    from schedules.jobs import calendar
    from services.follow_ups import acknowledging

    with transaction(dry_run=dry_run) as session:
        put_off = acknowledging.snooze(
            session,
            acknowledging.find(session, which),
            actor=actor(as_),
            now=business_now(session),
            reason=reason,
            until=until.date(),
            calendar=calendar(settings().follow_ups),
        )
        shown = _settled(put_off)
    emit(shown, as_json, lambda: console().print(_("Put off to {date}.").format(date=day(put_off.due))))


@app.command("handover", help=_("Tick that the family's contact details were handed to the provider, outside Avain."))
def hand_over(
    order: Annotated[str, typer.Argument(metavar=_("ORDER"), help=_("The order's number, T-…"))],
    dry_run: DryRun = False,
    as_json: Json = False,
    as_: As = None,
) -> None:
    """Records who handed over and when; the details themselves never enter Avain."""
    from services.orders.replies.hand_over import tick

    with transaction(dry_run=dry_run) as session:
        tick(session, order, actor=actor(as_), now=business_now(session))
    emit(
        {"order": order, "handed_over": True},
        as_json,
        lambda: console().print(_("Ticked for order {order}.").format(order=order)),
    )


def _pair(text: str) -> tuple[str, str]:
    name, separator, answer = text.partition("=")
    if not separator:
        raise InputError("{text} is not of the form NAME=ANSWER.", text=text)
    return name.strip(), answer.strip()


def _settled(follow_up: Any) -> dict[str, Any]:
    return {name: getattr(follow_up, name) for name in ("id", "kind", "due", "state", "rating", "rated_by", "findings")}


def _readable(document: str) -> str:
    """A mail as a person reads it: subject and text."""
    message = email.message_from_string(document, policy=default)
    body = message.get_body(("plain",))
    return f"{message['Subject']}\n\n{body.get_content() if body else ''}"
