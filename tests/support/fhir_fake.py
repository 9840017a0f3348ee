"""A FHIR server that can be told to be bad: for what a good one does not do."""

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from core.source_settings import Fhir


@dataclass
class FakeFhir:
    """Answers searches over `resources`. `first` are answers given before any other, by path; `refuses` are parameters it says no to,
    `ignores` those it passes over.
    """

    server: HTTPServer
    resources: list[dict[str, Any]] = field(default_factory=list)
    links: bool = True
    totals: bool = True
    sorts: bool = True
    cap: int = 1000  # on a page, whatever is asked for
    counted: int = 0  # added to every total
    refuses: frozenset[str] = frozenset()
    ignores: frozenset[str] = frozenset()
    first: dict[str, list[Response]] = field(default_factory=dict)
    instead: dict[str, Response] = field(default_factory=dict)
    histories: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    next_link: str | None = None
    clock: str | None = None  # by which searches are said to be made
    asked: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.resources = list({(one["resourceType"], one["id"]): one for one in self.resources}.values())
        for number, one in enumerate(self.resources):
            one.setdefault("meta", {}).setdefault(
                "lastUpdated", f"2026-11-20T10:{number // 60:02}:{number % 60:02}+02:00"
            )
        self.server.expect_request(re.compile("")).respond_with_handler(self.answer)

    def settings(self, **more: Any) -> Fhir:
        """Settings that lead here."""
        return Fhir(**{"base_url": self.server.url_for("/fhir"), "allow_private": True, "allow_http": True, **more})

    def paths(self, kind: str) -> list[str]:
        """What was asked of a type: path and query."""
        return [one.full_path.rstrip("?") for one in self.asked if one.path.startswith(f"/fhir/{kind}")]

    def answer(self, request: Request) -> Response:
        self.asked.append(request)
        where = request.path.removeprefix("/fhir/")
        if self.first.get(where):
            return self.first[where].pop(0)
        if where in self.instead:
            return self.instead[where]
        if where == "metadata":
            return said(self._statement())
        if where in self.histories:
            return said({"resourceType": "Bundle", "type": "history", "entry": self.histories[where]})
        kind, _, id_ = where.partition("/")
        if id_:
            found = [one for one in self.resources if (one["resourceType"], one["id"]) == (kind, id_)]
            return said(found[0]) if found else refused(404, "not-found")
        return self._search(kind, request)

    def _search(self, kind: str, request: Request) -> Response:
        parameters = {name: value for name, value in request.args.items() if name not in self.ignores}
        if self.refuses & set(parameters):
            return refused(400, "not-supported")
        found = [one for one in self.resources if one["resourceType"] == kind]
        if "_id" in parameters:
            found = [one for one in found if one["id"] in parameters["_id"].split(",")]
        if "patient" in parameters:
            wanted = {f"Patient/{one}" for one in parameters["patient"].split(",")}
            found = [one for one in found if (one.get("patient") or one.get("subject", {})).get("reference") in wanted]
        if "based-on" in parameters:
            found = [one for one in found if one["basedOn"][0]["reference"] in parameters["based-on"].split(",")]
        if "_lastUpdated" in parameters:
            found = [
                one for one in found if _moment(one["meta"]["lastUpdated"]) >= _moment(parameters["_lastUpdated"][2:])
            ]
        if "_sort" in parameters and self.sorts:
            found.sort(key=lambda one: one["meta"]["lastUpdated"])
        start, count = int(parameters.get("_offset", 0)), min(int(parameters.get("_count", 50)), self.cap)
        page = found[start : start + count]
        bundle: dict[str, Any] = {
            "resourceType": "Bundle",
            "type": "searchset",
            "entry": [{"resource": one, "search": {"mode": "match"}} for one in page],
        }
        if self.clock is not None:
            bundle["meta"] = {"lastUpdated": self.clock}
        if self.totals:
            bundle["total"] = len(found) + self.counted
        if self.links and start + count < len(found):
            rest = "&".join(
                f"{name}={value.replace('+', '%2B')}"
                for name, value in {**parameters, "_offset": str(start + count)}.items()
            )
            bundle["link"] = [
                {"relation": "next", "url": self.next_link or f"{self.server.url_for('/fhir')}/{kind}?{rest}"}
            ]
        return said(bundle)

    def _statement(self) -> dict[str, Any]:
        kinds = {one["resourceType"] for one in self.resources} | {"EpisodeOfCare", "CarePlan", "ServiceRequest"}
        return {
            "resourceType": "CapabilityStatement",
            "fhirVersion": "4.0.1",
            "rest": [
                {
                    "resource": [
                        {
                            "type": kind,
                            "searchInclude": [],
                            "interaction": [{"code": "history-type"}] if f"{kind}/_history" in self.histories else [],
                        }
                        for kind in kinds
                    ]
                }
            ],
        }


def said(resource: Any, status: int = 200, **headers: str) -> Response:
    """An answer in FHIR's JSON."""
    answer = Response(json.dumps(resource), status, content_type="application/fhir+json")
    answer.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return answer


def refused(status: int, code: str, **headers: str) -> Response:
    """A refusal that tells too much."""
    issue = {"severity": "error", "code": code, "diagnostics": "Aino Keksitty 131052-9074 is not for you"}
    return said({"resourceType": "OperationOutcome", "issue": [issue]}, status, **headers)


def _moment(value: str) -> datetime:
    return datetime.fromisoformat(value)
