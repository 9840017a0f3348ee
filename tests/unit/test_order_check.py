"""`avain order check FILE`: what a file is, what is wrong with it and where; one sentence for what cannot be checked."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.order import app
from core.errors import InputError, RefusedInput
from documents import checking
from documents.ubl_order import write_order
from tests.support import attacks
from tests.support.catalogues import catalogue, line, price
from tests.support.orders import PEPPOL, RULES, an_order
from tests.support.response_writing import write_response
from tests.support.responses import with_changes

ORDER = write_order(an_order())
RESPONSE = write_response(with_changes())
CATALOGUE = catalogue(line("A", price()))


def check(tmp_path: Path, data: bytes, *options: str, code: int = 0) -> Result:
    file = tmp_path / "file.xml"
    file.write_bytes(data)
    done = CliRunner().invoke(app, ["check", str(file), *options], catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done


def found(tmp_path: Path, data: bytes, code: int = 0) -> dict[str, tuple[int, str, str]]:
    """Line, severity and place by rule."""
    findings = json.loads(check(tmp_path, data, "--json", code=code).stdout)
    assert all(set(one) == {"line", "location", "rule", "severity", "text"} for one in findings)
    return {one["rule"]: (one["line"], one["severity"], one["location"]) for one in findings}


@pytest.mark.parametrize("data", [ORDER, RESPONSE, CATALOGUE])
def test_a_faultless_document_of_each_kind_has_nothing_to_object_to(tmp_path, data):
    assert found(tmp_path, data) == {}
    assert check(tmp_path, data).stdout == "Nothing to object to.\n"


@pytest.mark.parametrize(
    ("data", "old", "new", "rule", "place"),
    [
        (ORDER, b">220<", b">999<", "PEPPOL-T01-B00801", (7, "fatal", "/Order/OrderTypeCode")),
        (RESPONSE, b">CA<", b">AP<", "PEPPOL-T76-R008", (7, "fatal", "/OrderResponse/OrderResponseCode")),
        (RESPONSE, b"IssueDate>", b"IssuedOn>", "XSD", (6, "fatal", "/OrderResponse/IssuedOn")),
        (
            CATALOGUE,
            b"60.00",
            b"-60",
            "PEPPOL-T19-R006",
            (19, "fatal", "/Catalogue/CatalogueLine/RequiredItemLocationQuantity"),
        ),
    ],
)
def test_a_fault_is_told_with_line_rule_and_place(tmp_path, data, old, new, rule, place):  # noqa: PLR0917 - one row
    assert found(tmp_path, data.replace(old, new), code=1)[rule] == place
    said = check(tmp_path, data.replace(old, new), code=1).stdout
    assert rule in said
    assert "fatal" in said


def test_a_warning_alone_is_no_failure(tmp_path):
    data = ORDER.replace(b'unitCode="HUR"', b'unitCode="LTR"')
    assert {rule: severity for rule, (_, severity, _) in found(tmp_path, data).items()} == {"AVAIN-T01-UNIT": "warning"}
    assert "warning" in check(tmp_path, data).stdout


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", "not XML"),
        (bytes(range(256)) * 40, "XML"),
        (b"<!doctype html><html></html>", "DOCTYPE"),
        (b"<html><body/></html>", "this file is html (–)"),
        (b'<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"/>', "this file is Invoice"),
        (attacks.entity_bomb(), "DOCTYPE"),
        (attacks.external_entity("file:///etc/passwd"), "DOCTYPE"),
        (attacks.deep_xml(1000), "nested more than 256 deep"),
        (ORDER[:-100], "cut short"),
    ],
)
def test_what_cannot_be_checked_is_refused_in_one_sentence(tmp_path, data, words):
    for options in ((), ("--json",)):
        with pytest.raises(RefusedInput) as refused:
            check(tmp_path, data, *options)
        assert words in str(refused.value)
        assert "\n" not in str(refused.value)


def test_a_huge_file_is_not_read_to_its_end(tmp_path):
    file = tmp_path / "huge.xml"
    with file.open("wb") as sparse:
        sparse.write(ORDER[:-20])
        sparse.truncate(20 * checking.CHECK_LIMIT)
    with pytest.raises(RefusedInput, match=r"larger than|well-formed"):
        CliRunner().invoke(app, ["check", str(file)], catch_exceptions=False)
    with pytest.raises(RefusedInput, match=f"larger than {checking.CHECK_LIMIT} bytes"):
        checking.check_file(ORDER + b" " * checking.CHECK_LIMIT)


def test_official_rules_can_be_run_as_well(tmp_path):
    schema = tmp_path / "own.sch"
    schema.write_text(
        '<schema xmlns="http://purl.oclc.org/dsdl/schematron" queryBinding="xslt2"><pattern><rule context="/*">'
        '<assert id="OWN-1" test="false()" flag="fatal">No.</assert></rule></pattern></schema>'
    )
    findings = json.loads(check(tmp_path, ORDER, "--schematron", str(schema), "--json", code=1).stdout)
    assert [(one["rule"], one["text"]) for one in findings] == [("OWN-1", "No.")]
    schema.write_text("<schema/>")
    with pytest.raises(InputError, match="Schematron"):
        check(tmp_path, ORDER, "--schematron", str(schema))
    if RULES.is_file():
        assert json.loads(check(tmp_path, ORDER, "--schematron", str(RULES), "--json").stdout) == []


def test_the_official_examples_are_checked_as_what_they_are():
    files = sorted(PEPPOL.glob("examples/*_Example.xml"))
    if not files:
        pytest.skip("THE OFFICIAL EXAMPLES WERE NOT CHECKED: put a copy of them under ../shared/peppol/examples")
    kinds = {}
    for file in files:
        try:
            kinds[file.stem] = checking.check_file(file.read_bytes()).kind
        except RefusedInput as refused:
            kinds[file.stem] = str(refused).partition("this file is ")[2].partition(" ")[0]
    assert kinds == {
        "Order_Example": "Order",
        "OrderResponse_Example": "OrderResponse",
        "Catalogue_Example": "Catalogue",
        "OrderChange_Example": "OrderChange",
        "OrderCancellation_Example": "OrderCancellation",
    }
