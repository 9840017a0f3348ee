"""What there is to look at in the county (town.py): one of each thing that a page tells of, found, or made where life has not brought it."""

from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import inspect, select, text
from sqlmodel import SQLModel

from core.clock import business_now
from core.errors import Message
from core.keys import link_secret
from core.settings import settings
from documents.invoice import read_invoice
from models.answer import IncomingDocument
from models.case import PlanItem
from models.follow_up import FollowUp, Notice
from models.order import OrderLine, PurchaseOrder
from models.worker import Worker
from services.dead_work import groups
from services.follow_ups.acknowledging import acknowledge
from services.invoices.taking import take_invoice
from services.orders.sending.reply_links import Purpose, link
from services.work import call, claim, fail
from tests.factories.answer import make_answer, make_answer_line, make_incoming, make_paper, make_proposal
from tests.factories.base import added
from tests.factories.follow_up import make_notice
from tests.support.in_process import InProcess
from tests.support.invoices import Row, peppol

KAVERIPAJA: Final = "9999998-4"
#: Rows in: an order's number. Rows out: its provider's business id.
_SELLER: Final = "SELECT business_id FROM purchase_order JOIN provider ON provider.id = provider_id WHERE purchase_order.number = :order"


class Things:
    """The county's things, by their numbers in the database or their names in addresses."""

    def __init__(self, process: InProcess) -> None:
        self.process = process

    def list_in(self, state: str) -> int:
        """The latest price list in this state, of a provider."""
        return self._one(
            "SELECT max(price_list.id) FROM price_list JOIN price_source ON price_source.id = source_id"
            " WHERE state = :state AND provider_id IS NOT NULL",
            state=state,
        )

    def list_with_rejected(self) -> int:
        """A list with a row that was left out."""
        return self._one("SELECT min(price_list.id) FROM price_list JOIN rejected_record USING (run_id)")

    def decision(self, case: str) -> int:
        """The id of a case's decision."""
        return self._one(
            "SELECT decision.id FROM decision JOIN client_case ON client_case.id = case_id WHERE client_case.external_id = :case",
            case=case,
        )

    def letter_link(self, purpose: Purpose) -> str:
        """The page that a link in the letter of the latest order leads its provider to."""
        (row,) = self.process.rows("SELECT number, link_epoch FROM purchase_order ORDER BY id DESC LIMIT 1")
        return link(link_secret(settings()), "", row.number, purpose, expires=date(2099, 1, 1), epoch=row.link_epoch)

    def follow_up(self, *, acknowledged: bool = False) -> int:
        """A follow-up of W-101's that is open; or one that is acknowledged and not written down yet."""
        kind = "start" if acknowledged else "final"
        found = self._one(
            "SELECT min(follow_up.id) FROM follow_up JOIN client_case ON client_case.id = case_id JOIN worker ON worker.id = responsible_worker_id"
            " WHERE worker.external_id = 'W-101' AND kind = :kind AND state IN ('open', 'acknowledged')",
            kind=kind,
        )
        with self.process.transaction() as session:
            one = session.get_one(FollowUp, found)
            if acknowledged and one.state == "open":
                answers = {"runs_as_agreed": "yes", "kykyviisari_date": "2026-11-02"}
                now = business_now(session)
                acknowledge(session, found, actor="worker:W-101", now=now, rating=5, rated_by="child", findings=answers)
        return found

    def notice(self) -> int:
        """News for W-101."""
        with self.process.transaction() as session:
            worker = session.scalars(select(Worker).filter_by(external_id="W-101")).one()
            subject = f"case:{self.cases['LC-1001']}"
            known = session.scalars(select(Notice).filter_by(worker_id=worker.id, event="shown")).one_or_none()
            message = Message("A budget is over its ceiling").to_json()
            return (known or make_notice(session, worker, subject=subject, event="shown", message=message)).id

    def order(self) -> str:
        """The latest order."""
        (row,) = self.process.rows("SELECT number FROM purchase_order ORDER BY id DESC LIMIT 1")
        return str(row.number)

    def invoice(self, order: str) -> int:
        """An invoice that waits: for an order, dearer than ordered, or, where there is no such order, for somebody to say whose it is."""
        name = sha256(order.encode()).hexdigest()
        with self.process.transaction() as session:
            found = session.scalars(select(IncomingDocument).filter_by(sha256=name)).one_or_none()
            if found is not None:
                return found.id
            seller = session.execute(text(_SELLER), {"order": order}).scalar() or KAVERIPAJA
            content = peppol(
                number=f"L-{name[:4]}", order=order, seller=seller, rows=[Row("90000.00", "1"), Row("10.00", "2")]
            )
            made = IncomingDocument(source="laskut", file_name="lasku.xml", sha256=name, kind="invoice", state="held")
            take_invoice(session, read_invoice(content), made, now=business_now(session), settings=settings())
            return made.id

    def waiting(self) -> int:
        """A planned service that is chosen and waits for approval."""
        return self._one(
            "SELECT min(choice.plan_item_id) FROM choice WHERE ended_at IS NULL"
            " AND NOT EXISTS (SELECT FROM order_coverage WHERE order_coverage.plan_item_id = choice.plan_item_id AND live)"
        )

    def eventful(self) -> str:
        """An order of case LC-1002 in which everything happened that its page tells of: accepted, an answer that waits, no longer as planned."""
        number = "T-2026-900001"
        if self.process.rows("SELECT 1 FROM purchase_order WHERE number = :number", number=number):
            return number
        with self.process.transaction() as session:
            former = session.scalars(select(PurchaseOrder).filter_by(number=self.order())).one()
            lines = session.scalars(select(OrderLine).filter_by(order_id=former.id)).all()
            values = {
                "number": number,
                "client_reference": number,
                "state": "accepted",
                "answered_at": former.approved_at,
            }
            order = added(session, PurchaseOrder(**{**_copied(former), **values}))
            for line in lines:
                added(session, OrderLine(**{**_copied(line), "order_id": order.id}))
            make_paper(session, order, "mail")
            make_answer_line(
                session, make_answer(session, order, "CA", state="held", note="tiistaisin"), quantity=Decimal(4)
            )
            planned = {"quantity": "20", "unit": "C62", "first_day": "2026-12-01", "last_day": "2027-02-28"}
            item = session.get_one(PlanItem, lines[0].plan_item_id)
            make_proposal(session, order, item, details={"then": {**planned, "quantity": "12"}, "now": planned})
            make_incoming(session, order, kind="delivered", content={"held": [
                {"number": number, "line": 1, "first": "2026-11-01", "last": "2026-11-15", "quantity": "99", "row": 1}]})  # fmt: skip
            make_incoming(session, kind="unknown")
        return number

    def upload(self) -> int:
        """The file that was brought to the console, one of whose columns nobody knows."""
        return self._one("SELECT max(id) FROM price_upload")

    def own_price(self) -> int:
        """The own unit cost of family work."""
        return self._one(
            "SELECT price.id FROM price JOIN price_key ON price_key.id = price_key_id WHERE provider_id IS NULL AND superseded_at IS NULL"
        )

    def run(self, kind: str, outcome: str | None = None) -> int:
        """The latest run of a kind."""
        return self._one(
            "SELECT max(id) FROM run WHERE kind = :kind AND (CAST(:outcome AS text) IS NULL OR outcome = :outcome)",
            kind=kind,
            outcome=outcome,
        )

    def called(self) -> int:
        """Work that no worker has begun."""
        return self._one(
            "INSERT INTO work (kind, key, arguments, queue) VALUES"
            " ('fetch_cases', gen_random_uuid()::text, '{\"source\": \"isovienti\"}', 'fetch') RETURNING id"
        )

    def given_up(self) -> str:
        """A group of given-up work: three of a kind that failed for one reason."""
        with self.process.transaction() as session:
            if not groups(session, ["deliver_order"]):
                for number in range(3):
                    work_id = call(session, "deliver_order", f"given-up-{number}")
                    claimed = claim(session, work_id) if work_id is not None else None
                    assert claimed is not None
                    fail(session, claimed, Message("The server {host} is away.", host=f"palvelin-{number}"), final=True)
            return groups(session, ["deliver_order"])[0].code

    def rejected(self) -> int:
        """A record that was left out."""
        return self._one("SELECT min(id) FROM rejected_record")

    def _one(self, sql: str, **values: object) -> int:
        (row,) = self.process.rows(sql, **values)
        assert row[0] is not None, sql
        return int(row[0])

    @property
    def cases(self) -> dict[str, str]:
        """Case numbers by the source's ids."""
        return {row.external_id: row.number for row in self.process.rows("SELECT external_id, number FROM client_case")}


def _copied(row: SQLModel) -> dict[str, Any]:
    """What another row of the same begins with."""
    return {column.key: getattr(row, column.key) for column in inspect(type(row)).columns if column.key != "id"}
