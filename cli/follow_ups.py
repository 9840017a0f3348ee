"""Follow-ups at the command line: what is due, acknowledging, putting off, handing over, the text for the case record."""

from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from cli.common import As, DryRun, Json, actor, console, emit, table, transaction
from core.clock import business_now, business_today
from core.errors import InputError
from core.i18n import _, day

Which = Annotated[
    str, typer.Argument(metavar=_("FOLLOW-UP"), help=_("Its number, or a case number for the case's next one."))
]


def due(
    worker: Annotated[str | None, typer.Option(help=_("Only this worker's."))] = None,
    unit: Annotated[str | None, typer.Option(help=_("Only this unit's."))] = None,
    *,
    kind: Annotated[str | None, typer.Option(help=_("Only this kind."))] = None,
    overdue: Annotated[bool, typer.Option("--overdue", help=_("Only those that were due before today."))] = False,
    days: Annotated[int, typer.Option(min=0, max=3660, help=_("Also those due within so many days."))] = 0,
    as_json: Json = False,
) -> None:
    """Open follow-ups due today or earlier, with what was announced when."""
    from services import names
    from services.follow_ups.listing import open_follow_ups
    from services.follow_ups.words import KINDS, kind_label

    names.must_be_one_of("--kind", kind, KINDS)
    with transaction() as session:
        names.must_exist(session, "--worker", worker, "worker")
        names.must_exist(session, "--unit", unit, "unit")
        until = business_today(session) + timedelta(days=-1 if overdue else days)
        rows = open_follow_ups(session, until, worker, unit=unit, kind=kind)

    def render() -> None:
        body = [
            [
                row["id"],
                row["order_number"] or row["case_number"],
                row["handed_to"] or row["worker"] or "–",
                kind_label(row["kind"]),
                day(row["due"]),
                row["announced_times"],
                day(row["escalated_on"]),
            ]
            for row in rows
        ]
        columns = [_("Follow-up"), _("Number"), _("Worker"), _("Kind"), _("Due"), _("Reminded"), _("Passed on")]
        console().print(table(_("Follow-ups"), columns, body, right=[0, 5]))

    emit(rows, as_json, render)


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
        follow_up_id = acknowledging.find(session, which, rated=rating is not None or bool(findings))
        now = business_now(session)
        if not_needed is not None:
            settled = acknowledging.not_needed(session, follow_up_id, actor=actor(as_), now=now, reason=not_needed)
        else:
            settled = acknowledging.acknowledge(
                session, follow_up_id, actor=actor(as_), now=now, rating=rating, rated_by=by, findings=findings
            )
        shown = _settled(settled)
    emit(shown, as_json, lambda: console().print(_("Follow-up {id} is settled.").format(id=follow_up_id)))


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


def hand_over(
    which: Annotated[
        str, typer.Argument(metavar=_("ORDER OR FOLLOW-UP"), help=_("An order's number, T-…; or as for ack."))
    ],
    *,
    to: Annotated[
        str | None, typer.Option(metavar=_("WORKER"), help=_("The colleague who does the follow-up from now on."))
    ] = None,
    reason: Annotated[str, typer.Option(help=_("Why."))] = "",
    dry_run: DryRun = False,
    as_json: Json = False,
    as_: As = None,
) -> None:
    """Records who handed over what and when; contact details themselves never enter Avain."""
    if to is None:
        if not which.startswith("T-"):
            raise InputError("Say which colleague takes the follow-up over: --to WORKER")
        tick_hand_over(which, dry_run=dry_run, as_json=as_json, as_=as_)
        return
    if which.startswith("T-"):
        raise InputError(
            "A colleague takes over a follow-up, not an order. Give the follow-up's number, or the case's."
        )
    from services.follow_ups import acknowledging, acting

    with transaction(dry_run=dry_run) as session:
        given = acting.hand_over_to(
            session, acknowledging.find(session, which), to, actor=actor(as_), now=business_now(session), reason=reason
        )
        shown = {**_settled(given), "to": to}
    emit(shown, as_json, lambda: console().print(_("Handed over to {name}.").format(name=to)))


def record(
    which: Annotated[int, typer.Argument(metavar=_("FOLLOW-UP"), help=_("Its number."), min=1, max=2**63 - 1)],
    language: Annotated[str | None, typer.Option(help=_("fi, sv or en; else the installation's."))] = None,
    as_json: Json = False,
) -> None:
    """Ready sentences, without a name, for the client information system."""
    from core.settings import settings
    from services.follow_ups.record_text import record_text

    chosen = language or settings().language
    with transaction() as session:
        said = record_text(session, which, chosen)
    shown = {"id": which, "language": chosen, "text": said}
    emit(shown, as_json, lambda: console().print(said, markup=False, soft_wrap=True))


def written(
    which: Annotated[int, typer.Argument(metavar=_("FOLLOW-UP"), help=_("Its number."), min=1, max=2**63 - 1)],
    dry_run: DryRun = False,
    as_json: Json = False,
    as_: As = None,
) -> None:
    """It is no longer listed as to be written down."""
    from services.follow_ups import acting

    with transaction(dry_run=dry_run) as session:
        done = acting.write_down(session, which, actor=actor(as_), now=business_now(session))
        shown = {**_settled(done), "written_down_at": done.written_down_at, "written_down_by": done.written_down_by}
    emit(shown, as_json, lambda: console().print(_("Follow-up {id} is written down.").format(id=shown["id"])))


def tick_hand_over(
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
