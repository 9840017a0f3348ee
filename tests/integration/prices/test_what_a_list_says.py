"""What a list may say beside prices: extras, removals, that it is partial, its contract, its provider."""

from datetime import date
from decimal import Decimal

import pytest

from connectors.prices.row import PriceDocument, Removal
from core.source_settings import PriceListSource
from services import prices
from tests.factories.provider import make_contract, make_provider
from tests.support.price_rows import TODAY, in_force, reasons, row, use


def test_what_names_no_service_comes_beside_every_service_of_the_list(session, bring):
    bring(
        row("NEPSY-VALMENNUS", "95", "2"),
        row("TUKIHENKILO", "49", "3", unit="HUR"),
        row("", "0.60", "4", unit="KMT", extra="travel"),
        row("", "30", "5", extra="no_show"),
        row("TUKIHENKILO", "25", "6", extra="no_show"),
    )
    assert [(one[0], one[1], one[2], one[5]) for one in in_force(session) if one[2]] == [
        ("NEPSY-VALMENNUS", "C62", "no_show", 30),
        ("NEPSY-VALMENNUS", "KMT", "travel", Decimal("0.6")),
        ("TUKIHENKILO", "C62", "no_show", 25),
        ("TUKIHENKILO", "KMT", "travel", Decimal("0.6")),
    ]


def test_what_comes_beside_nothing_is_rejected(bring):
    result = bring(row("", "0.60", "4", unit="KMT", extra="travel"))
    assert (result.outcome, result.counts["rejected"]) == ("refused", 1)


def test_what_comes_beside_must_fit_every_service(session, bring):
    result = bring(
        row("NEPSY-VALMENNUS", "95", "2"), row("", "1", "3", unit="KMT", extra="travel", vat_rate=Decimal("0.255"))
    )
    assert (result.outcome, result.counts["rejected"], len(in_force(session))) == ("partly", 1, 1)


def test_a_removal_ends_a_service_or_one_unit_of_it_today(session, bring):
    bring(
        row("NEPSY-VALMENNUS", "95", "2"),
        row("NEPSY-VALMENNUS", "80", "3", unit="HUR"),
        row("TUKIHENKILO", "49", "4", unit="HUR"),
    )
    result = bring(complete=False, removals=[Removal("nepsy-valmennus", "2", "HUR")])
    assert (result.outcome, result.counts["ended"]) == ("succeeded", 1)
    assert [(one[0], one[1], one[4]) for one in in_force(session)] == [
        ("NEPSY-VALMENNUS", "C62", None),
        ("NEPSY-VALMENNUS", "HUR", TODAY),
        ("TUKIHENKILO", "HUR", None),
    ]
    bring(complete=False, removals=[Removal("NEPSY-VALMENNUS", "2")])
    assert [one[4] for one in in_force(session)] == [TODAY, TODAY, None]


def test_a_removal_of_what_is_in_use_waits_and_one_of_nobody_is_rejected(session, bring, nepsy, provider):
    bring(row("NEPSY-VALMENNUS", "95", "2"))
    use(session, nepsy, provider)
    result = bring(complete=False, removals=[Removal("NEPSY-VALMENNUS", "2"), Removal("MUU", "3")])
    assert (result.outcome, result.counts["rejected"], result.counts["missing"]) == ("held", 1, 1)
    assert "the list ends it" in reasons(result)


def test_what_a_partial_list_does_not_name_stays(session, bring):
    bring(row("NEPSY-VALMENNUS", "95", "2"), row("TUKIHENKILO", "49", "3", unit="HUR"))
    bring(row("NEPSY-VALMENNUS", "90", "2", first=date(2026, 12, 1)), complete=False)
    assert [(one[0], one[4], one[5]) for one in in_force(session)] == [
        ("NEPSY-VALMENNUS", date(2026, 12, 1), 95),
        ("NEPSY-VALMENNUS", None, 90),
        ("TUKIHENKILO", None, 49),
    ]


def test_a_contract_the_provider_does_not_have_holds_the_list(bring):
    result = bring(row("NEPSY-VALMENNUS", "95", "2"), contract="S-999")
    assert result.outcome == "held"
    assert "contract S-999, which this provider does not have" in reasons(result)
    assert bring(row("NEPSY-VALMENNUS", "95", "2"), contract=" s-1 ").outcome == "succeeded"


def test_the_contract_a_list_refers_to_judges_its_rises(session, bring, provider):
    make_contract(session, provider, number="S-2", rule={"kind": "free"})
    bring(row("NEPSY-VALMENNUS", "95", "2"))
    risen = row("NEPSY-VALMENNUS", "110", "2", first=date(2026, 12, 1))
    assert "contract S-1 does not allow it" in reasons(bring(risen, contract="S-1"))
    assert bring(risen, contract="S-2").outcome == "succeeded"


@pytest.mark.parametrize("written", ["{}", "FI{}", "0037{}"])
def test_a_list_of_another_provider_is_refused(session, bring, provider, written):
    other = make_provider(session).business_id.replace("-", "")
    result = bring(row("NEPSY-VALMENNUS", "95", "2"), business_id=written.format(other))
    assert result.outcome == "refused"
    assert "another provider" in str(result.message)
    mine = written.format(provider.business_id.replace("-", ""))
    assert bring(row("NEPSY-VALMENNUS", "95", "2"), business_id=mine).outcome == "succeeded"


def test_a_providers_list_is_no_list_of_own_unit_costs(session, provider):
    document = PriceDocument("x.csv", "0" * 64, [row("X", "1", "2")], [], business_id=provider.business_id)
    own = PriceListSource(kind="own", path="unused")
    prepared = prices.prepare(session, "own", own, document, TODAY)
    assert "own unit costs" in str(prepared.refusal)


def test_a_row_without_a_first_day_and_a_later_one_of_the_same_price_are_both_left_out(session, bring):
    result = bring(
        row("NEPSY-VALMENNUS", "95", "2", first=None),
        row("NEPSY-VALMENNUS", "97", "3", first=date(2027, 1, 1)),
        row("TUKIHENKILO", "49", "4", unit="HUR"),
    )
    assert result.counts["rejected"] == 2
    assert [one[0] for one in in_force(session)] == ["TUKIHENKILO"]
