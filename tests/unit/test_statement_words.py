"""What a statement says: figures in plain words, a picture that tells the same, and nothing that frightens."""

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from core.i18n import short_money, speaking
from services.statements.printing import Form, print_statement
from services.statements.reading import Statement
from services.statements.wording import in_words
from tests.support.pdf import alternatives, root, tags_of, title, words
from tests.support.statements import FIRST, ITEM, LAST, SECTION, SERVICES, STATEMENT, TODAY, item, share, told

CONTACT = "Telephone 000 000 0000."


def said(statement: Statement, language: str = "en") -> dict[str, Any]:
    with speaking(language):
        return in_words(statement, organisation="The county", contact=CONTACT, today=TODAY, services=SERVICES)


def service(statement: Statement, language: str = "en") -> dict[str, Any]:
    (one,) = said(statement, language)["sections"][0]["services"]
    return dict(one)


def money(statement: Statement) -> str:
    return " ".join(said(statement)["sections"][0]["money"])


def test_what_is_left_is_said_in_visits_and_in_euros():
    assert service(STATEMENT)["count"] == "8 visits of 12 left (€712)"
    assert service(STATEMENT, "fi")["count"] == "Jäljellä on 8 käyntiä (712\u00a0€). Alussa niitä oli 12."
    assert service(STATEMENT, "sv")["count"] == "8 besök kvar av 12 (712\u00a0€)"


@pytest.mark.parametrize(
    ("changed", "count"),
    [
        ({"used": Decimal(11), "lines": (share("ordered", "89.00"),)}, "1 visit of 12 left (€89)"),
        ({"used": Decimal(12)}, "All used: 12 visits"),
        ({"used": Decimal(13)}, "All used: 12 visits"),
        ({"ended": True}, "4 visits of 12 used"),
        ({"lines": (share("invoiced", "356.00"),)}, "4 visits of 12 used"),
        ({"lines": ()}, "8 visits of 12 left"),
        ({"lines": (share("planned", "89.00"), share("unpriced", None))}, "8 visits of 12 left"),
        ({"unit": "H87"}, "8 visits of 12 left (€712)"),
        ({"unit": "HUR", "quantity": Decimal("7.5"), "used": Decimal("0.25")}, "7.25 hours of 7.5 left (€712)"),
        ({"unit": "LS", "quantity": Decimal(1), "used": Decimal(0)}, "Agreed as one sum: €1,068."),
        ({"unit": "LS", "lines": (share("unpriced", None),)}, "Agreed as one sum."),
        ({"lines": (*ITEM.lines, share("planned", "45.50", extra="travel"))}, "8 visits of 12 left (€757.50)"),
    ],
)
def test_what_is_left_of_each_kind_of_plan(changed, count):
    assert service(told(items=(item(**changed),)))["count"] == count


@pytest.mark.parametrize(
    ("chosen_by", "sentence"),
    [
        ("child", "The child chose the provider."),
        ("parent", "A parent chose the provider."),
        ("adult", "You chose the provider."),
        ("worker", "Your worker chose the provider."),
    ],
)
def test_who_chose_and_why(chosen_by, sentence):
    sentences = service(told(items=(item(chosen_by=chosen_by, reason=" Käynnit ovat kotona. "),)))["sentences"]
    assert sentences[:4] == [
        "The service lasts from 2026-11-23 to 2027-02-22.",
        "The service is given by Esimerkkivalmennus Oy (keksitty).",
        sentence,
        "Reason: Käynnit ovat kotona.",
    ]


def test_a_choice_that_the_source_brought_is_nobodys():
    assert not any("chose" in one for one in service(told(items=(item(chosen_by="source"),)))["sentences"])


def test_no_choice_yet_is_said_without_a_word_of_prices():
    open_ = item(provider=None, chosen_by=None, lines=(share("unpriced", None),), used=Decimal(0), free_of_charge=False)
    statement = told(items=(open_,), state="unpriced", free=None, invoiced=Decimal(0), delivered=Decimal(0), ordered=Decimal(0), planned=Decimal(0))  # fmt: skip
    assert service(statement) == {
        "name": "ADHD-valmennus",
        "count": "12 visits of 12 left",
        "sentences": [
            "The service lasts from 2026-11-23 to 2027-02-22.",
            "Nobody has been chosen yet to give you the service. Your worker helps you to choose.",
        ],
    }
    assert said(statement)["sections"][0]["picture"] is None


def test_no_bill_comes_only_where_the_service_is_free():
    bill = "No bill for this service comes to you."
    assert bill in service(STATEMENT)["sentences"]
    assert not any("bill" in one.casefold() for one in service(told(items=(item(free_of_charge=False),)))["sentences"])


def test_prices_that_change_and_what_is_counted_in():
    lines = (
        share("planned", "176.25", price=Decimal("88.1250")),
        share("planned", "90.00", price=Decimal("90.0000"), first=date(2027, 1, 1)),
        share("planned", "90.00", price=Decimal("90.0000"), first=date(2027, 2, 1)),
        share("planned", "12.00", extra="travel", price_unit="KMT"),
        share("planned", "4.00", extra="no_show"),
        share("delivered", "90.00", price=Decimal("1.0000")),
    )
    sentences = service(told(items=(item(lines=lines),)))["sentences"]
    assert sentences[3:-1] == [
        "The price of 1 visit is 88.125\u00a0€.",
        "From 2027-01-01 on the price of 1 visit is €90.",
        "The provider's travel is counted in.",
        "Visits that nobody comes to are counted in.",
    ]
    lesson = share("planned", "60.00", price=Decimal(60), price_unit="MIN", price_base_quantity=Decimal("45.0000"))
    assert "The price of 45 minutes is €60." in service(told(items=(item(lines=(lesson,)),)))["sentences"]
    whole = share("planned", "60.00", price_unit="LS")
    assert not any("price" in one for one in service(told(items=(item(lines=(whole,), unit="LS"),)))["sentences"])


def test_days_without_a_price_say_why():
    after = share("unpriced", None, first=date(2028, 1, 1), last=date(2028, 1, 31))
    before = share("unpriced", None, first=date(2026, 1, 1), last=date(2026, 1, 31))
    gap = share("unpriced", None, first=date(2027, 2, 1), last=date(2027, 2, 22))
    travel = share("unpriced", None, extra="travel", first=date(2027, 2, 1), last=date(2027, 2, 22))
    sentences = service(told(items=(item(lines=(gap, travel, after, before)),)))["sentences"]
    assert sentences[3:-1] == [
        "The decision does not cover the days from 2026-01-01 to 2026-01-31.",
        "The price from 2027-02-01 to 2027-02-22 is not known yet. Your worker finds it out.",
        "The decision does not cover the days from 2028-01-01 to 2028-01-31.",
    ]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"state": "ok"}, ["may cost €1,074 in all", "is enough"]),
        ({"state": "near"}, ["may cost €1,074 in all", "is enough", "Almost all"]),
        ({"state": "within_tolerance", "free": Decimal("-20.50")}, ["costs €20.50 more", "small a difference is allowed"]),
        ({"state": "over", "free": Decimal(-120)}, ["costs €120 more", "You need not do anything now", "together with you"]),
        ({"state": "unpriced", "free": None}, ["may cost €1,074", "Some prices are not known yet"]),
        ({"state": "unpriced", "free": None, "ceiling": None}, ["not known yet how much your services may cost"]),
        ({"state": "ended"}, ["in force until 2027-12-31", "Nothing new is ordered", "€362 was not used"]),
        ({"state": "ended", "valid_to": None, "free": None}, ["The decision has ended.", "Nothing new"]),
    ],
)  # fmt: skip
def test_how_it_stands_is_said_calmly(changed, expected):
    text = money(told(**changed))
    for part in expected:
        assert part in text
    assert not re.search(r"(?i)exceed|overdrawn|must|debt|warning|error|unpriced|ceiling|tolerance", text)


def test_a_closed_case_is_told_what_was_used_and_asked_for_nothing():
    closed = told(closed=True, items=(item(provider=None, lines=()),), free=Decimal(718), planned=Decimal(0))
    assert money(closed) == "Your case with us has been closed. Nothing new is ordered. €718 was not used."
    assert service(closed)["count"] == "4 visits of 12 used"
    assert "chosen" not in " ".join(service(closed)["sentences"])
    assert said(closed)["sections"][0]["picture"]["parts"][-1]["label"] == "Not used"


def test_why_it_may_cost_that():
    why = " ".join(said(STATEMENT)["sections"][0]["why"])
    assert (
        why
        == "You get this instead of another service: perhetyö. 12 visits of that service would cost €1,074. What you get instead may cost about the same."
    )
    granted = told(granted_amount=Decimal(1500), baseline=None)
    assert said(granted)["sections"][0]["why"] == ["The decision of 2026-11-09 grants €1,500 for your services."]
    undated = told(granted_amount=Decimal(1500), decided_on=None)
    assert said(undated)["sections"][0]["why"] == ["The decision grants €1,500 for your services."]
    assert said(undated)["sections"][0]["heading"] == "Decision P-2026-101"
    assert said(told(ceiling=None))["sections"][0]["why"] == []
    assert said(told(baseline=None))["sections"][0]["why"] == []


def test_the_picture_holds_every_euro_once_and_its_words_tell_the_same():
    picture = said(STATEMENT)["sections"][0]["picture"]
    assert [(part["label"], part["figure"]) for part in picture["parts"]] == [
        ("Billed to us already", "€178"),
        ("Done, not billed yet", "€178"),
        ("Ordered for you", "€356"),
        ("Planned, not ordered yet", "€356"),
        ("Left, not planned yet", "€6"),
    ]
    assert sum(part["share"] for part in picture["parts"]) == pytest.approx(1)
    assert len({part["pattern"] for part in picture["parts"]}) == 5
    assert picture["mark"] is None
    for part in picture["parts"]:
        assert f"{part['label']}: {part['figure']}." in picture["alt"]
    assert "Your services may cost €1,074 in all." in picture["alt"]


def test_the_picture_of_too_much_marks_the_limit_and_shows_nothing_left():
    picture = said(told(planned=Decimal("556.00"), free=Decimal("-194.00"), state="over"))["sections"][0]["picture"]
    assert picture["mark"] == pytest.approx(1074 / 1268)
    assert picture["mark_label"] == "May cost €1,074"
    assert len(picture["parts"]) == 4


def test_the_picture_of_credits_and_of_an_ended_decision():
    credit = said(told(invoiced=Decimal("-50.00"), free=Decimal("234.00")))["sections"][0]["picture"]
    assert credit["parts"][0]["share"] == 0
    assert credit["parts"][0]["figure"] == "-€50"
    ended = said(told(state="ended"))["sections"][0]["picture"]
    assert [part["label"] for part in ended["parts"][-2:]] == ["Ordered for you", "Not used"]
    assert ended["parts"][-1]["figure"] == "€362", "what was planned and never ordered was not used either"


def test_whom_to_ask():
    assert said(STATEMENT)["ask"]["sentences"][:3] == [
        "Your own worker: Aino Esimerkki.",
        "Unit: Lapsiperheiden palvelut.",
        CONTACT,
    ]
    nobody = said(replace(STATEMENT, worker=None, unit=None))["ask"]["sentences"]
    assert nobody[0] == "You have no worker of your own yet."
    assert nobody[1] == CONTACT


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_a_statement_is_an_accessible_paper_of_two_pages_at_most(language):
    on = Form(language, "Esimerkin hyvinvointialue (keksitty)", CONTACT, TODAY, SERVICES)
    made = print_statement(STATEMENT, on)
    assert made.pages in {1, 2}
    assert made == print_statement(STATEMENT, on)
    assert root(made.document)["/Lang"] == language
    text, told_in = words(made.document), said(STATEMENT, language)
    for sentence in (
        *told_in["about"], *told_in["sections"][0]["money"], *told_in["sections"][0]["why"], *told_in["change"]["sentences"],
        *told_in["ask"]["sentences"], *STATEMENT.goals, service(STATEMENT, language)["count"],
    ):  # fmt: skip
        assert " ".join(sentence.split()) in text
    assert str(title(made.document)) in text
    assert alternatives(made.document) == [told_in["sections"][0]["picture"]["alt"]]
    headings = [tag["/S"] for tag in tags_of(made.document) if tag["/S"].startswith("/H")]
    assert headings == ["/H1", "/H2", "/H3", "/H2", "/H2", "/H2", "/H2", "/H2"]


def test_each_decision_of_several_has_a_section_and_levels_are_not_skipped():
    other = replace(SECTION, decision="P-2026-102", items=(item(service="NEPSY"),))
    made = print_statement(
        replace(STATEMENT, sections=(SECTION, other), goals=()), Form("en", "The county", "", TODAY, SERVICES)
    )
    text = words(made.document)
    assert text.index("Decision P-2026-101") < text.index("ADHD-valmennus") < text.index("Decision P-2026-102")
    assert text.index("Decision P-2026-102") < text.index("nepsy-valmennus")
    levels = [int(tag["/S"][2:]) for tag in tags_of(made.document) if re.fullmatch(r"/H\d", tag["/S"])]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert len(alternatives(made.document)) == 2


def test_a_case_without_services_and_whatever_a_name_holds_is_printed():
    nothing = told(items=(), planned=Decimal(0), ordered=Decimal(0), invoiced=Decimal(0), delivered=Decimal(0), free=Decimal(1074))  # fmt: skip
    on = Form("en", "The county", "", TODAY, SERVICES)
    assert "No services have been planned yet." in words(print_statement(nothing, on).document)
    odd = '#read("/etc/passwd") 😀 *x* \x1b[2J'
    many = told(items=tuple(item(provider=odd * 5, reason=odd * 40, first=FIRST, last=LAST) for _ in range(30)))
    made = print_statement(replace(many, goals=(odd,) * 40, worker=odd), on)
    assert made.pages > 5
    assert '#read("/etc/passwd") □ *x* [2J' in words(made.document)


def test_whole_euros_are_said_without_cents():
    with speaking("fi"):
        assert (short_money(Decimal("712.00")), short_money(Decimal("712.5"))) == ("712\u00a0€", "712,50\u00a0€")
        assert short_money(Decimal("-1234.00")).replace("\u2212", "-") == "-1\u00a0234\u00a0€"
