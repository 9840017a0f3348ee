"""Budgets over a change of the schema, down and up again with data in it: calculated anew, prices cited as before, rights as before."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from core.database import make_engine
from models.case import Decision
from tests.factories.order import make_delivered, make_invoice, make_order, make_order_line
from tests.factories.price import make_price, make_price_key, make_price_list, make_price_source
from tests.support.family import Family, current, recompute

ROOT = Path(__file__).resolve().parents[2]
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def migrated(database):
    """A family with an ordered, billed and partly delivered service, whose price was shortened and brought back; 0008 undone and done again."""
    config = Config(str(ROOT / "alembic.ini"))
    config.attributes["url"] = database.database_owner_url
    engine = make_engine(database.database_owner_url)
    with Session(engine) as session, session.begin():
        family = Family(session)
        item = family.plan(session)
        source = make_price_source(session, family.provider)
        listed, later = (make_price_list(session, source) for _ in range(2))
        same = {
            "amount": "88.00",
            "price_list": listed,
            "key": make_price_key(session, family.service, family.provider),
        }
        ended = {"superseded_at": LONG_AGO, "superseded_by_list_id": later.id}
        copied = {"copied_by_list_id": later.id}
        price = make_price(session, family.service, family.provider, **same, **ended)
        copied["original_id"] = price.id
        make_price(session, family.service, family.provider, **same, **ended, **copied, last=date(2026, 12, 31))
        make_price(session, family.service, family.provider, **same, **copied)
        line = make_order_line(session, make_order(session, family.decision, family.provider), item, price, "500")
        make_delivered(session, line, "5")
        make_invoice(session, line, "100")
        recompute(session, family.decision)
    originals = read(engine, "SELECT id, original_id FROM price ORDER BY id")
    command.downgrade(config, "0007")
    assert [row.cause for row in read(engine, "SELECT cause FROM budget_dirty")] == ["version"]
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM budget_dirty"))
    command.upgrade(config, "head")
    yield database, engine, originals
    engine.dispose()


def read(engine, sql):
    """Rows, on a connection that knows nothing of the tables as they were."""
    with engine.connect() as connection:
        rows = connection.execute(text(sql)).all()
    engine.dispose()
    return rows


def test_every_budget_is_calculated_anew_and_copies_know_their_originals(migrated):
    _, engine, originals = migrated
    assert read(engine, "SELECT id, original_id FROM price ORDER BY id") == originals
    assert [row.cause for row in read(engine, "SELECT cause FROM budget_dirty")] == ["version"]
    with Session(engine) as session:
        decision = session.query(Decision).one()
        recompute(session, decision)
        version = current(session, decision)
        assert (version.invoiced, version.delivered, version.ordered) == (
            Decimal(0),
            Decimal(0),
            Decimal(500),
        )  # the invoice went with its table


@pytest.mark.parametrize(
    "forbidden",
    [
        "DELETE FROM invoice", "UPDATE invoice SET final = true", "DELETE FROM invoice_line", "UPDATE invoice_line SET gross = 0",
        "DELETE FROM delivered", "UPDATE delivered SET quantity = 0", "UPDATE price SET original_id = NULL",
        "UPDATE budget_version SET delivered = 0", "UPDATE budget_line SET invoices = '{}'", "UPDATE order_line SET extra = ''",
    ],
)  # fmt: skip
def test_what_was_recorded_cannot_be_changed(session, forbidden):
    with pytest.raises(ProgrammingError, match="permission denied"), session.begin_nested():
        session.execute(text(forbidden))
