"""The price pages over many rows: how many statements they take, how much they show, what they refuse."""

import dataclasses
import gc
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select, text

from core.budget_settings import Budgets
from core.errors import Message
from models.service import Service
from services.budgets.recompute import recompute_now
from services.prices.values import TO_BE_SEEN
from tests.factories.price import make_price
from tests.factories.provider import make_contract, make_provider
from tests.factories.service import make_service
from tests.factories.worker import make_worker
from tests.support.price_rows import NOW, Importing, row, use
from tests.support.queries import recording


@pytest.fixture
def provider(session):
    provider = make_provider(session, services=[make_service(session, code="NEPSY", name_fi="nepsy-valmennus")])
    make_contract(session, provider, number="S-1", rule={"kind": "percent", "percent": "3"})
    return provider


def counted(session, browser, path):
    """The page and how many statements it took."""
    with recording(session) as statements:
        page = browser.get(path)
    assert page.status == 200, page.text
    return page, len(statements)


def _own_provider(session, number):
    service = make_service(session, code=f"S-{number}")
    provider = make_provider(session, services=[service], name=f"Tuottaja {number} Oy (keksitty)")
    bring = Importing(session, provider)
    bring(row(service.code, "10", "2"), source=f"lahde-{number}")
    bring(row(service.code, "90", "2"), source=f"lahde-{number}")


def test_the_overview_takes_as_many_statements_however_much_waits(session, sign_in):
    browser = sign_in("price_manager")
    _own_provider(session, 1)
    _, few = counted(session, browser, "/prices")
    for number in range(2, 9):
        _own_provider(session, number)
    page, many = counted(session, browser, "/prices")
    assert many == few
    assert len(page.all("//h2[contains(., 'that wait')]/following::table[1]/tbody/tr")) == 8


def test_a_list_takes_as_many_statements_however_long_it_is(session, provider, sign_in):
    browser = sign_in("auditor")
    short = Importing(session, provider)(row("NEPSY", "60", "2"), source="lyhyt")
    browser.get("/prices")
    _, few = counted(session, browser, f"/prices/lists/{short.price_list_id}")
    rows = [_row(number) for number in range(1, 2_001)]
    held = Importing(session, provider)(*rows, source="pitka", settings={"max_rejected": Decimal(0)}, doubt=TO_BE_SEEN)
    assert held.outcome == "held"
    gc.collect()
    page, many = counted(session, browser, f"/prices/lists/{held.price_list_id}?page=20")
    assert "Page 20 of 21" in page.text
    assert len(page.all("//tbody/tr")) == 100
    assert many == few
    applied = Importing(session, provider)(*rows, source="pitka-2")
    page, many = counted(session, browser, f"/prices/lists/{applied.price_list_id}?page=20&only=added")
    assert "Page 20 of 20" in page.text
    assert many == few


def test_every_line_is_on_one_page_and_changes_come_first(session, provider, sign_in):
    bring = Importing(session, provider)
    bring(*(_row(number) for number in range(1, 251)))
    lines = [dataclasses.replace(_row(number), amount=Decimal("70.70")) for number in range(1, 131)]
    held = bring(*lines, *(_row(number) for number in range(1001, 1200)), doubt=TO_BE_SEEN)
    browser = sign_in("price_manager")
    seen, kinds = [], []
    for number in (1, 2, 3, 4, 5):
        page = browser.get(f"/prices/lists/{held.price_list_id}?page={number}")
        for line in page.all("//table[caption[contains(., 'Changes of prices')]]/tbody/tr"):
            kinds.append(line[0].text_content())
            seen.append(line[2].text_content())
    assert kinds == ["changed"] * 130 + ["new"] * 199 + ["ended"] * 120
    assert len(set(seen)) == len(seen) == 449
    only = browser.get(f"/prices/lists/{held.price_list_id}?page=2&only=ended")
    assert len(only.all("//table[caption[contains(., 'Changes of prices')]]/tbody/tr")) == 20


def test_a_plan_that_waits_since_an_earlier_version_is_shown_whole_and_can_be_applied(session, provider, sign_in):
    held = Importing(session, provider)(row("NEPSY", "60", "2"), doubt=TO_BE_SEEN)
    path = f"/prices/lists/{held.price_list_id}"
    session.execute(
        text("UPDATE price_list SET plan = plan - 'lines' - 'fingerprint' WHERE id = :id"), {"id": held.price_list_id}
    )
    browser = sign_in("price_manager")
    page = browser.get(path)
    assert "€60.00" in page.text
    assert "Applied." in browser.submit(page, f"{path}/approve").text


def _row(number: int):
    return row("NEPSY", "70.00", str(number), unit="HUR", minimum_quantity=Decimal(number))


def test_what_a_list_does_to_budgets_is_shown_before_and_after(session, provider, sign_in):
    bring = Importing(session, provider)
    bring(row("NEPSY", "100", "2"))
    service = session.scalars(type_select()).one()
    decision, _item = use(session, service, provider)
    recompute_now(session, [decision.id], cause="first", now=NOW, settings=Budgets())
    held = bring(row("NEPSY", "140", "2", first=date(2026, 12, 1)))
    number = session.scalars(text("SELECT number FROM client_case")).one()
    own = make_worker(session, external_id="W-1", language="en")
    session.execute(text("UPDATE client_case SET responsible_worker_id = :id"), {"id": own.id})
    make_worker(session, external_id="W-2", language="en")
    everybody = {
        sign_in("price_manager"): False,
        sign_in("price_manager", "worker", worker="W-1"): True,
        sign_in("price_manager", "worker", worker="W-2"): False,
        sign_in("operator", "auditor"): False,
        sign_in("price_manager", everything=True): True,
    }
    for browser, sees in everybody.items():
        page, _ = counted(session, browser, f"/prices/lists/{held.price_list_id}")
        assert "What it does to budgets" in page.text
        assert "1 budget changes" in page.text
        (line,) = page.all("//table[caption[contains(., 'Budgets that change')]]/tbody/tr")
        cells = [one.text_content().strip() for one in line]
        assert cells[:2] == ([number, decision.number] if sees else ["not yours to see", "–"])
        assert cells[2] != cells[3]
        assert (number in page.answer.text) is sees


def type_select():
    """The one service."""
    return select(Service).where(Service.code == "NEPSY")  # type: ignore[arg-type]


@pytest.mark.parametrize("path", ["/prices/lists/99999999999999999999", "/prices/lists/0", "/prices/upload/x"])
def test_numbers_that_are_none_lead_nowhere(sign_in, path):
    assert sign_in("price_manager").get(path).status == 404


def test_what_cannot_be_printed_is_a_sentence(session, provider, sign_in):
    browser = sign_in("price_manager")
    held = Importing(session, provider)(row("NEPSY", "60", "2"), doubt=Message("seis"))
    number = held.price_list_id
    for action in ("approve", "discard"):
        page = browser.get(f"/prices/lists/{number}")
        page = browser.submit(page, f"/prices/lists/{number}/{action}", {"note": "a\0b"})
        assert page.status == 422
        assert "cannot be printed" in page.text
    page = browser.submit(browser.get("/prices/columns"), "/prices/columns", {"provider": "\0", "title": "\0"})
    assert page.status == 422
    form = browser.get("/prices/upload").form("/prices/upload")
    page = browser.post("/prices/upload", {**form, "provider": "\0"}, files={"file": ("a.csv", b"a;b\n")})
    assert page.status == 422
    page = browser.post("/prices/upload", {**form, "provider": "1234567-1"}, files={"file": ("a\0.csv", b"a;b\n")})
    assert "There is no active provider 1234567-1." in page.text


def test_prices_that_end_are_told(session, provider, sign_in):
    service = session.scalars(type_select()).one()
    make_price(session, service, provider, "60.00", last=date(2026, 12, 31))
    page, _ = counted(session, sign_in("operator"), "/prices")
    assert "Prices that end soon" in page.text
    assert not page.all("//a[@href='/prices/upload']")
