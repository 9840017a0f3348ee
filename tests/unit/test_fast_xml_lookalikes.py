"""What looks like the beginning of a record to whoever cuts bytes, and is none: the fast way of XML is not led astray by it."""

import io

import pytest

from connectors.cases.contract import fetched
from connectors.cases.rows import RowBatch, SlowWayNeededError
from connectors.cases.xml.client import XmlCases
from connectors.rejection import Rejection
from documents import xml
from tests.support.foreign_xml import export, profile, record

WRONG = record("B").replace("9.11.2026", "31.2.2026")


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> XmlCases:
    return XmlCases(profile(tmp_path_factory.mktemp("profile")))


def fast(connector: XmlCases, content: bytes) -> list[RowBatch]:
    with fetched({"a.xml": content}) as files:
        return [batch for _, batch in connector.read_rows(files, key=b"k" * 64, known=None)]


@pytest.mark.parametrize("wrong", [0, 1])
def test_an_element_whose_name_begins_like_the_records(foreign: XmlCases, wrong: int) -> None:
    count, total = "<v:AsiakkuusMaara>2</v:AsiakkuusMaara>", "<v:AsiakkuusSumma/>"
    records = [record("A"), record("C")]
    records[wrong] = WRONG
    content = export(count, records[0], count, records[1], total)
    batches = fast(foreign, content)
    found = [foreign.read_doubt(doubt) for batch in batches for doubt in batch.doubts]
    assert sum(batch.records for batch in batches) == 2
    assert found == [
        one for one in foreign.read_file(io.BytesIO(content), identity="none") if isinstance(one, Rejection)
    ]


def test_its_text_is_no_part_of_the_records_hash(foreign: XmlCases) -> None:
    hashes = {
        fast(foreign, export(f"<v:AsiakkuusMaara>{count}</v:AsiakkuusMaara>", record("A")))[0].cases.split(b"\t")[5]
        for count in (1, 2)
    }
    assert len(hashes) == 1, "a count of the export that changes changes no case"


def test_a_comment_that_holds_the_beginning_of_a_record_is_the_slow_ways_business(foreign: XmlCases) -> None:
    content = export("<!-- <v:Asiakkuus > -->", WRONG)
    first, *_ = fast(foreign, content)
    with pytest.raises(SlowWayNeededError):
        foreign.read_doubt(first.doubts[0])


@pytest.mark.parametrize(
    "hidden",
    [
        [f"<!-- {record('B')} -->", record("A")],
        ["<!-- <v:Asiakkuus </v:Asiakkuus> -->", record("A").replace("</v:Asiakkuus>", "</v:Asiakkuus >")],
    ],
)
def test_a_record_is_never_known_by_the_hash_of_a_comment(foreign: XmlCases, hidden: list[str]) -> None:
    with pytest.raises(SlowWayNeededError):
        fast(foreign, export(*hidden))


def test_a_file_beyond_the_limit_is_left_to_the_way_that_refuses_it(
    foreign: XmlCases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xml, "STREAM_LIMIT", 100)
    with pytest.raises(SlowWayNeededError):
        fast(foreign, export(record("A")))
