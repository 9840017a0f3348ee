"""`avain order waiting | decline | proposals | settle` as people and scripts use them: JSON, exit codes, dry runs."""

import json
from decimal import Decimal

import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

from cli.order import app
from core.errors import InputError, NotFound
from core.order_settings import Orders
from services.orders.proposals import watch
from tests.support.in_process import InProcess
from tests.support.ordering import NOW, World, make_world, order

ITEM = "HB-2026-000001"


@pytest.fixture
def world(here: InProcess) -> World:
    with here.transaction() as session:
        world = make_world(session, channel="file")
        world.case.number = ITEM
        return world


def avain(*arguments: str, code: int = 0) -> Result:
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done


def said(*arguments: str, code: int = 0):
    return json.loads(avain(*arguments, "--json", code=code).stdout)


def test_waiting_declined_and_taken_back(here: InProcess, world: World) -> None:
    (one,) = said("waiting")
    assert (one["plan_item_id"], one["case_number"], one["over"]) == (world.item.id, ITEM, True)
    assert "Waiting for approval" in avain("waiting", "--case", ITEM).stdout
    with pytest.raises(NotFound):
        avain("waiting", "--case", "HB-1999-000001")
    with pytest.raises(InputError, match="needs a reason"):
        avain("decline", ITEM)
    assert said("decline", ITEM, "--reason", "not now", "--dry-run")["items"] == [world.item.id]
    assert len(said("waiting")) == 1
    assert "1 declined." in avain("decline", ITEM, "--reason", "not now", "--as", "enni").stdout
    assert said("waiting") == []
    (declined,) = said("waiting", "--declined")
    assert (declined["declined"], declined["declined_by"]) == ("not now", "cli:enni")
    assert "not now" in avain("waiting", "--declined").stdout
    refused = said("approve", ITEM, code=1)["refused"]
    assert refused == [{"item": ITEM, "reason": f"All of {ITEM} is declined, or ordered month by month."}]
    name = f"{ITEM}/{world.item.external_id}"
    assert "declined: not now" in said("approve", name, code=1)["refused"][0]["reason"]
    assert "declined before" in avain("decline", name, "--reason", "x", code=1).stdout
    assert "they wait for approval again" in avain("decline", name, "--withdraw").stdout
    assert "was not declined" in avain("decline", name, "--withdraw", code=1).stdout
    assert said("approve", ITEM)["orders"]


def test_what_is_approved_by_the_month_is_told(here: InProcess, world: World) -> None:
    here.configure(orders__period="monthly", orders__ahead_days=0)
    with here.transaction() as session:
        session.execute(text("UPDATE plan_item SET period = '[2099-01-01,2099-03-01)'"))
        session.execute(text("UPDATE contract SET valid = '[2026-01-01,2100-01-01)'"))
        session.execute(text("UPDATE decision SET valid = NULL"))
    name = f"{ITEM}/{world.item.external_id}"
    assert said("approve", ITEM)["later"] == [name]
    assert "month by month" in avain("approve", ITEM, code=1).stdout


def test_an_order_that_no_longer_says_what_is_planned_is_settled(here: InProcess, world: World) -> None:
    with here.transaction() as session:
        order(session, world.item, settings=Orders())
        session.execute(text("UPDATE plan_item SET quantity = 16"))
        watch(session, NOW)
    (one,) = said("proposals")
    assert (one["kind"], one["details"]["now"]["quantity"]) == ("changed", "16")
    assert one["order_number"] in avain("proposals").stdout
    identity = str(one["id"])
    with pytest.raises(NotFound, match="There are: cancel, keep"):
        avain("settle", identity, "edit", "--reason", "x")
    assert said("settle", identity, "keep", "--reason", "x", "--dry-run")["outcome"] == "kept"
    done = avain("settle", identity, "cancel", "--reason", "more visits")
    assert "The order is cancelled." in done.stdout
    assert said("proposals") == []
    (again,) = said("approve", ITEM)["orders"]
    assert Decimal(again["total_gross"]) == Decimal("1408.00")


def test_an_order_can_be_kept_as_it_is(here: InProcess, world: World) -> None:
    with here.transaction() as session:
        order(session, world.item, settings=Orders())
        session.execute(text("UPDATE plan_item SET quantity = 16"))
        watch(session, NOW)
    identity = str(said("proposals")[0]["id"])
    assert "kept as it is" in avain("settle", identity, "keep", "--reason", "agreed").stdout
