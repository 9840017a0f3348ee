"""Comparing without a case: the form, what it says of every wrong value, the alternatives, the annex."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import text

from tests.factories.price import make_price
from tests.factories.provider import make_provider
from tests.support.market import Market
from tests.support.pdf import words
from tests.support.queries import recording

ASKED = "/compare?baseline=PERHETYO-T&quantity=12&unit=C62&months=3"


@pytest.fixture(autouse=True)
def _a_day_in_november(monkeypatch):
    """Business time: 16 November 2026."""
    monkeypatch.setattr("console.visit.business_now", lambda _session: datetime(2026, 11, 16, 4, 0, tzinfo=UTC))


@pytest.fixture
def market(session) -> Market:
    return Market(session)


def test_the_form_asks_for_services_that_can_be_replaced(session, market, sign_in):
    page = sign_in("price_manager").get("/compare")
    assert page.status == 200
    options = page.all("//select[@name='baseline']/option/@value")
    assert "PERHETYO-T" in options
    assert "ADHD-T" not in options
    assert page.all("//table") == []
    assert page.all("//nav//a[@aria-current]/@href") == ["/compare"]


def test_alternatives_stand_cheapest_first_with_all_that_is_known(session, market, sign_in):
    page = sign_in("worker").get(ASKED)
    assert page.status == 200
    rows = page.all("//table/tbody/tr")
    names = [row.xpath("string(th)").split("\n")[1].strip() for row in rows]
    assert names[:2] == ["Yksi Oy (keksitty)ADHD-valmennus", "Kaksi Oy (keksitty)ADHD-valmennus"]
    for said in (
        "2026-11-16–2027-02-15",
        "perhetyö, 12 visits",
        "€1,074.00; with the tolerance of 5 % €1,127.70",
        "12 × €88.00/visit",
        "€1,056.00",
        "home visits",
        "cheapest",
        "€18.00 left",
        "within the tolerance",
        "€42.00 over",
        "2027-12-31",
        "until further notice",
        "sha256",
    ):
        assert said in page.text
    assert rows[0].get("class") == "best"
    assert page.all("//form[@method='post'][contains(@action, 'choose')]") == []


def test_the_address_says_all_and_the_form_holds_it(session, market, sign_in):
    page = sign_in("worker").get("/compare?baseline=perhetyo-t&quantity=7,5&unit=hur&months=6")
    assert page.status == 200
    assert page.form("/compare") == {"baseline": "PERHETYO-T", "quantity": "7,5", "unit": "HUR", "months": "6"}


@pytest.mark.parametrize(
    ("query", "field", "said"),
    [
        ("quantity=12", "baseline", "Choose the service that would be replaced."),
        ("baseline=NONE&quantity=12", "baseline", "There is no such service to replace."),
        ("baseline=PERHETYO-T", "quantity", "Say how much of it, for example 12."),
        ("baseline=PERHETYO-T&quantity=plenty", "quantity", "Quantity: that is not a number."),
        ("baseline=PERHETYO-T&quantity=0", "quantity", "more than nothing and less than can be true"),
        ("baseline=PERHETYO-T&quantity=-3", "quantity", "more than nothing"),
        ("baseline=PERHETYO-T&quantity=100000000", "quantity", "less than can be true"),
        ("baseline=PERHETYO-T&quantity=1,00001", "quantity", "at most 4 decimals"),
        ("baseline=PERHETYO-T&quantity=12&unit=XYZ", "unit", "not a unit that is known"),
        ("baseline=PERHETYO-T&quantity=12&months=0", "months", "from 1 to 120"),
        ("baseline=PERHETYO-T&quantity=12&months=121", "months", "from 1 to 120"),
        ("baseline=PERHETYO-T&quantity=12&months=three", "months", "from 1 to 120"),
        ("baseline=PERHETYO-T&quantity=12&months=٣", "months", "from 1 to 120"),
    ],
)
@pytest.mark.usefixtures("market")
def test_every_wrong_value_is_told_beside_its_field(sign_in, query, field, said):
    browser = sign_in("worker")
    for path in ("/compare", "/compare.pdf"):
        page = browser.get(f"{path}?{query}")
        assert page.status == 422
        (marked,) = page.all("//*[@aria-invalid='true']")
        assert marked.get("name") == field
        assert said in page.tree.get_element_by_id(marked.get("aria-describedby")).text_content()


def test_every_wrong_value_at_once(session, market, sign_in):
    page = sign_in("worker").get("/compare?baseline=&quantity=x&unit=no&months=no")
    assert len(page.all("//*[@aria-invalid='true']")) == 4
    assert page.form("/compare")["quantity"] == "x"
    assert page.form("/compare")["months"] == "no"


def test_without_an_own_unit_cost_the_reason_is_told(session, market, sign_in):
    page = sign_in("worker").get("/compare?baseline=PERHETYO-T&quantity=12&unit=KMT")
    assert page.status == 200
    assert "so there is nothing to compare with" in page.text


def test_of_many_alternatives_the_first_are_shown_until_all_are_asked_for(session, market, sign_in):
    for number in range(30):
        make_price(session, market.coaching, make_provider(session), f"{95 + number}.00")
    browser = sign_in("worker")
    page = browser.get(ASKED)
    assert len(page.all("//table/tbody/tr")) == 10
    (link,) = page.all("//a[contains(., 'Show all')]")
    assert link.text_content() == "Show all: 23 more"
    everything = browser.get(link.get("href"))
    assert len(everything.all("//table/tbody/tr")) == 33
    assert "Show all" not in everything.text


def test_nothing_to_choose_from_is_said(session, sign_in):
    page = sign_in("worker").get("/compare")
    assert "The price manager keeps it." in page.text


def test_no_price_at_all_is_said(session, market, sign_in):
    session.execute(text("UPDATE provider SET active = false"))
    assert "No provider's price is known" in sign_in("worker").get(ASKED).text


@pytest.mark.parametrize(
    ("language", "said"), [("fi", "perhetyö"), ("sv", "familjearbete"), ("en", "perhetyö"), ("xx", "perhetyö")]
)
def test_the_annex_is_made_in_the_language_asked_for(session, market, sign_in, language, said):
    answer = sign_in("worker").client.get(f"{ASKED.replace('/compare', '/compare.pdf')}&language={language}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    assert answer.headers["content-disposition"].startswith("inline; filename*=UTF-8''")
    assert said in words(answer.content)


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_the_page_is_read_in_three_languages(session, market, sign_in, language):
    page = sign_in("worker").get(f"{ASKED}&lang={language}")
    assert page.status == 200
    assert page.all("/html/@lang") == [language]


@pytest.mark.parametrize("role", ["operator", "auditor"])
def test_it_is_for_those_who_compare(session, sign_in, role):
    assert sign_in(role).get("/compare").status == 403
    assert sign_in(role).get("/compare.pdf").status == 403


def test_statements_do_not_grow_with_what_is_offered(session, market, sign_in):
    browser = sign_in("worker")
    with recording(session) as few:
        browser.get(ASKED)
    for _ in range(30):
        make_price(session, market.coaching, make_provider(session), "95.00")
    with recording(session) as many:
        browser.get(f"{ASKED}&show=all")
    assert len(few) == len(many) <= 12


def test_dates_count_from_the_business_day(session, market, sign_in):
    assert f"{date(2026, 11, 16).isoformat()}–" in sign_in("worker").get(ASKED).text
