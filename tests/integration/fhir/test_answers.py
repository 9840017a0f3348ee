"""What a server may answer beside what it was asked for: wait, no, who are you, and things that are not FHIR."""

import base64
import json
import re
import ssl
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
import trustme
from pydantic import SecretStr
from pytest_httpserver import HTTPServer
from werkzeug import Response

from connectors.cases.contract import a_record
from connectors.cases.fhir.client import FhirTransport
from connectors.cases.record import FoundGone, FoundRecord
from connectors.cases.registry import case_connector, case_transport
from connectors.pace import Pace
from connectors.rejection import Rejection
from connectors.transports.base import Visit
from core.errors import AvainError, ConfigurationError, Permanent, RefusedInput, Transient
from core.source_settings import CaseSource, Fhir
from tests.support.fhir_fake import FakeFhir, refused, said
from tests.support.fhir_resources import resources
from tests.support.fhir_server import cases_in, found_in, visit
from tests.support.http_door import head, raw_server


def _cases(number: int) -> list[dict[str, Any]]:
    return [one for n in range(number) for one in resources(a_record(f"C-{n}"), prefix=f"{n}.")]


def _sentence(kind: type[AvainError], server: FakeFhir, spool: Path, **more: Any) -> str:
    with pytest.raises(kind) as error:
        visit(server.settings(), spool, **more)
    assert not spool.exists() or list(spool.iterdir()) == [], "nothing half is left behind"
    return error.value.message.text("en")


@pytest.mark.parametrize("status", [429, 503])
def test_a_short_wait_is_waited_for(httpserver: HTTPServer, tmp_path: Path, status: int) -> None:
    busy = refused(status, "throttled", Retry_After="7")
    server = FakeFhir(httpserver, _cases(1), first={"CarePlan": [busy, busy]})
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
    sentence = _sentence(RefusedInput, server, tmp_path / "spool")
    assert sentence.startswith(f"localhost does not answer with FHIR: {reason}")


def test_another_resource_than_asked_for_is_refused(httpserver: HTTPServer, tmp_path: Path) -> None:
    expected = "localhost answers with another kind of resource than was asked for."
    server = FakeFhir(httpserver, instead={"EpisodeOfCare": said({"resourceType": "Patient", "id": "1"})})
    assert _sentence(RefusedInput, server, tmp_path / "spool") == expected
    server.instead = {"metadata": said({"resourceType": "Patient", "id": "1"})}
    assert _sentence(RefusedInput, server, tmp_path / "spool") == expected


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
    assert _sentence(Permanent, server, tmp_path) == "localhost speaks FHIR 3.0.2; only R4 is read."


def test_a_server_that_does_not_say_what_it_can_is_read_all_the_same(httpserver: HTTPServer, tmp_path: Path) -> None:
    server = FakeFhir(httpserver, _cases(1), instead={"metadata": refused(404, "not-found")})
    asked = server.settings()
    assert cases_in(visit(asked, tmp_path), asked) == ["C-0"]


def test_a_refusal_is_told_by_its_codes_alone(httpserver: HTTPServer, tmp_path: Path) -> None:
    server = FakeFhir(httpserver, instead={"EpisodeOfCare": refused(403, "forbidden")})
    assert _sentence(Permanent, server, tmp_path) == "localhost refused the request (403: forbidden)."
    server.instead = {"EpisodeOfCare": Response("Aino Keksitty", 400)}
    assert _sentence(Permanent, server, tmp_path) == "localhost refused the request (400)."
    server.instead = {"EpisodeOfCare": refused(400, "Aino Keksitty")}
    assert _sentence(Permanent, server, tmp_path) == "localhost refused the request (400)."


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_patient_who_may_not_be_read_costs_that_case_only(
    httpserver: HTTPServer, tmp_path: Path, status: int
) -> None:
    server = FakeFhir(httpserver, _cases(2), instead={"Patient/K-C-0": refused(status, "forbidden")})
    server.resources = [one for one in server.resources if one["id"] != "K-C-0"]
    asked = server.settings()
    bad, good = found_in(visit(asked, tmp_path), asked)
    assert isinstance(bad, Rejection)
    assert isinstance(good, FoundRecord)
    assert (bad.position, bad.field) == ("EpisodeOfCare/C-0", "client"), "turvakielto is not guessed"


def test_a_type_that_may_not_be_read_at_all_is_not_asked_for_one_by_one(httpserver: HTTPServer, tmp_path: Path) -> None:
    server = FakeFhir(httpserver, _cases(2), instead={"Patient": refused(403, "forbidden")})
    assert _sentence(Permanent, server, tmp_path / "spool") == "localhost refused the request (403: forbidden)."
    assert len(server.paths("Patient")) == 1


def test_every_request_keeps_the_pace(httpserver: HTTPServer, tmp_path: Path) -> None:
    now, waited = 0.0, list[float]()

    def wait(seconds: float) -> None:
        nonlocal now
        now += seconds
        waited.append(seconds)

    pace = Pace(requests_per_second=2, rows_per_second=1, wait=wait, clock=lambda: now)
    server = FakeFhir(httpserver, _cases(1))
    FhirTransport(server.settings()).fetch(Visit(tmp_path, pace=pace))
    assert waited == [0.5] * (len(server.asked) - 1)


# --- who Avain is


def _oauth(server: FakeFhir, **more: Any) -> Any:
    return server.settings(
        token_url=server.server.url_for("/token"), client_id="avain", client_secret=SecretStr("s+cret"), **more
    )


def _tokens(server: HTTPServer, *answers: Response) -> list[Any]:
    given, asked = list(answers), list[Any]()

    def give(request: Any) -> Response:
        asked.append(request)
        return given.pop(0)

    server.expect_request("/token", method="POST").respond_with_handler(give)
    return asked


def _token(name: str, **more: Any) -> Response:
    return Response(json.dumps({"access_token": name, "token_type": "Bearer", **more}), content_type="application/json")


@pytest.fixture
def guarded(httpserver: HTTPServer) -> FakeFhir:
    server = FakeFhir(httpserver, _cases(1))
    httpserver.clear_all_handlers()
    return server


def _serve(server: FakeFhir, *tokens: Response, taken: tuple[str, ...] = ("one", "two")) -> list[Any]:
    asked = _tokens(server.server, *tokens)

    def answer(request: Any) -> Response:
        name = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return server.answer(request) if name in taken else refused(401, "login")

    server.server.expect_request(re.compile("^/fhir")).respond_with_handler(answer)
    return asked


def test_a_token_is_fetched_once_for_its_life(guarded: FakeFhir, tmp_path: Path) -> None:
    asked = _serve(guarded, _token("one", expires_in=3600))
    settings = _oauth(guarded, scope="system/*.read")
    assert cases_in(visit(settings, tmp_path), settings) == ["C-0"]
    (request,) = asked
    assert request.form.to_dict() == {"grant_type": "client_credentials", "scope": "system/*.read"}
    assert request.headers["Authorization"] == "Basic " + base64.b64encode(b"avain:s%2Bcret").decode()


def test_a_token_is_fetched_again_before_its_end(guarded: FakeFhir, tmp_path: Path) -> None:
    asked = _serve(guarded, *[_token("one", expires_in=100)] * 20)
    times = iter(range(0, 100_000, 20))
    settings = _oauth(guarded)
    visit(settings, tmp_path, clock=lambda: float(next(times)))
    assert 1 < len(asked) < len(guarded.asked)


def test_a_token_that_is_no_longer_taken_is_fetched_anew_once(guarded: FakeFhir, tmp_path: Path) -> None:
    asked = _serve(guarded, _token("zero"), _token("one"))
    settings = _oauth(guarded)
    assert cases_in(visit(settings, tmp_path), settings) == ["C-0"]
    assert len(asked) == 2


def test_tokens_that_are_never_taken_end_the_visit(guarded: FakeFhir, tmp_path: Path) -> None:
    _serve(guarded, *[_token("zero")] * 20)
    with pytest.raises(Permanent, match=r"refused the request \(401: login\)"):
        visit(_oauth(guarded), tmp_path)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (
            Response("{}", 401),
            "The server of tokens refused this client (401). See client_id, client_secret and scope.",
        ),
        (Response("no"), "The server of tokens answered without a token."),
        (_token("a\r\nb: c"), "The server of tokens answered without a token."),
    ],
)
def test_no_token_no_visit(guarded: FakeFhir, tmp_path: Path, answer: Response, sentence: str) -> None:
    _serve(guarded, answer)
    with pytest.raises(Permanent) as error:
        visit(_oauth(guarded), tmp_path)
    assert error.value.message.text("en") == sentence


def test_a_fixed_token_goes_with_every_request(guarded: FakeFhir, tmp_path: Path) -> None:
    _serve(guarded, taken=("fixed",))
    settings = guarded.settings(bearer_token=SecretStr("fixed"))
    assert cases_in(visit(settings, tmp_path), settings) == ["C-0"]


@pytest.mark.parametrize("shown", [True, False])
def test_a_client_certificate_opens_the_door(tmp_path: Path, shown: bool) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    mine = authority.issue_cert("avain@example.test")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    mine.cert_chain_pems[0].write_to_path(tmp_path / "own.pem")
    mine.private_key_pem.write_to_path(tmp_path / "own.key")
    own = {"client_certificate": tmp_path / "own.pem", "client_key": tmp_path / "own.key"} if shown else {}
    with HTTPServer(host="127.0.0.1", port=0, ssl_context=context) as running:
        server = FakeFhir(running, _cases(1))
        settings = server.settings(allow_http=False, ca_file=tmp_path / "ca.pem", **own)
        if shown:
            assert cases_in(visit(settings, tmp_path), settings) == ["C-0"]
        else:
            with pytest.raises(Transient):
                visit(settings, tmp_path)


def test_only_https_and_public_addresses_unless_said(httpserver: HTTPServer, tmp_path: Path) -> None:
    server = FakeFhir(httpserver)
    with pytest.raises(Permanent, match="https only"):
        visit(server.settings(allow_http=False), tmp_path)
    with pytest.raises(Permanent, match="to which Avain may not connect"):
        visit(server.settings(allow_private=False), tmp_path)
    assert server.asked == []


@pytest.mark.parametrize("url", ["fhir.example.test", "ftp://fhir.test/r4", "https://[broken/r4", "https://fhir.test/r4?x=1", "https://fhir.test:x/"])  # fmt: skip
def test_an_address_that_is_none_is_said_at_once(httpserver: HTTPServer, tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigurationError, match="base_url and token_url must be addresses"):
        visit(FakeFhir(httpserver).settings(base_url=url), tmp_path)


# --- time and deletions


@pytest.mark.parametrize(
    ("search", "earlier"), [("2020-11-22T07:55:00+02:00", True), ("2990-11-22T07:55:00+02:00", False)]
)
def test_the_visit_began_by_the_earlier_of_the_servers_clocks(
    httpserver: HTTPServer, tmp_path: Path, search: str, earlier: bool
) -> None:
    bundle = {"resourceType": "Bundle", "meta": {"lastUpdated": search}, "total": 0}
    server = FakeFhir(httpserver, instead={"EpisodeOfCare": said(bundle)})
    fetched = visit(server.settings(), tmp_path)
    assert (fetched.memory["since"] == search) is earlier
    assert fetched.memory["since"] <= search


def test_without_a_clock_of_the_server_the_memory_stays(tmp_path: Path) -> None:
    def timeless(connection: Any) -> None:
        status = "404 Not Found" if b"/metadata" in connection.recv(65536) else "200 OK"
        body = b'{"resourceType": "Bundle", "total": 0}'
        connection.sendall(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)

    before = {"since": "2026-11-01T00:00:00+00:00"}
    with raw_server(timeless) as port:
        settings = Fhir(base_url=f"http://127.0.0.1:{port}/fhir", allow_private=True, allow_http=True)
        delta, snapshot = visit(settings, tmp_path, memory=before), visit(settings, tmp_path)
    assert (delta.files, delta.memory) == ((), before)
    assert (cases_in(snapshot, settings), snapshot.memory) == ([], {})


def _deleted(key: str) -> dict[str, Any]:
    return {"request": {"method": "DELETE", "url": key}, "response": {"lastModified": "2026-11-21T12:00:00Z"}}


_SINCE = {"since": "2026-11-21T00:00:00Z"}


def test_a_deleted_plan_of_nobody_knows_whom_has_everything_read(httpserver: HTTPServer, tmp_path: Path) -> None:
    server = FakeFhir(httpserver, _cases(2), histories={"CarePlan/_history": [_deleted("CarePlan/lost")]})
    asked = server.settings()
    assert cases_in(visit(asked, tmp_path, memory=_SINCE), asked) == ["C-0", "C-1"]
    server.histories["CarePlan/lost/_history"] = [_deleted("CarePlan/lost")]
    assert cases_in(visit(asked, tmp_path, memory=_SINCE), asked) == ["C-0", "C-1"]
    earlier = {"resource": {"resourceType": "CarePlan", "id": "lost", "subject": {"reference": "Patient/K-C-1"}}}
    server.histories["CarePlan/lost/_history"] = [_deleted("CarePlan/lost"), earlier]
    assert cases_in(visit(asked, tmp_path, memory=_SINCE), asked) == ["C-1"]


def test_old_deletions_are_old(httpserver: HTTPServer, tmp_path: Path) -> None:
    entry = {**_deleted("EpisodeOfCare/C-9"), "response": {"lastModified": "2026-11-01T12:00:00Z"}}
    server = FakeFhir(httpserver, _cases(1), histories={"EpisodeOfCare/_history": [entry]})
    assert visit(server.settings(), tmp_path, memory=_SINCE).files == ()


def test_a_history_that_is_none_or_never_ends_is_refused(httpserver: HTTPServer, tmp_path: Path) -> None:
    server = FakeFhir(httpserver, histories={"CarePlan/_history": []})
    again = {"relation": "next", "url": "CarePlan/_history?page=2"}
    circle = {"resourceType": "Bundle", "link": [again], "entry": [_deleted("CarePlan/1")]}
    server.instead = {"CarePlan/_history": said(circle)}
    expected = "The pages of CarePlan at localhost lead in a circle."
    assert _sentence(Permanent, server, tmp_path / "spool", memory=_SINCE) == expected
    server.instead = {"CarePlan/_history": said({"resourceType": "Patient", "id": "1"})}
    expected = "localhost answers with another kind of resource than was asked for."
    assert _sentence(RefusedInput, server, tmp_path / "spool", memory=_SINCE) == expected


def test_a_server_without_teams_and_goals_has_deltas_all_the_same(httpserver: HTTPServer, tmp_path: Path) -> None:
    cases = [one for one in _cases(1) if one["resourceType"] not in {"CareTeam", "Goal"}]
    for one in cases:
        one.pop("team", None)
        one.pop("goal", None)
        one["meta"] = {"lastUpdated": "2026-11-21T12:00:00Z"}
    unknown = refused(404, "not-supported")
    server = FakeFhir(httpserver, cases, instead={"CareTeam": unknown, "Goal": unknown})
    asked = server.settings()
    assert cases_in(visit(asked, tmp_path, memory=_SINCE), asked) == ["C-0"]
    server.instead = {"CarePlan": unknown}
    assert _sentence(Permanent, server, tmp_path / "other", memory=_SINCE).endswith("(404: not-supported).")


@pytest.mark.parametrize(("status", "gone"), [(404, True), (410, True), (403, False)])
def test_an_episode_that_a_changed_plan_names_and_that_is_not_there_is_gone(
    httpserver: HTTPServer, tmp_path: Path, status: int, gone: bool
) -> None:
    cases = _cases(1)
    plan = next(one for one in cases if one["resourceType"] == "CarePlan")
    plan["meta"] = {"lastUpdated": "2026-11-21T12:00:00Z"}
    plan["supportingInfo"].append({"reference": "EpisodeOfCare/C-9"})
    server = FakeFhir(httpserver, cases, instead={"EpisodeOfCare/C-9": refused(status, "deleted")})
    asked = server.settings(overlap_minutes=0)
    first, *rest = found_in(visit(asked, tmp_path, memory=_SINCE), asked)
    assert isinstance(first, FoundRecord)
    assert rest == ([FoundGone("EpisodeOfCare/C-9", "C-9")] if gone else [])


def test_memory_does_not_grow_with_the_server(httpserver: HTTPServer, tmp_path: Path) -> None:
    def peak(number: int) -> int:
        httpserver.clear()
        settings = FakeFhir(httpserver, _cases(number)).settings(page_size=20)
        tracemalloc.start()
        try:
            visit(settings, tmp_path)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(5)
    assert peak(250) < 2 * peak(50) + 500_000


def test_the_registry_knows_the_way(httpserver: HTTPServer, tmp_path: Path) -> None:
    source = CaseSource(kind="fhir", fhir=FakeFhir(httpserver, _cases(1)).settings())
    files = case_transport(source).fetch(Visit(tmp_path)).files
    (found,) = case_connector(source).read(files, identity="none")
    assert found[0] == files[0]
    assert isinstance(found[1], FoundRecord)


def test_no_two_visits_bring_the_same_bytes(httpserver: HTTPServer, tmp_path: Path) -> None:
    settings = FakeFhir(httpserver, _cases(1)).settings()
    (first,), (second,) = visit(settings, tmp_path).files, visit(settings, tmp_path).files
    assert first.sha256 != second.sha256
    assert first.path.name == f"{first.sha256}-fhir.ndjson"
    assert first.size == first.path.stat().st_size
