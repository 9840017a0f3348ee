"""What others have written, where we write it on: tables that are opened in spreadsheet programs, letters, logs, terminals, pages.

A name must stay a name: no formula, no header, no line of a log, no command to a terminal, and nothing that turns the price behind it around.
"""

import ast
import csv
import email
import email.policy
import io
import json
import logging
import zipfile
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any, Final

import pytest
import structlog
from rich.table import Table

from cli import common
from connectors.cases.sampling.sample import Sample
from connectors.cases.sampling.sample import Table as SampleTable
from connectors.mail import Attachment, Letter, compose
from connectors.prices.template.csv import write_csv
from core.errors import AvainError, Permanent
from core.logging import configure_logging
from core.settings import ROOT
from core.steering import STEERING, escaped_json, escaped_line, unsteered
from documents.mail_parsing import sender
from services.sheets import Sheet, write_sheets

FORMULAS: Final = (
    "=cmd|' /C calc'!A1", '=HYPERLINK("http://x.invalid")', "+1+cmd|' /C calc'!A1", "-2+3+cmd|' /C calc'!A1", "@SUM(1+1)*cmd|' /C calc'!A1", "\t=1+1",
    "\r=1+1", "\n=1+1", "＝1+1", "＠SUM(1)",
)  # fmt: skip
#: Steer a terminal, turn letters around, write lines of their own, or cannot be kept.
STEERS: Final = (
    "\x1b[2J",
    "\x1b]0;x\x07",
    "\x9b2J",
    "\u202e00,06",
    "\u2066x",
    "\r2026 [info] admin",
    "\x00",
    "\x7f",
    "\ud800",
)
_LETTER: Final[dict[str, Any]] = {
    "sender": "avain@county.test", "recipient": "toimisto@provider.test", "subject": "Tilaus",
    "text": "x", "message_id": "<a@county.test>",
    "written_at": datetime(2026, 11, 23, tzinfo=UTC),
}  # fmt: skip


def _formulas(workbook: bytes) -> list[bytes]:
    with zipfile.ZipFile(io.BytesIO(workbook)) as parts:
        return [name.encode() for name in parts.namelist() if b"<f>" in parts.read(name) or b"<f " in parts.read(name)]


def test_no_table_of_ours_holds_a_formula() -> None:
    book = write_sheets([Sheet("A", ("x",), [(one,) for one in FORMULAS])])
    assert _formulas(book) == []
    for row in csv.reader(
        io.StringIO(write_csv([[one] for one in FORMULAS]).decode("utf-8-sig"), newline=""), delimiter=";"
    ):
        assert row[0].startswith("'")


def test_no_sample_of_a_source_holds_a_formula() -> None:
    """Numbers stay numbers, whatever their sign: the sample is to be read as the source was."""
    rows = [["A", "B"], *([one, "-12,50"] for one in FORMULAS)]
    written = Sample("a.csv", [SampleTable([list(row) for row in rows])]).to_bytes().decode()
    found = list(csv.reader(io.StringIO(written, newline=""), delimiter=";"))
    assert all(row[0].startswith("'") for row in found[1:])
    assert {row[1] for row in found[1:]} == {"-12,50"}
    assert _formulas(Sample("a.xlsx", [SampleTable([list(row) for row in rows], "A")]).to_bytes()) == []


def test_tables_are_written_where_formulas_are_made_harmless_and_nowhere_else() -> None:
    """Who writes a table somewhere else must think of formulas, and be named here."""
    writing = set()
    for folder in ("cli", "connectors", "console", "core", "documents", "services", "workers"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call) and ast.unparse(node.func) in {
                    "csv.writer",
                    "csv.DictWriter",
                    "Workbook",
                    "openpyxl.Workbook",
                }:
                    writing.add(path.relative_to(ROOT).as_posix())
    assert writing == {
        "connectors/cases/sampling/sample.py", "connectors/prices/template/csv.py", "connectors/prices/template/xlsx.py", "services/sheets.py",
    }  # fmt: skip


@pytest.mark.parametrize(
    "more", ["\r\nBcc: x@evil.test", "\nBcc: x@evil.test", "\r\n\r\nbody", "\x00", "\u2028Bcc: x@evil.test", "\u202e", "\ud800"]
)  # fmt: skip
def test_no_header_of_a_letter_begins_another(more: str) -> None:
    for field in ("subject", "recipient", "sender", "message_id"):
        with pytest.raises(Permanent):
            compose(_letter(**{field: f"{_LETTER[field]}{more}"}))


@pytest.mark.parametrize("name", ['a".xml', "a\r\nBcc: x@evil.test", "a\\.xml", "ä.xml", 'a"; x="y'])
def test_no_name_of_a_file_begins_a_header(name: str) -> None:
    read = _read(_letter(attachments=(Attachment(name, "application/xml", b"<x/>"),)))
    (file,) = read.iter_attachments()
    assert read["Bcc"] is None
    assert file["Bcc"] is None
    assert file.get_content() == b"<x/>"


def test_what_stands_in_a_letter_turns_nothing_around() -> None:
    lines = [f"Palvelu {one} 60,00\n" for one in STEERS if one != "\ud800"]
    text = _read(_letter(text="".join(lines))).get_content().replace("\r\n", "\n")
    assert not set(map(ord, text)) & set(STEERING)
    assert text.count("60,00") == len(lines)


def _letter(**over: Any) -> Letter:
    return Letter(**{**_LETTER, **over})


def _read(letter: Letter) -> EmailMessage:
    read = email.message_from_bytes(compose(letter), policy=email.policy.default)
    assert isinstance(read, EmailMessage)
    return read


@pytest.mark.parametrize(
    "written",
    [
        "toimisto@prоvider.test", "toimisto@provider.test\u202e", "toimisto@provider.test, x@evil.test", "<toimisto@provider.test> <x@evil.test>",
        "toimisto@provider.test\0", '"toimisto@provider.test" <>', "toimisto@provider.test(x)@evil.test", "@provider.test:x@evil.test", "\u212a@provider.test",
        "=?utf-8?q?toimisto=40provider.test?=", "undisclosed:;", "(" * 5_000,
    ],
)  # fmt: skip
def test_what_only_looks_like_a_sender_is_none(written: str) -> None:
    """A Cyrillic o, a sign for kelvin, two addresses, a route: none of them is the provider's address."""
    found = sender(email.message_from_string(f"From: {written}\n\nx"))
    assert found != "toimisto@provider.test"
    assert found != "k@provider.test"


@pytest.mark.parametrize("form", ["console", "json"])
def test_what_others_name_writes_no_line_of_a_log(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for one in STEERS:
        lines = io.StringIO()
        with monkeypatch.context() as alone:
            # pytest's own keeps what was said, and cannot tell half a character
            alone.setattr(logging.root, "handlers", [])
            configure_logging(form, "INFO", stream=lines)  # type: ignore[arg-type]
            structlog.get_logger().warning(f"file {one}\nFAKE", file=f"a{one}\nFAKE", inner=[one], more={"x": one})
            logging.getLogger("library").warning("file %s", f"{one}\nFAKE")
            structlog.get_logger().error("failed", exc_info=AvainError("x {name}", name=one))
        written = lines.getvalue()
        assert not set(map(ord, written)) & set(STEERING), repr(written)
        assert not [line for line in written.splitlines() if line.startswith(("FAKE", "2026 [info]"))]
        if form == "json":
            assert [json.loads(line) for line in written.splitlines()]


def test_what_others_name_steers_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    table: Table = common.table("Palvelut", ["Nimi"], [[one] for one in STEERS])
    common.console().print(table)
    common.complaints().print("".join(STEERS))
    common.emit({"names": [one for one in STEERS if one != "\ud800"]}, True, lambda: None)
    captured = capsys.readouterr()
    assert not set(map(ord, captured.out + captured.err)) & set(STEERING)


def test_what_others_name_turns_no_page_around() -> None:
    from console.templating import _environment

    shown = (
        _environment().from_string("<td>{{ name }}</td><td>60,00</td>").render(name="a\u202e\x9b<b>\ud800", markup="x")
    )
    assert shown == "<td>a&lt;b&gt;</td><td>60,00</td>"


def test_plain_texts_stay_as_they_are() -> None:
    for text in ("Nepsy-valmennus – ä å ö", "rivi\nrivi\tsarake", "👨\u200d👩\u200d👧", "עברית"):
        assert unsteered(text) == text
        assert escaped_json(json.dumps(text, ensure_ascii=False)) == json.dumps(text, ensure_ascii=False)
    assert escaped_line("a\nb\x1b") == "a\\nb\\x1b"
