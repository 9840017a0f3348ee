"""Peppol catalogues from bytes to prices in force, on the real database."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import text

from connectors.prices.row import Reading
from connectors.prices.ubl_catalogue import read_catalogue
from core.source_settings import PriceListSource
from services import prices
from services.prices.listing import list_prices
from tests.factories.price import make_run
from tests.factories.provider import make_contract, make_provider
from tests.factories.service import make_service
from tests.support.catalogues import catalogue, group, line, price, territory, value, vat

NOW = datetime(2026, 11, 16, 4, 0, tzinfo=UTC)


@pytest.fixture
def bring(session):
    """Import a catalogue with these lines from a provider of ADHD-VALMENNUS and NEPSY; gives the outcome."""
    services = [
        make_service(session, code="ADHD-VALMENNUS", name_fi="ADHD-valmennus", unit="HUR"),
        make_service(session, code="NEPSY", name_fi="nepsy-valmennus", unit="C62"),
    ]
    provider = make_provider(session, services=services, business_id="0123456-2")
    make_contract(session, provider, number="HVA-2026-77")
    source = PriceListSource(kind="provider", provider=provider.business_id, path="unused")

    def bring(*lines, **header):
        document = read_catalogue(catalogue(*lines, **header), file_name="hinnasto.xml", reading=Reading())
        run = make_run(session).id
        return prices.import_price_list(session, "valmennus", source, document, run_id=run, now=NOW).outcome

    return bring


def in_force(session, day):
    found = list_prices(session, day)
    return sorted((one["service"], one["amount"], one["territory"], one["position"]) for one in found)


def left_out(session):
    return session.execute(text("SELECT position, field FROM rejected_record ORDER BY position")).all()


def test_prices_of_a_catalogue_hold_on_their_days(session, bring):
    changing = price("60", end="2026-11-30"), price("62", start="2026-12-01"), price("65", more=territory("Espoo"))
    outcome = bring(
        line("adhd-valmennus", *changing, tax=vat()), line("4711", price("95"), name="nepsy-valmennus", unit="C62")
    )
    assert outcome == "succeeded"
    nepsy, espoo = ("NEPSY", 95, "", "2"), ("ADHD-VALMENNUS", 65, "Espoo", "1/3")
    assert in_force(session, date(2026, 11, 30)) == [("ADHD-VALMENNUS", 60, "", "1/1"), espoo, nepsy]
    assert in_force(session, date(2026, 12, 1)) == [("ADHD-VALMENNUS", 62, "", "1/2"), espoo, nepsy]
    assert in_force(session, date(2027, 1, 1)) == []
    assert session.execute(text("SELECT catalogue FROM price_list")).scalar_one() == "HINNASTO-2026"  # orders cite it


def test_two_prices_of_an_item_on_the_same_days_are_both_left_out(session, bring):
    places = territory("Espoo") + territory("Vantaa")
    bring(
        line("ADHD-VALMENNUS", price("60", end="2026-08-31"), price("62", start="2026-08-31")),
        line("NEPSY", price("70", more=places), price("71", more=territory("Vantaa")), unit="C62"),
    )
    overlapping = [("1/1", "valid_from"), ("1/2", "valid_from"), ("2/1.2", "valid_from"), ("2/2", "valid_from")]
    assert left_out(session) == overlapping


def test_an_item_nobody_knows_and_a_line_of_another_seller_are_left_out(session, bring):
    other = group("SellerSupplierParty", group("Party", value("EndpointID", "003712345671", schemeID="0216")))
    bring(line("4711", price(), name="Muu"), line("ADHD-VALMENNUS", price(), more=other))
    assert left_out(session) == [("1", "service"), ("2", "provider")]
