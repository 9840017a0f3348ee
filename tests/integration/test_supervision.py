"""What `avain worker import` refuses and warns of, what `avain doctor` says of workers and supervisors; absences in workers.toml."""

import json
from datetime import UTC, date, datetime

import pytest
from typer.testing import CliRunner

from cli import reference
from core.errors import InputError
from core.settings import settings
from services.access import absences
from services.health import Ground
from services.health.findings import some
from services.health.people import responsible_workers
from services.reference_data import import_workers
from services.reference_data.supervision import circles, everybody
from tests.factories.worker import make_unit, make_worker

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


@pytest.fixture
def bring(session, tmp_path):
    """`bring(toml)`: it is imported."""

    def import_it(content: str):
        path = tmp_path / "workers.toml"
        path.write_text(content, "utf-8")
        return import_workers(session, path, NOW, "cli:test")

    return import_it


def worker(id_, unit=None, **more):
    lines = [f'id = "{id_}"', f'name = "{id_}"', *([f'unit = "{unit}"'] if unit else [])]
    return "\n".join(("[[worker]]", *lines, *(f"{name} = {json.dumps(value)}" for name, value in more.items()), ""))


def unit(code, supervisor):
    return f'[[unit]]\ncode = "{code}"\nname = "{code}"\nsupervisor = "{supervisor}"\n'


@pytest.mark.parametrize(
    ("above", "found"),
    [
        ({}, []),
        ({"A": None, "B": "A"}, []),
        ({"A": "A"}, []),
        ({"A": "B", "B": "A"}, [["A", "B"]]),
        ({"Z": "B", "C": "A", "A": "B", "B": "C"}, [["A", "B", "C"]]),
        ({"A": "B", "B": "A", "C": "D", "D": "C", "E": "A", "F": "F", "G": "unknown"}, [["A", "B"], ["C", "D"]]),
    ],
)
def test_circles(above, found):
    assert circles(above) == found


def test_a_circle_of_supervisors_is_warned_of(bring):
    told = bring(unit("A", "W-1") + unit("B", "W-2") + worker("W-1", "B") + worker("W-2", "A", active=False))
    assert [one.text("en") for one in told.warnings] == [
        "The supervisors of these units stand in a circle: A → B → A. What nobody there does anything about comes to no one.",
        "The supervisor of the unit B, W-2, is not active.",
    ]
    assert bring(worker("W-1") + worker("W-2", "A")).warnings == []


@pytest.mark.parametrize(
    "address",
    [
        "a@b.invalid\nBcc: x@y.invalid",
        "a@b.invalid, c@d.invalid",
        "a@b.invalid;c@d.invalid",
        "A <a@b.invalid>",
        "a\u00a0@b.invalid",
        "a",
    ],
)
def test_what_is_not_one_address_is_refused(bring, address):
    for content in (
        worker("W-1", email=address),
        f'[[unit]]\ncode = "A"\nname = "A"\ncontact_email = {json.dumps(address)}\n',
    ):
        with pytest.raises(InputError, match="is not one e-mail address"):
            bring(content)


def test_an_unknown_language_is_refused(bring):
    with pytest.raises(InputError, match="'de' is not allowed"):
        bring(worker("W-1", language="de"))


ABSENCE = '[[absence]]\nworker = "W-1"\nfirst = 2026-12-01\nlast = 2026-12-12\n'


def test_absences_are_entered_once(session, bring):
    content = worker("W-1") + worker("W-2") + ABSENCE + 'deputy = "W-2"\n'
    assert bring(content).added == 3
    assert bring(content).to_json() == {"added": 0, "changed": 0, "unchanged": 3}
    (found,) = absences.ahead(session, NOW.date())
    assert (found.worker, found.deputy, found.first) == ("W-1", "W-2", date(2026, 12, 1))
    absences.come_back(session, "W-1", today=NOW.date(), now=NOW, actor="worker:W-1")
    bring(content)
    assert absences.ahead(session, NOW.date()) == [], "what was ended here stays ended"


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (ABSENCE.replace("12-12", "11-30"), "last: is before the first day"),
        (ABSENCE.replace("W-1", "W-9"), "There is no worker W-9"),
        (ABSENCE + 'deputy = "W-1"\n', "Nobody stands in for themselves"),
        (ABSENCE + 'deputy = "W-3"\n', "is not active"),
        (ABSENCE + ABSENCE.replace("12-01", "12-05"), "already"),
        (ABSENCE + 'reason = "flu"\n', "unknown key"),
    ],
)
def test_an_absence_that_makes_no_sense_refuses_the_file(bring, entry, said):
    with pytest.raises(InputError, match=said):
        bring(worker("W-1") + worker("W-3", active=False) + entry)


def test_what_is_amiss_with_workers(session):
    one, two = (
        make_worker(session, external_id="W-1", email=None),
        make_worker(session, external_id="W-2", language="de"),
    )
    make_worker(session, external_id="W-3", email="a@b.invalid, c@d.invalid")
    make_worker(session, external_id="W-4", email=None, active=False)
    one.unit_id = make_unit(session, code="A", supervisor_id=two.id).id
    session.flush()
    two.unit_id = make_unit(session, code="B", supervisor_id=one.id).id
    session.flush()
    found = everybody(session)
    assert found.circles == [["A", "B"]]
    assert found.unaddressed == ["W-1", "W-3"]
    assert found.languages == [("W-2", "de")]


def test_on_the_command_line(here, tmp_path, monkeypatch):
    path = tmp_path / "workers.toml"
    path.write_text(
        unit("A", "W-1") + unit("B", "W-2") + worker("W-1", "B", email="a@b.invalid") + worker("W-2", "A"), "utf-8"
    )
    said = CliRunner().invoke(reference.worker_app, ["import", str(path)])
    assert said.exit_code == 0
    assert "stand in a circle: A → B → A" in said.stderr
    told = json.loads(CliRunner().invoke(reference.worker_app, ["import", str(path), "--json", "--dry-run"]).stdout)
    assert len(told["warnings"]) == 1
    lines = responsible_workers(Ground(settings()))
    assert [one.state for one in lines] == ["warning", "warning"]
    assert str(lines[1].found).endswith("written to: W-2")
    here.rows("UPDATE worker SET unit_id = NULL, email = 'a@b.invalid' RETURNING 1")
    assert [one.state for one in responsible_workers(Ground(settings()))] == ["ok"]
    assert str(some([str(number) for number in range(7)], 5)) == "0, 1, 2, 3, 4 … (7 in all)"
    assert here.rows("SELECT count(*) FROM worker")[0][0] == 2
