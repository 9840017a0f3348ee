"""Cases from tables: what rows may say, and which row is at fault."""

import tempfile
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.cases.contract import a_record, fetched
from connectors.cases.record import CaseRecord, FoundGone, FoundRecord
from connectors.cases.registry import case_connector
from connectors.cases.table import store
from connectors.cases.table.cells import cell_text
from connectors.cases.table.client import TableCases
from connectors.rejection import Rejection
from core.errors import ConfigurationError, Transient
from core.source_settings import CaseSource
from tests.support import tables
from tests.support.tables import (
    CASE,
    DECISION,
    ITEM,
    Reader,
    as_csv,
    as_xlsx,
    csv_of,
    one_table,
    own_tables,
    profile_text,
)

HEAD = [*CASE.values(), *tables.GOALS, *DECISION.values(), *ITEM.values()]


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Reader(tmp_path)


def changed(content: bytes, row: int, column: str, value: str) -> bytes:
    """A CSV file with one cell changed; rows are numbered as people number them."""
    lines = [line.split(";") for line in content.decode().split("\r\n")]
    lines[row - 1][HEAD.index(column)] = value
    return "\r\n".join(";".join(line) for line in lines).encode()


PLAIN = csv_of(a_record(goals=["Arki sujuu"]), a_record("C-2", goals=[]))


@pytest.mark.parametrize("separator", [";", ",", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_dialects_are_found_out(reader: Reader, separator: str, encoding: str) -> None:
    record = a_record(goals=["Eka; äö, \t", "Toka\r\nrivi"])
    assert reader.records(csv_of(record, separator=separator, encoding=encoding)) == [CaseRecord.model_validate(record)]


def test_a_separator_of_its_own(reader: Reader) -> None:
    content = csv_of(separator="|")
    assert len(reader.records(content, profile_text(sections='[table]\nseparator = "|"'))) == 1


def test_columns_may_stand_anywhere_below_a_title_and_among_others(reader: Reader) -> None:
    rows = [[*reversed(row), "muuta"] for row in one_table([a_record()])]
    content = as_csv([["Raportti 16.11.2026"], [], *rows, [], ["", "", ""]])
    (found,) = reader.found(content)
    assert isinstance(found[1], FoundRecord)
    assert found[1].position == "4"


def test_the_case_of_names_and_double_spaces_do_not_matter(reader: Reader) -> None:
    rows = one_table([a_record()])
    rows[0] = [f" {name.upper()} " for name in rows[0]]
    assert len(reader.records(as_csv(rows))) == 1


def test_rows_of_a_case_may_stand_anywhere(reader: Reader) -> None:
    head, *rows = one_table([a_record("C-1"), a_record("C-2")])
    found = reader.records(as_csv([head, rows[0], rows[2], rows[3], rows[1]]))
    assert [one.external_id for one in found] == ["C-1", "C-2"]
    assert [len(one.decisions) for one in found] == [2, 2]


def test_a_decision_may_be_repeated_beside_each_of_its_items(reader: Reader) -> None:
    items = [{**a_record()["plan_items"][0], "external_id": f"I-{n}"} for n in (1, 2)]
    decision = a_record()["decisions"][0]
    head, first, second = one_table([a_record(decisions=[decision, decision], plan_items=items)])
    (record,) = reader.records(as_csv([head, first, second]))
    assert len(record.decisions) == 1
    assert [one.external_id for one in record.plan_items] == ["I-1", "I-2"]
    second[head.index("Myönnetty")] = "100"
    said = reader.rejection(as_csv([head, first, second]))
    assert (said.position, said.field, str(said.reason)) == (
        "3",
        "decisions",
        "D-1 is there twice, and row 2 says otherwise.",
    )


def test_rows_that_contradict_each_other_about_the_case_are_rejected(reader: Reader) -> None:
    said = reader.rejection(changed(csv_of(), 3, "Omatyöntekijä", "W-999"))
    assert (said.position, said.field, said.external_id) == ("3", "responsible_worker", "C-1")
    assert str(said.reason) == "The row says otherwise of its case than row 2 does."


def test_values_without_an_id_are_not_dropped_silently(reader: Reader) -> None:
    said = reader.rejection(changed(PLAIN, 2, "Palvelurivi", ""))
    assert (said.position, said.field) == ("2", "plan_items.external_id")


def test_an_id_shared_by_decision_and_item_is_no_item(reader: Reader) -> None:
    """The column that names an item's decision may be the decision's own."""
    text = profile_text(over={"plan_items.decision": "'Päätös'"})
    (record,) = reader.records(csv_of(a_record(decisions=[{"external_id": "D-1"}, {"external_id": "D-2"}])), text)
    assert [one.decision for one in record.plan_items] == ["D-1"]
    assert len(record.decisions) == 2


def test_a_case_without_an_id_is_rejected(reader: Reader) -> None:
    said = reader.rejection(changed(PLAIN, 2, "Asiakkuus", ""))
    assert (said.position, said.field, said.external_id) == ("2", "external_id", None)


@pytest.mark.parametrize(
    ("row", "column", "value", "field", "why"),
    [
        (2, "Tila", "AUKI", "status", "… is not known; known are: open, closed"),
        (2, "Päättyy", "2026-11-01", "decisions", "The decision ends (2026-11-01) before it starts (2026-11-16)."),
        (3, "Myönnetty", "-900.00", "decisions.granted_amount", "-900.00 is negative."),
        (3, "Myönnetty", "NaN", "decisions.granted_amount", "NaN is not a number"),
        (3, "Myönnetty", "900.001", "decisions.granted_amount", "900.001 has more than 2 decimals."),
        (2, "Päätöspäivä", "31.2.2026", "decisions.decided_on", "There is no such day as 31.2.2026."),
        (2, "Määrä", "0", "plan_items.quantity", "The quantity is zero."),
        (
            2,
            "Rivin päätös",
            "D-9",
            None,
            "The planned service I-1 belongs to decision D-9, which the case does not have.",
        ),
        (2, "Tavoite 3", "x" * 2000, "goals", "The text is longer than 1000 characters."),
        (2, "Asiakas", "131052-9074", "client.external_id", "An identifier is a henkilötunnus."),
    ],
)
def test_bad_values_cost_one_record_and_name_their_row(  # noqa: PLR0917
    reader: Reader, row: int, column: str, value: str, field: str | None, why: str
) -> None:
    content = changed(
        changed(PLAIN, row, column, value), 3 if column in {*CASE.values(), *tables.GOALS} else row, column, value
    )
    found = [one for _, one in reader.found(content)]
    assert [type(one) for one in found] == [Rejection, FoundRecord]
    said = found[0]
    assert isinstance(said, Rejection)
    assert (said.position, said.field, said.external_id) == (str(row), field, "C-1")
    assert str(said.reason).startswith(why)


def test_a_henkilotunnus_with_a_wrong_check_mark_is_rejected_and_never_quoted(reader: Reader) -> None:
    record = a_record(
        decisions=[], plan_items=[], client={"external_id": "K", "identity": {"henkilotunnus": "131052-907X"}}
    )
    said = reader.rejection(csv_of(record), identity="sealed")
    assert said.field == "client.identity.henkilotunnus"
    assert "907" not in str(said.reason.to_json())
    assert isinstance(reader.found(csv_of(record))[0][1], FoundRecord)


def test_a_row_with_too_many_or_too_few_cells_costs_its_whole_case(reader: Reader) -> None:
    """Without the row the case would look as if its second decision had ended."""
    lines = csv_of(a_record("C-1"), a_record("C-2")).split(b"\r\n")
    for broken, cells in ((lines[2] + b";x", 40), (lines[2].rsplit(b";", 1)[0], 38)):
        found = [one for _, one in reader.found(b"\r\n".join([*lines[:2], broken, *lines[3:]]))]
        assert [type(one) for one in found] == [Rejection, FoundRecord]
        assert isinstance(found[0], Rejection)
        assert (found[0].position, found[0].external_id) == ("3", "C-1")
        assert str(found[0].reason) == f"The row has {cells} cells; the header has 39."
    said = reader.rejection(b"\r\n".join([*lines[:-1], b"rikki", b""]))
    assert (said.position, said.external_id) == ("6", "rikki")


def test_a_case_of_endless_rows_is_rejected(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.cases.table.store.LARGEST_CASE", 3)
    monkeypatch.setattr("connectors.cases.table.mapping.LARGEST_CASE", 3)
    decisions = [{"external_id": f"D-{n}"} for n in range(4)]
    said = reader.rejection(csv_of(a_record(decisions=decisions, plan_items=[]), a_record("C-2")))
    assert str(said.reason) == "More than 3 rows belong to the case."


def test_numbers_and_dates_as_finns_write_them(reader: Reader) -> None:
    decision = {**a_record()["decisions"][0], "decided_on": "9.11.2026", "valid_to": "31.12.9999"}
    item = {**a_record()["plan_items"][0], "quantity": "1\xa0010,5", "start": "23.11.2026"}
    text = profile_text(
        sections="[table]\ndecimal_comma = true", over={"plan_items.start": "{ from = 'Alkaa', date = '%d.%m.%Y' }"}
    )
    (record,) = reader.records(csv_of(a_record(decisions=[decision], plan_items=[item])), text)
    assert record.decisions[0].decided_on == date(2026, 11, 9)
    assert record.decisions[0].valid_to is None
    assert record.plan_items[0].quantity == Decimal("1010.5")


def test_a_workbooks_own_numbers_and_dates_need_no_form(reader: Reader) -> None:
    head, first, second = one_table([a_record()])
    row: list[Any] = list(first)
    for column, value in (
        ("Määrä", 10.125), ("Alkaa", date(2026, 11, 23)), ("Loppuu", datetime.fromisoformat("2027-02-22T12:00")), ("Väli", 21), ("Turvakielto", True),
    ):  # fmt: skip
        row[head.index(column)] = value
    second[head.index("Turvakielto")] = "true"
    text = profile_text(
        sections="[table]\ndecimal_comma = true", over={"plan_items.start": "{ from = 'Alkaa', date = '%d.%m.%Y' }"}
    )
    (record,) = reader.records(as_xlsx({"S": [head, row, second]}), text)
    assert record.client.non_disclosure
    (item,) = record.plan_items
    assert (item.quantity, item.start, item.end) == (Decimal("10.125"), date(2026, 11, 23), date(2027, 2, 22))
    assert item.follow_up is not None
    assert item.follow_up.interval_days == 21


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""), (" a ", "a"), (True, "true"), (1, "1"), (1001.0, "1001"), (0.1 + 0.2, "0.3"), (1.5, "1.5"), (1.125, "1.1250"),
        (1e-05, "0.00001"), (Decimal("12.500"), "12.5"), (Decimal("1E+3"), "1000"), (float("nan"), "NaN"), (date(2026, 2, 1), "2026-02-01"),
        (datetime.fromisoformat("2026-02-01T23:30"), "2026-02-01"), (datetime(2026, 1, 31, 22, 30, tzinfo=ZoneInfo("UTC")), "2026-02-01"),
        (time(12, 30), "12:30:00"), (b"\x0a", "0a"),
    ],
)  # fmt: skip
def test_cells_as_text(value: Any, text: str) -> None:
    assert cell_text(value) == text


def test_a_case_can_be_said_to_be_gone(reader: Reader) -> None:
    text = profile_text().replace("[cases]", '[cases]\ngone = { from = "Tila", values = ["POISTETTU", "X"] }')
    found = [one for _, one in reader.found(csv_of(a_record(status="POISTETTU"), a_record("C-2")), text)]
    assert found[0] == FoundGone("2", "C-1")
    assert isinstance(found[1], FoundRecord)
    broken = a_record(status="X", decisions=[{"external_id": "D-1", "granted_amount": "-1"}], plan_items=[])
    assert reader.found(csv_of(broken), text)[0][1] == FoundGone("2", "C-1"), "what else it says does not matter"
    said = reader.rejection(csv_of(a_record("131052-9074", status="X")), text)
    assert (said.position, said.field, said.external_id) == ("2", "external_id", None)


class TestFilesForEachEntity:
    TEXT = profile_text(own_files=True)

    def files(self, *records: dict[str, Any], tag: str = "") -> dict[str, bytes]:
        names = {
            "cases": f"asiakkuudet{tag}.csv",
            "decisions": f"paatokset{tag}.csv",
            "plan_items": f"palvelut{tag}.csv",
        }
        return {names[group]: as_csv(rows) for group, rows in own_tables(records or [a_record()]).items()}

    def test_a_fault_names_the_file_and_row_it_stands_in(self, reader: Reader) -> None:
        files = self.files(a_record(), a_record("C-2"))
        files["paatokset.csv"] = files["paatokset.csv"].replace(b"900.00", b"-900", 1)
        ((file, said),) = [one for one in reader.found(files, self.TEXT) if isinstance(one[1], Rejection)]
        assert isinstance(said, Rejection)
        assert (file, said.position, said.external_id, said.field) == (
            "paatokset.csv",
            "3",
            "C-1",
            "decisions.granted_amount",
        )

    def test_rows_of_a_case_that_is_not_there_are_rejected(self, reader: Reader) -> None:
        files = self.files(a_record())
        files["palvelut.csv"] += files["palvelut.csv"].split(b"\r\n")[1].replace(b"C-1", b"C-9") + b"\r\n"
        found = reader.found(files, self.TEXT)
        assert isinstance(found[0][1], FoundRecord)
        file, said = found[1]
        assert isinstance(said, Rejection)
        assert (file, said.position, said.external_id, said.field) == ("palvelut.csv", "3", "C-9", "plan_items")
        assert str(said.reason) == "The row belongs to a case that is not in the export."

    def test_a_row_that_names_no_case_is_rejected(self, reader: Reader) -> None:
        files = self.files(a_record())
        files["palvelut.csv"] = files["palvelut.csv"].replace(b"\nC-1", b"\n")
        said = reader.rejection(files, self.TEXT)
        assert (said.position, said.field, str(said.reason)) == (
            "2",
            "external_id",
            "A value that must be there is missing.",
        )

    def test_a_damaged_row_of_a_part_costs_its_case(self, reader: Reader) -> None:
        files = self.files(a_record(), a_record("C-2"))
        files["palvelut.csv"] = files["palvelut.csv"].replace(b"9999994-1", b"9999994-1;x", 1)
        found = reader.found(files, self.TEXT)
        assert [(file, type(one)) for file, one in found] == [
            ("palvelut.csv", Rejection),
            ("asiakkuudet.csv", FoundRecord),
        ]

    def test_a_case_that_is_there_twice_is_handed_out_twice(self, reader: Reader) -> None:
        found = [
            one
            for _, one in reader.found(
                self.files(a_record(unit="U-1"), a_record(unit="U-2", decisions=[], plan_items=[])), self.TEXT
            )
        ]
        assert [one.record.unit for one in found if isinstance(one, FoundRecord)] == ["U-1", "U-2"]
        assert [one.position for one in found if isinstance(one, FoundRecord)] == ["2", "3"]

    def test_exports_of_several_days_are_read_one_after_the_other(self, reader: Reader) -> None:
        files = self.files(a_record(unit="U-1"), tag="-1") | self.files(
            a_record(unit="U-2", decisions=[], plan_items=[]), tag="-2"
        )
        found = reader.found(files, self.TEXT)
        assert [
            (file, one.record.unit, len(one.record.decisions)) for file, one in found if isinstance(one, FoundRecord)
        ] == [
            ("asiakkuudet-1.csv", "U-1", 2),
            ("asiakkuudet-2.csv", "U-2", 0),
        ]

    def test_half_an_export_is_refused(self, reader: Reader) -> None:
        files = self.files()
        del files["palvelut.csv"]
        assert reader.refusal(files, self.TEXT) == (
            "asiakkuudet.csv: An export needs a file of each kind: there are 0 of palvelut*.*, and 1 of another kind."
        )

    def test_a_file_that_fits_no_pattern_or_two_is_refused(self, reader: Reader) -> None:
        assert reader.refusal(self.files() | {"lueminut.txt": b"x"}, self.TEXT).startswith(
            "lueminut.txt: The name fits none of the profile's patterns of files (asiakkuudet*.*, paatokset*.*, palvelut*.*)."
        )
        text = self.TEXT.replace("paatokset*.*", "p*.csv")
        assert reader.refusal(self.files(), text).startswith("palvelut.csv: The name fits several")

    def test_names_are_compared_without_case(self, reader: Reader) -> None:
        files = {name.upper(): content for name, content in self.files().items()}
        assert len(reader.found(files, self.TEXT)) == 1


def test_a_full_disk_is_a_passing_fault(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_TABLES", "PRAGMA max_page_count = 8;" + store._TABLES)
    with pytest.raises(Transient, match="could not be gathered in the spool: database or disk is full"):
        reader.found(csv_of(*(a_record(f"C-{n}") for n in range(100))))


def test_nothing_is_left_in_the_spool(reader: Reader) -> None:
    connector = TableCases(tables.profile(reader.folder, profile_text()))
    with fetched({"a.csv": csv_of()}) as files:
        list(connector.read(files, identity="none"))
        assert [one.name for one in files[0].path.parent.iterdir()] == [files[0].path.name]


def test_the_registry_makes_it(tmp_path: Path) -> None:
    (tmp_path / "vienti.toml").write_text(profile_text(), "utf-8")
    source = CaseSource(kind="table", path="x", profile=Path("vienti.toml"))
    assert isinstance(case_connector(source, tmp_path), TableCases)
    with pytest.raises(ConfigurationError, match=r"nowhere\.toml"):
        case_connector(CaseSource(kind="table", path="x", profile=Path("nowhere.toml")), tmp_path)


@given(st.data())
def test_the_order_of_rows_says_nothing(data: st.DataObject) -> None:
    """Of a case's rows any may come first; the cases come in the order in which they are first seen."""
    decisions = [{"external_id": f"D-{n}"} for n in range(1, 4)]
    head, *rows = one_table(a_record(f"C-{n}", decisions=decisions) for n in range(3))
    shuffled = data.draw(st.permutations(rows))
    with tempfile.TemporaryDirectory() as folder:
        records = Reader(Path(folder)).records(as_csv([head, *shuffled]))
    assert [one.external_id for one in records] == list(dict.fromkeys(row[0] for row in shuffled))
    for record in records:
        assert {one.external_id for one in record.decisions} == {"D-1", "D-2", "D-3"}
        assert [one.external_id for one in record.plan_items] == ["I-1"]
