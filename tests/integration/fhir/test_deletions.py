"""Time, deletions and deltas, told by a server that is not always right."""

import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from connectors.cases.record import FoundGone, FoundRecord
from connectors.cases.registry import case_connector, case_transport
from connectors.transports.base import Visit
from core.errors import Permanent, RefusedInput
from core.source_settings import CaseSource, Fhir
from tests.support.fhir_fake import FakeFhir, refused, said
from tests.support.fhir_resources import numbered_cases
from tests.support.fhir_server import cases_in, found_in, sentence, visit
from tests.support.http_door import raw_server


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
    server = FakeFhir(httpserver, numbered_cases(2), histories={"CarePlan/_history": [_deleted("CarePlan/lost")]})
    asked = server.settings()
    assert cases_in(visit(asked, tmp_path, memory=_SINCE), asked) == ["C-0", "C-1"]
    server.histories["CarePlan/lost/_history"] = [_deleted("CarePlan/lost")]
    assert cases_in(visit(asked, tmp_path, memory=_SINCE), asked) == ["C-0", "C-1"]
    earlier = {"resource": {"resourceType": "CarePlan", "id": "lost", "subject": {"reference": "Patient/K-C-1"}}}
    server.histories["CarePlan/lost/_history"] = [_deleted("CarePlan/lost"), earlier]
    assert cases_in(visit(asked, tmp_path, memory=_SINCE), asked) == ["C-1"]


def test_old_deletions_are_old(httpserver: HTTPServer, tmp_path: Path) -> None:
    entry = {**_deleted("EpisodeOfCare/C-9"), "response": {"lastModified": "2026-11-01T12:00:00Z"}}
    server = FakeFhir(httpserver, numbered_cases(1), histories={"EpisodeOfCare/_history": [entry]})
    assert visit(server.settings(), tmp_path, memory=_SINCE).files == ()


def test_a_history_that_is_none_or_never_ends_is_refused(httpserver: HTTPServer, tmp_path: Path) -> None:
    server = FakeFhir(httpserver, histories={"CarePlan/_history": []})
    again = {"relation": "next", "url": "CarePlan/_history?page=2"}
    circle = {"resourceType": "Bundle", "link": [again], "entry": [_deleted("CarePlan/1")]}
    server.instead = {"CarePlan/_history": said(circle)}
    expected = "The pages of CarePlan at localhost lead in a circle."
    assert sentence(Permanent, server, tmp_path / "spool", memory=_SINCE) == expected
    server.instead = {"CarePlan/_history": said({"resourceType": "Patient", "id": "1"})}
    expected = "localhost answers with another kind of resource than was asked for."
    assert sentence(RefusedInput, server, tmp_path / "spool", memory=_SINCE) == expected


def test_a_server_without_teams_and_goals_has_deltas_all_the_same(httpserver: HTTPServer, tmp_path: Path) -> None:
    cases = [one for one in numbered_cases(1) if one["resourceType"] not in {"CareTeam", "Goal"}]
    for one in cases:
        one.pop("team", None)
        one.pop("goal", None)
        one["meta"] = {"lastUpdated": "2026-11-21T12:00:00Z"}
    unknown = refused(404, "not-supported")
    server = FakeFhir(httpserver, cases, instead={"CareTeam": unknown, "Goal": unknown})
    asked = server.settings()
    assert cases_in(visit(asked, tmp_path, memory=_SINCE), asked) == ["C-0"]
    server.instead = {"CarePlan": unknown}
    assert sentence(Permanent, server, tmp_path / "other", memory=_SINCE).endswith("(404: not-supported).")


@pytest.mark.parametrize(("status", "gone"), [(404, True), (410, True), (403, False)])
def test_an_episode_that_a_changed_plan_names_and_that_is_not_there_is_gone(
    httpserver: HTTPServer, tmp_path: Path, status: int, gone: bool
) -> None:
    cases = numbered_cases(1)
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
        settings = FakeFhir(httpserver, numbered_cases(number)).settings(page_size=20)
        tracemalloc.start()
        try:
            visit(settings, tmp_path)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(5)
    assert peak(250) < 2 * peak(50) + 500_000


def test_the_registry_knows_the_way(httpserver: HTTPServer, tmp_path: Path) -> None:
    source = CaseSource(kind="fhir", fhir=FakeFhir(httpserver, numbered_cases(1)).settings())
    files = case_transport(source).fetch(Visit(tmp_path)).files
    (found,) = case_connector(source).read(files, identity="none")
    assert found[0] == files[0]
    assert isinstance(found[1], FoundRecord)


def test_no_two_visits_bring_the_same_bytes(httpserver: HTTPServer, tmp_path: Path) -> None:
    settings = FakeFhir(httpserver, numbered_cases(1)).settings()
    (first,), (second,) = visit(settings, tmp_path).files, visit(settings, tmp_path).files
    assert first.sha256 != second.sha256
    assert first.path.name == f"{first.sha256}-fhir.ndjson"
    assert first.size == first.path.stat().st_size
