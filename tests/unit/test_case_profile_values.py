"""What the rules of a profile make of the texts they find: codes, dates, numbers, defaults."""

import pytest

from connectors.cases.profile import FieldFaultError, FieldRule, convert, convert_all, read_part
from connectors.cases.profile.days import DateFormat
from connectors.cases.record import FoundRecord, parse_record
from connectors.faults import FaultError
from core.errors import Message


@pytest.mark.parametrize(
    ("form", "text", "day"),
    [
        ("%d.%m.%Y", "1.2.2026", "2026-02-01"),
        ("%d.%m.%Y", "01.02.2026", "2026-02-01"),
        ("%d.%m.%Y", "31.2.2026", "2026-02-31"),  # the record says that there is no such day
        ("%d.%m.%Y", "31.12.9999", "9999-12-31"),
        ("%d.%m.%Y", "2026-02-01", "2026-02-01"),  # a workbook's own dates
        ("%Y%m%d", "20260201", "2026-02-01"),
        ("%m/%d/%Y", "2/1/2026", "2026-02-01"),
        ("%d.%m.%Y %H:%M:%S", "1.2.2026 23:59:59", "2026-02-01"),
        ("%Y-%m-%dT%H:%M:%S%z", "2026-01-31T22:30:00Z", "2026-02-01"),
        ("%Y-%m-%dT%H:%M:%S.%f%z", "2026-02-01T00:30:00.123+0200", "2026-02-01"),
        ("%Y-%m-%d%z", "2026-02-01+02:00", "2026-02-01"),
        ("100%% %d.%m.%Y", "100% 1.2.2026", "2026-02-01"),
    ],
)
def test_dates_in_many_forms(form: str, text: str, day: str) -> None:
    assert DateFormat(form).read(text) == day


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("%d.%m.%Y", "1.2.26"),
        ("%d.%m.%Y", "1.2.2026 12:00"),
        ("%d.%m.%Y", "Aino"),
        ("%Y%m%d", "2026021"),
        ("%Y-%m-%dT%H:%M%z", "2026-02-01T25:00Z"),
        ("%d.%m.%Y", "١.٢.٢٠٢٦"),
    ],
)
def test_dates_in_another_form_are_a_fault(form: str, text: str) -> None:
    said = DateFormat(form).read(text)
    assert isinstance(said, Message)
    assert said.msgid == "{value} is not a date of the form {form}."


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 234,50", "1234.50"),
        ("1\xa0234,50", "1234.50"),
        ("1.234.567,50", "1234567.50"),
        ("12,5", "12.5"),
        ("12.5", "12.5"),
        ("1234", "1234"),
        ("-12,5", "-12.5"),
        ("−12,5", "-12.5"),
        ("NaN", "NaN"),
        ("noin kaksi", "noin kaksi"),
        ("1,2,3", "1,2,3"),
    ],
)
def test_decimal_commas(text: str, value: str) -> None:
    assert convert(FieldRule(("quantity",), ("a",), decimal_comma=True), text) == value


def test_a_number_that_can_be_read_in_two_ways_is_not_guessed() -> None:
    with pytest.raises(FaultError) as fault:
        convert(FieldRule(("quantity",), ("a",), decimal_comma=True), "1.234")
    assert str(fault.value.message) == "1.234 can be read in two ways: does its point group thousands or decimals?"


def test_codes_defaults_and_constants() -> None:
    codes = {"A": "open", "P": "closed", "-": ""}
    rule = FieldRule(("status",), ("Tila",), codes=codes, default="closed")
    assert [convert(rule, raw) for raw in ("A", " P ", "", None, "-")] == [
        "open",
        "closed",
        "closed",
        "closed",
        "closed",
    ]
    assert convert(FieldRule(("status",), ("Tila",), codes={**codes, "*": "open"}), "muu") == "open"
    assert convert(FieldRule(("unit",), ("Yksikkö",)), "  ") is None
    assert convert(FieldRule(("unit",), constant="U-1"), None) == "U-1"
    with pytest.raises(FaultError) as fault:
        convert(rule, "X")
    assert str(fault.value.message) == "The code X is not in the profile; known are: -, A, P"
    with pytest.raises(FaultError) as fault:
        convert(rule, "Aino Keksitty")
    assert "Aino" not in str(fault.value.message)
    many = FieldRule(("status",), ("Tila",), codes={f"{n:02}": "open" for n in range(30)})
    with pytest.raises(FaultError) as fault:
        convert(many, "X")
    assert str(fault.value.message).endswith("18, 19, …")


def test_repeated_texts() -> None:
    rule = FieldRule(("goals",), ("Tavoitteet",), split="|", repeated=True)
    assert convert_all(rule, [" Eka | Toka||", None, "Kolmas"]) == ["Eka", "Toka", "Kolmas"]
    assert convert_all(FieldRule(("goals",), ("a",), repeated=True), ["Eka|Toka", ""]) == ["Eka|Toka"]
    assert convert_all(FieldRule(("goals",), constant="Eka", repeated=True), []) == ["Eka"]


def test_a_part_of_which_only_constants_are_known_is_left_out() -> None:
    rules = [
        FieldRule(("external_id",), ("Päätös",)),
        FieldRule(("baseline", "service"), ("Palvelu",)),
        FieldRule(("baseline", "unit"), constant="HUR"),
        FieldRule(("baseline", "quantity"), ("Määrä",), default="1"),
    ]
    row = {"Päätös": "D-1", "Palvelu": "", "Määrä": ""}
    assert read_part(rules, lambda rule: [row[one] for one in rule.sources]) == {"external_id": "D-1"}
    row["Palvelu"] = "PERHETYO"
    assert read_part(rules, lambda rule: [row[one] for one in rule.sources]) == {
        "external_id": "D-1",
        "baseline": {"service": "PERHETYO", "unit": "HUR", "quantity": "1"},
    }


def test_a_fault_names_its_field() -> None:
    rules = [FieldRule(("client", "non_disclosure"), ("Turvakielto",), codes={"K": "true"})]
    with pytest.raises(FieldFaultError) as fault:
        read_part(rules, lambda _: ["E"])
    assert fault.value.field == "client.non_disclosure"


def test_what_rules_make_is_a_record() -> None:
    raws = {"id": "AS-1", "as": "K-1", "tt": "W-1", "t": "A", "p": "19.10.2026", "s": "1"}
    rules = [
        FieldRule(("external_id",), ("id",)),
        FieldRule(("client", "external_id"), ("as",)),
        FieldRule(("responsible_worker",), ("tt",)),
        FieldRule(("status",), ("t",), codes={"A": "open"}),
        FieldRule(("plan_date",), ("p",), date_format=DateFormat("%d.%m.%Y")),
        FieldRule(("support_person",), ("s",)),
    ]
    found = parse_record(read_part(rules, lambda rule: [raws[one] for one in rule.sources]), "1")
    assert isinstance(found, FoundRecord)
    assert found.record.plan_date is not None
    assert found.record.support_person
