"""One row of everything that a page's address names: W-1's, and the same of W-9's, who works in another unit and has nothing to do with W-1."""

from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session
from sqlmodel import col

from core.keys import link_secret
from core.settings import Settings
from documents.invoice import read_invoice
from models.answer import IncomingDocument
from models.base import days
from models.case import Case
from models.family import FamilyLink, FamilyProposal, FamilyWish
from models.worker import Absence
from services.invoices.taking import take_invoice
from services.orders.sending import reply_links
from tests.factories.answer import make_answer, make_incoming, make_proposal
from tests.factories.base import added
from tests.factories.case import make_choice, make_decision, make_plan_item
from tests.factories.follow_up import make_follow_up, make_notice
from tests.factories.order import make_order, make_order_line
from tests.factories.price import make_price, make_price_list, make_price_source, make_run
from tests.factories.provider import make_provider_service
from tests.support.invoices import Row, peppol
from tests.support.office import NOW, TODAY, Office

#: Rows out: what the addresses of pages hold that any reader of theirs may open, by the name it has there.
_FOR_EVERY_READER = """
    SELECT 'price list' AS kind, id::text AS name FROM price_list UNION ALL
    SELECT 'provider', business_id FROM provider UNION ALL SELECT 'service', code FROM service UNION ALL
    SELECT 'price', id::text FROM price UNION ALL SELECT 'source', name FROM price_source UNION ALL
    SELECT 'run', id::text FROM run UNION ALL SELECT 'work', id::text FROM work
"""


@dataclass(frozen=True)
class Theirs:
    """What somebody's addresses hold, by kind of row; `worker` is an external id."""

    worker: str
    rows: dict[str, Any]

    def __getitem__(self, kind: str) -> str:
        return str(self.rows[kind])


class OneOfEach(Office):
    """Two workers of two units, each with one of everything."""

    def __init__(self, session: Session, settings: Settings) -> None:
        super().__init__(session)
        make_provider_service(session, self.provider, self.service)
        self._price = make_price(session, self.service, self.provider, "50.00")
        self._settings, self._secret = settings, link_secret(settings)
        self.mine, self.hers = self._of(self.me), self._of(self.stranger)
        make_price_list(session, make_price_source(session, self.provider), run=make_run(session))
        session.flush()

    def cases(self) -> list[Case]:
        """Both cases."""
        return list(self.session.scalars(select(Case).order_by(col(Case.id))))

    def shared(self) -> dict[str, list[str]]:
        """What is nobody's own, by kind: providers, services, lists of prices, runs."""
        found: dict[str, list[str]] = {}
        for kind, name in self.session.execute(text(_FOR_EVERY_READER)):
            found.setdefault(kind, []).append(name)
        return found

    def _of(self, worker: Any) -> Theirs:
        session, case = self.session, self.case(worker)
        decision = make_decision(session, case, number=f"P-{worker.external_id}")
        self.budget_of(decision, "over")
        item = make_plan_item(session, decision, self.service, external_id=f"I-{worker.external_id}")
        make_choice(session, item, self.provider)
        order = make_order(session, decision, self.provider, state="sent", period=item.period)
        make_order_line(session, order, item, self._price, "600.00")
        waiting = make_plan_item(session, decision, self.service, external_id=f"I-{worker.external_id}-2")
        make_choice(session, waiting, self.provider)
        past: dict[str, Any] = {"made_by": "test", "made_at": NOW, "expires_at": NOW + timedelta(days=9)}
        name = worker.external_id.encode()
        link = added(session, FamilyLink(case_id=case.id, holder="client", token=name, code=name, **past))
        chosen: dict[str, Any] = {"plan_item_id": item.id, "provider_id": self.provider.id, "voice": "child"}
        proposal = added(session, FamilyProposal(case_id=case.id, proposed_by="t", proposed_at=NOW, **chosen))
        wish = added(
            session,
            FamilyWish(case_id=case.id, voice="child", place=worker.external_id, written_by="t", written_at=NOW),
        )
        absence = added(
            session,
            Absence(worker_id=worker.id, period=days(TODAY + timedelta(30), TODAY + timedelta(40)), actor="test"),
        )
        rows = {
            "case": case.number,
            "decision": decision.id,
            "item": item.external_id,
            "item id": waiting.id,
            "order": order.number,
            "answer": make_answer(session, order, state="held").id,
            "invoice": self._invoice(order).id,
            "document": make_incoming(session, order, kind="unknown").id,
            "order proposal": make_proposal(session, order, item).id,
            "follow-up": make_follow_up(session, item, planned_for=TODAY).id,
            "notice": make_notice(session, worker, subject=f"case:{case.number}").id,
            "absence": absence.id,
            "link": link.id,
            "proposal": proposal.id,
            "wish": wish.id,
            "reply": self._token(order, "reply"),
            "delivered": self._token(order, "delivered"),
        }
        return Theirs(worker.external_id, rows)

    def _invoice(self, order: Any) -> IncomingDocument:
        """A dearer one than was ordered, so it waits."""
        told: dict[str, Any] = {
            "seller": self.provider.business_id,
            "order": order.number,
            "rows": [Row("1100.00", "12")],
        }
        content = peppol(number=f"L-{order.id}", **told)
        came = make_incoming(self.session, source="laskut", sha256=sha256(content).hexdigest(), kind="unknown")
        take_invoice(self.session, read_invoice(content), came, now=NOW, settings=self._settings)
        return came

    def _token(self, order: Any, purpose: reply_links.Purpose) -> str:
        expires = TODAY + timedelta(days=400)
        made = reply_links.link(self._secret, "", order.number, purpose, expires=expires, epoch=order.link_epoch)
        return made.rpartition("/")[2]
