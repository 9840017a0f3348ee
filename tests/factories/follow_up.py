"""Follow-ups, and the chain of rows one hangs on."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from models.case import Case, Choice, PlanItem
from models.follow_up import FollowUp, Notice
from models.order import OrderApproval
from models.worker import Unit, Worker
from services.reminders.mail_templates import built_in
from services.reminders.message import Writing
from tests.factories.base import added, unique
from tests.factories.case import make_case, make_choice, make_decision, make_plan_item
from tests.factories.provider import make_provider
from tests.factories.service import make_service
from tests.factories.worker import make_unit, make_worker

#: What tests write mails with.
WRITING = Writing("avain@avain-esimerkki.invalid", "https://avain.invalid", "fi", b"a secret of tests", built_in())


@dataclass
class Followed:
    """A chosen service, its case, the worker, the supervisor of the worker's unit."""

    item: PlanItem
    case: Case
    worker: Worker
    supervisor: Worker


def make_followed(
    session: Session,
    *,
    worker: Worker | None = None,
    first: date = date(2026, 11, 23),
    last: date = date(2027, 2, 22),
    chosen: bool = True,
    approved: bool = True,
    **over: Any,
) -> Followed:
    """A service from 23 November 2026 to 22 February 2027 that somebody chose a provider for. `over` is the worker's.

    It is `approved` month by month, so that nothing of it waits for approval.
    """
    if worker is None:
        unit = make_unit(session)
        supervisor = make_worker(session, name="Enni Esihenkilö", unit_id=unit.id)
        unit.supervisor_id = supervisor.id
        worker = make_worker(session, unit_id=unit.id, **over)
    else:
        unit = session.get_one(Unit, worker.unit_id)
        supervisor = session.get_one(Worker, unit.supervisor_id)
    case = make_case(session, responsible_worker_id=worker.id)
    item = make_plan_item(session, make_decision(session, case), make_service(session), first=first, last=last)
    if chosen:
        provider = make_provider(session, order_period="monthly" if approved else None)
        choice = make_choice(session, item, provider)
        if approved:
            make_approval(session, choice)
    return Followed(item, case, worker, supervisor)


def make_approval(session: Session, choice: Choice) -> OrderApproval:
    """That the chosen service may be ordered month by month."""
    approval = OrderApproval(
        plan_item_id=choice.plan_item_id,
        choice_id=choice.id,
        provider_id=choice.provider_id,
        gross=Decimal("1200.00"),
        approved_by="worker:W-101",
        approved_at=choice.chosen_at,
    )
    return added(session, approval)


def make_follow_up(session: Session, item: PlanItem, **over: Any) -> FollowUp:
    """An open start check of 7 December 2026."""
    values = {"kind": "start", "planned_for": date(2026, 12, 7), "findings": {}, **over}
    values.setdefault("due", values["planned_for"])
    return added(session, FollowUp(case_id=item.case_id, plan_item_id=item.id, **values))


def make_notice(session: Session, worker: Worker, **over: Any) -> Notice:
    """News of a budget that is over."""
    values = {"kind": "budget_over", "subject": "case:HB-2026-000001", "event": unique("event"), "message": {}, **over}
    return added(session, Notice(worker_id=worker.id, recorded_at=datetime(2026, 12, 7, tzinfo=UTC), **values))
