"""Bad input of every kind: a state and a reason that people can read, and never harm to the budgets calculated beside it."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.budget_settings import Budgets, ExtraRule
from core.errors import Message
from core.i18n import LANGUAGES
from models.base import days
from models.budget import BudgetVersion
from models.invoice import Invoice, InvoiceLine
from models.order import OrderLine
from services import rejected
from services.budgets import dirty
from services.case_sync import SyncResult
from tests.factories.base import added, unique
from tests.factories.case import make_decision
from tests.factories.order import make_order, make_order_line
from tests.factories.price import make_price, make_price_key
from tests.factories.service import make_service
from tests.factories.worker import make_worker
from tests.support.budgets import lines_of, recompute_dirty
from tests.support.case_world import NOW as SYNCED
from tests.support.case_world import SOURCE, World
from tests.support.case_xml import case, decision, export, item
from tests.support.family import NOW, SETTINGS, ZERO, Family, current

#: The most NUMERIC(12,2) and NUMERIC(12,4) hold.
EUROS, UNITS = Decimal("9999999999.99"), Decimal("99999999.9999")
BOUND = Decimal(1_000_000_000)
EXTRAS = [ExtraRule(extra="travel", unit="KMT", quantity=Decimal(10_000))]


def recompute_beside(session: Session, bad: Family, settings: Budgets = SETTINGS) -> BudgetVersion:
    """The bad budget, calculated in one chunk with a good one, twice; whose figures are what they always are."""
    good = Family(session)
    good.plan(session)
    make_price(session, good.service, good.provider, "88.00")
    for changed in (2, 0):
        dirty.mark_decisions(session, [bad.decision.id, good.decision.id], "cases")
        done = recompute_dirty(session, now=NOW, settings=settings)
        assert (done.recomputed, done.changed) == (2, changed)
    beside = current(session, good.decision)
    assert (beside.state, beside.planned, beside.free) == ("near", Decimal("1056.00"), Decimal("18.00"))
    return current(session, bad.decision)


def read(version: BudgetVersion) -> list[str]:
    """The reasons in English; in every language they are whole sentences with nothing left to fill in."""
    for language in LANGUAGES:
        for reason in version.reasons:
            sentence = Message.from_json(reason).text(language)
            assert sentence.endswith(".")
            assert not any(left in sentence for left in ("{", "}", "None", "null")), sentence
    return [Message.from_json(reason).text("en") for reason in version.reasons]


Spoil = Callable[[Session, Family], object]


def _plan(session: Session, family: Family, quantity: str = "12", price: str = "88.00", **over: Any) -> None:
    family.plan(session, quantity, **over)
    make_price(session, family.service, family.provider, price, key=_key(session, family, unit=over.get("unit", "C62")))


def _key(session: Session, family: Family, **over: Any) -> Any:
    return make_price_key(session, family.service, family.provider, **over)


def _outside(valid: Any) -> Spoil:
    def spoil(session: Session, family: Family) -> None:
        family.decision.valid = valid
        _plan(session, family)

    return spoil


def _gap(session: Session, family: Family) -> None:
    family.plan(session)
    key = _key(session, family)
    make_price(session, family.service, family.provider, "88.00", last=date(2026, 12, 31), key=key)
    make_price(session, family.service, family.provider, "88.00", first=date(2027, 2, 1), key=key)


def _monthly(session: Session, family: Family) -> None:
    family.plan(session, unit="HUR")
    make_price(session, family.service, family.provider, "400.00", key=_key(session, family, unit="MON"))


def _no_reference(session: Session, family: Family) -> None:
    family.reference.superseded_at = NOW
    _plan(session, family)


def _huge_ceiling(session: Session, family: Family) -> None:
    family.decision.baseline_quantity = UNITS
    _plan(session, family)


def _many(session: Session, family: Family) -> None:
    for _ in range(101):
        family.plan(session, "99999")
    make_price(session, family.service, family.provider, "99.9999")


def _travel(session: Session, family: Family) -> None:
    _plan(session, family, str(UNITS), "0.0001")
    make_price(
        session, family.service, family.provider, "99999999", key=_key(session, family, unit="KMT", extra="travel")
    )


def _travel_for_a_while(session: Session, family: Family) -> None:
    _plan(session, family)
    key = _key(session, family, unit="KMT", extra="travel")
    make_price(session, family.service, family.provider, "0.0001", last=date(2026, 12, 31), key=key)


@pytest.mark.parametrize(
    ("spoil", "planned", "sentences"),
    [
        (_outside(days(date(2027, 3, 1), None)), "0", ["planned from 2026-11-23 to 2027-02-22, which decision P-"]),
        (_outside(days(None, date(2026, 12, 31))), "440.00", ["planned from 2027-01-01 to 2027-02-22, which decision P-"]),
        (
            _outside(days(date(2026, 12, 1), date(2027, 1, 31))), "704.00",
            ["planned from 2026-11-23 to 2026-11-30, which", "planned from 2027-02-01 to 2027-02-22, which"],
        ),
        (_gap, "704.00", ["is in force from 2027-01-01 to 2027-01-31. Ask the price manager"]),
        (lambda session, family: family.plan(session, choose=False), "0", ["no provider has been chosen yet"]),
        (_monthly, "0", ["planned by the hour, but", "prices it by the month"]),
        (_no_reference, "1056.00", ["was in force on 2026-11-09, the day of the decision. Import the unit costs"]),
        (_huge_ceiling, "1056.00", ["The decision replaces 99,999,999.9999 × visit of", "too much to be true"]),
        (lambda session, family: _plan(session, family, str(UNITS), str(UNITS)), "0", ["come to more than can be true"]),
        (lambda session, family: _plan(session, family, "1", "10000000"), "0", ["1 × visit from 2026-11-23 to 2027-02-22 come to more"]),
        (_many, "1000000000", ["The figures add up to more than can be true."]),
        (_travel, "10000.00", ["come to more than can be true"]),
        (_travel_for_a_while, "1061.00", ["for what comes beside it (travel, missed visits) is in force from 2027-01-01 to 2027-02-22"]),
    ],
    ids=[
        "wholly outside the decision", "after the decision", "on both sides of the decision", "price gap", "no choice",
        "hours priced per month", "no reference price", "ceiling", "quantity times price", "one line", "many lines", "extra", "gap of an extra",
    ],
)  # fmt: skip
def test_what_cannot_be_calculated_is_said(session: Session, spoil: Spoil, planned: str, sentences: list[str]) -> None:
    family = Family(session)
    spoil(session, family)
    session.flush()
    version = recompute_beside(session, family, Budgets(extras=EXTRAS))
    assert (version.state, version.free, version.planned) == ("unpriced", None, Decimal(planned))
    said = "\n".join(read(version))
    assert all(sentence in said for sentence in sentences), said


def _ordered(session: Session, family: Family, gross: str) -> OrderLine:
    planned = family.plan(session)
    price = make_price(session, family.service, family.provider, "88.00")
    return make_order_line(session, make_order(session, family.decision, family.provider), planned, price, gross)


def _bill(session: Session, line: OrderLine, provider_id: int, *, credit: bool = False, gross: Decimal = EUROS) -> None:
    bill = added(
        session,
        Invoice(
            provider_id=provider_id, number=unique("L"), kind="credit" if credit else "invoice", issue_date=NOW.date()
        ),
    )
    added(
        session,
        InvoiceLine(invoice_id=bill.id, order_line_id=line.id, quantity=UNITS, net=gross, vat=ZERO, gross=gross),
    )


@pytest.mark.parametrize(
    ("bills", "figures"),
    [
        ([False] * 3, (BOUND, ZERO)),
        ([True] * 3, (-BOUND, BOUND)),
        ([False, True], (ZERO, Decimal("1056.00"))),
    ],
)
def test_bills_that_cannot_be_true_are_bounded_and_said(
    session: Session, bills: list[bool], figures: tuple[Decimal, Decimal]
) -> None:
    family = Family(session)
    line = _ordered(session, family, "1056.00")
    for credit in bills:
        _bill(session, line, family.provider.id, credit=credit)
    version = recompute_beside(session, family)
    assert (version.invoiced, version.ordered) == figures
    if figures[0]:
        assert version.state == "unpriced"
        assert read(version) == [
            "The figures add up to more than can be true. Check the plan, the orders and the invoices."
        ]
    else:
        assert version.state == "near"


def test_an_order_too_large_to_be_true_that_is_credited_harms_nobody(session: Session) -> None:
    """What it leaves to be billed would not fit its column."""
    family = Family(session)
    line = _ordered(session, family, str(EUROS))
    _bill(session, line, family.provider.id, credit=True, gross=Decimal(200))
    version = recompute_beside(session, family)
    assert (version.state, version.ordered) == ("unpriced", BOUND)
    assert "more than can be true" in read(version)[0]


def test_what_is_left_may_be_more_than_its_column_holds(session: Session) -> None:
    family = Family(session, granted_amount=EUROS)
    line = _ordered(session, family, "10.00")
    _bill(session, line, family.provider.id, credit=True, gross=Decimal(500_000))
    session.execute(text("UPDATE order_coverage SET live = false"))
    version = recompute_beside(session, family)
    assert (version.state, version.free) == ("unpriced", None)
    assert "more than can be true" in read(version)[0]


@pytest.mark.parametrize(
    ("valid", "other", "sentence"),
    [
        (days(date(2026, 11, 9), date(2027, 12, 31)), days(date(2027, 12, 31), None), "also grants the days from 2027-12-31 to 2027-12-31."),
        (days(date(2026, 11, 9), None), days(date(2026, 12, 1), None), "is valid on the same days."),
        (days(None, date(2027, 12, 31)), days(None, date(2027, 6, 30)), "is valid on the same days."),
        (days(date(2026, 11, 9), date(2027, 11, 30)), days(date(2027, 12, 1), None), None),
        (None, days(date(2026, 12, 1), None), None),
    ],
)  # fmt: skip
def test_decisions_of_one_case_that_overlap_are_calculated_and_said(
    session: Session, valid: Any, other: Any, sentence: str | None
) -> None:
    family = Family(session)
    family.decision.valid = valid
    _plan(session, family)
    second = make_decision(session, family.case, number="P-TOINEN", valid=other, granted_amount=Decimal(500))
    ended = make_decision(session, family.case, valid=valid, granted_amount=Decimal(500), ended_at=NOW)
    version = recompute_beside(session, family)
    assert (version.state, version.planned, version.free) == ("near", Decimal("1056.00"), Decimal("18.00"))
    assert [f"Decision P-TOINEN of the same case {sentence} Check" in one for one in read(version)] == [True] * (
        sentence is not None
    )
    dirty.mark_decisions(session, [second.id, ended.id], "cases")
    recompute_dirty(session, now=NOW, settings=SETTINGS)
    assert len(read(current(session, second))) == (sentence is not None)
    assert not read(current(session, ended))
    assert not session.execute(text("SELECT kind FROM notice")).all(), "no budget is worse for it"


def test_a_share_that_is_too_much_names_its_days_and_leaves_the_rest_priced(session: Session) -> None:
    family = Family(session)
    family.plan(session, "12")
    key = _key(session, family)
    make_price(session, family.service, family.provider, "88.00", last=date(2026, 12, 31), key=key)
    make_price(session, family.service, family.provider, "99999999", first=date(2027, 1, 1), key=key)
    version = recompute_beside(session, family)
    assert (version.state, version.planned) == ("unpriced", Decimal("440.00"))
    assert [(line.kind, line.gross) for line in lines_of(session, version)] == [
        ("planned", Decimal("440.00")),
        ("unpriced", None),
    ]
    (reason,) = read(version)
    assert "7 × visit from 2027-01-01 to 2027-02-22 come to more than can be true" in reason


@pytest.fixture
def world(session: Session, tmp_path: Path) -> World:
    make_worker(session, external_id="W-101")
    make_service(session, code="NEPSY")
    make_price(session, make_service(session, code="PERHETYO"), amount="89.50")
    return World(session, tmp_path)


@pytest.mark.parametrize("quantity", ["0", "0.0", "-1", "100000000", "1.00001", "NaN"])
def test_a_quantity_that_cannot_be_is_rejected_at_the_door(world: World, quantity: str) -> None:
    assert _synced_beside(world, case("X", decision(), item(quantity=quantity))) == ("plan_items.quantity", "X")


@pytest.mark.parametrize("parts", [(decision(), item(decision="D-9")), (item(),), (decision(), item(decision=None))])
def test_an_item_without_a_decision_is_rejected_at_the_door(world: World, parts: tuple[str, ...]) -> None:
    assert _synced_beside(world, case("X", *parts))[1] == "X"


@pytest.mark.parametrize("basis", ["100000000000", "-1", "1.001"])
def test_an_amount_that_cannot_be_is_rejected_at_the_door(world: World, basis: str) -> None:
    bad = case("X", decision(basis=f"<grantedAmount>{basis}</grantedAmount>"))
    assert _synced_beside(world, bad) == ("decisions.granted_amount", "X")


def _synced_beside(world: World, bad: str) -> tuple[str | None, str | None]:
    """Field and record that a sync left out, while the budget of another case of the same file is calculated."""
    assert world.run(export(bad, case("B"))) == SyncResult("partly", read=2, added=1, rejected=1)
    (group,) = rejected.grouped(world.session, SOURCE)
    for language in LANGUAGES:
        sentence = group.reason.text(language)
        assert "{" not in sentence
        assert "None" not in sentence
    while recompute_dirty(world.session, now=SYNCED, settings=SETTINGS).recomputed:
        pass
    budgets = world.session.execute(text("SELECT ceiling, state FROM budget_version")).all()
    assert [tuple(one) for one in budgets] == [(Decimal("1074.00"), "unpriced")], "nobody has chosen a provider yet"
    return group.field, group.external_id
