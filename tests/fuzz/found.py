"""Documents that were faults once, by reader: made by code, the seeds of every run, and read again in `test_found.py`."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from connectors.cases.fhir.lines import FORM
from tests.fuzz import seeds
from tests.support import case_xml
from tests.support.price_mail import mail

_DEEP: Final = "[" * 600 + "]" * 600


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _entry(**resource: Any) -> bytes:
    return _json({"resourceType": "Bundle", "entry": [{"resource": resource}]})


def _lines(*lines: str) -> bytes:
    return "".join(
        f"{line}\n" for line in (json.dumps({"form": FORM}), *lines, json.dumps({"end": len(lines)}))
    ).encode()


def _login(**over: Any) -> bytes:
    """A login provider's answers with its own description changed."""
    (whole, _) = map(json.loads, seeds.logins())
    return _json({**whole, "discovery": {**whole["discovery"], **over}})


def _toml() -> Mapping[str, Callable[[], bytes]]:
    return {
        "brackets in brackets (RecursionError)": lambda: b"x = " + b"[" * 2000,
        "a number of thousands of digits (ValueError)": lambda: b"x = " + b"9" * 5000,
    }


#: Reader → what was wrong, and the document.
FOUND: Final[Mapping[str, Mapping[str, Callable[[], bytes]]]] = {
    "case_xml": {
        "an empty truth value: the fast way took it for false, the slow one rejects it": lambda: case_xml.export(
            case_xml.case("A", more="<supportPerson/>")
        ),
        "a faulty comment before the root element: only the slow way saw it": lambda: (
            b"<!-- -- -->" + case_xml.export(case_xml.case("A"))
        ),
        "an element that is no case: the fast way passed it over": lambda: case_xml.export(
            case_xml.case("A"), '<x:case xmlns:x="urn:x" id="B"/>'
        ),
        "another root element: only the slow way saw it": lambda: case_xml.export(case_xml.case("A")).replace(
            b"cases", b"rows"
        ),
    },
    "fhir_json": {
        "a history whose entry is a text (AttributeError)": lambda: _json({"resourceType": "Bundle", "entry": ["x"]}),
        "a type that is a list (TypeError)": lambda: _entry(resourceType=["EpisodeOfCare"], id="1"),
    },
    "fhir_file": {
        "lists in lists (RecursionError)": lambda: _lines(
            '{"resourceType": "EpisodeOfCare", "id": "1", "extension": ' + _DEEP + "}"
        ),
        "a type that is an object (TypeError)": lambda: _lines('{"resourceType": {}, "id": "1"}'),
        "half a character as the id of what is gone (UnicodeEncodeError)": lambda: _lines('{"gone": "\\ud800"}'),
    },
    "sql_file": {
        "brackets in brackets (RecursionError)": lambda: b"[" * 2000 + b"\n",
        "a cell that is a number (AttributeError)": lambda: b'{"columns": ["Asiakkuus"]}\n[1]\n{"rows": 1}\n',
        "a title that PostgreSQL would not keep in a sentence": lambda: b'{"columns": ["\\u0000"]}\n{"rows": 0}\n',
    },
    "price_json": {
        "a service with NUL, of a price that is rejected": lambda: (
            b'{"version": 1, "prices": [{"service": "\\u0000"}]}'
        ),
        "half a character where a sentence says what is wrong": lambda: (
            b'{"version": 1, "prices": [], "removals": [{"\\ud800": 1}]}'
        ),
    },
    "price_mail": {
        "a file name with NUL": lambda: mail(None, ("a.csv", b"x")).replace(b'"a.csv"', b'"a\x00.csv"'),
        "comments in comments (RecursionError)": lambda: b"From: " + b"(" * 2000 + b"\n\n",
    },
    "bounce": {"an mbox whose first line never ends (ValueError)": lambda: b"From x"},
    "delivered": {"a word of 70,000 letters (20 seconds)": lambda: b"Tilausnumero\n" + b"A" * 70_000 + b"\n"},
    "absences": {"a word of 70,000 letters (20 seconds)": lambda: b"Henkilo\n" + b"A" * 70_000 + b"\n"},
    "login": {
        "ways to name oneself that are no list (TypeError)": lambda: _login(token_endpoint_auth_methods_supported=1.5),
        "an address that is none (ValueError)": lambda: _login(token_endpoint="https://[x"),
        "brackets in brackets (RecursionError)": lambda: b"[" * 2000,
    },
    "settings": _toml(),
    "profile": _toml(),
    "reference": _toml(),
}


def documents(reader: str) -> Sequence[bytes]:
    """All of a reader."""
    return [make() for make in FOUND.get(reader, {}).values()]
