"""Price lists from file to versions in force, on the real database."""

import io
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from openpyxl import Workbook
from sqlalchemy import event, func, select, text
from sqlalchemy.exc import IntegrityError

from connectors.prices import read_price_list
from core.errors import InputError, NotFound
from core.source_settings import PriceListSource
from models.audit import AuditEvent
from models.base import days, table_of
from models.price import Price, PriceKey, PriceList
from models.work import RejectedRecord
from services import prices
from services.prices.listing import list_prices
from tests.factories.case import make_choice, make_decision, make_plan_item
from tests.factories.price import make_price, make_price_key, make_run
from tests.factories.provider import make_provider_service
from tests.factories.service import make_service
from tests.support.price_rows import NOW, TODAY

HEAD = "Palvelukoodi;Yksikkö;Hinta;Voimassa alkaen;Voimassa asti\n"


@pytest.fixture
def bring(session, provider):
    """Import a list of the provider as CSV text, in place of rows."""

    def bring(rows, *, now=NOW, name="tukipolku", content=None):
        document = read_price_list(content or (HEAD + rows).encode(), file_name="hinnasto.csv")
        source = PriceListSource(kind="provider", provider=provider.business_id, path="unused")
        return prices.import_price_list(session, name, source, document, run_id=make_run(session).id, now=now)

    return bring


def in_force(session, service):
    """(first day, day after the last, amount) of a service's prices in force."""
    key, price = table_of(PriceKey).c, table_of(Price).c
    statement = (
        select(price.valid, price.amount)
        .join_from(table_of(Price), table_of(PriceKey), key.id == price.price_key_id)
        .where(key.service_id == service.id, price.superseded_at.is_(None))
        .order_by(price.valid)
    )
    return [(row.valid.lower, row.valid.upper, row.amount) for row in session.execute(statement)]


def price_on(session, service, day):
    """The one price of a service in force on a day, as `avain price list` shows it; None where there is none."""
    found = list_prices(session, day, service=service.code)
    assert len(found) <= 1
    return found[0] if found else None


def amount_on(session, service, day):
    """What a service costs on a day; None where no price is in force."""
    found = price_on(session, service, day)
    return found and found["amount"]


def lists(session):
    return [row.state for row in session.execute(text("SELECT state FROM price_list ORDER BY id"))]


def versions(session):
    return session.execute(select(func.count()).select_from(Price)).scalar()


def test_a_list_becomes_prices_with_provenance(session, bring, provider, nepsy, support):
    result = bring("NEPSY-VALMENNUS;käynti;95,00 €;1.1.2026;\nTUKIHENKILO;h;49,00;1.1.2026;31.12.2026\n")
    assert result.outcome == "succeeded"
    assert result.counts["added"] == result.counts["read"] == 2
    found = price_on(session, support, TODAY)
    assert (found["provider"], found["unit"], found["amount"]) == (provider.name, "HUR", Decimal(49))
    assert (found["valid_from"], found["valid_to"]) == (date(2026, 1, 1), date(2026, 12, 31))
    assert (found["vat_category"], found["vat_rate"], found["position"]) == ("E", Decimal(0), "3")
    kept = session.get(PriceList, found["price_list_id"])
    assert (kept.file_name, kept.state, len(kept.sha256)) == ("hinnasto.csv", "applied", 64)
    assert price_on(session, support, date(2027, 1, 1)) is None


def test_a_price_changes_in_the_middle_of_the_year(session, bring, nepsy):
    bring("NEPSY-VALMENNUS;käynti;95;1.1.2026;\n")
    assert bring("NEPSY-VALMENNUS;käynti;90;1.12.2026;\n").counts["changed"] == 1
    first = date(2026, 12, 1)
    assert in_force(session, nepsy) == [(date(2026, 1, 1), first, 95), (first, None, 90)]
    assert versions(session) == 3
    (old,) = session.execute(text("SELECT * FROM price WHERE superseded_at IS NOT NULL")).all()
    (shortened,) = session.execute(text("SELECT * FROM price WHERE superseded_at IS NULL AND amount = 95")).all()
    assert (shortened.price_list_id, shortened.position) == (old.price_list_id, old.position)
    assert old.superseded_by_list_id > old.price_list_id


def test_a_future_price_waits(session, bring, nepsy):
    bring("NEPSY-VALMENNUS;käynti;95;1.1.2026;31.12.2026\nNEPSY-VALMENNUS;käynti;97;1.1.2027;\n")
    days_of_interest = (TODAY, date(2026, 12, 31), date(2027, 1, 1))
    amount = {day: amount_on(session, nepsy, day) for day in days_of_interest}
    assert amount == {TODAY: 95, date(2026, 12, 31): 95, date(2027, 1, 1): 97}


def test_the_same_list_again_writes_nothing(session, bring):
    rows = "NEPSY-VALMENNUS;käynti;95;;\nTUKIHENKILO;h;49;;\n"
    bring(rows)
    again = bring(rows, now=datetime(2026, 11, 20, tzinfo=UTC))
    assert (again.outcome, versions(session)) == ("nothing_to_do", 2)
    assert lists(session) == ["applied"]


def test_a_broken_row_that_stays_is_recorded_once(session, bring):
    rows = "NEPSY-VALMENNUS;käynti;95;;\nTUKIHENKILO;h;sop.mukaan;;\n"
    assert bring(rows).outcome == "partly"
    again = bring(rows)
    assert (again.outcome, again.counts["rejected"], lists(session)) == ("nothing_to_do", 1, ["applied"])
    assert session.execute(text("SELECT count(*) FROM rejected_record")).scalar() == 1


def test_what_was_rolled_back_is_applied_again(session, bring, nepsy):
    rows = "NEPSY-VALMENNUS;käynti;95;;\n"
    bring(rows)
    session.execute(text("UPDATE price SET superseded_at = clock_timestamp()"))
    assert bring(rows).outcome == "succeeded"
    assert in_force(session, nepsy) == [(TODAY, None, 95)]


def test_what_waits_keeps_its_place_and_what_was_discarded_does_not_come_back(session, bring):
    bring("NEPSY-VALMENNUS;käynti;95;1.1.2026;\n")
    rise = "NEPSY-VALMENNUS;käynti;105;1.12.2026;\n"
    first, second = bring(rise), bring(rise)
    assert (second.outcome, second.price_list_id) == ("held", first.price_list_id)
    prices.discard(session, first.price_list_id, "cli:test", "Ei sovittu", NOW)
    assert bring(rise).outcome == "nothing_to_do"
    assert lists(session) == ["applied", "discarded"]


def test_a_refused_list_is_recorded_once(session, bring):
    assert [bring("MUU;h;1;;\n").outcome, bring("MUU;h;1;;\n").outcome] == ["refused", "refused"]
    assert lists(session) == ["refused"]


def test_only_changed_rows_are_written(session, bring):
    bring("NEPSY-VALMENNUS;käynti;95;1.1.2026;\nTUKIHENKILO;h;49;1.1.2026;\n")
    result = bring("NEPSY-VALMENNUS;käynti;94;1.12.2026;\nTUKIHENKILO;h;49;1.1.2026;\n")
    assert (result.counts["changed"], result.counts["unchanged"], versions(session)) == (1, 1, 4)


def test_rejected_rows_are_kept_with_reason_and_the_rest_goes_on(session, bring, support):
    bring("TUKIHENKILO;h;49;1.1.2026;\n")
    result = bring("NEPSY-VALMENUS;käynti;95;;\nTUKIHENKILO;h;sop.mukaan;;\nMUU;h;1;;\nNEPSY-VALMENNUS;käynti;95;;\n")
    assert (result.outcome, result.counts["rejected"], result.counts["added"]) == ("partly", 3, 1)
    rows = session.execute(select(RejectedRecord).order_by(RejectedRecord.position)).scalars().all()
    reasons = {row.position: row.reason["params"] for row in rows}
    assert reasons["2"]["near"].startswith("NEPSY-VALMENNUS")
    assert "sop.mukaan" in reasons["3"]["value"]
    assert in_force(session, support) == [(date(2026, 1, 1), None, 49)]  # a row that cannot be read has not vanished


def test_overlapping_rows_are_both_rejected(session, bring, nepsy):
    result = bring(
        "NEPSY-VALMENNUS;käynti;95;1.1.2026;31.12.2026\nNEPSY-VALMENNUS;käynti;97;31.12.2026;\nTUKIHENKILO;h;49;;\n"
    )
    assert (result.counts["rejected"], result.counts["added"]) == (2, 1)
    assert in_force(session, nepsy) == []


def test_a_list_without_one_usable_row_is_refused(session, bring, nepsy):
    bring("NEPSY-VALMENNUS;käynti;95;1.1.2026;\n")
    result = bring("NEPSY-VALMENNUS;käynti;sop.mukaan;;\n")
    assert result.outcome == "refused"
    assert in_force(session, nepsy) == [(date(2026, 1, 1), None, 95)]


def test_a_row_that_contradicts_what_is_agreed_is_rejected(session, bring, provider):
    make_service(session, code="PERHETYO", name_fi="perhetyö")
    make_provider_service(
        session,
        provider,
        make_service(session, code="VERO", name_fi="verollinen"),
        vat_category="S",
        vat_rate=Decimal("0.255"),
        provider_code="V1",
    )
    content = (
        "Koodi;Yksikkö;Hinta;ALV;Y-tunnus;Voimassa asti\n"
        "PERHETYO;käynti;80;;;\n"
        "V1;käynti;80;;;\n"
        "NEPSY-VALMENNUS;käynti;80;25,5;;\n"
        "TUKIHENKILO;h;80;;1234567-1;\n"
        "TUKIHENKILO;h;80;;;1.1.2026\n"
    ).encode()
    bring("", content=content)
    found = [
        (row.field, row.reason["msgid"])
        for row in session.execute(select(RejectedRecord).order_by(RejectedRecord.position)).scalars()
    ]
    assert [field for field, _ in found] == ["service", "vat_inclusive", "vat_rate", "provider", "valid_to"]
    taxed = bring("", content=b"Koodi;Yksikko;Hinta sis. alv;Yksik\xc3\xb6t\nV1;;80 EUR/h;\nTUKIHENKILO;;49 e/h;\n")
    assert taxed.counts["added"] == 2
    price = session.execute(text("SELECT * FROM price WHERE vat_category = 'S'")).one()
    assert (price.vat_rate, price.vat_inclusive) == (Decimal("0.255"), True)


def test_a_rise_beyond_the_contract_waits_and_is_applied_exactly_when_approved(session, bring, nepsy):
    bring("NEPSY-VALMENNUS;käynti;95;1.1.2026;\n")
    result = bring("NEPSY-VALMENNUS;käynti;102,60;1.12.2026;\nTUKIHENKILO;h;49;;\n")
    assert result.outcome == "held"
    assert "rise 8 per cent" in result.reasons[0].text("en")
    assert in_force(session, nepsy) == [(date(2026, 1, 1), None, 95)]
    with pytest.raises(InputError, match=r"(?i)note|huomautus|perustelu"):
        prices.approve(session, result.price_list_id, "cli:test", " ", NOW)
    plan = prices.approve(session, result.price_list_id, "cli:test", "Sovittu puhelimessa", NOW)
    assert plan.counts["changed"] == 1
    first = date(2026, 12, 1)
    assert in_force(session, nepsy) == [(date(2026, 1, 1), first, 95), (first, None, Decimal("102.60"))]
    act = session.execute(select(AuditEvent)).scalar_one()
    assert (act.action, act.actor, act.reason) == ("price_list.approved", "cli:test", "Sovittu puhelimessa")
    with pytest.raises(InputError):
        prices.approve(session, result.price_list_id, "cli:test", "Uudestaan", NOW)


def test_a_held_list_is_not_applied_when_the_world_moved(session, bring, nepsy):
    bring("NEPSY-VALMENNUS;käynti;95;1.1.2026;\n")
    held = bring("NEPSY-VALMENNUS;käynti;105;1.12.2026;\n")
    bring("NEPSY-VALMENNUS;käynti;94;1.12.2026;\n", name="another-source")
    with pytest.raises(InputError), session.begin_nested():
        prices.approve(session, held.price_list_id, "cli:test", "Hyväksytty", NOW)
    first = date(2026, 12, 1)
    assert in_force(session, nepsy) == [(date(2026, 1, 1), first, 95), (first, None, 94)]


def test_a_held_list_may_collide_with_a_price_it_never_saw(session, bring, provider, nepsy, support):
    bring("TUKIHENKILO;h;49;1.1.2026;\n")
    held = bring("TUKIHENKILO;h;60;1.12.2026;\nNEPSY-VALMENNUS;käynti;95;;\n")
    bring("TUKIHENKILO;h;49;1.1.2026;\nNEPSY-VALMENNUS;käynti;90;;\n", name="another-source")
    with pytest.raises(InputError), session.begin_nested():
        prices.approve(session, held.price_list_id, "cli:test", "Hyväksytty", NOW)


def test_a_newer_list_takes_the_place_of_one_that_waits(session, bring):
    bring("NEPSY-VALMENNUS;käynti;95;1.1.2026;\n")
    first = bring("NEPSY-VALMENNUS;käynti;105;1.12.2026;\n")
    second = bring("NEPSY-VALMENNUS;käynti;106;1.12.2026;\n")
    bring("NEPSY-VALMENNUS;käynti;94;1.12.2026;\n")
    states = {row.id: row.state for row in session.execute(text("SELECT id, state FROM price_list"))}
    assert [states[first.price_list_id], states[second.price_list_id]] == ["discarded", "discarded"]


def test_discarding_leaves_the_prices_in_force(session, bring, nepsy):
    bring("NEPSY-VALMENNUS;käynti;95;1.1.2026;\n")
    held = bring("NEPSY-VALMENNUS;käynti;105;1.12.2026;\n")
    prices.discard(session, held.price_list_id, "cli:test", "Ei sovittu", NOW)
    assert in_force(session, nepsy) == [(date(2026, 1, 1), None, 95)]
    with pytest.raises(InputError):
        prices.discard(session, held.price_list_id, "cli:test", "Ei sovittu", NOW)
    with pytest.raises(NotFound):
        prices.discard(session, 0, "cli:test", "Ei sovittu", NOW)


def test_a_product_in_use_that_is_missing_holds_the_list(session, bring, provider, nepsy, support):
    item = make_plan_item(session, make_decision(session), nepsy)
    make_choice(session, item, provider)
    bring("NEPSY-VALMENNUS;käynti;95;1.1.2026;\nTUKIHENKILO;h;49;1.1.2026;\n")
    result = bring("TUKIHENKILO;h;49;1.1.2026;\n")
    assert (result.outcome, result.counts["missing"]) == ("held", 1)
    assert bring("NEPSY-VALMENNUS;käynti;95;1.1.2026;\n").outcome == "succeeded"  # nobody uses the other one
    assert in_force(session, support) == [(date(2026, 1, 1), TODAY, 49)]


def test_budgets_a_change_can_move_are_noted(session, bring, provider, nepsy):
    item = make_plan_item(session, make_decision(session), nepsy)
    make_choice(session, item, provider)
    bring("NEPSY-VALMENNUS;käynti;95;1.1.2026;\n")
    assert session.execute(text("SELECT count(*) FROM budget_dirty WHERE cause = 'prices'")).scalar() == 1
    assert (
        session.execute(text("SELECT key FROM work WHERE kind = 'recompute_budgets'")).scalar() == "recompute_budgets"
    )


def test_own_unit_costs_have_no_provider_and_no_contract(session):
    family_work = make_service(session, code="PERHETYO", name_fi="perhetyö")

    def bring(amount, first):
        text_of = f"Palvelu;Yksikkö;Hinta;Voimassa alkaen\nPerhetyö;käynti;{amount};{first}\n"
        document = read_price_list(text_of.encode(), file_name="omat.csv")
        own = PriceListSource(kind="own", path="unused")
        return prices.import_price_list(session, "own", own, document, run_id=make_run(session).id, now=NOW)

    assert bring("89,50", "1.1.2026").outcome == "succeeded"
    assert bring("99,50", "1.12.2026").outcome == "succeeded"
    assert price_on(session, family_work, TODAY)["business_id"] is None
    assert amount_on(session, family_work, TODAY) == Decimal("89.50")
    assert amount_on(session, family_work, date(2026, 12, 1)) == Decimal("99.50")


def test_the_source_of_a_provider_nobody_knows(session):
    document = read_price_list((HEAD + "X;h;1;;\n").encode(), file_name="x.csv")
    source = PriceListSource(kind="provider", provider="9999996-8", path="unused")
    with pytest.raises(InputError, match="9999996-8"):
        prices.prepare(session, "nobody", source, document, TODAY)


def test_the_same_list_as_csv_and_as_a_workbook_gives_the_same_prices(session, provider, bring, nepsy, support):
    rows: list[list[Any]] = [
        ["Palvelukoodi", "Yksikkö", "Hinta", "Voimassa alkaen"],
        ["NEPSY-VALMENNUS", "käynti", 95, date(2026, 1, 1)],
        ["TUKIHENKILO", "h", 49.5, date(2026, 2, 1)],
    ]
    book = Workbook()
    for row in rows:
        book.worksheets[0].append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    bring("", content=buffer.getvalue())
    before = in_force(session, nepsy) + in_force(session, support)
    again = bring("NEPSY-VALMENNUS;käynti;95,00 €;1.1.2026;\nTUKIHENKILO;t;49,50;1.2.2026;\n")
    assert again.counts["unchanged"] == 2
    assert in_force(session, nepsy) + in_force(session, support) == before


def test_a_service_has_prices_by_time_class_minimum_and_base_quantity(session, bring, support):
    head = "Palvelukoodi;Yksikkö;Hinta;Vähimmäismäärä;Aikaluokka\n"
    rows = "TUKIHENKILO;h;49;;\nTUKIHENKILO;h;45;10;\nTUKIHENKILO;h;98;;sunnuntai\nTUKIHENKILO;45 min;40;;\n"
    bring("", content=(head + rows).encode())
    found = list_prices(session, TODAY, service=support.code)
    assert [(one["time_class"], one["minimum_quantity"], one["base_quantity"], one["amount"]) for one in found] == [
        ("sunday", 0, 1, 98),
        ("weekday", 0, Decimal("0.75"), 40),
        ("weekday", 0, 1, 49),
        ("weekday", 10, 1, 45),
    ]


def test_two_prices_in_force_for_a_day_are_impossible(session, nepsy):
    price = make_price(session, nepsy)
    key = session.get(PriceKey, price.price_key_id)
    with pytest.raises(IntegrityError, match="ex_price_valid"), session.begin_nested():
        make_price(session, nepsy, key=key, first=date(2026, 6, 1))
    make_price(session, nepsy, key=make_price_key(session, nepsy, time_class="evening"))
    price.superseded_at = NOW
    session.flush()
    make_price(session, nepsy, key=key, first=date(2026, 6, 1))
    assert price.valid == days(date(2026, 1, 1), None)


def test_a_long_list_takes_as_many_statements_as_a_short_one(session, bring, provider):
    def statements_for(count, first):
        for number in range(count):
            make_provider_service(session, provider, make_service(session, code=f"P{first + number}"))
        rows = "".join(f"P{first + number};h;{10 + number};1.1.2026;\n" for number in range(count))
        seen = []
        connection = session.connection()
        listener = lambda *_: seen.append(1)  # noqa: E731
        event.listen(connection, "before_cursor_execute", listener)
        assert bring(rows, name=f"source-{first}").outcome == "succeeded"
        event.remove(connection, "before_cursor_execute", listener)
        return len(seen)

    statements_for(1, 1000)  # what the next list no longer has ends: one statement more
    assert statements_for(2, 2000) == statements_for(100, 3000)
