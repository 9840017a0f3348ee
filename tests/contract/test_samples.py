"""Samples with invented values: nothing real in them, and the same connector reads them."""

import io
import json
import random
import re
import tomllib
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from connectors.cases.contract import WHO, a_record, fetched
from connectors.cases.faking import Faker
from connectors.cases.fhir.values import UNITS
from connectors.cases.profile import load_profile
from connectors.cases.record import FoundRecord
from connectors.cases.sampling import Sample, Table, fake, take_sample
from connectors.cases.table.client import TableCases
from connectors.cases.trial import try_records
from connectors.cases.xml.client import XmlCases
from core.errors import InputError
from core.identity import normalise_henkilotunnus
from services.looked import words_of
from tests.contract import test_case_connectors as forms
from tests.contract import test_table_connectors as rows
from tests.contract.test_case_connectors import JsonLines
from tests.support import tables

HENKILOTUNNUS = re.compile(r"\d{6}[-+A-FU-Y]\d{3}[0-9A-Y]")


def faker(*real: str, kept: Sequence[str] = ()) -> Faker:
    return Faker(kept, real, random.Random(7))


@pytest.mark.parametrize(
    ("real", "form"),
    [
        ("LC-1001", r"[A-Z]{2}-[1-9]?\d{4}|[A-Z]{2}-\d{4}"),
        ("2026-11-16", r"20\d\d-\d\d-\d\d"),
        ("16.11.2026", r"\d{2}\.\d{2}\.20\d\d"),
        ("20261116", r"20\d{6}"),
        ("2026-11-16T10:15:30+02:00", r"20\d\d-\d\d-\d\dT00:00:00\+02:00"),
        ("900.00", r"[1-9]\d\d\.\d\d"),
        ("12,5", r"1[0-2],\d"),
        ("1 500,00", r"1 \d{3},\d\d"),
        ("-12.345,6", r"-1\d\.\d{3},\d"),
        ("10", r"[1-9]\d?"),
        ("131052-9074", HENKILOTUNNUS.pattern),
        ("9999994-1", r"\d{7}-\d"),
        ("Aino Keksitty", r"[A-Z][a-z]* ?[a-z]*"),
        ("aino@example.invalid", r"[a-z]+@esimerkki\.invalid"),
        (" W-101 ", r" [A-Z]-\d{3} "),
        ("08:30", r"\d\d:\d\d"),
    ],
)
def test_a_value_keeps_its_form_and_nothing_else(real: str, form: str) -> None:
    made = faker(real).value(real)
    assert re.fullmatch(form, made), made
    assert made.strip() != real.strip()


@pytest.mark.parametrize("word", ["open", "true", "0", "C62", "HUR", "", "  ", "Avoin"])
def test_words_that_are_nobodys_stay(word: str) -> None:
    assert faker(word, kept=["Avoin"]).value(word) == word


def test_equal_stays_equal_different_stays_different_and_order_stays_in_dates() -> None:
    numbers = [str(number) for number in range(2, 200)]
    one = faker(*numbers)
    made = [one.value(number) for number in numbers]
    assert [one.value(number) for number in numbers] == made
    assert len(set(made)) == len(made)
    assert not set(made) & set(numbers)
    days = ["2026-01-31", "2026-02-28", "2027-02-22"]
    assert sorted(map(one.value, days)) == list(map(one.value, days))
    assert one.value("9999-12-31") == "9999-12-31", "no end is no date"


def test_an_invented_henkilotunnus_is_nobodys() -> None:
    one = faker(WHO["henkilotunnus"])
    made = one.value(WHO["henkilotunnus"])
    assert normalise_henkilotunnus(made) == made
    assert made[7:10] >= "900"


def test_references_lead_where_they_led() -> None:
    one = faker("abc-1")
    invented = one.value("abc-1")
    assert one.reference("Patient/abc-1") == f"Patient/{invented}"
    assert one.reference("urn:uuid:abc-1") == f"urn:uuid:{invented}"
    assert one.reference("https://fhir.real.invalid/r4/Patient/abc-1").endswith(f"/Patient/{invented}")
    assert "real" not in one.reference("https://fhir.real.invalid/r4/Patient/abc-1")


def values(samples: Sequence[Sample]) -> set[str]:
    return {value for one in samples for value in one.values() if len(value) > 2}


def as_json(taken: Sample) -> list[Any]:
    return [json.loads(line) for line in taken.to_bytes().splitlines()]


def records(count: int) -> list[dict[str, Any]]:
    return [
        a_record(
            f"LC-{1000 + number}", client={"external_id": f"K-{number}", "non_disclosure": "true", "identity": WHO}
        )
        for number in range(count)
    ]


def test_xml_is_sampled_and_invented_and_still_reads() -> None:
    connector = XmlCases()
    with fetched(forms.TestXml().write(records(10))) as files:
        taken = take_sample(connector, files, 3)
    (invented,) = fake(taken, (), random.Random(3))
    assert not values([invented]) & (values(taken) - {"open", "true", "C62", "HUR"})
    assert WHO["name"] not in invented.to_bytes().decode()
    with fetched({"cases.xml": taken[0].to_bytes()}) as files:
        real = [one.record for _, one in connector.read(files, identity="sealed") if isinstance(one, FoundRecord)]
    with fetched({"cases.xml": invented.to_bytes()}) as files:
        tried = try_records(connector, files, identity="sealed", limit=100)
        read = [one.record for _, one in connector.read(files, identity="sealed") if isinstance(one, FoundRecord)]
    assert (tried.read, tried.valid) == (3, 3), tried.faults
    assert [len(one.plan_items) for one in read] == [len(one.plan_items) for one in real]
    assert all(
        item.decision in {one.external_id for one in case.decisions} for case in read for item in case.plan_items
    )
    assert len({one.external_id for one in read}) == 3


def test_records_that_stand_deeper_keep_what_leads_to_them() -> None:
    class Deep(XmlCases):
        record_tag = "{urn:x}record"

    content = b'<x:out xmlns:x="urn:x" day="2026-11-16"><x:head>Real Name</x:head><x:all><x:record id="AB-77"/><x:record id="AB-78"/></x:all></x:out>'
    with fetched({"a.xml": content}) as files:
        taken = take_sample(Deep(), files, 1)
    assert b"AB-77" in taken[0].to_bytes()
    invented = fake(taken, ())[0].to_bytes()
    assert re.search(rb"<x:out .*<x:all>\s*<x:record id=\"[A-Z]{2}-\d\d\"/>\s*</x:all></x:out>", invented, re.DOTALL)
    for real in (b"2026-11-16", b"Real", b"AB-77", b"AB-78"):
        assert real not in invented


def test_json_lines_of_the_first_cases_keep_their_keys_and_vocabulary() -> None:
    lines = [
        {"resourceType": "Patient", "id": "p-17", "active": True, "identifier": [{"system": "urn:oid:1.2.246.21", "value": "131052-9074"}]},
        {"resourceType": "EpisodeOfCare", "id": "e-1", "status": "active", "patient": {"reference": "Patient/p-17"}, "rank": 12.5},
    ]  # fmt: skip
    with fetched({"all.ndjson": "\n".join(map(json.dumps, lines)).encode()}) as files:
        taken = take_sample(None, files, 5)
    invented = [json.loads(line) for line in fake(taken, ())[0].to_bytes().splitlines()]
    patient, episode = invented
    assert patient["identifier"][0]["system"] == "urn:oid:1.2.246.21"
    assert episode["status"] == "active"
    assert episode["patient"]["reference"] == f"Patient/{patient['id']}"
    assert patient["id"] != "p-17"
    assert isinstance(episode["rank"], float)
    assert "131052-9074" not in json.dumps(invented)


def test_lines_are_those_of_the_first_cases_and_broken_ones_are_taken_as_they_come() -> None:
    made = [json.dumps(one) for one in [*records(30), {"cases": 30}]]
    with fetched({"cases.jsonl": "\n".join(made).encode()}) as files:
        (taken,) = take_sample(JsonLines(), files, 2)
        assert {one["external_id"] for one in as_json(taken)} >= {"LC-1000", "LC-1001"}
    with fetched({"cases.jsonl": b"{broken"}) as files, pytest.raises(InputError, match="no sample can be taken"):
        take_sample(JsonLines(), files, 2)


def test_what_was_written_of_a_server_or_a_view_still_reads() -> None:
    """Our own transports frame what they write: a first line says how it is read, the last how many lines there were."""
    profile = tomllib.loads(tables.profile_text(own_queries=True))
    for form, kept in ((forms.TestFhir(), {*UNITS}), (rows.TestQueries(), {*words_of(profile)})):
        with fetched(form.write(records(12))) as files:
            taken = take_sample(form.connector, files, 3)
        with fetched({one.name: one.to_bytes() for one in taken}) as files:
            real = try_records(form.connector, files, identity="sealed", limit=100)
        invented = fake(taken, kept)
        with fetched({one.name: one.to_bytes() for one in invented}) as files:
            read = try_records(form.connector, files, identity="sealed", limit=100)
        assert (real.read, real.valid) == (3, 3), real.faults
        assert (read.read, read.valid) == (3, 3), read.faults
        assert not {"LC-1000", "K-0", WHO["name"]} & values(invented)


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-8-sig"])
def test_a_table_keeps_its_columns_separator_and_encoding(encoding: str) -> None:
    content = "Tunnus;Nimi;Määrä;Alkaa\r\nLC-1;Äiti Öljynen;12,5;16.11.2026\r\nLC-2;Eka Toka;3;1.2.2026\r\nLC-3;x y;4;2.2.2026\r\n"
    with fetched({"a.csv": content.encode(encoding)}) as files:
        taken = take_sample(None, files, 2)
    assert taken[0].to_bytes() == "".join(content.splitlines(keepends=True)[:3]).encode(encoding)
    invented = fake(taken, ())[0].to_bytes().decode(encoding).splitlines()
    assert invented[0] == "Tunnus;Nimi;Määrä;Alkaa"
    assert [len(line.split(";")) for line in invented] == [4, 4, 4]
    assert not {"LC-1", "12,5", "16.11.2026"} & set(";".join(invented[1:]).split(";"))


PROFILE = """
[profile]
name = "p"
[cases]
external_id = "Tunnus"
client.external_id = "Asiakas"
responsible_worker = "Työntekijä"
status = { from = "Tila", codes = "s" }
[codes.s]
Auki = "open"
"""
TITLES = ["Asiakasluettelo, tulostanut Aino Keksitty", "", "Tunnus;Asiakas;Työntekijä;Tila"]


@pytest.mark.parametrize("lines", [TITLES, ["Aino Keksitty;2;3;4"], TITLES[2:]])
def test_only_the_header_is_nobodys_whatever_stands_above_it(tmp_path: Path, lines: list[str]) -> None:
    (tmp_path / "p.toml").write_text(PROFILE, "utf-8")
    connector = TableCases(load_profile(tmp_path / "p.toml", "table"))
    content = "\r\n".join([*lines, "LC-1;K-1;Eemeli;Auki", "LC-2;K-2;Eemeli;Auki", ""]).encode()
    with fetched({"a.csv": content}) as files:
        taken = take_sample(connector, files, 5)
    (invented,) = fake(taken, ["Auki"], random.Random(3))
    written = invented.to_bytes().decode()
    for real in ("Aino", "Keksitty", "LC-1", "LC-2", "K-1", "Eemeli"):
        assert real not in written
    if lines[-1] == TITLES[-1]:
        with fetched({"a.csv": invented.to_bytes()}) as files:
            tried = try_records(connector, files, identity="none", limit=9)
        assert (tried.read, tried.valid) == (2, 2)


def test_titles_above_the_header_of_a_workbook_are_invented(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text(PROFILE, "utf-8")
    book, written = Workbook(), io.BytesIO()
    for cells in (["Aino Keksitty"], TITLES[2].split(";"), ["LC-1", "K-1", "Eemeli", "Auki"]):
        book.worksheets[0].append(cells)
    book.save(written)
    with fetched({"a.xlsx": written.getvalue()}) as files:
        taken = take_sample(TableCases(load_profile(tmp_path / "p.toml", "table")), files, 5)
    title, header, row = load_workbook(io.BytesIO(fake(taken, ["Auki"])[0].to_bytes())).worksheets[0].values
    assert header == tuple(TITLES[2].split(";"))
    assert "Aino Keksitty" not in title
    assert not {"LC-1", "K-1", "Eemeli"} & set(row)


def test_a_workbook_stays_one() -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Tunnus", "Määrä", "Alkaa", "Nimi"])
    sheet.append(["LC-1", 12, date(2026, 11, 16), "Aino Keksitty"])
    sheet.append(["LC-2", 7.5, date(2026, 11, 17), None])
    written = io.BytesIO()
    book.save(written)
    with fetched({"a.xlsx": written.getvalue()}) as files:
        taken = take_sample(None, files, 2)
    rows = list(load_workbook(io.BytesIO(fake(taken, ())[0].to_bytes())).worksheets[0].values)
    assert rows[0] == ("Tunnus", "Määrä", "Alkaa", "Nimi")
    assert len(rows) == 3
    assert re.fullmatch(r"[A-Z]{2}-\d+", str(rows[1][0]))
    assert isinstance(rows[1][2], date)
    assert not {"LC-1", "LC-2", 12, 7.5, "Aino Keksitty", datetime.fromisoformat("2026-11-16")} & {
        cell for row in rows[1:] for cell in row
    }


@pytest.mark.parametrize(
    "cell",
    [
        datetime.fromisoformat("9999-12-31T00:00"), date(9999, 12, 31), date(1899, 12, 31), datetime.fromisoformat("2300-05-17T08:30"),
        1e20, 1.5e-07, -3.25, 0.0,
    ],
)  # fmt: skip
def test_odd_cells_of_a_workbook_stay_of_their_kind(cell: datetime | date | float) -> None:
    (made,) = fake([Sample("a.xlsx", [Table([["Loppuu"], [cell]])])], ())
    table = made.content[0]
    assert isinstance(table, Table)
    found = table.rows[1][0]
    assert type(found) is type(cell)
    if isinstance(cell, date):
        assert (found == cell) is (cell.year == 9999), "no end is nobody's, any other day is somebody's"


def test_packed_files_are_looked_into(tmp_path: Path) -> None:
    import gzip

    with fetched({"a.csv.gz": gzip.compress(b"id;n\nX-1;5\n")}) as files:
        (taken,) = take_sample(None, files, 1)
    assert taken.to_bytes() == b"id;n\r\nX-1;5\r\n"


def test_a_trial_counts_faults_and_empty_fields() -> None:
    made = [a_record("C-1"), a_record("C-2", status="asleep"), a_record("C-3", status="gone"), a_record("C-4")]
    for one in made:
        del one["kykyviisari_date"]
    with fetched({"cases.jsonl": "\n".join(json.dumps(one) for one in [*made, {"cases": 4}]).encode()}) as files:
        tried = try_records(JsonLines(), files, identity="none", limit=100)
        assert try_records(JsonLines(), files, identity="none", limit=1).read == 1
    assert (tried.read, tried.valid, [(one.count, one.field, one.position) for one in tried.faults]) == (
        4,
        2,
        [(2, "status", "2")],
    )
    assert "kykyviisari_date" in tried.empty
    assert "plan_items.follow_up.before_end_days" in tried.empty
    assert not {"responsible_worker", "decisions.granted_amount", "version"} & set(tried.empty)
    assert not [one for one in tried.empty if one.startswith("client.identity")]
