"""Workers in the console: to look at, with absences and what is missing."""

from datetime import date, timedelta

import pytest

from core.clock import business_today
from models.base import days
from models.worker import Absence
from services.access.people import OPERATOR
from tests.factories.worker import make_unit, make_worker
from tests.support.queries import recording


@pytest.fixture
def anna(session):
    return make_worker(session, external_id="W-1", name="Anna Away", unit_id=make_unit(session, code="U-1").id)


def away(session, worker, first: date, last: date, deputy=None):
    absence = Absence(worker_id=worker.id, deputy_id=deputy and deputy.id, period=days(first, last), actor="test")
    session.add(absence)
    session.flush()
    return absence


def test_workers_with_absences_and_what_is_missing(session, sign_in, anna):
    today = business_today(session)
    bertta = make_worker(session, external_id="W-2", name="Bertta Sijainen")
    make_worker(session, external_id="W-3", name="Cecilia Ilman", email=None)
    make_worker(session, external_id="W-4", name="Daavid Entinen", email=None, active=False)
    refused = make_worker(session, external_id="W-5", name="Eino Torjuttu")
    refused.refused_email = refused.email
    away(session, anna, today, today + timedelta(days=3), bertta)
    away(session, anna, today + timedelta(days=30), today + timedelta(days=31))
    away(session, bertta, today - timedelta(days=9), today - timedelta(days=1))
    page = sign_in(OPERATOR).get("/workers")
    rows = {row[0].text.strip(): row.text_content() for row in page.all("//tbody/tr")}
    assert "deputy: Bertta Sijainen" in rows["Anna Away"]
    assert "nobody stands in" in rows["Anna Away"]
    assert "U-1" in rows["Anna Away"]
    assert "deputy" not in rows["Bertta Sijainen"]
    assert "no e-mail" in rows["Cecilia Ilman"]
    assert "no e-mail" not in rows["Daavid Entinen"]
    assert "not in use" in rows["Daavid Entinen"]
    assert [name for name, row in rows.items() if "refused by the mail server" in row] == ["Eino Torjuttu"]
    assert page.all("//main//a[@href='/absences']")


def test_a_list_asks_as_much_for_many_as_for_one(session, sign_in, anna):
    operator = sign_in(OPERATOR)
    with recording(session) as few:
        operator.get("/workers")
    for number in range(5):
        away(session, make_worker(session, external_id=f"X-{number}"), date(2099, 1, 1), date(2099, 1, 2), anna)
    with recording(session) as many:
        operator.get("/workers")
    assert len(many) == len(few)


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_it_is_rendered_in_three_languages(sign_in, anna, language):
    page = sign_in(OPERATOR).get(f"/workers?lang={language}")
    assert page.status == 200
    assert page.all(f'/html[@lang="{language}"]')


def test_nobody_there(sign_in):
    assert "There are no workers yet." in sign_in(OPERATOR).get("/workers").text
