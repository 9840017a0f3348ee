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


def _bundle(*resources: Any) -> bytes:
    return _json({"resourceType": "Bundle", "total": 1, "entry": [{"resource": one} for one in resources]})


def _lines(*lines: str) -> bytes:
    return "".join(
        f"{line}\n" for line in (json.dumps({"form": FORM}), *lines, json.dumps({"end": len(lines)}))
    ).encode()


def _price(more: bytes) -> bytes:
    return b'{"version": 1, "prices": [{"service": "A", "unit": "HUR", "price": 1, ' + more + b"}]}"


def _login(**over: Any) -> bytes:
    """A login provider's answers with its own description changed."""
    (whole, _) = map(json.loads, seeds.logins())
    return _json({**whole, "discovery": {**whole["discovery"], **over}})


def _toml() -> Mapping[str, Callable[[], bytes]]:
    return {
        "brackets in brackets (RecursionError)": lambda: b"x = " + b"[" * 2000,
        "a number of thousands of digits (ValueError)": lambda: b"x = " + b"9" * 5000,
    }


def _profile_of_nobody() -> bytes:
    return next(one for one in seeds.profiles() if b"\nrecord = " in one).replace(
        b'\nrecord = "', b'\nrecord = "\\u0000', 1
    )


def _service_of_nobody() -> bytes:
    return next(one for one in seeds.reference() if b"name_fi" in one).replace(b'name_fi = "', b'name_fi = "\\u0000', 1)


#: Reader → what was wrong, and the document.
FOUND: Final[Mapping[str, Mapping[str, Callable[[], bytes]]]] = {
    "case_xml": {
        "an empty truth value: the fast way took it for false, the slow one rejects it": lambda: case_xml.export(
            case_xml.case("A", more="<supportPerson/>")
        ),
        "blanks around a status: the fast way took them off, the slow one does not": lambda: case_xml.export(
            case_xml.case("A", status=" open")
        ),
        "a replaced service of blanks: the fast way took it for none": lambda: case_xml.export(
            case_xml.case("A", case_xml.decision(basis='<baseline service="" quantity="" unit=""/>'))
        ),
        "a replaced service that says nothing at all": lambda: case_xml.export(
            case_xml.case("A", case_xml.decision(basis="<baseline/>"))
        ),
        "a faulty comment before the root element: only the slow way saw it": lambda: (
            b"<!-- -- -->" + case_xml.export(case_xml.case("A"))
        ),
        "an element that is no case: the fast way passed it over": lambda: case_xml.export(
            case_xml.case("A"), '<x:case xmlns:x="urn:x" id="B"/>'
        ),
        "another root element: only the slow way saw it": lambda: (
            b'<rows xmlns="urn:avain:cases:1">' + case_xml.case("A").encode() + b"</rows>"
        ),
    },
    "fhir_json": {
        "a history whose entry is a text (AttributeError)": lambda: _json({"resourceType": "Bundle", "entry": ["x"]}),
        "a type that is a list (TypeError)": lambda: _bundle(
            {"resourceType": "EpisodeOfCare", "id": "1", "patient": {"reference": "Patient/1"}},
            {"resourceType": ["Patient"], "id": "1"},
        ),
    },
    "fhir_xml": {
        "the last day there is, in another zone (OverflowError)": lambda: seeds.fhir_xml()[0].replace(
            b'<created value="2026-11-09"', b'<created value="9999-12-31T23:59:59-12:00"'
        ),
    },
    "channel_reply": {
        "a number for the order with NUL": lambda: b'{"data": {"id": "\\u0000"}}',
        "a number for the order with half a character": lambda: b'{"data": {"id": "\\ud800"}}',
    },
    "fhir_file": {
        "half a character as a type (UnicodeEncodeError)": lambda: _lines('{"resourceType": "\\ud800", "id": "1"}'),
        "lists in lists (RecursionError)": lambda: _lines(
            '{"resourceType": "EpisodeOfCare", "id": "1", "extension": ' + _DEEP + "}"
        ),
        "a type that is an object (TypeError)": lambda: _lines('{"resourceType": {}, "id": "1"}'),
        "half a character as the id of what is gone (UnicodeEncodeError)": lambda: _lines('{"gone": "\\ud800"}'),
    },
    "sql_file": {
        "brackets in brackets (RecursionError)": lambda: b"[" * 2000 + b"\n",
        "a cell that is a number (AttributeError)": lambda: seeds.sql_files()[0].replace(b'"W-101"', b"17"),
        "a title that PostgreSQL would not keep in a sentence": lambda: b'{"columns": ["\\u0000"]}\n{"rows": 0}\n',
    },
    "price_table": {
        "a unit of forty digits (InvalidOperation)": f"Palvelukoodi;Yksikkö;Hinta\nA;{'9' * 40} h;60\n".encode,
    },
    "price_json": {
        "a rate of nothing with a billion decimals": lambda: _price(b'"vat": {"rate": 0e-999999999}'),
        "a quantity of nothing with a billion decimals": lambda: _price(b'"minimum_quantity": 0e-999999999'),
        "an exponent of twenty digits (InvalidOperation)": lambda: _price(b'"base_quantity": 1e99999999999999999999'),
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
    "delivered": {"a word of 70,000 letters (20 seconds)": lambda: b"x;y\n" + b"A" * 70_000 + b"\n"},
    "absences": {"a word of 70,000 letters (20 seconds)": lambda: b"x;y\n" + b"A" * 70_000 + b"\n"},
    "login": {
        "ways to name oneself that are no list (TypeError)": lambda: _login(token_endpoint_auth_methods_supported=1.5),
        "an address that is none (ValueError)": lambda: _login(token_endpoint="https://[x"),
        "brackets in brackets (RecursionError)": lambda: b"[" * 2000,
    },
    "settings": _toml(),
    "profile": {
        **_toml(),
        "a path with NUL by its number: lxml ended in a ValueError": _profile_of_nobody,
    },
    "reference": {
        **_toml(),
        "a name with NUL by its number: PostgreSQL keeps none": _service_of_nobody,
    },
}


def documents(reader: str) -> Sequence[bytes]:
    """All of a reader."""
    return [make() for make in FOUND.get(reader, {}).values()]
