"""Every reader is given every attack of its form: refused with the sentence that is right, or read without harm, in little time and memory."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from core.errors import AvainError, InputError, Permanent
from tests.attacks.bounds import bounded
from tests.attacks.documents import Attack, Attacks
from tests.attacks.documents.archives import PACKED, WORKBOOKS
from tests.attacks.documents.mails import MAILS, REPORTS
from tests.attacks.documents.markup import MARKUP
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
    **dict.fromkeys(("fhir_json", "price_json", "login"), JSON),
    **dict.fromkeys(("fhir_file", "sql_file"), LINES),
    **dict.fromkeys(("case_workbook", "price_workbook"), WORKBOOKS),
    "case_packed": PACKED,
    "price_mail": MAILS,
    "bounce": REPORTS,
    **dict.fromkeys(("settings", "profile", "reference"), SETTINGS),
}  # fmt: skip
#: What is attacked elsewhere: signed links in tests/console/attacks, answers to orders in test_answers.py.
_ELSEWHERE: Final = {"reply_link", "channel_reply"}
#: Where a form is read by somebody who judges it otherwise than most. `reader: {attack: pattern, or None if it is read}`.
_OTHERWISE: Final[Mapping[str, Mapping[str, str | None]]] = {}
_SECRET: Final = "kanarialintu-4711"


@pytest.fixture(scope="module")
def trap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a file that nobody may read."""
    path = tmp_path_factory.mktemp("trap") / "secret.txt"
    path.write_text(_SECRET)
    yield path.as_uri()


@cache
def _seed(reader: str) -> bytes:
    return min(READERS[reader].valid(), key=len)


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
    attack: Attack = _ATTACKS[reader][name]
    says = _OTHERWISE.get(reader, {}).get(name, attack.says)
    content = attack.make(_seed(reader), trap)
    told: Any
    with bounded():
        try:
            told = READERS[reader].read(content, tmp_path)
            sentence = None
        except AvainError as refused:
            assert isinstance(refused, InputError | Permanent) or reader == "settings", type(refused)
            told, sentence = refused.message, refused.message.text("en")
        judge(told)
    assert _SECRET not in repr(told)
    if says is not None:
        assert sentence is not None, "it was read"
        assert re.search(says, sentence), sentence
