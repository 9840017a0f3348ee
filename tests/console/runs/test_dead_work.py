"""The page of given-up work: groups, one group, and what a person does about them; and who may."""

import pytest
from sqlalchemy import text

from core.errors import Message
from models.audit import AuditEvent
from services.work.poison import record_poison
from tests.support.console_runs import acts, gave_up
from tests.support.queries import recording

AWAY = "The server {host} is away."


def died(session, count=3, kind="sync_cases"):
    """So many works of a source that were given up for one reason, with other values."""
    for number in range(count):
        gave_up(session, kind, f"s{number}", Message(AWAY, host=f"h{number}"))


def group_path(page):
    return page.all("//main//tbody//th/a/@href")[0]


def left(session):
    return session.execute(
        text("SELECT count(*) FROM work WHERE dead_at IS NOT NULL AND acknowledged IS NULL")
    ).scalar()


def test_equal_failures_are_one_line(session, operator):
    died(session, 12)
    page = operator.get("/dead-work")
    (row,) = page.all("//main//tbody/tr")
    words = " ".join(row.text_content().split())
    assert words.startswith("12 synchronising cases The server … is away. The server h11 is away.")
    assert len(row.xpath(".//a[starts-with(@href, '/runs/')]")) == 3
    assert acts(session) == ["dead_work.listed"]
    group = operator.get(group_path(page))
    assert group.status == 200
    assert len(group.all("//main//tbody/tr")) == 12
    assert acts(session)[-1] == "dead_work.viewed"


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_it_is_read_in_three_languages(session, operator, language):
    died(session)
    page = operator.get(f"/dead-work?lang={language}")
    said = {"fi": "Lopullisesti epäonnistuneet tehtävät", "sv": "Slutgiltigt misslyckade jobb", "en": "Given-up work"}
    assert page.all("//h1")[0].text_content() == said[language]
    assert operator.get(group_path(page)).status == 200


def test_a_constant_number_of_statements(session, operator):
    def count():
        with recording(session) as statements:
            page = operator.get("/dead-work")
        with recording(session) as more:
            operator.get(group_path(page))
        return len(statements), len(more)

    died(session, 1)
    once = count()
    died(session, 0)
    for number in range(30):
        gave_up(session, "sync_cases", f"t{number}", Message(AWAY, host="x") if number % 2 else Message(f"m{number}"))
    assert count() == once


def test_a_long_group_is_paged(session, operator):
    died(session, 53)
    path = group_path(operator.get("/dead-work"))
    page = operator.get(path)
    assert len(page.all("//main//tbody/tr")) == 50
    (further,) = page.all("//a[@rel='next']/@href")
    assert len(operator.get(further).all("//main//tbody/tr")) == 3


def test_a_group_is_tried_again(session, operator):
    died(session)
    path = group_path(operator.get("/dead-work"))
    page = operator.submit(operator.get(path), f"{path}/retry")
    assert "Due again, with all its attempts: 3. The last of it is tried in about 1 min." in page.text
    assert "Nothing is given up." in page.text
    event = session.query(AuditEvent).filter_by(action="dead_work.retried").one()
    assert (event.subject, event.details) == (f"dead_work:{path.rpartition('/')[2]}", {"count": 3})
    assert operator.get(path).status == 404


def test_a_group_is_let_rest_with_a_reason(session, operator):
    died(session)
    path = group_path(operator.get("/dead-work"))
    page = operator.get(path)
    refused = operator.submit(page, f"{path}/discard", {"note": " "})
    assert refused.status == 422
    assert refused.all("//textarea[@aria-invalid='true']")
    assert left(session) == 3
    done = operator.submit(page, f"{path}/discard", {"note": "the server was moved"})
    assert "Given-up work that was let rest: 3" in done.text
    assert session.execute(text("SELECT DISTINCT acknowledged FROM work")).scalars().all() == ["the server was moved"]
    assert session.query(AuditEvent).filter_by(action="dead_work.discarded").one().reason == "the server was moved"


def test_all_of_it_as_it_was_shown(session, operator):
    died(session)
    gave_up(session, "fetch_prices", "p")
    record_poison(session, "abc", "body", size=3)
    shown = operator.get("/dead-work")
    gave_up(session, "sync_cases", "later")
    page = operator.submit(shown, "/dead-work/retry")
    assert "Due again, with all its attempts: 4." in page.text
    assert left(session) == 2, "what failed meanwhile, and the message nobody can read"
    again = operator.submit(shown, "/dead-work/discard", {"note": "why"})
    assert again.status == 422
    assert "It is not as it was shown any more." in again.text
    assert left(session) == 2
    operator.submit(again, "/dead-work/discard", {"note": "why"})
    assert left(session) == 0


def test_a_form_that_was_tampered_with_does_nothing(session, operator):
    died(session)
    path = group_path(operator.get("/dead-work"))
    for at in ("/dead-work", path):
        for what in ("retry", "discard"):
            csrf = operator.get("/").form("/logout")
            assert operator.post(f"{at}/{what}", {**csrf, "shown": "1/x/2", "note": "why"}).status == 422
    assert left(session) == 3


def test_a_price_manager_acts_on_prices_alone(session, sign_in):
    died(session)
    gave_up(session, "fetch_prices", "p")
    manager = sign_in("price_manager")
    page = manager.get("/dead-work")
    assert len(page.all("//main//tbody/tr")) == 2
    cases, prices = page.all("//main//tbody//th/a/@href")
    assert manager.get(cases).all("//main//form") == []
    csrf = manager.get("/").form("/logout")
    assert manager.post(f"{cases}/retry", {**csrf, "shown": ""}).status == 403
    assert len(manager.get(prices).all("//main//form")) == 2
    manager.submit(page, "/dead-work/discard", {"note": "why"})
    assert left(session) == 3


def test_an_auditor_only_looks(session, sign_in):
    died(session)
    auditor = sign_in("auditor")
    page = auditor.get("/dead-work")
    assert page.all("//main//form") == []
    assert auditor.get(group_path(page)).all("//main//form") == []
