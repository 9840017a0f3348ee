"""What a server may answer beside what it was asked for: wait, no, who are you, and things that are not FHIR."""

import json
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from connectors.cases.fhir.client import FhirTransport
from connectors.cases.record import FoundRecord
from connectors.pace import Pace
from connectors.rejection import Rejection
from connectors.transports.base import Visit
from core.errors import Permanent, RefusedInput, Transient
from core.source_settings import Fhir
from tests.support.fhir_fake import FakeFhir, refused, said
from tests.support.fhir_resources import numbered_cases
from tests.support.fhir_server import cases_in, found_in, sentence, visit
from tests.support.http_door import head, raw_server


@pytest.mark.parametrize("status", [429, 503])
def test_a_short_wait_is_waited_for(httpserver: HTTPServer, tmp_path: Path, status: int) -> None:
    busy = refused(status, "throttled", Retry_After="7")
    server = FakeFhir(httpserver, numbered_cases(1), first={"CarePlan": [busy, busy]})
    waited: list[float] = []
    asked = server.settings()
    assert cases_in(visit(asked, tmp_path, wait=waited.append), asked) == ["C-0"]
    assert waited == [7, 7]


@pytest.mark.parametrize(("times", "seconds", "waits"), [(1, "3600", 0), (1, None, 0), (9, "0", 3)])
def test_a_long_wait_puts_the_visit_off(
    httpserver: HTTPServer, tmp_path: Path, times: int, seconds: str | None, waits: int
) -> None:
    more = {"Retry_After": seconds} if seconds is not None else {}
    server = FakeFhir(httpserver, first={"EpisodeOfCare": [refused(503, "transient", **more)] * times})
    waited: list[float] = []
    with pytest.raises(Transient) as error:
        visit(server.settings(), tmp_path, wait=waited.append)
    assert error.value.retry_after == (float(seconds) if seconds is not None else None)
    assert len(waited) == waits


def test_waiting_has_an_end_over_the_whole_visit(httpserver: HTTPServer, tmp_path: Path) -> None:
    busy = refused(429, "throttled", Retry_After="60")
    kinds = ("metadata", "EpisodeOfCare", "CarePlan", "ServiceRequest")
    server = FakeFhir(httpserver, first={kind: [busy, busy] for kind in kinds})
    waited: list[float] = []
    with pytest.raises(Transient):
        visit(server.settings(), tmp_path, wait=waited.append)
    assert sum(waited) == 300


_XML = "application/fhir+xml"
_BUNDLE = {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "EpisodeOfCare"}}]}


@pytest.mark.parametrize(
    ("body", "content_type", "reason"),
    [
        ("<html><body>Log in</body></html>", "text/html", "The answer is not JSON, or it was cut short."),
        ("", "application/fhir+json", "The answer is not JSON, or it was cut short."),
        ('{"resourceType": "Bundle", "entry": [', "application/fhir+json", "The answer is not JSON, or it was cut short."),
        ('{"resourceType": "Bundle", "total": NaN}', "application/fhir+json", "The answer is not JSON, or it was cut short."),
        ("[" * 100_000, "application/fhir+json", "The answer is not JSON, or it was cut short."),
        ("[]", "application/fhir+json", "The answer is not a FHIR resource."),
        ('{"error": "no"}', "application/json", "The answer is not a FHIR resource."),
        (json.dumps(_BUNDLE), "application/fhir+json", "The answer holds a resource without a valid id."),
        ("<html xmlns='http://www.w3.org/1999/xhtml'/>", "application/xhtml+xml", "The answer is not a FHIR resource."),
        ("<Bundle xmlns='http://hl7.org/fhir'><total", _XML, "The XML file is not well-formed or was cut short, line 1"),
        ("<!DOCTYPE x [<!ENTITY a 'b'>]><Bundle xmlns='http://hl7.org/fhir'/>", _XML, "The XML file has a DOCTYPE (line 1)"),
    ],
)  # fmt: skip
def test_what_is_not_fhir_is_refused(
    httpserver: HTTPServer, tmp_path: Path, body: str, content_type: str, reason: str
) -> None:
    server = FakeFhir(httpserver, instead={"EpisodeOfCare": Response(body, content_type=content_type)})
    words = sentence(RefusedInput, server, tmp_path / "spool")
    assert words.startswith(f"localhost does not answer with FHIR: {reason}")


def test_another_resource_than_asked_for_is_refused(httpserver: HTTPServer, tmp_path: Path) -> None:
    expected = "localhost answers with another kind of resource than was asked for."
    server = FakeFhir(httpserver, instead={"EpisodeOfCare": said({"resourceType": "Patient", "id": "1"})})
    assert sentence(RefusedInput, server, tmp_path / "spool") == expected
    server.instead = {"metadata": said({"resourceType": "Patient", "id": "1"})}
    assert sentence(RefusedInput, server, tmp_path / "spool") == expected


def test_a_huge_answer_is_refused_before_it_is_read(tmp_path: Path) -> None:
    def huge(connection: Any) -> None:
        head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9000000000\r\n\r\n")

    with raw_server(huge) as port:
        settings = Fhir(base_url=f"http://127.0.0.1:{port}/fhir", allow_private=True, allow_http=True)
        with pytest.raises(RefusedInput, match="larger than the accepted"):
            visit(settings, tmp_path)


def test_another_version_of_fhir_is_refused(httpserver: HTTPServer, tmp_path: Path) -> None:
    statement = said({"resourceType": "CapabilityStatement", "fhirVersion": "3.0.2"})
    server = FakeFhir(httpserver, instead={"metadata": statement})
    assert sentence(Permanent, server, tmp_path) == "localhost speaks FHIR 3.0.2; only R4 is read."


def test_a_server_that_does_not_say_what_it_can_is_read_all_the_same(httpserver: HTTPServer, tmp_path: Path) -> None:
    server = FakeFhir(httpserver, numbered_cases(1), instead={"metadata": refused(404, "not-found")})
    asked = server.settings()
    assert cases_in(visit(asked, tmp_path), asked) == ["C-0"]


def test_a_refusal_is_told_by_its_codes_alone(httpserver: HTTPServer, tmp_path: Path) -> None:
    server = FakeFhir(httpserver, instead={"EpisodeOfCare": refused(403, "forbidden")})
    assert sentence(Permanent, server, tmp_path) == "localhost refused the request (403: forbidden)."
    server.instead = {"EpisodeOfCare": Response("Aino Keksitty", 400)}
    assert sentence(Permanent, server, tmp_path) == "localhost refused the request (400)."
    server.instead = {"EpisodeOfCare": refused(400, "Aino Keksitty")}
    assert sentence(Permanent, server, tmp_path) == "localhost refused the request (400)."


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_patient_who_may_not_be_read_costs_that_case_only(
    httpserver: HTTPServer, tmp_path: Path, status: int
) -> None:
    server = FakeFhir(httpserver, numbered_cases(2), instead={"Patient/K-C-0": refused(status, "forbidden")})
    server.resources = [one for one in server.resources if one["id"] != "K-C-0"]
    asked = server.settings()
    bad, good = found_in(visit(asked, tmp_path), asked)
    assert isinstance(bad, Rejection)
    assert isinstance(good, FoundRecord)
    assert (bad.position, bad.field) == ("EpisodeOfCare/C-0", "client"), "turvakielto is not guessed"


def test_a_type_that_may_not_be_read_at_all_is_not_asked_for_one_by_one(httpserver: HTTPServer, tmp_path: Path) -> None:
    server = FakeFhir(httpserver, numbered_cases(2), instead={"Patient": refused(403, "forbidden")})
    assert sentence(Permanent, server, tmp_path / "spool") == "localhost refused the request (403: forbidden)."
    assert len(server.paths("Patient")) == 1


def test_every_request_keeps_the_pace(httpserver: HTTPServer, tmp_path: Path) -> None:
    now, waited = 0.0, list[float]()

    def wait(seconds: float) -> None:
        nonlocal now
        now += seconds
        waited.append(seconds)

    pace = Pace(requests_per_second=2, rows_per_second=1, wait=wait, clock=lambda: now)
    server = FakeFhir(httpserver, numbered_cases(1))
    FhirTransport(server.settings()).fetch(Visit(tmp_path, pace=pace))
    assert waited == [0.5] * (len(server.asked) - 1)
