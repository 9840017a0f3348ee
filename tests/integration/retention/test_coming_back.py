"""What was removed stays removed, though the source still brings it; who comes back is a new case."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

from core.errors import InputError
from core.keys import record_hasher
from core.retention_settings import Retention
from services.case_sync import approve_run
from services.retention import Sweep, holds
from services.retention.removed import numbers_of_removed
from services.retention.rules import rules
from tests.support.case_world import NOW, SOURCE, World
from tests.support.case_xml import case, export

LATER = datetime(2061, 1, 2, 1, 20, tzinfo=UTC)


def numbers(world: World) -> dict[str, str]:
    rows = world.session.execute(text("SELECT external_id, number FROM client_case"))
    return {row.external_id: row.number for row in rows}


@pytest.fixture
def removed(world: World) -> str:
    """A closed case and an open one were read; the closed one's time is up and it is removed. Its number."""
    result = world.run(export(case("A-1", status="closed"), case("A-2")))
    assert (result.added, world.case("A-1").closed_at, world.case("A-2").closed_at) == (2, NOW, None)
    number = numbers(world)["A-1"]
    world.session.execute(text("UPDATE client_case SET closed_at = '1990-01-01' WHERE external_id = 'A-1'"))
    sweep(world)
    assert set(numbers(world)) == {"A-2"}
    return number


def sweep(world: World, today: date = date(2026, 11, 23)) -> None:
    going = Sweep(rules(Retention(), today), record_hasher(world.settings()), most=10, actor="avain")
    while going.batch(world.session, NOW):
        pass


def test_a_closed_case_that_was_removed_is_left_out(world: World, removed: str) -> None:
    for content in (
        export(case("A-1", status="closed"), case("A-2")),
        export(case("A-1", status="closed", worker="W-102"), case("A-2")),
    ):
        result = world.run(content)
        assert (result.state, result.read, result.added, result.unchanged) == ("succeeded", 2, 0, 2)
        assert set(numbers(world)) == {"A-2"}
    assert numbers_of_removed(world.session, SOURCE, "A-1", record_hasher(world.settings())) == [removed]
    for source, external_id in ((SOURCE, "A-2"), ("effica", "A-1")):
        assert numbers_of_removed(world.session, source, external_id, record_hasher(world.settings())) == []


def test_who_comes_back_is_a_new_case(world: World, removed: str) -> None:
    assert world.run(export(case("A-1"), case("A-2"))).added == 1
    assert numbers(world)["A-1"] > removed
    assert world.case("A-1").closed_at is None
    # closed again, it is a known case that changed
    assert world.run(export(case("A-1", status="closed"), case("A-2")), now=LATER).changed == 1
    assert world.case("A-1").closed_at == LATER


def test_a_run_that_was_held_brings_nothing_back_either(world: World, removed: str) -> None:
    held = world.run(export(case("A-1", status="closed")), max_gone=Decimal(0))
    assert (held.state, held.gone, held.unchanged) == ("held", 1, 1)
    _finish_as_held(world, held)
    result = approve_run(world.session, world.runs[-1], "cli:a", "katsottu", world.settings(), now=NOW)
    assert (result.added, result.gone) == (0, 1)
    assert set(numbers(world)) == {"A-2"}


def _finish_as_held(world: World, held: Any) -> None:
    values = {"id": world.runs[-1], "counts": held.counts, "reason": held.reason.to_json()}
    run = text(
        "UPDATE run SET outcome = 'held', finished_at = now(), counts = :counts, message = :reason WHERE id = :id"
    )
    world.session.execute(run.bindparams(bindparam("counts", type_=JSONB), bindparam("reason", type_=JSONB)), values)


def test_a_case_that_is_reopened_has_not_ended(world: World) -> None:
    world.run(export(case("A-1", status="closed")))
    world.run(export(case("A-1", status="closed", worker="W-102")), now=LATER)
    assert world.case("A-1").closed_at == NOW
    world.run(export(case("A-1")))
    assert world.case("A-1").closed_at is None


def test_a_hold_names_a_case_and_a_reason(world: World) -> None:
    world.run(export(case("A-1")))
    number = numbers(world)["A-1"]
    for reason, said in (("", "A reason is needed"), ("x" * 501, "shorter"), ("100190-999P", "henkilötunnus")):
        with pytest.raises(InputError, match=said):
            holds.hold(world.session, number, actor="cli:a", reason=reason, now=NOW)
    holds.hold(world.session, number, actor="cli:a", reason="kantelu", now=NOW)
    with pytest.raises(InputError, match="held already"):
        holds.hold(world.session, number, actor="cli:a", reason="kantelu", now=NOW)
    assert [one.reason for one in holds.holds(world.session)] == ["kantelu"]
    holds.unhold(world.session, number, actor="cli:b", reason="ratkaistu", now=NOW)
    with pytest.raises(InputError, match="not held"):
        holds.unhold(world.session, number, actor="cli:b", reason="ratkaistu", now=NOW)
    rows = world.session.execute(
        text("SELECT action, reason FROM audit_event WHERE action LIKE 'case.%held' ORDER BY id")
    )
    assert [tuple(row) for row in rows] == [("case.held", "kantelu"), ("case.unheld", "ratkaistu")]
