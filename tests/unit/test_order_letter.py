"""The letters to providers, byte for byte: what they say, and that nothing else can get into them."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from connectors import mail
from core.settings import Organisation
from services.orders.sending import letters
from services.orders.sending.paper_values import Link

ABOUT = letters.Occasion(
    number="T-2026-000001",
    document="<Order>ä</Order>\n".encode(),
    organisation=Organisation().name,
    sender="avain@county.invalid",
    recipient="tilaukset@esimerkki.invalid",
    language="en",
    written_at=datetime(2026, 11, 16, 4, 0, tzinfo=UTC),
)


def order_letter(about: letters.Occasion = ABOUT, **over: Any) -> mail.Letter:
    values: dict[str, Any] = {
        "pdf": b"%PDF-1.7 invented\n",
        "attach_xml": True,
        "epoch": 1,
        "reply": Link("https://avain.invalid/reply/abc", date(2027, 1, 15)),
        "report": Link("https://avain.invalid/delivered/abc", date(2027, 3, 31)),
    }
    return letters.order_letter(about, **(values | over))


def test_the_letter_as_it_travels(snapshot: SnapshotAssertion) -> None:
    assert mail.compose(order_letter()).decode("ascii") == snapshot


def test_the_letter_that_cancels_as_it_travels(snapshot: SnapshotAssertion) -> None:
    assert mail.compose(letters.cancellation_letter(ABOUT)).decode("ascii") == snapshot


@pytest.mark.parametrize("language", ["fi", "sv", "en", "xx"])
def test_every_language_says_who_writes_and_about_what(language: str) -> None:
    about = replace(ABOUT, language=language)
    for letter in (
        order_letter(about),
        letters.cancellation_letter(about),
        letters.trial_letter(about, attach_xml=True),
    ):
        assert letter.subject == ABOUT.number
        assert Organisation().name in letter.text
        assert "{" not in letter.text


def test_the_xml_goes_only_where_it_is_wanted() -> None:
    assert [one.name for one in order_letter().attachments] == ["T-2026-000001.pdf", "T-2026-000001.xml"]
    without = order_letter(attach_xml=False)
    assert [one.name for one in without.attachments] == ["T-2026-000001.pdf"]
    assert "XML" not in without.text
    assert not letters.trial_letter(ABOUT, attach_xml=False).attachments


def test_another_document_or_another_occasion_is_another_message() -> None:
    others = [
        order_letter(),
        order_letter(epoch=2),
        order_letter(replace(ABOUT, document=b"<Order/>")),
        letters.cancellation_letter(ABOUT),
    ]
    assert len({letter.message_id for letter in others}) == len(others)
    assert order_letter() == order_letter()
