"""The daily e-mail as people read it: in a mail program, with a screen reader, in Outlook, in every language, and of every length."""

import email
import re
from datetime import UTC, date, datetime
from email.policy import default
from typing import Any

import pytest
from lxml import html

from core.i18n import LANGUAGES
from models.follow_up import FOLLOW_UP_KINDS
from services.reminders import message
from services.reminders.bundle import Bundle, Heard, Person, Task, UnitList
from services.reminders.mail_samples import samples
from services.reminders.message import NEWS
from tests.factories.follow_up import WRITING

DAY = date(2026, 12, 7)
NOW = datetime(2026, 12, 7, 6, tzinfo=UTC)
#: What Outlook's writer and the older web mails pass over or break at.
NOT_FOR_MAILS = ("flex", "grid", "position:", "float:", "var(", "calc(", "@media", "class=", " id=", "rem;")


def written(bundle: Bundle):
    _id, document = message.write(bundle, DAY, NOW, WRITING)
    letter = email.message_from_string(document, policy=default)
    plain, rich = letter.get_body(("plain",)), letter.get_body(("html",))
    assert plain is not None
    assert rich is not None
    return letter, plain.get_content(), rich.get_content()


def tree_of(rich: str) -> Any:
    """The page, parsed."""
    return html.document_fromstring(rich)


def person(language: str = "en") -> Person:
    return Person(1, "W-1", "w@avain.invalid", language)


@pytest.fixture(params=[(language, number) for language in LANGUAGES for number in range(4)], ids=str)
def sample(request):
    language, number = request.param
    return language, samples(language, [*NEWS, "of an unknown sort"])[number]


def test_the_page_is_put_together_for_everybody(sample):
    language, bundle = sample
    letter, _plain, rich = written(bundle)
    tree = tree_of(rich)
    assert tree.get("lang") == language
    assert tree.findtext(".//title") == letter["Subject"]
    assert [len(tree.findall(f".//{tag}")) for tag in ("h1", "script", "style", "link", "img", "form")] == [
        1,
        0,
        0,
        0,
        0,
        0,
    ]
    sections = tree.findall(".//h2")
    tables = tree.findall(".//table")
    assert len(sections) == len(tables) > 0
    for heading, table in zip(sections, tables, strict=True):
        rows = table.findall("./tbody/tr")
        assert f"({len(rows)})" in heading.text_content()
        assert {one.get("scope") for one in table.findall("./thead/tr/th")} == {"col"}
        for row in rows:
            (head,) = row.findall("./th[@scope='row']")
            (link,) = row.findall(".//a")
            assert link.getparent() is head
            assert len(row) == len(table.findall("./thead/tr/th"))
    for link in tree.findall(".//a"):
        assert link.get("href").startswith("https://avain.invalid/")
        assert len(link.text_content().split()) > 1, "a link's text says where it leads"
    hidden = [one.get("role") for one in tree.findall(".//table") if one.get("role")]
    assert hidden == [], "tables here are of data; what lays out for Outlook stands in its conditional comments"


def test_outlook_and_old_web_mails_can_read_it(sample):
    _language, bundle = sample
    _letter, _plain, rich = written(bundle)
    assert [one for one in NOT_FOR_MAILS if one in rich] == []
    for cell in tree_of(rich).xpath("//th|//td|//p|//h1|//h2"):
        assert "font-family:Arial" in cell.get("style"), "Outlook hands a page's font on to no table"
    assert rich.count("<!--[if mso]>") == rich.count("<![endif]-->") == 2


def test_the_contrast_is_enough(sample):
    _language, bundle = sample
    _letter, _plain, rich = written(bundle)
    assert set(re.findall(r"background-color:(#[0-9a-f]{6})", rich)) == {"#ffffff"}
    for colour in set(re.findall(r"(?<!-)color:(#[0-9a-f]{6})", rich)):
        assert 1.05 / (luminance(colour) + 0.05) >= 7, colour


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_text_and_html_say_the_same(sample):
    _language, bundle = sample
    _letter, plain, rich = written(bundle)
    tree = tree_of(rich)
    for link in tree.findall(".//a"):
        assert link.get("href") in plain.splitlines() or f"  {link.get('href')}" in plain.splitlines()
        assert link.text_content() in plain
    for heading in [*tree.findall(".//h1"), *tree.findall(".//h2")]:
        assert heading.text_content() in plain
    assert plain.count("https://") == rich.count("https://")


def test_every_matter_has_one_link():
    tasks = [Task(n, kind, DAY, f"HB-2026-{n:06d}") for n, kind in enumerate(FOLLOW_UP_KINDS, 1)]
    news = [Heard(8, "order_rejected", "order:T-2026-000007"), Heard(9, "choice_conflict", "of nothing known")]
    _letter, plain, _rich = written(Bundle(person(), tasks, [UnitList(7, tasks[:1])], news))
    links = re.findall(r"https://\S+", plain)
    assert links == [
        *(f"https://avain.invalid/follow-ups/{task.id}" for task in tasks),
        "https://avain.invalid/follow-ups/1",
        "https://avain.invalid/unit?id=7",
        "https://avain.invalid/orders/T-2026-000007",
        "https://avain.invalid/notices/9",
    ]


def test_why_it_came_to_somebody_is_said():
    tasks = [
        Task(1, "start", DAY, "HB-2026-000001"),
        Task(2, "start", DAY, "HB-2026-000002", "overdue"),
        Task(3, "start", DAY, "HB-2026-000003", "new", "handed"),
        Task(4, "start", DAY, "HB-2026-000004", "overdue", "away"),
        Task(5, "start", DAY, "HB-2026-000005", "new", "unreachable"),
    ]
    units = [
        UnitList(7, [Task(6, "start", DAY, "HB-2026-000006", "overdue")]),
        UnitList(None, [Task(7, "final", DAY, "HB-2026-000007")]),
    ]
    news = [
        Heard(8, "order_rejected", "order:T-2026-000008", "away"),
        Heard(9, "order_rejected", "order:T-2026-000009"),
    ]
    letter, plain, _rich = written(Bundle(person(), tasks, units, news))
    assert letter["Subject"] == "Avain: 9 matters wait for you"
    lines = [line for line in plain.splitlines() if line and not line.startswith("  ")]
    assert lines == [
        "Reminders of 2026-12-07",
        "To follow up (1)",
        "- HB-2026-000001, Start check, due 2026-12-07",
        "Reminded of before, still open (1)",
        "- HB-2026-000002, Start check, due 2026-12-07",
        "Handed over to you (1)",
        "- HB-2026-000003, Start check, due 2026-12-07",
        "For a colleague who is away (1)",
        "- HB-2026-000004, Start check (reminded of before), due 2026-12-07",
        "For a colleague who cannot be reached by e-mail (1)",
        "Their e-mail address is missing or takes no mail, or they no longer work here. Therefore it comes to you.",
        "- HB-2026-000005, Start check, due 2026-12-07",
        "Left open by the workers of your unit 1 of 2 (1)",
        "- HB-2026-000006, Start check, due 2026-12-07",
        "How the unit is doing:",
        "Left open by the workers of your unit 2 of 2 (1)",
        "- HB-2026-000007, Final evaluation, due 2026-12-07",
        "News (2)",
        "- T-2026-000008, An order was rejected (for a colleague who is away)",
        "- T-2026-000009, An order was rejected",
        "--",
        "This message was sent by a machine; answers to it are not read. Acknowledge reminders in Avain.",
    ]


def test_one_matter_is_one():
    letter, _plain, _rich = written(Bundle(person(), [Task(1, "start", DAY, "HB-2026-000001")]))
    assert letter["Subject"] == "Avain: 1 matter waits for you"


def test_an_unknown_language_is_the_installations():
    for language, installation, spoken in (("xx", "sv", "sv"), ("", "en", "en"), ("sv", "fi", "sv")):
        bundle = Bundle(person(language), [Task(1, "start", DAY, "HB-2026-000001")])
        how = message.Writing(**{**vars(WRITING), "language": installation})
        _id, document = message.write(bundle, DAY, NOW, how)
        rich = email.message_from_string(document, policy=default).get_body(("html",))
        assert rich is not None
        assert f'<html lang="{spoken}">' in rich.get_content()


def test_message_ids_are_one_a_person_and_day_and_cannot_be_guessed():
    def of(worker: str, day: date, secret: bytes) -> str:
        bundle = Bundle(Person(1, worker, "w@avain.invalid", "fi"), [Task(1, "start", DAY, "HB-2026-000001")])
        return message.write(bundle, day, NOW, message.Writing(**{**vars(WRITING), "secret": secret}))[0]

    assert of("W-1", DAY, b"a") == of("W-1", DAY, b"a")
    assert (
        len({of("W-1", DAY, b"a"), of("W-2", DAY, b"a"), of("W-1", date(2026, 12, 8), b"a"), of("W-1", DAY, b"b")}) == 4
    )
