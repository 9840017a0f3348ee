"""Providers in the console: listed, shown, edited by the rules of the import; two at once; what hangs on them; no secrets."""

from datetime import date, timedelta

import pytest
from sqlalchemy import text

from services.access.people import AUDITOR, PRICE_MANAGER
from tests.factories.case import make_choice, make_decision, make_plan_item
from tests.factories.price import make_price
from tests.factories.provider import make_contract, make_provider, make_provider_service
from tests.factories.service import make_service
from tests.support.queries import recording

NEW = {
    "business_id": "9999996-8", "name": "Esimerkki Oy", "email": "tilaukset@esimerkki.invalid", "active": "on",
    "language": "sv", "channel": "email", "endpoint_scheme": "0216", "country": "FI",
    "facts.areas": "Espoo, Vantaa", "facts.languages": "fi, sv", "facts.home_visits": "yes", "facts.earliest_start_days": "14",
    "contract.0.number": "S-1", "contract.0.first": "1.1.2026", "contract.0.last": "2027-12-31", "contract.0.kind": "percent",
    "contract.0.percent": "3,5", "contract.0.from": "1.1.2027",
    "service.0.service": "NEPSY", "service.0.vat_category": "E", "service.0.vat_rate": "0", "service.0.vat_basis": "Soteri",
}  # fmt: skip


@pytest.fixture
def manager(sign_in):
    return sign_in(PRICE_MANAGER)


@pytest.fixture
def nepsy(session):
    return make_service(session, code="NEPSY")


def stored(session, business_id="9999996-8"):
    return session.execute(
        text("SELECT * FROM provider WHERE business_id = :id"), {"id": business_id}
    ).mappings().one()  # fmt: skip


def changes(session, action):
    return session.execute(
        text("SELECT details -> 'changes' FROM audit_event WHERE action = :action ORDER BY id DESC LIMIT 1"),
        {"action": action},
    ).scalar_one()


def test_a_provider_is_added_and_shown(session, manager, nepsy):
    page = manager.submit(manager.get("/providers/new"), "/providers/new", NEW)
    assert page.status == 200
    assert "Esimerkki Oy was saved." in page.text
    assert "contract S-1: at most 3.5 per cent a year" in page.text
    row = stored(session)
    assert (row["endpoint_id"], row["language"], row["channel"]) == ("003799999968", "sv", "email")
    assert row["facts"] == {
        "areas": ["Espoo", "Vantaa"],
        "languages": ["fi", "sv"],
        "home_visits": True,
        "earliest_start_days": 14,
    }
    contract = session.execute(
        text("SELECT number, lower(valid) AS first, upper(valid) AS until, price_rule FROM contract")
    ).one()
    assert (contract.first, contract.until) == (date(2026, 1, 1), date(2028, 1, 1))
    assert contract.price_rule == {"kind": "percent", "percent": "3.5", "from": "2027-01-01"}
    assert changes(session, "provider.added")["contract.S-1.number"] == [None, "S-1"]


def test_the_form_shows_what_is_kept_and_saving_it_changes_nothing(session, manager, nepsy):
    manager.submit(manager.get("/providers/new"), "/providers/new", NEW)
    page = manager.get("/providers/9999996-8/edit")
    form = page.form("/providers/9999996-8/edit")
    assert (form["name"], form["contract.0.percent"], form["contract.0.first"]) == ("Esimerkki Oy", "3.5", "2026-01-01")
    assert form["facts.areas"] == "Espoo, Vantaa"
    after = manager.submit(page, "/providers/9999996-8/edit")
    assert "Nothing was changed." in after.text
    assert session.execute(text("SELECT count(*) FROM audit_event WHERE action = 'provider.changed'")).scalar() == 0


def test_another_contract_and_service_come_by_the_empty_sub_form(session, manager, nepsy):
    make_service(session, code="TUKI")
    manager.submit(manager.get("/providers/new"), "/providers/new", NEW)
    page = manager.submit(
        manager.get("/providers/9999996-8/edit"),
        "/providers/9999996-8/edit",
        {
            "contract.1.number": "S-2", "contract.1.first": "2028-01-01", "contract.1.last": "2028-12-31", "contract.1.kind": "fixed",
            "contract.1.until": "2028-06-30", "service.1.service": "TUKI", "service.1.vat_category": "S", "service.1.vat_rate": "25,5",
        },
    )  # fmt: skip
    assert page.status == 200
    assert [row[0] for row in session.execute(text("SELECT number FROM contract ORDER BY number"))] == ["S-1", "S-2"]
    assert "25.5" in page.text
    told = changes(session, "provider.changed")
    assert told["service.TUKI.vat_rate"] == [None, "0.255"]
    assert not any(path.startswith("contract.S-1") for path in told)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("business_id", "9999996-7", "is not a business id (1234567-1) with a right check digit"),
        ("business_id", "", "Business id: is missing"),
        ("name", "", "Name: is missing"),
        ("email", "a@b.invalid, c@d.invalid", "E-mail for orders: is not one e-mail address"),
        ("email", "", "E-mail for orders: is needed, because orders go out by e-mail"),
        ("country", "Suomi", "Country: is a code of two capital letters, such as FI"),
        ("endpoint_id", "12-3", "E-invoicing address: is 12 to 17 digits"),
        ("channel", "pigeon", "Orders by: is not one of the choices"),
        ("language", "de", "Language: is not one of the choices"),
        ("endpoint_scheme", "0037", "is not one of the choices"),
        ("facts.languages", "suomi", "Languages of the service: are codes of two or three letters"),
        ("facts.earliest_start", "huomenna", "Earliest start, as a day: that is not a day"),
        ("facts.earliest_start", "1.1.2027", "say one of them only"),
        ("facts.earliest_start_days", "pian", "that is not a number"),
        ("facts.earliest_start_days", "-1", "Earliest start, in days from the choice: must be at least 0"),
        ("facts.earliest_start_days", "1,5", "Earliest start, in days from the choice: must be a whole number"),
        ("contract.0.number", "", "Number of the contract: is missing"),
        ("contract.0.first", "32.1.2026", "First day: there is no such day"),
        ("contract.0.first", "", "First day: must be a day"),
        ("contract.0.last", "31.12.2025", "Last day: is before the first day"),
        ("contract.0.last", "31.12.9999", "Last day: must be at most 2999-12-31"),
        ("contract.0.kind", "whim", "Prices may rise: is not one of the choices"),
        ("contract.0.percent", "paljon", "At most, per cent a year: that is not a number"),
        ("contract.0.percent", "", "At most, per cent a year: is missing"),
        ("contract.0.percent", "101", "At most, per cent a year: must be at most 100"),
        ("contract.0.from", "", "Not before: is missing"),
        ("service.0.service", "NOBODY", "There is no service NOBODY."),
        ("service.0.service", "pieni", "Service: is a code of at most 40 capital letters"),
        ("service.0.vat_category", "X", "VAT category: is not one of the choices"),
        ("service.0.vat_rate", "100", "VAT, per cent: must be at least 0 and less than 100"),
        ("service.0.vat_rate", "1,00001", "VAT, per cent: may have at most 4 decimals"),
        ("service.0.vat_rate", "24", "VAT, per cent: is 0 for an exempt service (E)"),
        ("service.0.vat_category", "S", "VAT, per cent: is needed for the standard category (S)"),
        ("service.0.vat_basis", "", "What the exemption rests on: is needed for an exemption"),
    ],
)
def test_a_bad_value_has_its_sentence_beside_the_field(session, manager, nepsy, field, value, said):  # noqa: PLR0917 - fixtures
    page = manager.submit(manager.get("/providers/new"), "/providers/new", {**NEW, field: value})
    assert page.status == 422
    assert said in page.text
    wrong = page.all('//*[@aria-invalid="true"]')
    assert wrong
    for one in wrong:
        described = one.get("aria-describedby").split()[-1]
        assert page.all(f'//*[@id="{described}"]')[0].text_content()
    kept = page.form("/providers/new")
    sent = {**NEW, field: value}
    offered = {one.get("name") for one in page.all("//select")}
    assert {name: kept.get(name) for name in sent if name not in offered} == {
        name: words for name, words in sent.items() if name not in offered
    }
    assert session.execute(text("SELECT count(*) FROM provider")).scalar() == 0


def test_everything_that_is_wrong_is_said_at_once_and_no_day_is_lost(manager, nepsy):
    typed = {"business_id": "1", "contract.0.first": "kk", "contract.0.last": "1.1.2028"}
    page = manager.submit(manager.get("/providers/new"), "/providers/new", {**NEW, **typed})
    assert [one.get("name") for one in page.all('//*[@aria-invalid="true"]')] == ["business_id", "contract.0.first"]
    assert page.form("/providers/new")["contract.0.last"] == "1.1.2028"


def test_the_form_is_written_as_the_reader_writes(session, manager, nepsy):
    manager.submit(manager.get("/providers/new"), "/providers/new", NEW)
    page = manager.get("/providers/9999996-8/edit?lang=fi")
    form = page.form("/providers/9999996-8/edit")
    assert (form["contract.0.first"], form["contract.0.percent"]) == ("1.1.2026", "3,5")
    manager.submit(page, "/providers/9999996-8/edit")
    assert session.execute(text("SELECT count(*) FROM audit_event WHERE action = 'provider.changed'")).scalar() == 0


def test_what_occurs_twice_is_said(session, manager, nepsy):
    twice = {name.replace(".0.", ".1."): value for name, value in NEW.items() if name.startswith("service.0")}
    page = manager.submit(manager.get("/providers/new"), "/providers/new", {**NEW, **twice})
    assert page.status == 422
    assert "service NEPSY occurs twice in service" in page.text


def test_a_business_id_is_taken_once(session, manager, nepsy):
    make_provider(session, business_id="9999996-8", name="Ennen Oy")
    page = manager.submit(manager.get("/providers/new"), "/providers/new", NEW)
    assert page.status == 422
    assert "There is a provider of this business id already: Ennen Oy." in page.text


def test_two_people_at_once_both_are_shown(session, manager, sign_in, nepsy):
    manager.submit(manager.get("/providers/new"), "/providers/new", NEW)
    other = sign_in(PRICE_MANAGER, subject="other")
    mine, theirs = manager.get("/providers/9999996-8/edit"), other.get("/providers/9999996-8/edit")
    other.submit(theirs, "/providers/9999996-8/edit", {"name": "Toinen Oy", "contract.0.last": "2028-01-31"})
    page = manager.submit(mine, "/providers/9999996-8/edit", {"email": "minun@esimerkki.invalid"})
    assert page.status == 409
    assert "Somebody has changed this while you were editing" in page.text
    cells = [[cell.text_content() for cell in row] for row in page.all('//section[@role="alert"]//tbody/tr')]
    assert ["Name", "Toinen Oy", "Esimerkki Oy"] in cells
    assert ["Contract S-1: Last day", "2028-01-31", "2027-12-31"] in cells
    assert stored(session)["name"] == "Toinen Oy"
    assert page.form("/providers/9999996-8/edit")["email"] == "minun@esimerkki.invalid"
    after = manager.submit(page, "/providers/9999996-8/edit", {"name": "Toinen Oy"})
    assert after.status == 200
    assert (stored(session)["name"], stored(session)["email"]) == ("Toinen Oy", "minun@esimerkki.invalid")


def make_used(session, nepsy):
    provider = make_provider(session, services=[nepsy], business_id="9999996-8", name="Käytetty Oy")
    item = make_plan_item(session, make_decision(session), nepsy, last=date(2099, 1, 1))
    make_choice(session, item, provider)
    make_price(session, nepsy, provider)
    return provider


@pytest.mark.parametrize(
    "without", [{"active": ""}, {"service.0.remove": "on"}], ids=["out of use", "service taken away"]
)
def test_what_hangs_on_it_is_said_and_asked(session, manager, nepsy, without):
    make_used(session, nepsy)
    page = manager.get("/providers/9999996-8/edit")
    fields = {**page.form("/providers/9999996-8/edit"), **without}
    if without == {"active": ""}:
        del fields["active"]
    asked = manager.post("/providers/9999996-8/edit", fields)
    assert asked.status == 422
    assert "NEPSY: chosen for 1 planned services, 0 live orders, 1 prices in force or to come" in asked.text
    assert stored(session)["active"]
    done = manager.submit(asked, "/providers/9999996-8/edit", {"sure": "on"})
    assert done.status == 200
    assert session.execute(text("SELECT count(*) FROM price")).scalar() == 1
    assert session.execute(text("SELECT count(*) FROM choice WHERE ended_at IS NULL")).scalar() == 1
    assert (stored(session)["active"], session.execute(text("SELECT count(*) FROM provider_service")).scalar()) in {
        (False, 1), (True, 0),
    }  # fmt: skip


def test_a_contract_that_orders_cite_stays(session, manager, nepsy):
    provider = make_used(session, nepsy)
    contract = make_contract(session, provider, number="S-9")
    decision = session.execute(text("SELECT id FROM decision")).scalar_one()
    session.execute(
        text(
            "INSERT INTO purchase_order (number, decision_id, provider_id, contract_id, period, issue_date, state, channel, client_reference,"
            " total_net, total_vat, total_gross, document, document_sha256, chosen_by, approved_by, approved_at, approval_reason)"
            " VALUES ('T-2026-000001', :decision, :provider, :contract, '[2026-11-23,2027-02-23)', '2026-11-20', 'closed', 'email', 'x',"
            " 0, 0, 0, '', '', 'worker', 'x', clock_timestamp(), '')"
        ),
        {"decision": decision, "provider": provider.id, "contract": contract.id},
    )
    page = manager.submit(
        manager.get("/providers/9999996-8/edit"), "/providers/9999996-8/edit", {"contract.0.remove": "on"}
    )
    assert page.status == 422
    assert "Orders cite the contract S-9 (1), so it stays under this number." in page.text
    assert session.execute(text("SELECT number FROM contract")).scalar() == "S-9"


def test_a_contract_nobody_cites_is_taken_away(session, manager, nepsy):
    manager.submit(manager.get("/providers/new"), "/providers/new", NEW)
    page = manager.submit(
        manager.get("/providers/9999996-8/edit"), "/providers/9999996-8/edit", {"contract.0.remove": "on"}
    )
    assert "no contract" in page.text
    assert changes(session, "provider.changed")["contract.S-1.number"] == ["S-1", None]


def test_the_list_says_contract_lists_and_what_is_missing(session, manager, nepsy, business_day):
    today = business_day
    for name, first, last in (
        ("Voimassa Oy", today - timedelta(days=9), today + timedelta(days=400)),
        ("Loppuva Oy", today - timedelta(days=9), today + timedelta(days=10)),
        ("Tuleva Oy", today + timedelta(days=9), today + timedelta(days=99)),
        ("Loppunut Oy", today - timedelta(days=99), today - timedelta(days=9)),
    ):
        make_contract(session, make_provider(session, name=name), first=first, last=last)
    priced = make_provider(session, name="Hinnoiteltu Oy", active=False)
    make_provider_service(session, priced, nepsy)
    make_price(session, nepsy, priced)
    page = manager.get("/providers")
    rows = {row[0].xpath("./a")[0].text: row.text_content() for row in page.all("//tbody/tr")}
    assert "valid until" in rows["Voimassa Oy"]
    assert "valid until" in rows["Loppuva Oy"]
    assert "begins on" in rows["Tuleva Oy"]
    assert "ended on" in rows["Loppunut Oy"]
    assert "no contract" in rows["Hinnoiteltu Oy"]
    assert "not in use" in rows["Hinnoiteltu Oy"]
    assert "hinnasto-" in rows["Hinnoiteltu Oy"]


def test_a_year_that_is_missing_is_said_from_november_on(session, nepsy):
    from services.reference_data.overview import without_next_year

    tuki = make_service(session, code="TUKI")
    provider = make_provider(session, services=[nepsy, tuki], business_id="9999996-8")
    for service in (nepsy, tuki):
        make_price(session, service, provider, first=date(2026, 1, 1), last=date(2026, 12, 31))
    assert without_next_year(session, date(2026, 11, 1)) == {}, "no contract goes on"
    make_contract(session, provider, last=date(2027, 12, 31))
    assert without_next_year(session, date(2026, 11, 1)) == {"9999996-8": ["NEPSY", "TUKI"]}
    assert without_next_year(session, date(2026, 11, 1), provider.id + 1) == {}
    assert without_next_year(session, date(2026, 10, 31)) == {}
    make_price(session, make_service(session), provider, first=date(2026, 1, 1))
    assert without_next_year(session, date(2026, 11, 1), provider.id) == {"9999996-8": ["NEPSY", "TUKI"]}


@pytest.fixture
def business_day(session):
    from core.clock import business_now, local_date

    return local_date(business_now(session))


def test_a_list_asks_as_much_for_many_as_for_one(session, manager, nepsy):
    make_used(session, nepsy)
    with recording(session) as few:
        manager.get("/providers")
        manager.get("/providers/9999996-8")
        manager.get("/providers/9999996-8/edit")
    for _number in range(10):
        other = make_provider(session, services=[nepsy])
        make_contract(session, other)
        make_price(session, nepsy, other)
    with recording(session) as many:
        manager.get("/providers")
        manager.get("/providers/9999996-8")
        manager.get("/providers/9999996-8/edit")
    assert len(many) == len(few)


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_pages_are_rendered_in_three_languages(session, manager, nepsy, language):
    make_contract(session, make_used(session, nepsy))
    for path in ("/providers", "/providers/new", "/providers/9999996-8", "/providers/9999996-8/edit"):
        page = manager.get(f"{path}?lang={language}")
        assert page.status == 200
        assert page.all(f'/html[@lang="{language}"]')


def test_who_only_looks_is_offered_no_change(session, sign_in, nepsy):
    make_used(session, nepsy)
    looking = sign_in(AUDITOR)
    assert not looking.get("/providers").all('//a[@href="/providers/new"]')
    assert not looking.get("/providers/9999996-8").all('//a[contains(@href, "/edit")]')


def test_what_is_not_there_is_not_found(manager):
    assert manager.get("/providers/1234567-1").status == 404
    assert manager.get("/providers/1234567-1/edit").status == 404
    assert manager.get("/providers/%00").status == 404


def test_control_characters_are_left_out(session, manager, nepsy):
    manager.submit(manager.get("/providers/new"), "/providers/new", {**NEW, "name": "Esi\0merkki\x1b Oy"})
    assert stored(session)["name"] == "Esimerkki Oy"
