"""Who a client is, where that is sealed: freely for the responsible worker and the deputy, with a reason for others, each time recorded."""

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from console.app import create_app
from core import keys
from core.clock import business_now, local_date
from core.identity import client_row
from core.settings import Privacy
from models.base import days
from models.case import Client
from models.worker import Absence
from tests.factories.base import added
from tests.factories.case import make_case
from tests.factories.worker import make_worker
from tests.support.browsing import Opener, settings_for

NAME, NUMBER = "Aino Keksitty", "131052-9074"
SEALED = {
    "privacy": Privacy(identity="sealed"),
    "seal_keys": SecretStr("k1:" + "A" * 43 + "="),
    "index_key": SecretStr("B" * 43 + "="),
}


def settings(**over):
    return settings_for().model_copy(update={**SEALED, **over})


@pytest.fixture
def worker(session):
    return make_worker(session, external_id="ME", language="en")


@pytest.fixture
def case(session, worker):
    """A case of a client whose name and henkilötunnus are sealed."""
    made = make_case(session, responsible_worker_id=worker.id)
    client = session.get_one(Client, made.client_id)
    place = {"table": "client", "row": client_row(client.source, client.external_id), "column": "sealed_identity"}
    sealer = keys.sealer(settings())
    assert sealer is not None
    client.sealed_identity = sealer.seal({"name": NAME, "henkilotunnus": NUMBER}, **place)
    session.flush()
    return made


@pytest.fixture
def signed_in(app, session):
    """`signed_in("worker", worker="ME", seal_keys=…)`: a browser at an installation that seals identity."""
    opened = []

    def sign_in(*roles, worker=None, everything=False, **over):
        sealed = create_app(
            settings(**over), transaction=app.state.console.transaction, redis_url=lambda: "redis://127.0.0.1:1/0"
        )
        opener = Opener(sealed, session)
        opened.append(opener)
        return opener.sign_in(*roles, worker=worker, everything=everything)

    yield sign_in
    for opener in opened:
        opener.__exit__(None, None, None)


def address(case):
    return f"/cases/{case.number}"


def views(session):
    rows = session.execute(
        text("SELECT actor, reason, details FROM audit_event WHERE action = 'case.identity_viewed' ORDER BY id")
    )
    return [tuple(row) for row in rows]


def test_the_responsible_worker_reads_the_name_and_that_is_recorded(session, case, signed_in):
    browser = signed_in("worker", worker="ME")
    page = browser.get(address(case))
    assert NAME in page.text
    assert NUMBER not in page.answer.text
    assert NAME not in page.all("//title")[0].text
    assert views(session) == [("worker:ME", "", {"part": "name", "how": "own"})]
    # the number behind a click of its own
    page = browser.submit(page, address(case) + "/identity")
    assert NUMBER in page.text
    assert page.answer.headers["cache-control"] == "no-store"
    assert views(session)[1:] == [("worker:ME", "", {"part": "henkilotunnus", "how": "own"})]
    assert NAME not in str(session.execute(text("SELECT array_agg(audit_event) FROM audit_event")).scalar())


def test_so_does_a_deputy_while_standing_in(session, case, worker, signed_in):
    deputy = make_worker(session, external_id="DEPUTY", language="en")
    today = local_date(business_now(session))
    added(session, Absence(worker_id=worker.id, deputy_id=deputy.id, period=days(today, today), actor="test"))
    assert NAME in signed_in("worker", worker="DEPUTY").get(address(case)).text
    assert views(session) == [("worker:DEPUTY", "", {"part": "name", "how": "deputy"})]


@pytest.mark.parametrize("how", ["co_worker", "supervisor", "everything"])
def test_others_say_why_and_see_it_once(session, case, signed_in, how):
    other = make_worker(session, external_id="OTHER", language="en")
    if how != "everything":
        setattr(case, f"{how}_id", other.id)
    session.flush()
    browser = signed_in(
        "supervisor" if how == "supervisor" else "worker", worker="OTHER", everything=how == "everything"
    )
    page = browser.get(address(case))
    assert NAME not in page.answer.text
    assert views(session) == []
    refused = browser.submit(page, address(case) + "/identity", {"reason": "  "})
    assert refused.status == 422
    assert "Say why you need to know; it is recorded." in refused.text
    assert NAME not in refused.answer.text
    assert views(session) == []
    shown = browser.submit(page, address(case) + "/identity", {"reason": "Asiakas soitti, 131052-9074"})
    assert NAME in shown.text
    assert shown.all("//title")[0].text == f"{case.number} – Avain"
    ((actor, reason, details),) = views(session)
    assert (actor, details) == ("worker:OTHER", {"part": "name", "how": how})
    assert reason.startswith("Asiakas soitti, ")
    assert NUMBER not in reason
    # once: the page of the case does not tell it
    assert NAME not in browser.get(address(case)).answer.text
    number = browser.submit(page, address(case) + "/identity", {"reason": "Soitto", "part": "henkilotunnus"})
    assert NUMBER in number.text


@pytest.mark.parametrize(
    ("reason", "why"),
    [("x" * 501, "in at most 500 characters"), ("a\x00b", "Reason: that holds characters that cannot be printed.")],
)
def test_a_reason_that_cannot_be_kept_is_said_and_stays_typed(session, case, signed_in, reason, why):
    case.co_worker_id = make_worker(session, external_id="OTHER", language="en").id
    session.flush()
    browser = signed_in("worker", worker="OTHER")
    page = browser.submit(browser.get(address(case)), address(case) + "/identity", {"reason": reason})
    assert page.status == 422
    assert why in page.text
    assert NAME not in page.answer.text


def test_a_supervisor_of_another_unit_is_told_nothing(session, case, signed_in):
    make_worker(session, external_id="STRANGER", language="en")
    browser = signed_in("supervisor", worker="STRANGER")
    csrf = browser.get("/").form("/logout")["csrf"]
    assert browser.post(address(case) + "/identity", {"csrf": csrf, "reason": "x"}).status == 404
    assert views(session) == []


def test_where_nothing_is_kept_nothing_is_said_of_it(session, case, sign_in):
    browser = sign_in("worker", worker="ME")
    page = browser.get(address(case))
    assert page.status == 200
    assert "Client" not in [one.text for one in page.all("//h2")]
    assert [one for one in page.tree.forms if one.action.endswith("/identity")] == []
    refused = browser.post(address(case) + "/identity", {"csrf": page.form("/logout")["csrf"]})
    assert refused.status == 422
    assert "This installation keeps nothing of who clients are." in refused.text
    assert "This installation keeps nothing of who clients are." not in browser.get(address(case)).text
    assert views(session) == []


def test_a_client_without_a_name_is_said_to_have_none(session, case, signed_in):
    session.execute(text("UPDATE client SET sealed_identity = NULL"))
    browser = signed_in("worker", worker="ME")
    page = browser.get(address(case))
    assert "The client information system has not told the client's name." in page.text
    assert "The client information system has not told it." in browser.submit(page, address(case) + "/identity").text


@pytest.mark.parametrize(
    "over",
    [
        {"seal_keys": SecretStr("k2:" + "C" * 43 + "=")},
        {"seal_keys": SecretStr("k1:" + "D" * 43 + "=")},
        {"seal_keys": SecretStr("nonsense")},
        {"index_key": SecretStr("short")},
        {"seal_keys": None},
    ],
)
def test_without_the_key_there_is_a_sentence_and_the_rest_of_the_page(session, case, signed_in, over):
    browser = signed_in("worker", worker="ME", **over)
    page = browser.get(address(case))
    assert page.status == 200
    assert NAME not in page.answer.text
    assert page.all("//section[h2[@id='who']]//p[@class='problem']")[0].text
    assert "nonsense" not in page.text
    refused = browser.post(address(case) + "/identity", {"csrf": page.form("/logout")["csrf"], "part": "henkilotunnus"})
    assert refused.status == 422
    assert views(session) == []


def test_a_seal_from_another_row_is_not_opened(session, case, signed_in):
    session.execute(text("UPDATE client SET external_id = 'moved'"))
    page = signed_in("worker", worker="ME").get(address(case))
    assert "Who the client is cannot be opened here" in page.text
    assert "moved" not in page.all("//section[h2[@id='who']]")[0].text_content()


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_it_is_asked_and_shown_in_the_readers_language(session, case, signed_in, language):
    browser = signed_in("worker", worker="ME")
    page = browser.get(f"{address(case)}?lang={language}")
    shown = browser.submit(page, address(case) + "/identity")
    assert (shown.status, shown.tree.get("lang")) == (200, language)
