"""A whole look: by the night's job, by `avain doctor --deep`, in one snapshot; what is kept, shown, and told to the operator."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from typer.testing import CliRunner, Result

from cli.main import app
from core.database import engine
from core.embedded import Embedded
from core.settings import settings
from services.budgets import dirty
from services.consistency import examine, latest
from services.health import Ground
from services.health.consistency import last_check
from services.work import call
from tests.integration.consistency.world import ORDERED, PLANNED, in_order, owner_of
from tests.support.audit_trail import Trail
from tests.support.budgets import recompute_dirty
from tests.support.in_process import InProcess
from workers.tasks.audit import seal
from workers.tasks.consistency import check

WRONG = "UPDATE purchase_order SET document = 'x' WHERE number = 'T-2026-000001'"
RIGHT = "UPDATE purchase_order SET document = (SELECT document FROM as_it_was) WHERE number = 'T-2026-000001'"


@pytest.fixture
def county(here: InProcess, database: Embedded) -> Iterator[Any]:
    """An installation in order, by today's calendar, whose operator has an address; and whoever has every right in its database."""
    here.configure(mail__operator_email="yllapito@avain.test", sources__cases="{}")
    with here.transaction() as session:
        in_order(session)
    with here.transaction() as session:
        recalculate(session)
    owner = owner_of(database)
    with owner.begin() as connection:
        connection.execute(
            text("CREATE TABLE as_it_was AS SELECT document FROM purchase_order WHERE number = 'T-2026-000001'")
        )

    def done(statement: str) -> None:
        with owner.begin() as connection:
            connection.execute(text(statement))

    yield done
    owner.dispose()


def recalculate(session: Session) -> None:
    """What the night does for the real day."""
    from core.clock import business_now, business_today

    dirty.mark_by_time_and_settings(session, today=business_today(session), settings=settings().budgets)
    dirty.mark_all(session, "asked")
    recompute_dirty(session, now=business_now(session), settings=settings().budgets)
    session.execute(text("DELETE FROM work WHERE kind = 'recompute_budgets'"))


def night(here: InProcess) -> None:
    with here.transaction() as session:
        number = session.execute(text("SELECT count(*) FROM work")).scalar_one()
        assert call(session, "check_consistency", f"check_consistency@{number}")
    assert here.do_due("check_consistency", check) == 1


def letters(here: InProcess) -> list[str]:
    return [
        row.document for row in here.rows("SELECT document FROM letter WHERE recipient LIKE 'yllapito%' ORDER BY id")
    ]


def doctor(*arguments: str) -> Result:
    result = CliRunner().invoke(app, ["doctor", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def shown() -> list[tuple[str, str]]:
    return [(one.state, str(one.found)) for one in last_check(Ground(settings()))]


def test_nights_tell_what_is_broken_once_and_again_when_it_breaks_again(here, county):
    assert [state for state, _ in shown()] == ["ok"]
    night(here)
    (run,) = here.rows("SELECT id, outcome, counts FROM run WHERE kind = 'check_consistency'")
    assert (run.outcome, run.counts["broken"]) == ("succeeded", 0)
    ((state, words),) = shown()
    assert state == "ok"
    assert "all agree" in words
    assert letters(here) == []

    county(WRONG)
    night(here)
    night(here)
    assert len(letters(here)) == 1
    assert "T-2026-000001" in letters(here)[0]
    assert "avain doctor --deep" in letters(here)[0]
    ((state, words),) = shown()
    assert state == "broken"
    assert "T-2026-000001" in words
    since = here.rows("SELECT findings #>> '{0,things,0,since}' AS since FROM deep_check WHERE broken > 0 ORDER BY id")
    assert since[0] == since[1], "the same thing since the same moment"

    county("UPDATE purchase_order SET document = 'x' WHERE number = 'T-2026-000002'")
    night(here)
    assert len(letters(here)) == 2
    assert "T-2026-000001" not in letters(here)[1]
    county("UPDATE purchase_order SET document_sha256 = encode(sha256(document), 'hex')")
    night(here)
    assert [state for state, _ in shown()] == ["ok"]
    county(WRONG.replace("'x'", "'y'"))
    night(here)
    assert len(letters(here)) == 3
    (kept,) = here.rows("SELECT run_id, actor, broken FROM deep_check ORDER BY id DESC LIMIT 1")
    assert (kept.actor, kept.broken) == ("avain", 1)
    assert kept.run_id is not None


def test_a_letter_names_a_budget_and_tells_nothing_of_it(here, county):
    county(
        "UPDATE budget_version SET planned = planned + 1, free = free - 1 WHERE superseded_at IS NULL AND planned = 1056"
    )
    night(here)
    (letter,) = letters(here)
    assert PLANNED in letter
    assert "1056" not in letter.replace(",", "").replace("\u00a0", "")
    assert "1,05" not in str(shown())


def test_the_doctor_looks_now_says_all_of_it_and_exits_1_when_something_is_broken(here, county):
    whole = doctor("--deep", "--json")
    told = json.loads(whole.stdout)
    assert (whole.exit_code, told["state"], told["whole"]) == (0, "ok", False)
    assert {one["examined"] > 0 for one in told["checks"][:-1]} == {True}
    county(WRONG)
    spoken = doctor("--deep")
    assert spoken.exit_code == 1
    assert "T-2026-000001" in spoken.stdout
    assert "Keep the database as it is" in spoken.stdout
    told = json.loads(doctor("--deep", "--all", "--json").stdout)
    assert told["whole"] is True
    (broken,) = [one for looked in told["checks"] for one in looked["broken"]]
    assert (broken["sort"], broken["count"], broken["things"][0]["name"]) == ("order_document", 1, "T-2026-000001")
    assert here.rows("SELECT actor FROM deep_check WHERE actor LIKE 'cli:%' AND whole") != []
    assert len(letters(here)) == 1
    assert doctor("--all").exit_code == 2


def test_the_doctor_misses_a_check_that_has_not_been_for_days(here, county):
    night(here)
    county("UPDATE deep_check SET finished_at = finished_at - interval '5 days'")
    assert [state for state, _ in shown()] == ["warning"]


def test_all_checks_see_one_moment(here, county):
    told: list[str] = []

    def meanwhile(what: object, _count: int) -> None:
        if not told:
            county(WRONG)  # committed after the look began
        told.append(str(what))

    found = examine(engine(), settings(), tell=meanwhile)
    assert found.broken == []
    assert len(set(told)) >= 5
    assert examine(engine(), settings()).count == 1
    with here.transaction() as session:
        assert latest(session) is None, "looking alone writes nothing"


def test_the_audit_trail_is_verified_and_once_broken_wholly(here, county, tmp_path: Path, database: Embedded):
    trail = Trail(settings().audit_anchors, engine(), owner_of(database))
    trail.say(3)
    with here.transaction() as session:
        assert call(session, "seal_audit", "seal_audit@1")
    assert here.do_due("seal_audit", seal) == 1
    assert examine(engine(), settings()).looked[-1].examined >= 3
    trail.tamper("UPDATE audit_seal SET month = '2020-01-01' WHERE position = 2")
    night(here)
    ((state, words),) = shown()
    assert (state, "audit trail" in words) == ("broken", True)
    night(here)
    assert [state for state, _ in shown()] == ["broken"], (
        "an old month is not forgotten by the next night's look at the newest"
    )
    trail.owner.dispose()


def test_without_anchors_and_without_its_own_row_the_trail_is_broken(here, county):
    county("DELETE FROM audit_sealing")
    (one,) = examine(engine(), settings()).broken
    assert one.sort.name == "audit_broken"
    assert ORDERED not in str(one)
