"""Every reader is given every attack of its form: refused with the sentence that is right, or read without harm, in little time and memory."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from core.errors import AvainError
from tests.attacks.bounds import bounded
from tests.attacks.documents import Attacks
from tests.attacks.documents.archives import PACKED, WORKBOOKS
from tests.attacks.documents.mails import MAILS, REPORTS
from tests.attacks.documents.markup import MARKUP
from tests.attacks.documents.plain import VALUES
from tests.attacks.documents.settings import SETTINGS
from tests.attacks.documents.tables import TABLES
from tests.attacks.documents.values import JSON, LINES
from tests.fuzz.outcome import judge
from tests.fuzz.readers import READERS

#: By reader; a reader that is not here has no form in which it could be attacked as a document (test_every_reader_is_attacked).
_ATTACKS: Final[Mapping[str, Attacks]] = {
    **dict.fromkeys(
        ("case_xml", "case_xml_profile", "fhir_xml", "price_catalogue", "order_response", "invoice_peppol", "invoice_finvoice"), MARKUP
    ),
    **dict.fromkeys(("case_table", "price_table", "delivered", "absences"), TABLES),
    **dict.fromkeys(("fhir_json", "price_json"), JSON),
    **dict.fromkeys(("fhir_file", "sql_file"), LINES),
    **dict.fromkeys(("case_workbook", "price_workbook"), WORKBOOKS),
    "case_packed": PACKED,
    "price_mail": MAILS,
    "bounce": REPORTS,
    **dict.fromkeys(("settings", "profile", "reference"), SETTINGS),
}  # fmt: skip
#: What is attacked elsewhere: answers to orders (test_answers.py), login providers (test_login.py), signed links (with all else of the console).
_ELSEWHERE: Final = {"channel_reply", "login", "reply_link"}
#: Whose documents are packed: values in them are those of the same readers' other forms.
_PACKED: Final = {"case_workbook", "price_workbook", "case_packed"}
_NO_LIST: Final = "price list"
#: Where a document is looked at before its door, to see what it is: what is no price list in any form is refused for that.
_OTHERWISE: Final[Mapping[tuple[str, str], str]] = {
    ("price_catalogue", "a long entity many times"): _NO_LIST,
    ("price_catalogue", "a prolog without end"): _NO_LIST,
    ("price_catalogue", "a document type in UTF-32"): "neither text",
    ("price_catalogue", "a document type in EBCDIC"): "mix",
}
_SECRET: Final = "kanarialintu-4711"


@pytest.fixture(scope="module")
def trap(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a file that nobody may read."""
    path = tmp_path_factory.mktemp("trap") / "secret.txt"
    path.write_text(_SECRET)
    return path.as_uri()


@cache
def _seed(reader: str) -> bytes:
    return READERS[reader].valid()[0]


def test_every_reader_is_attacked() -> None:
    assert _ATTACKS.keys() | _ELSEWHERE == READERS.keys()


@pytest.mark.parametrize("reader", _ATTACKS)
def test_what_is_attacked_is_read_when_it_is_not(reader: str, tmp_path: Path) -> None:
    """Else nothing below would show anything."""
    READERS[reader].read(_seed(reader), tmp_path)


@pytest.mark.parametrize(
    ("reader", "name"), [(reader, name) for reader, attacks in _ATTACKS.items() for name in attacks]
)
def test_an_attack_is_refused_in_words_or_does_no_harm(reader: str, name: str, trap: str, tmp_path: Path) -> None:
    attack = _ATTACKS[reader][name]
    says = _OTHERWISE.get((reader, name), attack.says)
    content = attack.make(_seed(reader), trap)
    with bounded():
        told, sentence = _read(reader, content, tmp_path)
    assert _SECRET not in repr(told)
    if says is not None:
        assert sentence is not None, "it was read"
        assert re.search(says, sentence), sentence


@pytest.mark.parametrize("reader", [one for one in _ATTACKS if one not in _PACKED])
def test_no_day_number_or_name_is_too_strange(reader: str, trap: str, tmp_path: Path) -> None:
    for name, attack in VALUES.items():
        content = attack.make(_seed(reader), trap)
        with bounded():
            try:
                _read(reader, content, tmp_path)
            except Exception as error:
                raise AssertionError(name) from error


def _read(reader: str, content: bytes, folder: Path) -> tuple[Any, str | None]:
    """What is read, or why not and the sentence: an error of ours either way, and nothing that could not be kept or told."""
    told: Any
    try:
        told, sentence = READERS[reader].read(content, folder), None
    except AvainError as refused:
        told, sentence = refused.message, refused.message.text("en")
    judge(told)
    return told, sentence
