"""Removals, partial lists, contracts, business ids, falls, errors, backdating and rollback, on the real database."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from connectors.prices.row import PriceDocument, PriceRow, Removal
from connectors.rejection import Rejection
from core.errors import InputError, Message, NotFound
from core.settings import Budgets
from core.source_settings import PriceListSource
from models.price import Price
from services import prices
from services.budgets.recompute import recompute_dirty
from services.prices.watching import ending_soon, held_since, missing_years
from tests.factories.case import make_case, make_choice, make_decision, make_plan_item
from tests.factories.order import make_order, make_order_line
from tests.factories.price import make_price, make_price_key, make_run
from tests.factories.provider import make_contract, make_provider
from tests.factories.service import make_service

NOW = datetime(2026, 11, 16, 4, 0, tzinfo=UTC)
TODAY = date(2026, 11, 16)
YEAR = date(2026, 1, 1)


@pytest.fixture
def nepsy(session):
    return make_service(session, code="NEPSY-VALMENNUS", name_fi="nepsy-valmennus")


@pytest.fixture
def support(session):
    return make_service(session, code="TUKIHENKILO", name_fi="ammatillinen tukihenkilö", unit="HUR")


@pytest.fixture
def provider(session, nepsy, support):
    provider = make_provider(session, services=[nepsy, support])
    make_contract(session, provider, number="S-1", rule={"kind": "percent", "percent": "3"})
    return provider


def row(service, amount, position, *, unit="C62", first=YEAR, **over):
    return PriceRow(service, unit, Decimal(amount), position, valid_from=first, **over)


class Importing:
    """Lists of one source, each with a file of its own."""

    def __init__(self, session, provider):
        self.session, self.provider, self.number, self.runs = session, provider, 0, []

    def __call__(self, *rows, now=NOW, source="tukipolku", rejections=(), sha256=None, settings=None, **said):
        self.number += 1
        document = PriceDocument(
            f"lista-{self.number}.csv", sha256 or f"{self.number:064d}", list(rows), list(rejections), **said
        )
        configured = PriceListSource(
            kind="provider", provider=self.provider.business_id, path="unused", **(settings or {})
        )
        run = make_run(self.session)
        self.runs.append(run.id)
        return prices.import_price_list(self.session, source, configured, document, run_id=run.id, now=now)

    @property
    def run(self):
        return self.runs[-1]


@pytest.fixture
def bring(session, provider):
    return Importing(session, provider)


def in_force(session):
    """(service, unit, extra, first, until, amount) of everything in force."""
    rows = session.execute(
        text(
            "SELECT code, price_key.unit, extra, lower(valid) AS first, upper(valid) AS until, trim_scale(amount) AS amount FROM price"
            " JOIN price_key ON price_key.id = price_key_id JOIN service ON service.id = service_id"
            " WHERE superseded_at IS NULL ORDER BY 1, 2, 3, 4"
        )
    )
    return [tuple(one) for one in rows]


def reasons(result):
    return " ".join(one.text("en") for one in result.reasons)


def use(session, service, provider, *, first=date(2026, 11, 1), last=date(2027, 1, 31)):
    """An open plan that chose the provider."""
    decision = make_decision(session, make_case(session), granted_amount=Decimal(1500))
    item = make_plan_item(session, decision, service, first=first, last=last)
    make_choice(session, item, provider)
    return decision, item


# What a list says beside prices


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


def test_a_row_without_a_first_day_and_a_later_one_of_the_same_price_are_both_left_out(session, bring):
    result = bring(
        row("NEPSY-VALMENNUS", "95", "2", first=None),
        row("NEPSY-VALMENNUS", "97", "3", first=date(2027, 1, 1)),
        row("TUKIHENKILO", "49", "4", unit="HUR"),
    )
    assert result.counts["rejected"] == 2
    assert [one[0] for one in in_force(session)] == ["TUKIHENKILO"]


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


# What waits for a person


@pytest.mark.parametrize(
    ("amount", "limit", "waits"), [("76", "0.20", False), ("75.99", "0.20", True), ("40", "1", False)]
)
def test_a_large_fall_waits(bring, amount, limit, waits):
    bring(row("NEPSY-VALMENNUS", "95", "2"))
    fallen = row("NEPSY-VALMENNUS", amount, "2", first=date(2026, 12, 1))
    result = bring(fallen, settings={"alert_fall": limit})
    assert result.outcome == ("held" if waits else "succeeded")
    assert ("would fall 20 per cent" in reasons(result)) is waits


def test_many_errors_hold_the_list_and_few_do_not(session, bring, provider):
    def bad(count):
        return [
            Rejection(str(number), "price", None, Message("The price is missing.")) for number in range(10, 10 + count)
        ]

    assert bring(row("NEPSY-VALMENNUS", "95", "2"), rejections=bad(3)).outcome == "partly"
    more = row("NEPSY-VALMENNUS", "94", "2", first=date(2026, 12, 1))
    result = bring(more, rejections=bad(4))
    assert result.outcome == "held"
    assert "4 of 5 rows were rejected; more than the agreed share of 10 per cent" in reasons(result)
    assert bring(more, rejections=bad(4), settings={"max_rejected": "0.8"}).outcome == "partly"


@pytest.mark.parametrize("allowed", [False, True])
def test_back_dated_prices_wait_unless_the_source_allows_them(session, bring, allowed):
    bring(row("NEPSY-VALMENNUS", "95", "2"))
    settings = {"allow_backdating": allowed}
    result = bring(row("NEPSY-VALMENNUS", "90", "2", first=date(2026, 11, 1)), settings=settings)
    assert result.outcome == ("succeeded" if allowed else "held")
    if not allowed:
        assert "past days, from 2026-11-01" in reasons(result)


def test_a_price_taken_from_past_days_waits_too(bring):
    bring(row("NEPSY-VALMENNUS", "95", "2"))
    result = bring(row("NEPSY-VALMENNUS", "95", "2", valid_to=date(2026, 10, 31)))
    assert "past days, from 2026-11-01" in reasons(result)


def test_past_days_without_a_price_may_get_one(session, bring):
    assert bring(row("NEPSY-VALMENNUS", "95", "2", first=date(2026, 10, 1))).outcome == "succeeded"
    assert bring(row("NEPSY-VALMENNUS", "95", "2", first=date(2026, 9, 1))).outcome == "succeeded"
    assert [one[3:] for one in in_force(session)] == [(date(2026, 9, 1), None, 95)]


def test_what_a_held_list_would_do_to_budgets_is_kept_with_it(session, bring, provider, nepsy):
    bring(row("NEPSY-VALMENNUS", "95", "2"))
    decision, _ = use(session, nepsy, provider)
    order = make_order(session, make_decision(session, make_case(session)), provider)
    price = session.get(Price, session.execute(text("SELECT id FROM price WHERE superseded_at IS NULL")).scalar_one())
    make_order_line(session, order, make_plan_item(session, decision, nepsy), price, "95")
    recompute_dirty(session, now=NOW, settings=Budgets())
    before = session.execute(text("SELECT count(*) FROM budget_version")).scalar_one()
    risen = row("NEPSY-VALMENNUS", "190", "2", first=date(2026, 12, 1))
    result = bring(risen)
    (waiting,) = held_since(session)
    assert (waiting.price_list_id, waiting.source, waiting.run_id) == (result.price_list_id, "tukipolku", bring.run)
    effect = waiting.effect or {}
    assert (effect["budgets"], effect["orders"], effect["over"]) == (1, 1, 1)
    assert Decimal(effect["planned_before"]) < Decimal(effect["planned"])
    (moved,) = effect["moved"]
    assert (moved["state_before"], moved["state"]) == ("ok", "over")
    assert session.execute(text("SELECT count(*) FROM budget_version")).scalar_one() == before
    prices.approve(session, result.price_list_id, "cli:test", "Sovittu", NOW)
    recompute_dirty(session, now=NOW, settings=Budgets())
    planned = session.execute(
        text(
            "SELECT planned FROM budget_version JOIN budget ON budget.id = budget_id"
            " WHERE superseded_at IS NULL AND decision_id = :id"
        ),
        {"id": decision.id},
    ).scalar_one()
    assert planned == Decimal(effect["planned"])


# Exactly what was shown, or refused


def test_what_a_held_plan_rests_on_is_named_when_it_changes(session, bring, provider, nepsy):
    bring(row("NEPSY-VALMENNUS", "95", "2"))
    held = bring(row("NEPSY-VALMENNUS", "110", "2", first=date(2026, 12, 1)))

    def why_not():
        with pytest.raises(InputError) as refused, session.begin_nested():
            prices.approve(session, held.price_list_id, "cli:test", "Sovittu", NOW)
        return str(refused.value)

    with session.begin_nested() as undone:
        session.execute(text("UPDATE contract SET price_rule = '{\"kind\": \"free\"}' WHERE number = 'S-1'"))
        assert "contract S-1" in why_not()
        undone.rollback()
    with session.begin_nested() as undone:
        session.execute(text("UPDATE provider_service SET vat_rate = 0.255, vat_category = 'S'"))
        assert "NEPSY-VALMENNUS" in why_not()
        undone.rollback()
    with session.begin_nested() as undone:
        session.execute(text("UPDATE provider SET active = false"))
        assert "provider" in why_not()
        undone.rollback()
    with session.begin_nested() as undone:
        bring(row("TUKIHENKILO", "49", "2", unit="HUR"), source="toinen", complete=False)
        assert "another list of toinen was applied" in why_not()
        undone.rollback()
    session.expire_all()
    prices.approve(session, held.price_list_id, "cli:test", "Sovittu", NOW)


def test_a_list_that_waits_keeps_its_number_only_while_it_comes_to_the_same(session, bring):
    bring(row("NEPSY-VALMENNUS", "95", "2"))
    undated = row("NEPSY-VALMENNUS", "110", "2", first=None)
    first = bring(undated, sha256="a" * 64)
    second = bring(undated, sha256="a" * 64, now=NOW + timedelta(days=1))
    assert second.price_list_id == first.price_list_id
    bring(row("NEPSY-VALMENNUS", "96", "2", first=date(2026, 12, 1)), source="toinen")
    third = bring(undated, sha256="a" * 64, now=NOW + timedelta(days=1))
    assert third.price_list_id != first.price_list_id
    with pytest.raises(InputError, match="discarded"):
        prices.approve(session, first.price_list_id, "cli:test", "Sovittu", NOW)


# Rollback


def test_a_rollback_restores_what_was_in_force_and_can_be_undone(session, bring, provider, nepsy):
    use(session, nepsy, provider)
    bring(row("NEPSY-VALMENNUS", "95", "2"), row("TUKIHENKILO", "49", "3", unit="HUR"))
    before = in_force(session)
    changed = (
        row("NEPSY-VALMENNUS", "90", "2", first=date(2026, 12, 1)),
        row("NEPSY-VALMENNUS", "70", "3", unit="HUR"),
    )
    bring(*changed, sha256="b" * 64)
    after, run, versions = in_force(session), bring.run, count(session)
    session.execute(text("DELETE FROM budget_dirty"))
    undone = prices.rollback(session, run, "cli:test", "Väärän kunnan lista", NOW)
    assert in_force(session) == before
    assert (undone.ended, undone.restored) == (4, 2)
    assert count(session) == versions + 2, "nothing is deleted"
    assert session.execute(text("SELECT count(*) FROM budget_dirty")).scalar_one() == 1
    assert session.execute(text("SELECT action, reason FROM audit_event ORDER BY id DESC LIMIT 1")).one() == (
        "price_list.rolled_back",
        "Väärän kunnan lista",
    )
    (kept,) = {
        one.position
        for one in session.execute(text("SELECT position FROM price WHERE superseded_at IS NULL AND amount = 95"))
    }
    assert kept == "2", "with its own provenance"
    with pytest.raises(InputError, match="rolled back already"):
        prices.rollback(session, run, "cli:test", "Uudestaan", NOW)
    again = bring(*changed, sha256="b" * 64)
    assert again.outcome == "held"
    assert "was applied before and rolled back" in reasons(again)
    prices.discard(session, again.price_list_id, "cli:test", "Odotetaan uutta", NOW)
    prices.rollback(session, undone.run_id, "cli:test", "Oli sittenkin oikea", NOW)
    assert in_force(session) == after
    assert bring(*changed, sha256="b" * 64).outcome in ("nothing_to_do", "succeeded")
    assert in_force(session) == after


def test_later_changes_of_the_same_prices_are_undone_first(session, bring):
    bring(row("NEPSY-VALMENNUS", "95", "2"), row("TUKIHENKILO", "49", "3", unit="HUR"))
    start, first = in_force(session), bring.run
    bring(row("NEPSY-VALMENNUS", "94", "2", first=date(2026, 12, 1)), complete=False)
    second = bring.run
    bring(row("TUKIHENKILO", "48", "2", unit="HUR", first=date(2026, 12, 1)), complete=False)
    third = bring.run
    with pytest.raises(InputError, match=f"Run {third} changed the same prices later"):
        prices.rollback(session, first, "cli:test", "Pois", NOW)
    prices.rollback(session, second, "cli:test", "Pois", NOW)  # other prices than the third's
    with pytest.raises(InputError, match=f"Run {third} "):
        prices.rollback(session, first, "cli:test", "Pois", NOW)
    prices.rollback(session, third, "cli:test", "Pois", NOW)
    assert in_force(session) == start
    prices.rollback(session, first, "cli:test", "Pois", NOW)
    assert in_force(session) == []


def test_a_later_price_on_other_days_of_the_same_key_is_in_the_way_too(session, bring):
    bring(row("NEPSY-VALMENNUS", "95", "2", valid_to=date(2026, 12, 31)))
    first = bring.run
    bring(row("NEPSY-VALMENNUS", "96", "2", first=date(2027, 1, 1)), complete=False)
    with pytest.raises(InputError, match=f"Run {bring.run} "):
        prices.rollback(session, first, "cli:test", "Pois", NOW)


def test_what_cannot_be_rolled_back(session, bring):
    with pytest.raises(NotFound):
        prices.rollback(session, 987654321, "cli:test", "Pois", NOW)
    with pytest.raises(InputError, match="applied no price list"):
        prices.rollback(session, make_run(session).id, "cli:test", "Pois", NOW)
    bring(row("NEPSY-VALMENNUS", "95", "2"))
    with pytest.raises(InputError, match="note"):
        prices.rollback(session, bring.run, "cli:test", " ", NOW)
    bring(row("NEPSY-VALMENNUS", "110", "2", first=date(2026, 12, 1)))
    with pytest.raises(InputError, match="was not applied"):
        prices.rollback(session, bring.run, "cli:test", "Pois", NOW)


def count(session):
    return session.execute(text("SELECT count(*) FROM price")).scalar_one()


# What the price manager should hear of


def test_next_years_prices_are_missed_from_november(session, bring, provider, nepsy, support):
    bring(row("NEPSY-VALMENNUS", "95", "2", valid_to=date(2026, 12, 31)), row("TUKIHENKILO", "49", "3", unit="HUR"))
    use(session, nepsy, provider)
    use(session, support, provider)
    assert missing_years(session, date(2026, 10, 31)) == []
    (missing,) = missing_years(session, date(2026, 11, 1))
    assert (missing.service, missing.unit, missing.year, missing.items) == ("NEPSY-VALMENNUS", "C62", 2027, 1)
    bring(row("NEPSY-VALMENNUS", "96", "2", first=date(2027, 1, 1)), complete=False)
    assert missing_years(session, date(2026, 11, 1)) == []


def test_who_goes_on_next_year_is_asked_by_contract_or_by_plan(session, bring, provider, nepsy):
    bring(row("NEPSY-VALMENNUS", "95", "2", valid_to=date(2026, 12, 31)))
    use(session, nepsy, provider, last=date(2026, 12, 15))
    assert len(missing_years(session, TODAY)) == 1, "its contract goes on"
    session.execute(text("UPDATE contract SET valid = '[2026-01-01,2027-01-01)'"))
    assert missing_years(session, TODAY) == []
    use(session, nepsy, provider)  # a plan that goes on
    assert missing_years(session, TODAY)[0].items == 2


def test_prices_that_end_soon_with_none_after_them(session, bring, provider, nepsy, support):
    bring(row("NEPSY-VALMENNUS", "95", "2", valid_to=date(2027, 1, 15)), row("TUKIHENKILO", "49", "3", unit="HUR"))
    assert [(one.items, one.needed_after) for one in ending_soon(session, TODAY)] == [(0, False)]
    use(session, nepsy, provider)
    use(session, support, provider)
    (ending,) = ending_soon(session, TODAY)
    assert (ending.service, ending.last, ending.needed_after) == ("NEPSY-VALMENNUS", date(2027, 1, 15), True)
    assert ending_soon(session, TODAY, days=59) == []
    bring(row("NEPSY-VALMENNUS", "96", "2", first=date(2027, 1, 16)), complete=False)
    assert ending_soon(session, TODAY) == []
    assert replace(ending, needed_after=False) != ending


def test_our_own_unit_costs_are_watched_too(session, nepsy):
    make_price(session, nepsy, last=date(2026, 12, 31))
    make_price(session, nepsy, key=make_price_key(session, nepsy, time_class="evening"), last=date(2026, 12, 31))
    assert [(one.provider, one.provider_id, one.service) for one in missing_years(session, TODAY)] == [
        ("", None, "NEPSY-VALMENNUS")
    ]
    assert [(one.business_id, one.last) for one in ending_soon(session, TODAY)] == [("", date(2026, 12, 31))]
