"""The transport of a FHIR server: everything that belongs to its cases, or to those that changed, into one file of the spool.

A case is read whole or not at all, because the record is whole: a delta asks what changed, whose that is, and then reads all of
these clients' cases. Requests are few: lists of ids, what a server can send along (`_include`), single reads for the rest.
"""

import tempfile
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl

from connectors.cases.fhir import wire
from connectors.cases.fhir.deletions import Deletions
from connectors.cases.fhir.lines import Writing
from connectors.cases.fhir.paging import PassedOver, Search, found
from connectors.cases.fhir.scratch import Scratch
from connectors.cases.fhir.server import FhirServer, Offer, Refusal
from connectors.pace import Pace
from connectors.transports.base import Fetched, Visit
from core.source_settings import Fhir

#: Ids in one request: with the longest allowed ones the address stays below 4 KB.
BATCH: Final = 50
_INCLUDES: Final = {
    "EpisodeOfCare": ("patient", "care-manager", "organization"),
    "CarePlan": ("goal", "care-team"),
    "ServiceRequest": ("performer",),
}
#: What is asked for by id once the three main types are there, in an order in which each leads to later ones only.
_FOLLOWED: Final = ("Patient", "Goal", "CareTeam", "PractitionerRole", "Practitioner", "Organization")
#: Types whose change makes a case change, and where they say whose it is.
_CHANGING: Final = {
    "EpisodeOfCare": "patient",
    "CarePlan": "subject",
    "ServiceRequest": "subject",
    "CareTeam": "subject",
    "Goal": "subject",
    "Patient": None,
}
_NOT_FOR_US: Final = frozenset({401, 403})
_SINCE: Final = "since"

MakeServer = Callable[[Fhir, Pace | None], FhirServer]


class FhirTransport:
    """See Transport. Files: one, of slim resources (lines.py). Memory: the server's own time when the visit began."""

    def __init__(self, settings: Fhir, *, keep_identity: bool = False, server: MakeServer = FhirServer) -> None:
        self._settings, self._server, self._keep_identity = settings, server, keep_identity

    def fetch(self, visit: Visit) -> Fetched:
        """See Transport.fetch. A delta in which nothing changed brings no file."""
        server = self._server(self._settings, visit.pace)
        since = None if visit.snapshot or visit.most is not None else wire.moment(str(visit.memory.get(_SINCE, "")))
        with (
            server.one_connection(),
            Writing(visit.spool) as lines,
            tempfile.TemporaryDirectory(dir=visit.spool) as folder,
        ):
            scratch = Scratch(Path(folder))
            try:
                gathering = Gathering(
                    server, self._settings, scratch, lines, whole=since is None, keep_identity=self._keep_identity
                )
                if visit.most is not None:
                    gathering.some(visit.most)
                elif since is None:
                    gathering.everything()
                else:
                    gathering.changes(since - timedelta(minutes=self._settings.overlap_minutes))
            finally:
                scratch.close()
            files = () if since is not None and not lines.count else (lines.finish(),)
        began = server.asked_at
        return Fetched(files, memory={_SINCE: began.isoformat()} if began is not None else dict(visit.memory))

    def look(self) -> list[str]:
        """See Transport.look: how many episodes the server counts."""
        server = self._server(self._settings, None)
        parameters = [*_filter(self._settings.reading.only_episodes), ("_summary", "count")]
        total = wire.text(server.get(server.url("EpisodeOfCare", parameters)), "total")
        return [f"EpisodeOfCare ({total if total is not None else '?'})"]

    def put_away(self, applied: Mapping[str, str]) -> None:
        """See Transport.put_away: there is nothing to be moved."""


class Gathering:
    """One visit: asks, and writes each resource once."""

    def __init__(
        self,
        server: FhirServer,
        settings: Fhir,
        scratch: Scratch,
        lines: Writing,
        *,
        whole: bool,
        keep_identity: bool,
    ) -> None:
        self._server, self._settings, self._scratch, self._lines = server, settings, scratch, lines
        self._whole, self._keep_identity = whole, keep_identity
        reading = settings.reading
        self._only = {
            "EpisodeOfCare": _filter(reading.only_episodes),
            "CarePlan": _filter(reading.only_care_plans),
            "ServiceRequest": _filter(reading.only_service_requests),
        }
        self._offer: Offer = server.offer()

    def everything(self) -> None:
        """All cases. Plans and requests of people who have none are passed over."""
        self._read("EpisodeOfCare")
        self._read("CarePlan")
        self._read("ServiceRequest")
        self._follow()

    def some(self, most: int) -> None:
        """The first cases, with all cases of their clients: a plan that names no episode is that of its client's only one. On a server that
        cannot be asked for clients, everything.
        """
        search, seen = Search("EpisodeOfCare", tuple(self._only["EpisodeOfCare"])), 0
        for page in found(self._server, search, min(most, self._settings.page_size), self._scratch.tally()):
            for episode in page.matches[: most - seen]:
                clients = self._clients_of(episode, "patient")
                for client in clients:
                    self._scratch.mark("affected", client)
                if not clients:
                    self._write(episode)
            seen += len(page.matches)
            if seen >= most:
                break
        try:
            for patients in self._scratch.batches("affected", "Patient", BATCH):
                self._read_cases(patients)
        except (PassedOver, Refusal):
            self.everything()
        else:
            self._follow()

    def changes(self, since: datetime) -> None:
        """All cases of those of whom anything changed, and which cases were deleted."""
        deletions = Deletions(self._server, self._offer, self._scratch, since, self._settings.page_size)
        all_known = deletions.find()
        if all_known:
            for kind, element in _CHANGING.items():
                try:
                    self._find_changed(kind, element, since)
                except Refusal:
                    if kind in self._only or kind in self._offer.types:
                        raise
                    # else the server has no such resources
            for patients in self._scratch.batches("affected", "Patient", BATCH):
                self._read_cases(patients)
            self._follow()
        else:  # somebody's plan is gone, and the server does not say whose
            self.everything()
        self._write_gone()

    def _find_changed(self, kind: str, element: str | None, since: datetime) -> None:
        from_then = [("_lastUpdated", f"ge{since.isoformat(timespec='milliseconds')}")]
        search = Search(kind, (*self._only.get(kind, ()), *from_then), lambda one: not _is_before(one, since))
        for page in found(self._server, search, self._settings.page_size, self._scratch.tally()):
            for resource in page.matches:
                if kind == "ServiceRequest" and not self._plans_of(resource):
                    continue
                for owner in [wire.key_of(resource)] if element is None else self._clients_of(resource, element):
                    self._scratch.mark("affected", owner)

    def _read_cases(self, patients: list[str]) -> None:
        def of_these(element: str) -> Callable[[wire.Resource], bool]:
            return lambda one: any(id_ in patients for _, id_ in self._clients_of(one, element))

        self._read("EpisodeOfCare", ("patient", patients), of_these("patient"))
        with_cases = [one for one in patients if self._scratch.has("client", ("Patient", one))]
        if with_cases:
            self._read("CarePlan", ("patient", with_cases), of_these("subject"))
        for plans in self._scratch.batches("plan", "CarePlan", BATCH, without=("asked",)):
            self._read_requests(plans)

    def _read_requests(self, plans: list[str]) -> None:
        asked = {("CarePlan", one) for one in plans}
        names = [f"CarePlan/{one}" for one in plans]
        self._read("ServiceRequest", ("based-on", names), lambda one: not asked.isdisjoint(self._plans_of(one)))
        for plan in asked:
            self._scratch.mark("asked", plan)

    def _clients_of(self, resource: wire.Resource, element: str) -> list[wire.Key]:
        return wire.targets(resource, element, kinds=("Patient",), bases=self._server.bases)

    def _plans_of(self, resource: wire.Resource) -> list[wire.Key]:
        return wire.targets(resource, "basedOn", kinds=("CarePlan",), bases=self._server.bases)

    def _read(
        self,
        kind: str,
        asked: tuple[str, list[str]] | None = None,
        fits: Callable[[wire.Resource], bool] = lambda _: True,
    ) -> None:
        """Search a main type, and write what belongs to a case, with what came along and is wanted."""
        parameters = [*self._only[kind], *([(asked[0], ",".join(asked[1]))] if asked else [])]
        wished = [f"{kind}:{name}" for name in _INCLUDES[kind]]
        parameters += [("_include", one) for one in wished if self._offer.can_include(one)]
        search = Search(kind, tuple(parameters), fits)
        for page in found(self._server, search, self._settings.page_size, self._scratch.tally()):
            for resource in page.matches:
                self._write(resource)
            for resource in page.included:
                if self._scratch.has("wanted", wire.key_of(resource)):
                    self._write(resource)

    def _write(self, resource: wire.Resource) -> None:
        key = wire.key_of(resource)
        thin = wire.slim(resource, keep_identity=self._keep_identity, bases=self._server.bases)
        if not self._belongs(thin) or not self._scratch.mark("written", key):
            return
        self._lines.write(thin)
        if key[0] == "EpisodeOfCare":
            for client in self._clients_of(thin, "patient"):
                self._scratch.mark("client", client)
        if key[0] == "CarePlan":
            self._scratch.mark("plan", key)
            if not self._whole:
                for episode in wire.named_episodes(thin):
                    self._scratch.mark("named", episode)
        for wanted in wire.followed(thin):
            self._scratch.mark("wanted", wanted)

    def _belongs(self, thin: wire.Resource) -> bool:
        """Whether it is part of a case that was read: other people's plans and requests are none of Avain's business."""
        if thin["resourceType"] == "CarePlan":
            return any(self._scratch.has("client", owner) for owner in self._clients_of(thin, "subject"))
        if thin["resourceType"] == "ServiceRequest":
            return any(self._scratch.has("written", plan) for plan in self._plans_of(thin))
        return True

    def _follow(self) -> None:
        """Read what is pointed at and has not come yet."""
        for kind in _FOLLOWED:
            by_list = True
            for ids in self._scratch.batches("wanted", kind, BATCH, without=("written",)):
                by_list = by_list and self._read_list(kind, ids)
                for key in [(kind, one) for one in ids]:
                    if not self._scratch.has("written", key):
                        self._read_one(key)

    def _read_list(self, kind: str, ids: list[str]) -> bool:
        """Read several by id in one request. False where the server cannot: then one by one."""
        search = Search(kind, (("_id", ",".join(ids)),), lambda one: one["id"] in ids, most=len(ids))
        try:
            for page in found(self._server, search, len(ids), self._scratch.tally()):
                for resource in page.matches:
                    self._write(resource)
        except PassedOver:
            return False
        except Refusal as refusal:
            if refusal.status in _NOT_FOR_US:  # then each of them would be refused, one by one
                raise
            return False
        return True

    def _read_one(self, key: wire.Key) -> None:
        """Read one by its id; what is gone (404, 410) or not for us (401, 403) is left out, and its case will be rejected."""
        try:
            resource = self._server.read(key)
        except Refusal as refusal:
            if refusal.status not in _NOT_FOR_US:
                raise
            return
        if resource is not None and wire.key_of(resource) == key:
            self._write(resource)

    def _write_gone(self) -> None:
        """Episodes that were deleted by the server's word, or are named by a plan that was read and are not there."""
        for ids in self._scratch.batches("named", "EpisodeOfCare", BATCH, without=("written", "gone")):
            for one in ids:
                if self._is_gone(("EpisodeOfCare", one)):
                    self._scratch.mark("gone", ("EpisodeOfCare", one))
        for ids in self._scratch.batches("gone", "EpisodeOfCare", BATCH, without=("written",)):
            for one in ids:
                self._lines.write({"gone": one})

    def _is_gone(self, key: wire.Key) -> bool:
        try:
            return self._server.read(key) is None
        except Refusal as refusal:
            if refusal.status not in _NOT_FOR_US:
                raise
            return False


def _filter(parameters: str) -> list[tuple[str, str]]:
    return parse_qsl(parameters, keep_blank_values=True)


def _is_before(resource: wire.Resource, since: datetime) -> bool:
    changed = wire.moment(wire.text(resource, "meta", "lastUpdated"))
    return changed is not None and changed < since - timedelta(seconds=1)
