"""A county in which everything is in order: budgets, orders in several states, invoices, Work waiting and under way, mails. What a test breaks in it is
rolled back.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session

from core.budget_settings import Budgets
from core.embedded import Embedded
from models.alarm import StoredLetter
from models.budget import Budget
from models.follow_up import Digest
from models.order import OrderLine, OrderPaper, PurchaseOrder
from models.price_upload import PriceUpload
from services import numbers
from services.budgets import dirty
from services.consistency.findings import Looked
from services.consistency.scope import Scope
from services.orders.sending import ending
from services.work import call, claim
from tests.factories.base import added
from tests.factories.case import make_case, make_decision, make_plan_item
from tests.factories.order import make_delivered, make_invoice
from tests.factories.price import make_price
from tests.factories.service import make_service
from tests.support.budgets import recompute_dirty
from tests.support.ordering import World, make_world, order

NOW = datetime(2026, 11, 23, 6, 20, tzinfo=UTC)
TODAY = date(2026, 11, 23)
SETTINGS = Budgets()
#: Cases, in the order of their numbers: two with an order that waits to be sent, one whose order was cancelled, one that is only planned, one whose
#: ceiling rests on an own unit cost, one without a price.
ORDERED, BILLED, CANCELLED, PLANNED, REPLACING, UNPRICED = (f"HB-2026-00000{number}" for number in range(1, 7))


def in_order(session: Session) -> None:
    """Everything, committed by whoever hands in the session."""
    worlds = [make_world(session) for _ in range(4)]
    for world in worlds:
        _number(session, world)
    (first,) = order(session, worlds[0].item).orders
    (second,) = order(session, worlds[1].item).orders
    line = session.query(OrderLine).filter_by(order_id=second.id).one()
    make_invoice(session, line, "88.00", quantity=Decimal(1))
    make_delivered(session, line, "3")
    (third,) = order(session, worlds[2].item).orders
    session.flush()
    ending.cancel(session, third.number, actor="cli:enni", reason="perhe muutti", now=NOW)
    for content, kind in ((b"%PDF", "pdf"), (b"From: a\r\n", "mail")):
        added(session, OrderPaper(order_id=first.id, kind=kind, content=content, sha256=sha256(content).hexdigest()))
    added(
        session,
        PriceUpload(
            file_name="lista.csv", sha256=sha256(b"a;b").hexdigest(), size=3, content=b"a;b", actor="worker:W-1"
        ),
    )
    _replacing(session)
    _number(session, make_world(session, price=None))
    _mails(session, worlds[0])
    dirty.mark_by_time_and_settings(session, today=TODAY, settings=SETTINGS)
    dirty.mark_all(session, "asked")
    recompute_dirty(session, now=NOW, settings=SETTINGS)
    session.execute(text("DELETE FROM work WHERE kind = 'recompute_budgets'"))
    session.execute(text("UPDATE run SET finished_at = clock_timestamp(), outcome = 'succeeded'"))
    session.execute(text("UPDATE work SET done_at = clock_timestamp() WHERE kind = 'import_prices'"))
    held = call(session, "count_units", "count_units@test")
    assert held is not None
    assert claim(session, held) is not None
    assert session.query(PurchaseOrder).count() == 3
    assert session.query(Budget).count() == 6


def _number(session: Session, world: World) -> None:
    (world.case.number,) = numbers.take(session, "HB", 2026)


def _replacing(session: Session) -> None:
    """A decision that replaces fourteen visits of a service of our own, at 89.50 €."""
    service = make_service(session)
    make_price(session, service, amount="89.50")
    case = make_case(session, number=numbers.take(session, "HB", 2026)[0])
    decision = make_decision(
        session, case, baseline_service_id=service.id, baseline_quantity=Decimal(14), baseline_unit="C62"
    )
    make_plan_item(session, decision, make_service(session))


def _mails(session: Session, world: World) -> None:
    """A worker's mail and a letter, both waiting to be sent."""
    digest = added(
        session,
        Digest(worker_id=world.worker.id, local_date=TODAY, message_id="<d@avain.test>", document="x", items={}),
    )
    call(session, "send_digest", f"digest:{world.worker.external_id}:{TODAY}", subject_id=digest.id)
    letter = added(session, StoredLetter(recipient="a@avain.test", message_id="<l@avain.test>", document="x"))
    call(session, "send_letter", f"send_letter:{letter.id}", subject_id=letter.id)


@dataclass
class Place:
    """A database in which everything is in order, and its owner, who may do everything."""

    owner: Engine

    @contextmanager
    def broken(self, *statements: str) -> Iterator[Scope]:
        """What checks see after some statements, which are taken back."""
        with self.owner.connect() as connection, Session(connection) as session:
            for statement in statements:
                session.execute(text(statement))
            yield Scope(session, TODAY, SETTINGS, budgets=None)
            session.rollback()


def owner_of(database: Embedded) -> Engine:
    """The owner's engine."""
    return create_engine(database.database_owner_url)


def found(looked: Looked) -> dict[str, list[str]]:
    """What is broken: names of things, by the name of their sort."""
    return {one.sort.name: [thing.name for thing in one.things] for one in looked.broken}


def said(looked: Looked) -> list[str]:
    """How each broken thing is told."""
    return [str(thing.how) for one in looked.broken for thing in one.things]


def with_settings(scope: Scope, **over: object) -> Scope:
    """The same under other settings."""
    return replace(scope, settings=SETTINGS.model_copy(update=over))
