"""The canonical case record: what it accepts, what it rejects, with which sentence and field."""

import json
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.cases.record import FoundRecord, json_schema, parse_record
from connectors.rejection import Rejection, quote, quote_code, quote_figure
from core.errors import Message
from core.settings import ROOT
from services.labels import field_name

SCHEMA = ROOT / "docs/formats/case-record-1.schema.json"


def record(**over: Any) -> dict[str, Any]:
    """A whole record, as texts."""
    return {
        "external_id": "LC-1", "client": {"external_id": "K-1"}, "responsible_worker": "W-101", "status": "open",
        "decisions": [decision()], "plan_items": [item()], **over,
    }  # fmt: skip


def decision(**over: Any) -> dict[str, Any]:
    baseline = {"service": "PERHETYO", "quantity": "12", "unit": "C62"}
    return {"external_id": "D-1", "decided_on": "2026-11-09", "baseline": baseline, **over}


def item(**over: Any) -> dict[str, Any]:
    return {
        "external_id": "I-1", "decision": "D-1", "service": "NEPSY", "quantity": "10", "unit": "C62", "start": "2026-11-23",
        "end": "2027-02-22", **over,
    }  # fmt: skip


def rejection(data: dict[str, Any]) -> Rejection:
    found = parse_record(data, "7")
    assert isinstance(found, Rejection), found
    assert found.position == "7"
    return found


def test_a_whole_record_becomes_values() -> None:
    found = parse_record(record(support_person="true", goals=["a", "b", "c"], kykyviisari_date="20.10.2026"), "7")
    assert isinstance(found, FoundRecord)
    made = found.record
    assert (made.support_person, made.goals, made.kykyviisari_date) == (True, ("a", "b", "c"), date(2026, 10, 20))
    assert made.decisions[0].baseline is not None
    assert made.decisions[0].baseline.quantity == Decimal(12)
    assert made.plan_items[0].end == date(2027, 2, 22)


@pytest.mark.parametrize(
    ("over", "field", "said"),
    [
        ({"plan_items": [item(start="31.2.2026")]}, "plan_items.start", "There is no such day as 31.2.2026."),
        ({"plan_items": [item(end="2026-02-30")]}, "plan_items.end", "There is no such day as 2026-02-30."),
        ({"plan_date": "soon"}, "plan_date", "… is not a date; expected is a day such as 2026-11-16."),
        ({"plan_date": "0026-11-16"}, "plan_date", "0026-11-16 is not a date; expected is a day such as 2026-11-16."),
        ({"plan_date": 20261116}, "plan_date", "… is not a date; expected is a day such as 2026-11-16."),
        ({"plan_date": "Aino Keksitty"}, "plan_date", "… is not a date; expected is a day such as 2026-11-16."),
        ({"plan_date": "131052-9074"}, "plan_date", "… is not a date; expected is a day such as 2026-11-16."),
        ({"plan_items": [item(end="2026-11-22")]}, "plan_items", "The planned service ends (2026-11-22) before it starts (2026-11-23)."),
        ({"plan_items": [item(end="2199-12-31", follow_up={"interval_days": 7})]}, "plan_items", "The planned service would be looked at more than 1000 times over its days."),
        ({"decisions": [decision(valid_from="2026-12-01", valid_to="2026-11-30")]}, "decisions", "The decision ends (2026-11-30) before it starts (2026-12-01)."),
        ({"decisions": [decision(granted_amount="-1.00")]}, "decisions.granted_amount", "-1.00 is negative."),
        ({"decisions": [decision(granted_amount="NaN")]}, "decisions.granted_amount", "NaN is not a number; expected are digits with a decimal point."),
        ({"decisions": [decision(granted_amount="1e3")]}, "decisions.granted_amount", "1e3 is not a number; expected are digits with a decimal point."),
        ({"decisions": [decision(granted_amount="900,00")]}, "decisions.granted_amount", "900,00 is not a number; expected are digits with a decimal point."),
        ({"decisions": [decision(granted_amount=Decimal("Infinity"))]}, "decisions.granted_amount", "Infinity is not a number; expected are digits with a decimal point."),
        ({"decisions": [decision(granted_amount="1.005")]}, "decisions.granted_amount", "1.005 has more than 2 decimals."),
        ({"decisions": [decision(granted_amount="10000000000")]}, "decisions.granted_amount", "… is larger than Avain can hold."),
        ({"plan_items": [item(quantity="0")]}, "plan_items.quantity", "The quantity is zero."),
        ({"plan_items": [item(quantity="-3")]}, "plan_items.quantity", "-3 is negative."),
        ({"plan_items": [item(unit="visit")]}, "plan_items.unit", "visit is not written the way it must be (^[A-Z0-9]{2,3}$)."),
        ({"status": "asleep"}, "status", "asleep is not known; known are: open, closed"),
        ({"goals": ["a", "b", "c", "d"]}, "goals", "There are more than 3."),
        ({"goals": ["a" * 1001]}, "goals", "The text is longer than 1000 characters."),
        ({"goals": [" "]}, "goals", "The text is empty."),
        ({"goals": ["Aino 131052-9074 harrastaa"]}, "goals", "The text holds a henkilötunnus. It must be taken out in the source."),
        ({"decisions": [decision(number="131052-9074")]}, "decisions.number", "The text holds a henkilötunnus. It must be taken out in the source."),
        ({"goals": ["a\x00b"]}, "goals", "The text holds a control character."),
        ({"unit": "\x1b[2J"}, "unit", "The text holds a control character."),
        ({"decisions": [decision(number="1\x1b]0;")]}, "decisions.number", "The text holds a control character."),
        ({"plan_items": [item(decision="D-9")]}, None, "The planned service I-1 belongs to decision D-9, which the case does not have."),
        ({"decisions": [decision(), decision()]}, None, "D-1 is there twice in the case."),
        ({"plan_items": [item(), item()]}, None, "I-1 is there twice in the case."),
        ({"plan_items": [item(provider="9999999-1")]}, "plan_items.provider", "9999999-1 is not a business id (1234567-1): its form or check digit is wrong."),
        ({"client": {}}, "client.external_id", "A value that must be there is missing."),
        ({"colour": "red"}, "colour", "There is a field that the record does not have."),
        ({"support_person": "perhaps"}, "support_person", "perhaps is neither true nor false."),
        ({"plan_items": [item(follow_up={"interval_days": "0"})]}, "plan_items.follow_up.interval_days", "0 is smaller than 1."),
        ({"plan_items": [item(follow_up={"start_working_days": "9999"})]}, "plan_items.follow_up.start_working_days", "9999 is larger than 3650."),
        ({"plan_items": [item(follow_up={"interval_days": "often"})]}, "plan_items.follow_up.interval_days", "often is not a whole number."),
        ({"client": "K-1"}, "client", "The value is not of the kind that is expected."),
        ({"responsible_worker": "two words"}, "responsible_worker", r"… is not written the way it must be (^\S+$)."),
        ({"client": {"external_id": "131052-9074"}}, "client.external_id", "An identifier is a henkilötunnus. The source must be set up to give another one."),
        ({"client": {"external_id": "K", "identity": {"henkilotunnus": "131052-9075"}}}, "client.identity.henkilotunnus", "The henkilötunnus is not valid: its form, date or check mark is wrong."),
    ],
)  # fmt: skip
def test_a_fault_is_said_in_one_sentence_with_its_field(over: dict[str, Any], field: str | None, said: str) -> None:
    found = rejection(record(**over))
    assert (found.field, found.reason.text("en"), found.external_id) == (field, said, "LC-1")


def test_of_several_parts_the_wrong_one_is_named() -> None:
    said = rejection(record(decisions=[decision(), decision(external_id="D-7", granted_amount="-1")]))
    assert (said.field, said.reason.params) == ("decisions.granted_amount", {"value": "-1", "part": "D-7"})
    assert field_name(said.field, said.reason).startswith("decision D-7: ")


@pytest.mark.parametrize("end", ["9999-12-31", " 31.12.9999 ", date.max, None])
def test_until_further_notice_is_no_end(end: Any) -> None:
    found = parse_record(record(decisions=[decision(valid_from="2026-11-16", valid_to=end)]), "1")
    assert isinstance(found, FoundRecord)
    assert found.record.decisions[0].valid_to is None
    assert isinstance(parse_record(record(decisions=[decision(valid_from="9999-12-31")]), "1"), Rejection)


@pytest.mark.parametrize("long", ["urn:uuid:7c9e6679-7425-40de-944b-e07fc1f90ae7", "A" * 64])
def test_an_id_as_long_as_ids_may_be_is_kept(long: str) -> None:
    assert rejection(record(external_id=long, status="asleep")).external_id == long


@pytest.mark.parametrize("unreadable", [None, "", "131052-9074", "two words", 7, "A" * 65, "a\x1b[2J"])
def test_an_id_that_may_not_be_kept_is_not(unreadable: Any) -> None:
    found = rejection(record(external_id=unreadable))
    assert (found.field, found.external_id) == ("external_id", None)


def test_every_century_mark_is_accepted_where_identity_is_kept() -> None:
    for century in "-YXWVU":
        who = {"external_id": "K", "identity": {"henkilotunnus": f"131052{century}9074"}}
        assert isinstance(parse_record(record(client=who), "1"), FoundRecord)


@given(st.one_of(st.text(), st.integers(), st.floats(), st.none(), st.dictionaries(st.text(), st.text()), st.lists(st.text())))  # fmt: skip
def test_whatever_stands_in_a_field_the_answer_is_a_record_or_a_sentence(value: Any) -> None:
    for name in record():
        found = parse_record(record(**{name: value}), "1")
        if isinstance(found, Rejection):
            assert found.reason.text("en")
            json.dumps(found.reason.to_json())
    for name in item():
        assert isinstance(parse_record(record(plan_items=[item(**{name: value})]), "1"), FoundRecord | Rejection)


@given(st.dates(date(1900, 1, 1), date(2199, 12, 31)), st.integers(-400, 400))
def test_a_period_is_accepted_exactly_if_it_does_not_end_before_it_starts(start: date, days: int) -> None:
    try:
        end = start + timedelta(days=days)
        parsed = parse_record(record(plan_items=[item(start=start.isoformat(), end=end.isoformat())]), "1")
    except OverflowError:
        return
    assert isinstance(parsed, FoundRecord) == (days >= 0 and end.year < 2200) or end.year not in range(1900, 2200)


@given(st.decimals(allow_nan=True, allow_infinity=True))
def test_an_amount_is_accepted_exactly_if_the_database_holds_it_unrounded(amount: Decimal) -> None:
    found = parse_record(record(decisions=[decision(granted_amount=amount)]), "1")
    fits = amount.is_finite() and 0 <= amount < Decimal(10) ** 10 and amount == amount.quantize(Decimal("0.01"))
    assert isinstance(found, FoundRecord) == fits


@pytest.mark.parametrize(
    ("value", "shown"),
    [("2026-02-31", "2026-02-31"), ("Aino Keksitty", "…"), ("", "…"), ("x" * 41, "…"), ("131052-9074", "…"), ("a\u202eb", "…"), (None, "None")],
)  # fmt: skip
def test_only_harmless_values_are_quoted(value: object, shown: str) -> None:
    assert quote(value) == shown


@pytest.mark.parametrize("name", ["Keksitty", "Mäki-Keksitty", "O'Keksitty", "Keksitty,Aino", "Äijö"])
def test_what_is_written_as_names_are_is_not_quoted(name: str) -> None:
    assert quote(name) == "…"


@pytest.mark.parametrize(
    "code", ["PERHETYO", "avoin", "A", "C62", "LC-1001", "W-101", "planItem", "PlanItem", "urn:oid:1.2"]
)
def test_codes_are_quoted(code: str) -> None:
    assert quote(code) == code


@pytest.mark.parametrize(
    ("value", "shown"),
    [("KEKSITTY", "…"), ("ÄIJÖ", "…"), ("MÄKI-KEKSITTY", "…"), ("KEKSITTY,AINO", "…"), ("O'KEKSITTY", "…"), ("Keksitty", "…"),
     ("LS", "LS"), ("C62", "C62"), ("LC-1001", "LC-1001"), ("avoin", "avoin"), ("PERHETYO_2", "PERHETYO_2")],
)  # fmt: skip
def test_of_a_clients_record_no_word_of_capitals_is_quoted(value: str, shown: str) -> None:
    assert quote_code(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [("31.2.2026", "31.2.2026"), ("20260231", "20260231"), ("2026-11-16T25:00Z", "2026-11-16T25:00Z"), ("-12,5", "-12,5"), ("1234567,89", "1234567,89"),
     ("KEKSITTY", "…"), ("keksitty", "…"), ("131052907", "…"), ("1310529074", "…"), ("+358401234567", "…"), ("0401234567", "…"), ("131052/9074", "131052/9074")],
)  # fmt: skip
def test_where_a_figure_was_expected_no_word_and_no_telephone_is_quoted(value: str, shown: str) -> None:
    assert quote_figure(value) == shown


def test_the_published_schema_is_that_of_the_model() -> None:
    assert SCHEMA.read_text("utf-8") == json_schema(), (
        f"write it with: python -m connectors.cases.record > {SCHEMA.relative_to(ROOT)}"
    )


def test_a_rejected_records_id_is_nobodys_henkilotunnus() -> None:
    found = Rejection("7", "price", "131052-9074", Message("The text is empty."))
    assert found.external_id == "[redacted]"
