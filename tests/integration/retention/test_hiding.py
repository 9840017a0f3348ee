"""Turvakielto that only one source tells hides a person's cases of the other: what tells it stays as long as they do."""

from dataclasses import dataclass
from datetime import datetime

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.audit_settings import Audit
from core.retention_settings import Retention
from models.case import Case
from services.cases import is_non_disclosure
from services.retention.report import Line, due_cases, report
from tests.factories.case import make_case
from tests.support.aged import THEN, TODAY, sweep

PERSON = b"p" * 32


@dataclass
class Known:
    """The cases of one person at two sources; the first source alone says that nobody may find them."""

    telling: Case
    hidden: Case


def a_case(session: Session, source: str, *, closed: datetime | None, hides: bool) -> Case:
    case = make_case(session, source=source, status="closed" if closed else "open", closed_at=closed)
    session.execute(
        text("UPDATE client SET blind_index = :person, non_disclosure = :hides WHERE id = :id"),
        {"person": PERSON, "hides": hides, "id": case.client_id},
    )
    return case


@pytest.fixture
def known(session: Session) -> Known:
    return Known(
        a_case(session, "lifecare", closed=THEN, hides=True), a_case(session, "effica", closed=None, hides=False)
    )


def families(session: Session) -> Line:
    lines = report(session, Retention(), Audit(), today=TODAY).lines
    return next(one for one in lines if one.name == "family")


def test_what_hides_another_case_stays_and_it_is_said_why(session: Session, known: Known) -> None:
    told = families(session)
    assert (told.due, told.kept) == (0, {"hiding": 1})
    assert sweep(session).classes == {}
    assert is_non_disclosure(session, known.hidden.number)


def test_it_goes_when_the_other_source_says_so_too(session: Session, known: Known) -> None:
    session.execute(text("UPDATE client SET non_disclosure = true"))
    assert due_cases(session, Retention(), today=TODAY, limit=5) == [known.telling.number]
    sweep(session)
    assert is_non_disclosure(session, known.hidden.number)


def test_it_goes_when_the_person_may_be_found_again(session: Session, known: Known) -> None:
    session.execute(text("UPDATE client SET non_disclosure = false"))
    assert families(session).due == 1


def test_another_case_there_goes_on_telling_it(session: Session, known: Known) -> None:
    going_on = make_case(session, source="lifecare")
    session.execute(
        text("UPDATE client_case SET client_id = :client WHERE id = :id"),
        {"client": known.telling.client_id, "id": going_on.id},
    )
    assert families(session).due == 1
    sweep(session)
    assert is_non_disclosure(session, known.hidden.number)


def test_where_all_of_a_person_is_over_its_time_what_is_hidden_goes_first(session: Session, known: Known) -> None:
    session.execute(text("UPDATE client_case SET status = 'closed', closed_at = :then"), {"then": THEN})
    told = families(session)
    assert (told.due, told.kept) == (1, {"hiding": 1})
    for number in (known.hidden.number, known.telling.number):
        assert due_cases(session, Retention(), today=TODAY, limit=5) == [number]
        assert sweep(session).classes == {"family": 1}


def test_nobody_else_is_kept_by_it(session: Session, known: Known) -> None:
    session.execute(
        text("UPDATE client SET blind_index = :other WHERE id = :id"),
        {"other": b"q" * 32, "id": known.hidden.client_id},
    )
    assert families(session).due == 1
    session.execute(text("UPDATE client SET blind_index = NULL"))
    assert families(session).due == 1
