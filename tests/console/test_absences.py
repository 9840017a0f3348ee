"""Absences in the console: own, the unit's, anybody's; entered, refused, ended; the history stays."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import text

from core.clock import business_today
from models.base import days
from models.worker import Absence
from services.access.people import OPERATOR, SUPERVISOR, WORKER
from tests.factories.worker import make_unit, make_worker
from tests.support.queries import recording

PAGE = "/absences"


@pytest.fixture
def office(session):
    """Anna and Bertta of one unit, their supervisor, and Cecilia of another unit."""
    chief = make_worker(session, external_id="W-9", language="en", name="Esa Esihenkilö")
    unit = make_unit(session, code="U-1", supervisor_id=chief.id)
    anna = make_worker(session, external_id="W-1", language="en", name="Anna Away", unit_id=unit.id)
    bertta = make_worker(session, external_id="W-2", language="en", name="Bertta Sijainen", unit_id=unit.id)
    cecilia = make_worker(session, external_id="W-3", language="en", name="Cecilia Muualla")
    return SimpleNamespace(
        chief=chief, anna=anna, bertta=bertta, cecilia=cecilia, session=session, today=business_today(session)
    )


def away(office, worker, first=-1, last=3, deputy=None, *, source=None):
    period = days(office.today + timedelta(days=first), office.today + timedelta(days=last))
    absence = Absence(worker_id=worker.id, deputy_id=deputy and deputy.id, period=period, actor="test", source=source)
    office.session.add(absence)
    office.session.flush()
    return absence


def kept(office):
    return [
        tuple(row)
        for row in office.session.execute(
            text(
                """
                SELECT worker.external_id, deputy.external_id, lower(period), upper(period) - 1, cancelled_at IS NOT NULL, actor
                FROM absence JOIN worker ON worker.id = worker_id LEFT JOIN worker AS deputy ON deputy.id = deputy_id
                ORDER BY absence.id"""
            )
        )
    ]


def entered(office, browser, first=1, last=5, **fields):
    typed = {
        name: day if isinstance(day, str) else str(office.today + timedelta(days=day))
        for name, day in (("first", first), ("last", last))
    }
    return browser.submit(browser.get(PAGE), PAGE, {**typed, **fields})


def test_a_worker_enters_their_own_with_a_deputy_and_ends_it(office, sign_in):
    anna = sign_in(WORKER, worker="W-1")
    page = entered(office, anna, first=0, deputy="bertta sijainen")
    assert "W-2 stands in" in page.text
    today = office.today
    assert kept(office) == [("W-1", "W-2", today, today + timedelta(days=5), False, "worker:W-1")]
    (action,) = [form.get("action") for form in page.all("//main//form") if form.get("action").endswith("/end")]
    assert "is back" in anna.submit(page, action).text
    assert kept(office)[0][4], "the row stays, as history"
    assert "called off" in anna.get(f"{PAGE}?which=earlier").text
    actions = office.session.execute(
        text("SELECT action, actor FROM audit_event WHERE action LIKE 'worker.%' ORDER BY id")
    )
    assert actions.all() == [("worker.away", "worker:W-1"), ("worker.back", "worker:W-1")]


def test_a_worker_cannot_say_that_somebody_else_is_away(office, sign_in):
    anna = sign_in(WORKER, worker="W-1")
    entered(office, anna, worker="W-2")
    assert [row[0] for row in kept(office)] == ["W-1"], "it is always their own"
    other = away(office, office.bertta)
    assert anna.post(f"{PAGE}/{other.id}/end", anna.get(PAGE).form(PAGE)).status == 404


def test_a_supervisor_enters_and_ends_those_of_the_unit_only(office, sign_in):
    chief = sign_in(SUPERVISOR, worker="W-9")
    assert entered(office, chief, worker="W-1", deputy="W-2").status == 200
    refused = entered(office, chief, worker="W-3")
    assert refused.status == 422
    assert "no worker W-3 whose absences" in refused.text
    others = away(office, office.cecilia)
    page = chief.get(PAGE)
    assert "Anna Away" in page.text
    assert "Cecilia Muualla" not in page.text
    assert chief.post(f"{PAGE}/{others.id}/end", page.form(PAGE)).status == 404


def test_an_operator_enters_anybodys(office, sign_in):
    operator = sign_in(OPERATOR)
    assert entered(office, operator, worker="W-3").status == 200
    assert "Cecilia Muualla" in operator.get(PAGE).text
    assert "Say who is away" in entered(office, operator).text


def test_an_operator_makes_nobody_s_cases_their_own(office, sign_in):
    """A deputy sees all cases of who is away, and reads names without a reason: not by one's own word."""
    both = sign_in(OPERATOR, WORKER, worker="W-1")
    refused = entered(office, both, worker="W-3", deputy="W-1")
    assert refused.status == 422
    assert "cannot make yourself the deputy of W-3" in refused.text
    assert entered(office, both, worker="Cecilia Muualla", deputy="anna away").status == 422
    assert kept(office) == []
    assert entered(office, both, worker="W-3", deputy="W-2").status == 200
    chief = sign_in(SUPERVISOR, WORKER, worker="W-9")
    assert entered(office, chief, worker="W-1", deputy="W-9").status == 200, "the cases of their unit are theirs to see"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"first": ""}, "The day is missing."),
        ({"last": "31.2.2026"}, "there is no such day"),
        ({"first": 5, "last": 1}, "is before the first"),
        ({"deputy": "W-1"}, "Nobody stands in for themselves"),
        ({"deputy": "W-77"}, "There is no worker W-77"),
        ({"deputy": "W-5"}, "is not active and cannot stand in"),
        ({"deputy": "Kaksi Samaa"}, "Several workers are called Kaksi Samaa"),
        ({"deputy": "W\u200b2"}, "cannot be printed"),
        ({"first": 40, "last": 50}, "already; first end that absence"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_typed_is_lost(office, sign_in, typed, said):
    make_worker(office.session, external_id="W-5", active=False)
    for number in (6, 7):
        make_worker(office.session, external_id=f"W-{number}", name="Kaksi Samaa")
    away(office, office.anna, 45, 60)
    anna = sign_in(WORKER, worker="W-1")
    page = entered(office, anna, **{"deputy": "W-2", **typed})
    assert page.status == 422
    assert said in page.text
    assert len(kept(office)) == 1
    assert page.form(PAGE)["deputy"] == typed.get("deputy", "W-2")


def test_a_deputy_who_is_away_on_all_those_days_is_told(office, sign_in):
    away(office, office.bertta, 0, 2)
    away(office, office.bertta, 3, 9)
    anna = sign_in(WORKER, worker="W-1")
    page = entered(office, anna, deputy="W-2")
    assert "away on all of those days as well" in page.text
    assert len(kept(office)) == 3, "it is entered all the same"
    assert "W-2 stands in" in entered(office, anna, 8, 12, deputy="W-2").text


def test_what_a_source_tells_is_ended_there(office, sign_in):
    told = away(office, office.anna, source="poissaolot")
    anna = sign_in(WORKER, worker="W-1")
    page = anna.get(PAGE)
    assert "ended at its source" in page.text
    assert "it must be ended there" in anna.post(f"{PAGE}/{told.id}/end", page.form(PAGE)).text
    assert not kept(office)[0][4]


def test_the_deputy_sees_for_whom_they_stand_in_and_ends_nothing(office, sign_in):
    absence = away(office, office.anna, deputy=office.cecilia)
    cecilia = sign_in(WORKER, worker="W-3")
    page = cecilia.get(PAGE)
    assert "you stand in" in page.text
    assert cecilia.post(f"{PAGE}/{absence.id}/end", page.form(PAGE)).status == 404


def test_what_was_ended_meanwhile_is_said(office, sign_in):
    absence = away(office, office.anna, -5, -2)
    anna = sign_in(WORKER, worker="W-1")
    assert "over already" in anna.post(f"{PAGE}/{absence.id}/end", anna.get(PAGE).form(PAGE)).text


def test_somebody_whom_no_worker_is_known_to_be_sees_nothing(office, sign_in):
    away(office, office.anna)
    page = sign_in(WORKER).get(PAGE)
    assert "Anna Away" not in page.text
    assert "Enter an absence" not in page.text


def test_long_lists_go_on_and_ask_no_more(office, sign_in):
    operator = sign_in(OPERATOR)
    with recording(office.session) as few:
        operator.get(PAGE)
    for number in range(53):
        worker = make_worker(office.session, external_id=f"X-{number:02}", name=f"Xenia {number:02}")
        away(office, worker, first=number % 3)
        away(office, worker, first=-20 - number % 3, last=-10)
    with recording(office.session) as many:
        page = operator.get(PAGE)
    assert len(many) == len(few)
    for which in ("", "earlier"):
        page = operator.get(f"{PAGE}?which={which}")
        (on,) = page.all("//a[@rel='next']")
        names = [*page.all("//tbody/tr/th"), *operator.get(on.get("href")).all("//tbody/tr/th")]
        assert len({one.text_content() for one in names}) == len(names) == 53


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_it_is_rendered_in_three_languages(office, sign_in, language):
    away(office, office.anna, deputy=office.bertta)
    assert sign_in(SUPERVISOR, worker="W-9").get(f"{PAGE}?lang={language}").status == 200
