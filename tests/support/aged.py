"""Cases with a row in every table that can hold one of theirs, each marked by a word that stands in every text of it; and what is left of that."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import Message
from core.identity import RecordHasher
from core.retention_settings import Retention
from models import metadata
from models.answer import IncomingDocument, OrderResponse, OrderResponseLine
from models.base import days, table_of
from models.budget import Budget, BudgetLine, BudgetVersion
from models.case import Case, Client, Decision, PlanItem
from models.effect import SentElsewhere
from models.family import FamilyLink, FamilyProposal, FamilyRating, FamilySession, FamilyWish
from models.follow_up import Digest, FollowUp, FollowUpEvent, Notice
from models.invoice import Invoice, InvoiceLine
from models.order import OrderApproval, OrderDecline, OrderLine, OrderPaper, OrderProposal, PurchaseOrder
from models.retention import CaseHold
from models.work import RejectedRecord, Run, Work
from services import numbers
from services.retention import Removed, Sweep
from services.retention.rules import rules
from tests.factories.base import added, unique
from tests.factories.case import make_choice, make_decision, make_plan_item
from tests.factories.order import make_delivered, make_order, make_order_line
from tests.factories.price import make_price, make_run
from tests.factories.provider import make_provider
from tests.factories.service import make_service
from tests.factories.worker import make_unit, make_worker

#: Long ago, by every clock.
THEN = datetime(1994, 5, 3, 9, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 23, 1, 20, tzinfo=UTC)
TODAY = date(2026, 11, 23)
HASHER = RecordHasher("h" * 32)
AUTUMN = days(date(1993, 9, 1), date(1993, 12, 31))


def secret(mark: str) -> bytes:
    """What opens something, or holds what does: never handed out."""
    return f"{mark}-salaisuus".encode()


@dataclass
class Whole:
    """A case, and what a test may want to change of it."""

    case: Case
    decision: Decision
    item: PlanItem
    order: PurchaseOrder
    line: OrderLine
    document: IncomingDocument


def whole_case(session: Session, mark: str, *, year: int = 2026, unit: Any = None, **over: Any) -> Whole:
    """A case that was closed long ago, with everything a case can have. `over` is the case's."""
    worker = make_worker(session, unit_id=(unit or make_unit(session)).id)
    client = added(session, Client(source="lifecare", external_id=f"A-{mark}", sealed_identity=mark.encode()))
    values: dict[str, Any] = {
        "number": numbers.take(session, "HB", year)[0], "source": "lifecare", "external_id": f"LC-{mark}",
        "responsible_worker_id": worker.id, "status": "closed", "closed_at": THEN, "record_hash": b"", "goals": [mark], **over,
    }  # fmt: skip
    case = added(session, Case(client_id=client.id, **values))
    service, provider = make_service(session), make_provider(session)
    price = make_price(session, service, provider, "50.00")
    decision = make_decision(
        session, case, external_id=f"D-{mark}", number=mark, granted_amount=Decimal(900), valid=AUTUMN
    )
    item = make_plan_item(
        session, decision, service, external_id=f"I-{mark}", first=date(1993, 9, 1), last=date(1993, 12, 31)
    )
    choice = make_choice(session, item, provider, reason=mark)
    approval = added(
        session,
        OrderApproval(
            plan_item_id=item.id,
            choice_id=choice.id,
            provider_id=provider.id,
            gross=Decimal(600),
            approved_by="cli:a",
            approved_at=THEN,
            reason=mark,
        ),
    )
    order = make_order(
        session, decision, provider, number=numbers.take(session, "T", year)[0], state="closed", client_reference=mark, document=mark.encode(),
        approval_id=approval.id, total_net=Decimal(600), total_gross=Decimal(600), period=AUTUMN,
    )  # fmt: skip
    line = make_order_line(session, order, item, price, "600.00")
    document = added(
        session,
        IncomingDocument(
            source="laskut", file_name=f"{mark}.xml", sha256=unique("sha"), kind="invoice", number=mark, sender=mark, provider_id=provider.id,
            order_id=order.id, state="applied", content={"said": mark}, note=mark, recorded_at=THEN,
        ),
    )  # fmt: skip
    billed = {"provider_id": provider.id, "number": mark, "issue_date": date(1993, 12, 31), "incoming_id": document.id}
    invoice = added(session, Invoice(**billed))
    amounts: Any = {"net": Decimal(600), "vat": Decimal(0), "gross": Decimal(600)}
    added(session, InvoiceLine(invoice_id=invoice.id, order_line_id=line.id, **amounts))
    make_delivered(session, line, "12", incoming_id=document.id)
    _answers(session, order, item, choice, mark)
    _budget(session, decision, item, line, mark)
    _follow_ups(session, (case, item, order), worker, mark)
    _family(session, case, item, choice, mark)
    _work(session, case, item, order, mark)
    return Whole(case, decision, item, order, line, document)


def _answers(session: Session, order: PurchaseOrder, item: PlanItem, choice: Any, mark: str) -> None:
    response = added(
        session,
        OrderResponse(order_id=order.id, code="AP", external_id=mark, note=mark, state="applied", answered_at=THEN),
    )
    added(session, OrderResponseLine(response_id=response.id, line_number=1, code="5"))
    added(session, OrderPaper(order_id=order.id, kind="pdf", content=secret(mark), sha256="x"))
    added(
        session,
        OrderProposal(order_id=order.id, plan_item_id=item.id, kind="changed", details={"said": mark}, found_at=THEN),
    )
    added(
        session,
        OrderDecline(choice_id=choice.id, plan_item_id=item.id, declined_by="cli:a", declined_at=THEN, reason=mark),
    )


def _budget(session: Session, decision: Decision, item: PlanItem, line: OrderLine, mark: str) -> None:
    budget = added(session, Budget(decision_id=decision.id, ceiling=Decimal(900), ceiling_basis={"said": mark}))
    figures: Any = {"delivered": Decimal(600), "ordered": Decimal(0), "planned": Decimal(0)}
    version = added(
        session,
        BudgetVersion(
            budget_id=budget.id, ceiling=Decimal(900), invoiced=Decimal(600), free=Decimal(300), state="ended", cause="cases",
            recorded_at=THEN, **figures,
        ),
    )  # fmt: skip
    added(
        session,
        BudgetLine(
            version_id=version.id, plan_item_id=item.id, kind="invoiced", period=AUTUMN, quantity=Decimal(12), unit="C62",
            order_line_id=line.id, gross=Decimal(600), invoices=[mark],
        ),
    )  # fmt: skip


def _follow_ups(session: Session, made: tuple[Case, PlanItem, PurchaseOrder], worker: Any, mark: str) -> None:
    case, item, order = made
    of_item: dict[str, Any] = {
        "plan_item_id": item.id,
        "kind": "final",
        "planned_for": date(1993, 12, 31),
        "due": date(1993, 12, 31),
    }
    follow_up = added(
        session, FollowUp(case_id=case.id, state="acknowledged", settled_at=THEN, sealed_note=mark.encode(), **of_item)
    )
    added(
        session, FollowUpEvent(follow_up_id=follow_up.id, act="acknowledged", actor="worker:W-1", reason=mark, at=THEN)
    )
    of_order: dict[str, Any] = {
        "order_id": order.id,
        "kind": "hand_over",
        "planned_for": date(1993, 9, 1),
        "due": date(1993, 9, 1),
    }
    added(session, FollowUp(case_id=case.id, state="acknowledged", settled_at=THEN, **of_order))
    for subject in (f"case:{case.number}", f"item:{case.number}/{item.external_id}", f"order:{order.number}"):
        added(session, Notice(worker_id=worker.id, kind="near", subject=subject, event=mark, message={"said": mark}))
    added(
        session,
        Digest(
            worker_id=worker.id,
            local_date=date(1993, 10, 1),
            message_id=unique("mail"),
            state="sent",
            document=secret(mark).decode(),
            items={"said": mark},
        ),
    )


def _family(session: Session, case: Case, item: PlanItem, choice: Any, mark: str) -> None:
    link = added(
        session,
        FamilyLink(
            case_id=case.id,
            holder="client",
            token=secret(mark),
            code=secret(mark),
            made_by=mark,
            made_at=THEN,
            expires_at=THEN,
        ),
    )
    added(session, FamilySession(link_id=link.id, cookie=secret(mark), csrf=secret(mark).decode(), expires_at=THEN))
    added(
        session,
        FamilyProposal(
            case_id=case.id, plan_item_id=item.id, provider_id=choice.provider_id, voice="child", offer={"said": mark}, state="confirmed",
            proposed_by=mark, proposed_at=THEN, choice_id=choice.id,
        ),
    )  # fmt: skip
    added(
        session,
        FamilyRating(case_id=case.id, plan_item_id=item.id, voice="child", rating=5, rated_by=mark, rated_at=THEN),
    )
    added(
        session,
        FamilyWish(
            case_id=case.id, voice="child", place=mark, sealed_words=mark.encode(), written_by=mark, written_at=THEN
        ),
    )


def _work(session: Session, case: Case, item: PlanItem, order: PurchaseOrder, mark: str) -> None:
    for kind, subject in (("deliver_order", order.id), ("plan_follow_ups", item.id)):
        work = added(
            session,
            Work(
                kind=kind,
                key=f"{kind}:{mark}",
                queue="orders",
                subject_id=subject,
                done_at=THEN,
                arguments={"said": mark},
            ),
        )
        added(
            session,
            Run(
                work_id=work.id,
                kind=kind,
                attempt=1,
                token=uuid4(),
                host="test",
                finished_at=THEN,
                outcome="succeeded",
                reply=mark,
            ),
        )
    added(session, SentElsewhere(key=f"{order.number}/cancelled", kind="tell_cancelled", sent_at=THEN, sure=True))
    added(
        session,
        RejectedRecord(
            run_id=make_run(session, kind="sync_cases").id, source="lifecare", file_name="cases.xml", file_sha256="x", position="1",
            external_id=case.external_id, reason=Message("The quantity is zero.").to_json(), settled_at=THEN,
        ),
    )  # fmt: skip
    added(
        session,
        CaseHold(
            case_id=case.id, reason=mark, held_by="cli:a", held_at=THEN, ended_at=THEN, ended_by="cli:a", ended_why=mark
        ),
    )


def sweep(session: Session, today: date = TODAY, *, most: int = 2_000, **settings: Any) -> Removed:
    """Remove everything that is over its time on a day."""
    going = Sweep(rules(Retention(**settings), today), HASHER, most=most, actor="avain")
    total = Removed()
    while done := going.batch(session, NOW):
        total += done
    return total


def tables_telling(session: Session, word: str) -> set[str]:
    """Names of the tables in which a word stands somewhere, in clear, as bytes, or as the hexadecimal of its bytes."""
    found, coded = set(), word.encode().hex()
    for table in metadata.sorted_tables:
        rows = session.execute(text(f"SELECT to_jsonb(one)::text FROM {table.name} AS one")).scalars()
        if any(word in json.dumps(json.loads(row), ensure_ascii=False) or coded in row for row in rows):
            found.add(table.name)
    return found


def count(session: Session, model: Any) -> int:
    """How many rows a table has."""
    return int(session.execute(text(f"SELECT count(*) FROM {table_of(model).name}")).scalar_one())
