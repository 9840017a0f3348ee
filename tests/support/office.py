"""A unit at work: two workers and their supervisor, with cases, plans and budgets as a test of the first page wants them."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from core.errors import Message
from models.base import days
from models.budget import Budget, BudgetVersion
from models.case import Decision
from models.worker import Absence
from tests.factories.base import added
from tests.factories.case import make_case, make_choice, make_decision, make_plan_item
from tests.factories.provider import make_provider
from tests.factories.service import make_service
from tests.factories.worker import make_unit, make_worker

NOW = datetime(2026, 11, 16, 4, 0, tzinfo=UTC)
TODAY = date(2026, 11, 16)


class Office:
    """A unit of two workers and a supervisor; cases, plans and budgets as a test wants them."""

    def __init__(self, session: Any) -> None:
        self.session = session
        self.unit = make_unit(session)
        self.head = make_worker(session, external_id="W-7", name="Enni Esihenkilö", unit_id=self.unit.id, language="en")
        self.unit.supervisor_id = self.head.id
        self.me = make_worker(session, external_id="W-1", unit_id=self.unit.id, language="en")
        self.colleague = make_worker(
            session, external_id="W-2", name="Kaisa Kollega", unit_id=self.unit.id, language="en"
        )
        self.stranger = make_worker(session, external_id="W-9", unit_id=make_unit(session).id, language="en")
        self.service = make_service(session, name_fi="ADHD-valmennus")
        self.provider = make_provider(session, name="Tukipolku (keksitty)")
        self.made = 0

    def case(self, worker: Any = None, **over: Any) -> Any:
        self.made += 1
        worker = worker or self.me
        return make_case(
            self.session,
            number=f"HB-2026-90{self.made:04d}",
            responsible_worker_id=worker.id,
            unit_id=worker.unit_id,
            **over,
        )

    def item(self, worker: Any = None, *, chosen: bool = False, case: Any = None, **over: Any) -> Any:
        decision = make_decision(self.session, case or self.case(worker), granted_amount=Decimal(1000))
        item = make_plan_item(self.session, decision, self.service, **over)
        if chosen:
            make_choice(self.session, item, self.provider)
        return item

    def budget(self, state: str, worker: Any = None, *, reasons: Any = (), **case: Any) -> str:
        """The number of a case whose budget is in a state."""
        made = self.case(worker, **case)
        self.budget_of(make_decision(self.session, made, number="P-1", granted_amount=Decimal(1000)), state, reasons)
        return str(made.number)

    def budget_of(self, decision: Decision, state: str, reasons: Any = ()) -> None:
        """A decision's budget, in a state."""
        budget = added(self.session, Budget(decision_id=decision.id, ceiling=Decimal(1000), ceiling_basis={}))
        told = [Message(one).to_json() for one in reasons]
        figures: Any = dict.fromkeys(("invoiced", "delivered", "ordered"), Decimal(0))
        added(
            self.session,
            BudgetVersion(
                budget_id=budget.id, ceiling=Decimal(1000), ceiling_basis={}, planned=Decimal(1200), free=Decimal(-200),
                state=state, reasons=told, cause="cases", recorded_at=NOW, **figures,
            ),
        )  # fmt: skip

    def away(self, worker: Any, deputy: Any, **over: Any) -> None:
        values = {"period": days(TODAY, TODAY), "actor": "test", **over}
        added(self.session, Absence(worker_id=worker.id, deputy_id=deputy.id, **values))


def told(page: Any, name: str) -> str:
    """What one section says."""
    (section,) = page.all(f"//section[h2[@id='{name}']]")
    return " ".join(" ".join(section.itertext()).split())


def rows(page: Any, name: str) -> list[str]:
    """The first cell of each row of a section."""
    return [" ".join(one.text_content().split()) for one in page.all(f"//section[h2[@id='{name}']]//tbody/tr/th")]
