"""The search finds a canary however it is wrapped, and nothing where there is none; the table lets none be where it is not named."""

import base64
import gzip
import html
import io
import json
import quopri
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
import typst
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook
from typer.main import get_command

from cli.main import app
from tests.canaries import planted
from tests.canaries.commands import PASSED_OVER, READING
from tests.canaries.planted import CANARIES, CODES, NAMES, Canary, Leak, found, leaks, not_taken

NAME, CODE = NAMES["LC-1001"], CODES["LC-1001"]
SENTENCE = f"Perhe {NAME}, {CODE}, odottaa."
BOTH = {"client's name", "client's henkilötunnus"}


def zipped(content: bytes, name: str = "osa.txt") -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return whole.getvalue()


def workbook() -> bytes:
    book, whole = Workbook(), io.BytesIO()
    assert book.active is not None
    book.active.append([SENTENCE])
    book.save(whole)
    return whole.getvalue()


def mail() -> bytes:
    made = EmailMessage()
    made["Subject"], made["From"] = NAME, "avain@avain.invalid"
    made.set_content("Hei")
    made.add_attachment(workbook(), maintype="application", subtype="octet-stream", filename="a.xlsx")
    return made.as_bytes()


RAW = SENTENCE.encode()
WRAPPED = {
    "as it is": RAW,
    "upper case": SENTENCE.upper().encode(),
    "lower case": SENTENCE.lower().encode(),
    "accents apart": unicodedata.normalize("NFD", SENTENCE).encode(),
    "latin-1": SENTENCE.encode("latin-1"),
    "utf-16": SENTENCE.encode("utf-16"),
    "utf-16 big-endian, in the middle of something": b"x" + SENTENCE.encode("utf-16-be"),
    "soft hyphens": "\u00ad".join(SENTENCE).encode(),
    "base64": base64.b64encode(RAW),
    "base64 for addresses, unpadded": base64.urlsafe_b64encode(RAW).rstrip(b"="),
    "base64 in lines": base64.encodebytes(b"x" * 40 + RAW * 3),
    "base64 of base64": base64.b64encode(base64.b64encode(RAW)),
    "quoted-printable": quopri.encodestring(RAW),
    "an address": quote(SENTENCE, safe="").encode(),
    "a form": quote_plus(SENTENCE).encode(),
    "a form in latin-1": quote_plus(SENTENCE, encoding="latin-1").encode(),
    "HTML": "".join(f"&#{ord(one)};" for one in SENTENCE).encode(),
    "HTML names": html.escape(SENTENCE).replace("ö", "&ouml;").encode(),
    "JSON": json.dumps({"said": SENTENCE}).encode(),
    "repr of bytes": repr(RAW).encode(),
    "hex": RAW.hex().encode(),
    "bytea": f"\\x{RAW.hex()}".encode(),
    "gzip": gzip.compress(RAW),
    "zip": zipped(RAW),
    "zip in a zip, as base64": base64.b64encode(zipped(zipped(RAW), "sisempi.zip")),
    "workbook": workbook(),
    "workbook in a mail": mail(),
    "stream of a PDF": b"%PDF-1.7\nstream\n" + zlib.compress(RAW) + b"\nendstream",
}


@pytest.mark.parametrize("wrapped", WRAPPED.values(), ids=WRAPPED)
def test_it_is_found_however_it_is_wrapped(wrapped: bytes) -> None:
    assert found(wrapped) >= BOTH


def test_it_is_found_where_a_person_would_read_it() -> None:
    assert "client's name" in found(zipped(b"", f"{NAME}.xml")), "the name of a part"
    assert "client's name" in found(f"Subject: =?utf-8?b?{base64.b64encode(NAME.encode()).decode()}?=\r\n".encode())
    assert "client's henkilötunnus" in found(CODE.replace("-", "")), "without its mark"


def test_a_part_that_is_damaged_hides_none_of_the_others() -> None:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("1.txt", b"marker-of-the-first")
        archive.writestr("2.txt", SENTENCE, zipfile.ZIP_DEFLATED)
    damaged = whole.getvalue().replace(b"marker", b"MARKER", 1)
    with pytest.raises(zipfile.BadZipFile), zipfile.ZipFile(io.BytesIO(damaged)) as archive:
        archive.read("1.txt")
    assert found(damaged) >= BOTH


@pytest.mark.parametrize("digest", planted._spellings(CODE)[2:])
def test_a_plain_digest_is_no_hiding_place(digest: str) -> None:
    assert found(f"known as {digest}.") == {"client's henkilötunnus"}


def test_a_pdf_is_read() -> None:
    assert found(typst.compile(SENTENCE.encode(), format="pdf")) >= BOTH


@given(st.binary(max_size=300) | st.text(max_size=300))
@settings(max_examples=60, deadline=None)
def test_nothing_is_found_where_nothing_is_and_nothing_breaks_the_search(content: bytes | str) -> None:
    assert found(content) == set()


def test_secrets_made_on_the_way_are_found_too() -> None:
    assert found("/my/in/Zk3-learned", {"Zk3-learned": "family link"}) == {"family link"}


def test_only_what_the_table_names_may_be_there() -> None:
    table = (Canary("goal", ("satakieli",), {"db:client_case.*": "from the source"}), Canary("name", ("peippo",)))
    seen = [("goal", "db:client_case.goals"), ("goal", "log:up"), ("name", "db:client_case.goals"), ("name", "log:up")]
    assert leaks(seen, table) == [Leak("goal", "log:up"), Leak("name", "db:client_case.goals"), Leak("name", "log:up")]
    assert not_taken(seen, table) == []
    assert not_taken(seen[1:], table) == [("goal", "db:client_case.*")], "leave that nothing needs has to go"


def test_every_canary_is_distinct_and_every_leave_has_a_reason() -> None:
    marks = [mark for one in CANARIES for mark in one.marks]
    assert len(marks) == len(set(marks))
    assert len({one.name for one in CANARIES}) == len(CANARIES)
    for one in CANARIES:
        assert all(one.may.values()), one.name
        assert {name for mark in one.marks for name in found(mark)} <= {one.name}, one.name


def test_every_command_is_searched_or_passed_over_with_a_reason() -> None:
    """A new command has to be decided about; a support bundle above all."""
    commands = set(_commands(get_command(app))) - {"config clock"}  # in tests alone
    assert set(READING).isdisjoint(PASSED_OVER)
    assert commands == set(READING) | set(PASSED_OVER)


def _commands(of: Any, *name: str) -> Iterator[str]:
    inner = getattr(of, "commands", {})
    if not inner or getattr(of, "invoke_without_command", False):
        yield " ".join(name)
    for word, command in inner.items():
        yield from _commands(command, *name, word)
