"""Reading to the end, or not at all: pages without links, links that lead elsewhere, counts that do not add up."""

import re
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from connectors.cases.fhir.client import FhirTransport
from connectors.cases.fhir.paging import read_page
from connectors.cases.fhir.server import FhirServer
from connectors.transports.base import Visit
from core.errors import Permanent, Transient
from core.source_settings import Fhir
from tests.support.fhir_fake import FakeFhir, said
from tests.support.fhir_resources import numbered_cases
from tests.support.fhir_server import cases_in, found_in, visit


def _ids(number: int) -> list[str]:
    return [f"C-{n}" for n in range(number)]


@pytest.mark.parametrize("totals", [True, False])
@pytest.mark.parametrize("links", [True, False])
def test_everything_comes_with_and_without_links_and_counts(
    httpserver: HTTPServer, tmp_path: Path, links: bool, totals: bool
) -> None:
    server = FakeFhir(httpserver, numbered_cases(7), links=links, totals=totals)
    asked = server.settings(page_size=3)
    assert cases_in(visit(asked, tmp_path), asked) == _ids(7)


@pytest.mark.parametrize("totals", [True, False])
def test_pages_that_the_server_cuts_shorter_than_asked_for_are_not_the_end(
    httpserver: HTTPServer, tmp_path: Path, totals: bool
) -> None:
    server = FakeFhir(httpserver, numbered_cases(25), links=False, totals=totals, cap=10)
    asked = server.settings()
    assert cases_in(visit(asked, tmp_path), asked) == sorted(_ids(25))


@pytest.mark.parametrize("total", ["9" * 5000, "-1", "many", ""])
def test_a_count_that_is_none_is_passed_over(total: str) -> None:
    server = FhirServer(Fhir(base_url="https://fhir.test/r4"))
    assert read_page(server, {"resourceType": "Bundle", "total": total}, "Patient").total is None


def test_a_single_page_without_a_count_is_made_sure_of(httpserver: HTTPServer, tmp_path: Path) -> None:
    server = FakeFhir(httpserver, numbered_cases(12), links=False, totals=False)
    asked = server.settings()
    assert cases_in(visit(asked, tmp_path), asked) == sorted(_ids(12))
    assert len(server.paths("EpisodeOfCare")) == 3
    assert len(server.paths("Patient")) == 1, "all that were asked for came"


def test_more_than_a_page_of_the_same_moment_is_no_obstacle(httpserver: HTTPServer, tmp_path: Path) -> None:
    cases = numbered_cases(9)
    for one in cases:
        one["meta"] = {**one.get("meta", {}), "lastUpdated": "2026-11-20T10:00:00Z"}
    server = FakeFhir(httpserver, cases, links=False)
    asked = server.settings(page_size=2)
    assert cases_in(visit(asked, tmp_path), asked) == _ids(9)


def test_without_links_and_order_it_is_not_read_at_all(httpserver: HTTPServer, tmp_path: Path) -> None:
    cases = numbered_cases(7)
    server = FakeFhir(httpserver, cases, links=False, sorts=False)
    server.resources.reverse()
    asked = server.settings(page_size=3)
    with pytest.raises(Permanent, match="does not sort by _lastUpdated"):
        visit(asked, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_a_shifted_page_lost_is_asked_for_again(httpserver: HTTPServer, tmp_path: Path) -> None:
    server = FakeFhir(httpserver, numbered_cases(6))
    asked = server.settings(page_size=2)
    answer = server.answer

    def shifting(request: Any) -> Any:
        given = answer(request)
        if (
            request.args.get("_offset") == "2"
            and request.path.endswith("EpisodeOfCare")
            and "_sort" not in request.args
        ):
            page = given.get_json()
            page["entry"].pop(0)  # it slipped to the page before
            return said(page)
        return given

    httpserver.clear()
    httpserver.expect_request(re.compile("")).respond_with_handler(shifting)
    assert cases_in(visit(asked, tmp_path), asked) == _ids(6)


def test_a_count_that_is_not_reached_is_no_end(httpserver: HTTPServer, tmp_path: Path) -> None:
    server = FakeFhir(httpserver, numbered_cases(3), counted=1)
    with pytest.raises(Transient) as error:
        visit(server.settings(), tmp_path)
    assert error.value.message.text("en") == "localhost counts 4 of EpisodeOfCare, but gave 3."
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "link",
    ["https://elsewhere.test/fhir/EpisodeOfCare?page=2", "/admin?page=2", "http://localhost:1/fhir/EpisodeOfCare", "//elsewhere.test/fhir", "../../x", "/fhir/%2e%2e/x", "http://[broken/fhir", "EpisodeOfCare?page=\ud800"],
)  # fmt: skip
def test_a_next_page_elsewhere_is_not_asked_for(httpserver: HTTPServer, tmp_path: Path, link: str) -> None:
    server = FakeFhir(httpserver, numbered_cases(3), next_link=link)
    with pytest.raises(Permanent, match="a next page that is not under base_url"):
        visit(server.settings(page_size=2), tmp_path)
    assert [one.path for one in server.asked] == ["/fhir/metadata", "/fhir/EpisodeOfCare"]


def test_a_next_page_may_be_named_in_short(httpserver: HTTPServer, tmp_path: Path) -> None:
    server = FakeFhir(httpserver, numbered_cases(4), next_link="EpisodeOfCare?_offset=2&_count=9")
    server.resources = [one for one in server.resources if one["resourceType"] == "EpisodeOfCare"]
    visit(server.settings(page_size=2), tmp_path)
    assert len(server.paths("EpisodeOfCare")) == 2


def test_pages_in_a_circle_end(httpserver: HTTPServer, tmp_path: Path) -> None:
    server = FakeFhir(httpserver, numbered_cases(3), next_link="EpisodeOfCare?_offset=0&_count=2")
    with pytest.raises(Permanent, match="The pages of EpisodeOfCare at localhost lead in a circle"):
        visit(server.settings(page_size=2), tmp_path)


def test_pages_that_bring_nothing_new_end(httpserver: HTTPServer, tmp_path: Path) -> None:
    server = FakeFhir(httpserver, numbered_cases(1))
    answer, count = server.answer, 0

    def endless(request: Any) -> Any:
        nonlocal count
        given = answer(request)
        if request.path.endswith("EpisodeOfCare"):
            count += 1
            return said({**given.get_json(), "link": [{"relation": "next", "url": f"EpisodeOfCare?page={count}"}]})
        return given

    httpserver.clear()
    httpserver.expect_request(re.compile("")).respond_with_handler(endless)
    with pytest.raises(Permanent, match="lead in a circle"):
        visit(server.settings(), tmp_path)
    assert count < 100


def test_a_search_that_passes_over_a_parameter_is_refused(httpserver: HTTPServer, tmp_path: Path) -> None:
    server = FakeFhir(httpserver, numbered_cases(3), ignores=frozenset({"_lastUpdated"}))
    with pytest.raises(Permanent) as error:
        visit(server.settings(), tmp_path, memory={"since": "2026-11-21T00:00:00Z"})
    expected = "localhost passes over the search parameter _lastUpdated of EpisodeOfCare. It cannot be read like this."
    assert error.value.message.text("en") == expected


@pytest.mark.parametrize("how", ["refuses", "ignores"])
def test_without_lists_of_ids_each_is_read_by_itself(httpserver: HTTPServer, tmp_path: Path, how: str) -> None:
    strangers = [{"resourceType": "Patient", "id": f"stranger-{number}"} for number in range(2)]
    server = FakeFhir(httpserver, strangers + numbered_cases(2))
    setattr(server, how, frozenset({"_id"}))
    asked = server.settings()
    assert cases_in(visit(asked, tmp_path), asked) == _ids(2)
    assert server.paths("Patient")[1:] == ["/fhir/Patient/K-C-0", "/fhir/Patient/K-C-1"]


@pytest.mark.parametrize("most", [3, 100])
@pytest.mark.parametrize("way", [{}, {"refuses": frozenset({"patient"})}, {"ignores": frozenset({"patient"})}])
def test_a_look_brings_so_many_cases_or_all_where_clients_cannot_be_asked_for(
    httpserver: HTTPServer, tmp_path: Path, way: dict[str, Any], most: int
) -> None:
    server = FakeFhir(httpserver, numbered_cases(7), **way)
    asked = server.settings(page_size=2)
    looked = FhirTransport(asked).fetch(Visit(tmp_path, most=most))
    assert cases_in(looked, asked) == _ids(7 if way else min(most, 7))


def test_a_look_shows_an_episode_without_a_client(httpserver: HTTPServer, tmp_path: Path) -> None:
    cases = numbered_cases(2)
    next(one for one in cases if one["id"] == "C-1").pop("patient")
    asked = FakeFhir(httpserver, cases).settings()
    found = found_in(FhirTransport(asked).fetch(Visit(tmp_path, most=5)), asked)
    assert sorted(type(one).__name__ for one in found) == ["FoundRecord", "Rejection"]
