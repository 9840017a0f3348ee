"""Many orders in one run, and what an order cites beside its decision: the catalogue, the profile."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from documents import xml
from models.order import OrderCoverage, PurchaseOrder
from services.orders.approving import approval, storing
from services.orders.weighing import lines
from services.orders.weighing.items import Item
from services.orders.weighing.lines import Part
from tests.support.ordering import add_item, make_world, order


@pytest.mark.parametrize(
    ("catalogue", "cited"),
    [("HINNASTO-2026-4", True), ("x" * 65, False), ("Äiti 100190-999P", False), ("rivi\nvaihto", False), (None, False)],
)
def test_an_order_cites_the_catalogue_its_prices_stand_in(session: Session, catalogue: str | None, cited: bool) -> None:
    world = make_world(session)
    session.execute(text("UPDATE price_list SET catalogue = :catalogue"), {"catalogue": catalogue})
    root = xml.parse(order(session, world.item).orders[0].document).getroot()
    found = root.find("{urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2}CatalogueReference")
    assert (found is not None) is cited


def test_an_order_of_two_lists_cites_none(session: Session) -> None:
    world = make_world(session, granted="5000.00")
    session.execute(text("UPDATE price_list SET catalogue = 'HINNASTO-1'"))
    (made,) = order(session, world.item, add_item(session, world)).orders
    assert b"CatalogueReference" not in made.document


@pytest.mark.parametrize(("beside", "whole"), [("4550", b"<cbc:AccountingCost>4550<"), ("4551", None), (None, None)])
def test_the_posting_of_all_lines_is_that_of_the_order(
    session: Session, beside: str | None, whole: bytes | None
) -> None:
    world = make_world(session, granted="5000.00")
    world.service.accounting_cost = "4550"
    other = add_item(session, world, accounting_cost=beside)
    (made,) = order(session, world.item, other).orders
    header, _, rest = made.document.partition(b"<cac:OrderLine>")
    assert (b"AccountingCost" in header) is (whole is not None)
    assert whole is None or whole in header
    assert rest.count(b"AccountingCost>") == 2 * (1 + (beside is not None))


def test_a_provider_may_want_the_profile_that_is_answered(session: Session) -> None:
    world = make_world(session)
    world.provider.channel_settings = {"profile": "ordering"}
    session.flush()
    (made,) = order(session, world.item).orders
    assert made.profile == "ordering"
    assert b"urn:fdc:peppol.eu:poacc:bis:ordering:3" in made.document


def test_one_order_the_database_refuses_takes_neither_its_number_nor_the_others(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Days covered by an order that nobody saw: the whole chunk fails first, then only that one does."""
    worlds = [make_world(session) for _ in range(5)]
    hidden = worlds[2]
    real = lines.load_parts

    def behind_our_back(session: Session, items: Sequence[Item], *, begun_by: date | None) -> list[Part]:
        parts = real(session, items, begun_by=begun_by)
        other = another(session)
        session.add(OrderCoverage(order_id=other.id, plan_item_id=hidden.item.id, period=hidden.item.period, live=True))
        session.flush()
        return parts

    def another(session: Session) -> PurchaseOrder:
        monkeypatch.setattr(approval, "load_parts", real)
        return order(session, make_world(session).item).orders[0]

    monkeypatch.setattr(approval, "load_parts", behind_our_back)
    monkeypatch.setattr(storing, "CHUNK", 3)
    done = order(session, *(world.item for world in worlds))
    assert [(one.plan_item_id, one.reason.text()) for one in done.refused] == [
        (hidden.item.id, "Somebody else ordered it at the same moment.")
    ]
    numbers = [int(made.number[-6:]) for made in done.orders]
    assert numbers == list(range(numbers[0], numbers[0] + 4))
    assert [made.decision_id for made in done.orders] == [world.decision.id for world in worlds if world is not hidden]


def test_many_are_one_run_of_a_few_statements(session: Session) -> None:
    """Ten times as many services take no more statements: rows are read and written in sets."""
    counted = []
    for many in (2, 20):
        items = [make_world(session).item for _ in range(many)]
        statements: list[str] = []

        def note(*told: Any, into: list[str] = statements) -> None:
            into.append(told[2])

        event.listen(session.connection().engine, "before_cursor_execute", note)
        assert len(order(session, *items).orders) == many
        event.remove(session.connection().engine, "before_cursor_execute", note)
        counted.append(len(statements))
    assert counted[0] == counted[1]
