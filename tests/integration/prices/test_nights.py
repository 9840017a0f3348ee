"""Price sources through their nightly tasks, on a database of the test's own: once, whatever dies in between, and no copy stays behind."""

import os
from pathlib import Path

import pytest

from core.settings import settings
from services.sources import call_fetch, find_source
from services.work import call
from tests.support.price_source import HEAD
from workers.task import perform
from workers.tasks.prices import fetch_prices, import_prices


def test_a_night_brings_prices_and_the_next_one_nothing_new(county):
    county.write("TUKIHENKILO;h;49,00;1.1.2026\nNEPSY-VALMENNUS;krt;95;1.1.2026\n")
    county.night()
    assert county.amounts() == ["95.0000", "49.0000"]
    county.night()
    assert county.runs() == ["succeeded"], "it is not even read again"
    assert county.runs("fetch_prices") == ["succeeded", "nothing_to_do"]
    assert not list((Path(os.environ["AVAIN_HOME"]) / "spool").rglob("*.csv"))


@pytest.mark.parametrize("fault", ["prices.parsed", "prices.applied"])
def test_a_worker_that_dies_applies_a_list_once(county, fault):
    county.write("TUKIHENKILO;h;49,00;1.1.2026\n")
    with county.process.transaction() as session:
        call_fetch(session, find_source(settings().sources, "tukipolku"), "test")
    county.process.do_due("fetch_prices", fetch_prices)
    (work,) = county.process.rows("SELECT id FROM work WHERE kind = 'import_prices'")
    county.process.die_doing(work.id, "workers.tasks.prices.import_prices", fault)
    assert county.amounts() == []
    county.process.do_due("import_prices", import_prices)
    assert county.runs() == ["lost", "succeeded"]
    assert county.process.rows("SELECT count(*) AS n FROM price")[0].n == 1


def test_a_list_that_waited_is_not_applied_over_a_newer_one(county):
    work = []
    for price in ("61,50", "62,00"):
        county.write(f"NEPSY-VALMENNUS;krt;{price};1.1.2026\n")
        with county.process.transaction() as session:
            call_fetch(session, find_source(settings().sources, "tukipolku"), price)
        county.process.do_due("fetch_prices", fetch_prices)
        work.append(county.process.rows("SELECT max(id) AS id FROM work WHERE kind = 'import_prices'")[0].id)
    for one in reversed(work):
        perform(one, import_prices)
    assert county.runs() == ["succeeded", "nothing_to_do"]
    assert county.amounts() == ["62.0000"]


def test_a_file_that_is_no_list_is_refused_and_the_prices_stay(county):
    county.write("TUKIHENKILO;h;49,00;1.1.2026\n")
    county.night()
    county.write(b"<!doctype html><title>503</title>")
    county.night()
    assert county.runs() == ["succeeded", "refused"]
    assert county.amounts() == ["49.0000"]


def spooled_files() -> list[Path]:
    return [path for path in (Path(os.environ["AVAIN_HOME"]) / "spool").rglob("*") if path.is_file()]


def test_a_list_that_is_refused_or_failed_for_good_leaves_no_copy(county, tmp_path):
    county.write(b"<!doctype html><title>503</title>")
    county.night()
    assert county.runs() == ["refused"]
    assert spooled_files() == []
    configuration = tmp_path / "avain.toml"
    configuration.write_text(configuration.read_text().replace("9999997-6", "9999993-3"), "utf-8")
    county.process.configure()
    county.write("TUKIHENKILO;h;49,00;1.1.2026\n")
    county.night()
    assert county.runs() == ["refused", "failed"]
    assert spooled_files() == []


def test_a_copy_nobody_came_back_for_goes_after_a_week(county):
    forgotten = Path(os.environ["AVAIN_HOME"]) / "spool/another/7"
    forgotten.mkdir(parents=True)
    (forgotten / "list.csv").touch()
    county.write("TUKIHENKILO;h;49,00;1.1.2026\n")
    county.night()
    assert spooled_files() == [forgotten / "list.csv"]
    os.utime(forgotten, (0, 0))
    county.night()
    assert spooled_files() == []


def test_nothing_outside_the_spool_is_ever_removed(county, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "list.csv").write_text(HEAD + "TUKIHENKILO;h;49,00;1.1.2026\n")
    with county.process.transaction() as session:
        file = {"path": str(elsewhere / "list.csv"), "name": "list.csv", "sha256": "", "size": 1}
        call(session, "import_prices", "k", source="tukipolku", request="r", files=[file])
    county.process.do_due("import_prices", import_prices)
    assert county.runs() == ["succeeded"]
    assert (elsewhere / "list.csv").exists()


def test_a_source_without_its_file_or_copy_says_so(county):
    county.night()
    assert county.runs("fetch_prices") == ["failed"]
    county.write("TUKIHENKILO;h;49,00;1.1.2026\n")
    with county.process.transaction() as session:
        file = {"path": "/nowhere/list.csv", "name": "list.csv", "sha256": "", "size": 1}
        call(session, "import_prices", "k", source="tukipolku", request="r", files=[file])
    county.process.do_due("import_prices", import_prices)
    assert county.runs() == ["failed"]


def test_a_pattern_that_matches_nothing_is_nothing_to_do(county, tmp_path):
    (tmp_path / "avain.toml").write_text(
        f'[sources.prices.tukipolku]\nprovider = "9999997-6"\npath = "{tmp_path}/*.xlsx"\n', "utf-8"
    )
    county.process.configure()
    county.night()
    assert county.runs("fetch_prices") == ["nothing_to_do"]


def test_a_night_whose_last_list_is_refused_ends_with_its_recomputation_too(county):
    county.write("TUKIHENKILO;h;49,00;1.1.2026\n")
    county.night()
    county.process.rows("DELETE FROM work WHERE kind = 'recompute_budgets' RETURNING id")
    county.process.rows("INSERT INTO budget_dirty (cause, run_id) SELECT 'prices', max(id) FROM run RETURNING cause")
    county.write(b"<!doctype html><title>503</title>")
    county.night()
    assert county.runs()[-1] == "refused"
    assert county.process.rows("SELECT 1 FROM work WHERE kind = 'recompute_budgets'")
