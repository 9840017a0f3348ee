"""A family's page in words: the few facts at the top, what happens next, orders; calm whatever the figures are."""

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.i18n import speaking
from services.family.overview import Ordered, Overview, Proposed
from services.family.wording import Told, in_words
from services.statements.reading import Section
from tests.support.statements import FIRST, ITEM, LAST, SECTION, SERVICES, STATEMENT, TODAY, item, told

ORDER = Ordered(
    item_id=0,
    provider="Esimerkkivalmennus Oy (keksitty)",
    state="accepted",
    live=True,
    handed_over=True,
    starts_on=None,
    first=FIRST,
    last=LAST,
    quantity=Decimal(12),
    unit="C62",
)


def page(section: Section = SECTION, *, language: str = "en", today: date = TODAY, **over: Any) -> Told:
    values = {"statement": told(section), "services": SERVICES, "contact": "", "fresh": True, "talk": None, **over}
    with speaking(language):
        return in_words(Overview(**values), today=today)


def facts(**over: Any) -> list[tuple[str, str, str]]:
    return [(one.figure, one.about, one.note) for one in page(replace(SECTION, **over)).sections[0].facts]


def steps(**over: Any) -> list[str]:
    return [one.sentence for one in page(**over).steps]


def test_the_few_facts_are_visits_and_euros():
    assert facts() == [
        ("8 visits", "ADHD-valmennus: left of 12", ""),
        ("€718", "left of €1,074", "€6 of it has no use yet."),
    ]


@pytest.mark.parametrize(
    ("over", "figure", "about", "note"),
    [
        ({"free": Decimal(0)}, "€718", "left of €1,074", "All of it has a use already."),
        (
            {"free": Decimal(-46), "state": "within_tolerance"},
            "€718",
            "left of €1,074",
            "What has been planned costs €46 more. So small a difference is allowed.",
        ),
        (
            {"free": Decimal("-846.50"), "state": "over"},
            "€718",
            "left of €1,074",
            "What has been planned costs €846.50 more. You need not do anything now.",
        ),
        (
            {"invoiced": Decimal(1100), "delivered": Decimal(0), "free": Decimal(-26), "state": "over"},
            "€0",
            "left of €1,074",
            "€26 more has been used. You need not do anything now.",
        ),
        ({"ceiling": None, "free": None, "state": "unpriced"}, "–", "It is not known yet how much your services may cost. Your worker finds it out.", ""),
        (
            {"free": None, "state": "unpriced"},
            "€718", "left of €1,074", "Some prices are not known yet. So we cannot tell yet how much of this is needed.",
        ),
        (
            {"free": None, "state": "unpriced", "items": (item(provider=None),)},
            "€718", "left of €1,074", "When the provider has been chosen, it is known how much of this is needed.",
        ),
        ({"state": "ended"}, "€362", "was not used", ""),
        ({"closed": True, "free": Decimal("-846.50")}, "€356", "was used", ""),
    ],
)  # fmt: skip
def test_money_is_told_calmly_in_every_state(over, figure, about, note):
    assert facts(**over)[-1] == (figure, about, note)


@settings(deadline=None)  # the first reads the languages' formats from disk
@given(
    figures=st.tuples(*[st.decimals(0, 9000, places=2)] * 4),
    ceiling=st.none() | st.decimals(0, 9000, places=2),
    state=st.sampled_from(["ok", "near", "within_tolerance", "over", "unpriced", "ended"]),
    closed=st.booleans(),
)
def test_no_figure_is_ever_negative(figures, ceiling, state, closed):
    invoiced, delivered, more, planned = figures
    free = None if ceiling is None or state == "unpriced" else ceiling - invoiced - delivered - more - planned
    section = replace(
        SECTION, ceiling=ceiling, invoiced=invoiced, delivered=delivered, ordered=delivered + more, planned=planned,
        free=free, state=state, closed=closed,
    )  # fmt: skip
    for language in ("fi", "sv", "en"):
        shown = page(section, language=language).sections[0]
        said = " ".join([*(f"{one.figure} {one.about} {one.note}" for one in shown.facts), *shown.money])
        assert re.search(r"(?<!\w)[-−]\s?€?\d", said) is None, said


def test_the_bar_is_as_wide_as_it_is():
    drawn = page().sections[0].picture
    assert drawn is not None
    assert sum(float(part["width"] or 0) for part in drawn["parts"]) == pytest.approx(100, abs=0.1)
    assert [part["x"] for part in drawn["parts"]] == ["0.00", "16.57", "33.15", "66.29", "99.44"]


@pytest.mark.parametrize(
    ("order", "sentence"),
    [
        ({"state": "sent"}, "ADHD-valmennus: Esimerkkivalmennus Oy (keksitty) tells whether they can give it."),
        ({"state": "changed"}, "ADHD-valmennus: your worker talks with you about what Esimerkkivalmennus Oy (keksitty) proposes."),
        ({"starts_on": date(2026, 12, 20)}, "ADHD-valmennus: it begins on 2026-12-20. Esimerkkivalmennus Oy (keksitty) contacts you."),
        ({"first": date(2026, 12, 20), "handed_over": False}, "ADHD-valmennus: it begins on 2026-12-20."),
        ({}, "ADHD-valmennus: it goes on until 2027-02-22."),
    ],
)  # fmt: skip
def test_what_happens_next_follows_the_order(order, sentence):
    assert steps(ordered=(replace(ORDER, **order),)) == [sentence]


def test_who_has_to_choose_is_told_first():
    undecided = replace(SECTION, items=(ITEM, item(id=2, item="I-2", service="NEPSY", provider=None, chosen_by=None)))
    found = page(undecided, talk=date(2027, 1, 12))
    assert [(one.sentence, one.item) for one in found.steps] == [
        ("nepsy-valmennus: choose who gives it to you.", "I-2"),
        ("ADHD-valmennus: your worker orders it from Esimerkkivalmennus Oy (keksitty).", ""),
        ("Your worker asks you about 2027-01-12 how it is going.", ""),
    ]
    assert [one.may_propose for one in found.services_now] == [True, True]


def test_a_proposal_is_told_until_it_is_answered_and_then_the_answer():
    waiting = page(proposed={0: Proposed("Kaveripaja {x}", "open", "")})
    assert waiting.sections[0].services[0].said == ("You have proposed Kaveripaja {x}. Your worker answers you.",)
    assert not waiting.may_propose
    assert [one.sentence for one in waiting.steps] == ["ADHD-valmennus: your worker answers your proposal."]
    answered = page(proposed={0: Proposed("Kaveripaja", "declined", "täynnä tammikuuhun")})
    assert answered.sections[0].services[0].said == (
        "You proposed Kaveripaja. That was not possible.",
        "Reason: täynnä tammikuuhun",
    )
    assert answered.may_propose


def test_a_talk_that_is_due_comes_soon_and_figures_in_the_making_are_said_to_be():
    assert steps(ordered=(ORDER,), talk=TODAY)[-1] == "Your worker asks you soon how it is going."
    assert page(fresh=False).remark == "Something has just changed. The newest figures are here in a moment."
    assert page().remark == ""


def test_orders_that_count_stand_before_those_that_did():
    orders = tuple(
        replace(ORDER, state=state, live=state == "sent", provider="Kaveripaja {0}")
        for state in ("rejected", "cancelled", "sent")
    )
    (service,) = page(ordered=orders).sections[0].services
    assert [one.state for one in service.orders] == ["The order has been sent. Kaveripaja {0} has not answered yet."]
    assert service.orders[0].what == "12 visits, 2026-11-23 – 2027-02-22, Kaveripaja {0}"
    assert [one.state for one in service.earlier] == [
        "Kaveripaja {0} cannot give you this. Your worker looks for another way with you.",
        "This order has been cancelled.",
    ]
    assert not service.may_propose


@pytest.mark.parametrize(
    ("changed", "dots"),
    [({}, (4, 12)), ({"unit": "HUR"}, None), ({"quantity": Decimal(41)}, None), ({"quantity": Decimal("7.5")}, None), ({"used": Decimal(14)}, (12, 12))],
)  # fmt: skip
def test_visits_are_drawn_where_they_can_be_counted(changed, dots):
    (service,) = page(replace(SECTION, items=(item(**changed),))).sections[0].services
    assert service.dots == dots


def test_without_a_budget_the_page_says_what_comes_and_whom_to_ask():
    found = page(statement=replace(STATEMENT, sections=()))
    assert [one.sentence for one in found.steps] == [
        "There is no budget yet. Your worker tells you when it has been decided."
    ]
    assert found.ask[0] == "Your own worker: Aino Esimerkki."


def test_of_a_closed_case_nothing_more_happens():
    found = page(statement=replace(told(closed=True), open=False), talk=TODAY, ordered=(ORDER,))
    assert (found.steps, found.services_now, found.may_propose) == ((), [], False)
    assert found.sections[0].facts[0].about == "ADHD-valmennus: used of 12"
