"""Finnish first, Swedish, English; money, numbers and dates as each writes them; messages that survive being stored."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from core.errors import InputError, Message
from core.i18n import day, language, moment, money, number, speaking


@pytest.mark.parametrize(("wanted", "expected"), [("fi", "1 234,50 €"), ("sv", "1 234,50 €"), ("en", "€1,234.50")])
def test_money(wanted, expected):
    with speaking(wanted):
        assert money(Decimal("1234.5")).replace("\xa0", " ") == expected
        assert money(None) == "–"


def test_numbers_days_and_moments_are_the_readers():
    with speaking("fi"):
        assert (number(Decimal("7.5000")), number(Decimal("12.0000"))) == ("7,5", "12")
        assert day(date(2026, 11, 2)) == "2.11.2026"
        assert moment(datetime(2026, 7, 1, 21, 30, tzinfo=UTC)) == "2.7.2026 00.30"
    assert (day(None), moment(None)) == ("–", "–")


def test_an_unknown_language_is_finnish():
    with speaking("xx"):
        assert language() == "fi"


def test_a_message_survives_storage_and_is_told_in_the_readers_language():
    message = Message("{path} exists already and is left as it is.", path="a")
    again = Message.from_json(message.to_json())
    assert again == message
    assert hash(again) == hash(message)
    assert again.text("en") == "a exists already and is left as it is."
    assert again.text("fi") != again.text("en")


def test_a_message_of_an_older_version_is_still_shown():
    assert Message.from_json({}).text() == ""
    assert Message.from_json({"msgid": "no such text {n}", "params": {"n": 1}}).text("sv") == "no such text 1"


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [("fi", "ennen kuin se alkaa (28.2.2027)"), ("sv", "innan den börjar (28.2.2027)"), ("en", "starts (2027-02-28)")],
)
def test_dates_are_kept_as_iso_and_read_as_the_language_writes_them(wanted, expected):
    message = Message(
        "The planned service ends ({end}) before it starts ({start}).", end="2026-12-01", start="2027-02-28"
    )
    assert message.to_json()["params"] == {"end": "2026-12-01", "start": "2027-02-28"}
    assert expected in Message.from_json(message.to_json()).text(wanted)


def test_quantities_and_units_are_words_of_the_reader():
    message = Message("{service}: {quantity} {unit}", service="C62", quantity="1234.50", unit="HUR")
    assert message.text("fi").replace("\xa0", " ") == "C62: 1 234,5 tunti"
    assert (
        Message("{unit}, {quantity}, {date}", unit="XUN", quantity="–", date="huomenna").text("fi")
        == "XUN, –, huomenna"
    )
    assert Message("{date}", date=None).text("fi") == "None"


def test_values_that_json_lacks_are_kept_as_text():
    assert Message("{a}", a=Decimal("1.50")).to_json()["params"] == {"a": "1.50"}


def test_errors_speak_the_language_of_the_reader():
    with speaking("en"):
        assert str(InputError("There is no run {run}.", run=3)) == "There is no run 3."
