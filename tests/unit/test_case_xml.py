"""The XML case connector: every record or its fault with its line, constant memory, and no way round the door."""

import gc
import io
import tracemalloc
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.cases import registry
from connectors.cases.base import Found
from connectors.cases.record import FoundGone, FoundRecord
from connectors.cases.registry import case_connector
from connectors.cases.xml import wire
from connectors.cases.xml.client import XmlCases
from connectors.rejection import Rejection
from core.errors import ConfigurationError, RefusedInput
from core.settings import ROOT
from core.source_settings import CaseSource
from documents import xml
from tests.support import attacks
from tests.support.case_xml import case, decision, export, item

XSD = ROOT / "docs/formats/cases.xsd"
DEMO = ROOT / "demo/data/cases/asiakkuudet-2026-11-16.xml"
SPACE = b' xmlns="urn:avain:cases:1"'


def read(content: bytes, identity: Any = "none") -> list[Found]:
    return list(XmlCases().read_file(io.BytesIO(content), identity=identity))


def only_rejection(content: bytes) -> Rejection:
    (found,) = [one for one in read(content) if isinstance(one, Rejection)]
    return found


def test_the_demo_has_four_cases_and_a_broken_one_with_its_line() -> None:
    found = read(DEMO.read_bytes())
    assert [type(one).__name__ for one in found] == ["FoundRecord"] * 4 + ["Rejection"]
    assert [one.position for one in found] == ["4", "24", "44", "64", "85"]
    broken = found[-1]
    assert isinstance(broken, Rejection)
    assert (broken.external_id, broken.field) == ("LC-1005", "plan_items")
    assert broken.reason.params == {"start": "2027-02-28", "end": "2026-12-01", "part": "I-1"}


def test_the_demo_and_our_test_records_are_valid_by_the_schema() -> None:
    schema = xml.schema(XSD)
    assert xml.validate(xml.parse(DEMO.read_bytes()), schema) == []
    assert xml.validate(xml.parse(export(case("A"), case("B", more="<goal>a</goal>"))), schema) == []


def test_the_schema_and_the_connector_know_the_same_names() -> None:
    tree = xml.parse(XSD.read_bytes()).getroot()
    names = {kind: {str(one.get("name")) for one in tree.iter(f"{{*}}{kind}")} for kind in ("element", "attribute")}

    def shapes(shape: wire.Shape) -> Iterator[tuple[set[str], set[str]]]:
        yield set(shape.children), set(shape.attributes)
        for child in shape.children.values():
            yield from shapes(child)

    elements, attributes = (set[str]().union(*sets) for sets in zip(*shapes(wire.CASE), strict=True))
    assert names == {"element": elements | {"cases", "case", "gone"}, "attribute": attributes | {"exported"}}


def test_what_the_schema_refuses_the_connector_rejects() -> None:
    for broken in (
        export(case("A", status="asleep")),
        export(case("A", decision(decidedOn="2026-02-30"), item())),
        export(case("A", decision(), item(quantity="-1"))),
        export(case("A", decision(), item(start=None))),
        export(case("A", more="<colour/>")),
    ):
        assert xml.validate(xml.parse(broken), xml.schema(XSD))
        assert only_rejection(broken).position == "2"


@pytest.mark.parametrize(
    ("record", "field", "said"),
    [
        (case("A", more="<colour/>"), "case", "The element colour is not part of the format."),
        (case("A").replace("<case ", '<case tint="x" '), "case", "The attribute tint is not part of the format."),
        (case("A", more="<planDate>2026-10-19</planDate><planDate>2026-10-20</planDate>"), "case/planDate", "The element is there more than once."),
        (case("A", more="free text"), "case", "There is text where only elements belong."),
        (case("A", more="<goal>a<b/></goal>"), "case/goal", "The element holds more than text."),
        (case("A").replace(' id="A"', ""), "external_id", "A value that must be there is missing."),
        (case("A").replace('worker id="W-101"', "worker").replace('Worker id="W-101"', "Worker"), "responsible_worker", "The text is empty."),
        (case("A", more="<unit/>"), "unit", "The text is empty."),
        (case("A", more='<goal xmlns="urn:other">a</goal>'), "case", "The element {urn:other}goal is not part of the format."),
        ("<note>hello</note>", None, "The element note is not part of the format."),
        (case("A", decision("D-1"), item(decision="D-2")), None, "The planned service I-1 belongs to decision D-2, which the case does not have."),
        (case("A", more="<goal>1</goal><goal>2</goal><goal>3</goal><goal>4</goal>"), "goals", "There are more than 3."),
    ],
)  # fmt: skip
def test_a_record_out_of_shape_is_rejected_and_the_rest_goes_on(record: str, field: str | None, said: str) -> None:
    found = read(export(record, case("B")))
    assert isinstance(found[1], FoundRecord)
    rejected = found[0]
    assert isinstance(rejected, Rejection)
    assert (rejected.position, rejected.field, rejected.reason.text("en")) == ("2", field, said)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1", "windows-1252"])
def test_encodings_do_not_change_a_record(encoding: str) -> None:
    declared = "" if "sig" in encoding else f'<?xml version="1.0" encoding="{encoding}"?>'
    content = declared + export(case("A", more="<goal>Äidin ja lapsen yhteinen tekeminen</goal>")).decode()
    (found,) = read(content.encode(encoding))
    assert isinstance(found, FoundRecord)
    assert found.record.goals == ("Äidin ja lapsen yhteinen tekeminen",)


REFUSED = {
    "empty file": b"",
    "only spaces": b"  \n ",
    "not xml": b"id;name\n1;x\n",
    "wrong root": b"<cases/>",
    "wrong namespace": b'<cases xmlns="urn:avain:cases:2"/>',
    "cut short": export(*(case(f"A{number}") for number in range(50)))[:-30],
    "wrong encoding declaration": b'<?xml version="1.0" encoding="utf-16"?>' + export(case("A")),
    "unknown encoding": b'<?xml version="1.0" encoding="x-klingon"?>' + export(case("A")),
    "invalid utf-8": export(case("A", more="<goal>XX</goal>")).replace(b"XX", b"\xff\xfe\xc3"),
    "billion laughs": attacks.entity_bomb(),
    "xxe": attacks.external_entity("file:///etc/hostname"),
    "external dtd": attacks.external_dtd("http://127.0.0.1:1/x.dtd"),
    "parameter entity": attacks.parameter_entity("http://127.0.0.1:1/x.dtd"),
    "10,000 deep": b"<cases" + SPACE + b"><case>" + attacks.deep_xml(10_000) + b"</case></cases>",
    "10 MB text": b"<cases" + SPACE + b"><case><goal>" + b"a" * 10_500_000 + b"</goal></case></cases>",
    **attacks.hidden_doctypes(),
}


@pytest.mark.parametrize("content", REFUSED.values(), ids=REFUSED)
def test_a_malformed_cut_or_hostile_file_is_refused(content: bytes) -> None:
    with pytest.raises(RefusedInput) as refusal:
        read(content)
    assert refusal.value.message.text("en")


def test_no_cut_of_a_file_passes_for_a_whole_one() -> None:
    whole = export(case("A"), case("B"))
    for length in range(len(whole) - 1):
        with pytest.raises(RefusedInput):
            read(whole[:length])


def test_a_slow_file_gives_the_same_records() -> None:
    content = export(case("A"), case("B", status="x"))
    assert list(XmlCases().read_file(attacks.trickle(content), identity="none")) == read(content)


def test_memory_does_not_grow_with_the_file() -> None:
    def peak(times: int) -> int:
        record = case("A").encode() + b"\n"
        file = attacks.pieces(b"<cases" + SPACE + b">", record, times, b"</cases>")
        gc.collect()
        tracemalloc.start()
        try:
            assert sum(1 for _ in XmlCases().read_file(file, identity="none")) == times
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(2_400) < peak(600) * 1.5


def test_identity_is_gone_before_anything_is_looked_at_unless_it_is_kept() -> None:
    who = '<client id="K"><identity><henkilotunnus>131052-9074</henkilotunnus><name>Aino</name></identity></client>'
    content = export(case("A").replace('<client id="K-A"/>', who))
    (dropped,), (kept,) = read(content), read(content, "sealed")
    assert isinstance(dropped, FoundRecord)
    assert dropped.record.client.identity is None
    assert isinstance(kept, FoundRecord)
    assert kept.record.client.identity is not None
    assert kept.record.client.identity.henkilotunnus == "131052-9074"
    odd = export(case("A").replace('<client id="K-A"/>', who.replace("<name>", "<nick>").replace("</name>", "</nick>")))
    assert isinstance(read(odd)[0], FoundRecord)
    assert isinstance(read(odd, "sealed")[0], Rejection)


@given(st.text(), st.text())
def test_whatever_stands_in_texts_comes_out_as_a_record_or_a_sentence(goal: str, number: str) -> None:
    root = xml.parse(export(case("A", more="<goal/>"))).getroot()
    try:
        next(root.iter("{*}goal")).text = goal
        next(root.iter("{*}decision")).set("number", number)
    except ValueError:
        return  # XML cannot carry it
    (found,) = read(xml.serialize(root))
    if isinstance(found, Rejection):
        assert found.reason.text("en")


def test_an_unknown_connector_is_refused_with_what_there_is() -> None:
    with pytest.raises(ConfigurationError) as error:
        case_connector(CaseSource(kind="xmll", path="x"))
    assert error.value.message.text("en") == "There is no connector xmll for cases. Known: xml"


def test_a_package_can_bring_a_connector(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [
        EntryPoint("saga", "tests.support.case_xml:brought", registry.ENTRY_POINTS),
        EntryPoint("no-connector", "tests.support.case_xml:not_a_connector", registry.ENTRY_POINTS),
    ]
    monkeypatch.setattr(registry, "entry_points", lambda group: points)
    assert isinstance(case_connector(CaseSource(kind="saga", path="x")), XmlCases)
    with pytest.raises(ConfigurationError, match="no-connector"):
        case_connector(CaseSource(kind="no-connector", path="x"))


def test_word_that_a_case_is_gone() -> None:
    content = export(case("A"), '<gone id="B"/>', "<gone/>", '<gone id="C" why="x"/>')
    _, gone, nameless, odd = read(content)
    assert isinstance(gone, FoundGone)
    assert gone == FoundGone("3", "B")
    assert isinstance(nameless, Rejection)
    assert nameless.field == "external_id"
    assert isinstance(odd, Rejection)
    assert odd.external_id == "C"
