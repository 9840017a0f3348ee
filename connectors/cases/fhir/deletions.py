"""What was deleted since a moment, by the server's own history (`Type/_history?_since=…`), where it keeps one.

A deletion names a resource and nothing of it. Of an episode that is enough; whose a deleted plan was, only its earlier versions say.
"""

from datetime import datetime
from typing import Final

from connectors.cases.fhir import wire
from connectors.cases.fhir.scratch import Scratch
from connectors.cases.fhir.server import FhirServer, Offer, Refusal
from core.errors import Permanent

#: Types of which a case is made, beside the episode itself.
_PARTS: Final = ("CarePlan", "ServiceRequest", "CareTeam", "Goal")


class Deletions:
    """Marks deleted episodes as `gone`, and the patients of what else was deleted as `affected`."""

    def __init__(self, server: FhirServer, offer: Offer, scratch: Scratch, since: datetime, size: int) -> None:
        self._server, self._offer, self._scratch, self._since, self._size = server, offer, scratch, since, size

    def find(self) -> bool:
        """Ask every history there is. False when something was deleted of which the server does not say whose it was."""
        for kind in ("EpisodeOfCare", *_PARTS):
            if kind in self._offer.histories:
                self._find_deleted(kind)
        for ids in self._scratch.batches("deleted", "EpisodeOfCare", self._size):
            for id_ in ids:
                self._scratch.mark("gone", ("EpisodeOfCare", id_))
        return all(
            self._find_owner(kind, id_)
            for kind in _PARTS
            for ids in self._scratch.batches("deleted", kind, self._size)
            for id_ in ids
        )

    def _find_deleted(self, kind: str) -> None:
        """The latest version of each resource comes first: what it says, holds."""
        parameters = [("_since", self._since.isoformat(timespec="milliseconds")), ("_count", str(self._size))]
        url: str | None = self._server.url(f"{kind}/_history", parameters)
        visited: set[str] = set()
        while url is not None:
            if url in visited:
                raise Permanent("The pages of {type} at {host} lead in a circle.", type=kind, host=self._server.host)
            visited.add(url)
            bundle = self._bundle(url)
            entries = [entry for entry in wire.parts(bundle, "entry") if isinstance(entry, dict)]
            recent = [entry for entry in entries if not self._is_before(entry)]
            for entry in recent:
                key = _key(entry, self._server)
                if key is None or key[0] != kind or not self._scratch.mark("latest", key):
                    continue
                if (wire.text(entry, "request", "method") or "").upper() == "DELETE":
                    self._scratch.mark("deleted", key)
            links = [one for one in wire.parts(bundle, "link") if wire.text(one, "relation") == "next"]
            onward = wire.text(links, "url")
            # newest first; some servers forget _since on the way
            url = self._server.onward(onward) if onward is not None and recent else None

    def _find_owner(self, kind: str, id_: str) -> bool:
        """Mark whose it was. True also if it concerns no case."""
        try:
            bundle = self._bundle(self._server.url(f"{kind}/{id_}/_history"))
        except Refusal:
            return False
        versions = [one for one in wire.parts(bundle, "entry", "resource") if isinstance(one, dict)]
        last = next((one for one in versions if one.get("resourceType") == kind), None)
        if last is None:
            return False
        if kind == "ServiceRequest" and not wire.parts(last, "basedOn"):
            return True
        for literal in wire.parts(last, "subject", "reference"):
            key = wire.pointed_at(str(literal), self._server.bases)
            if key is not None and key[0] == "Patient":
                self._scratch.mark("affected", key)
        return True

    def _bundle(self, url: str) -> wire.Resource:
        bundle = self._server.get(url)
        if bundle["resourceType"] != "Bundle":
            raise self._server.not_fhir()
        return bundle

    def _is_before(self, entry: wire.Resource) -> bool:
        written = wire.text(entry, "response", "lastModified") or wire.text(entry, "resource", "meta", "lastUpdated")
        moment = wire.moment(written)
        return moment is not None and moment < self._since


def _key(entry: wire.Resource, server: FhirServer) -> wire.Key | None:
    for where in (("request", "url"), ("fullUrl",)):
        key = wire.pointed_at(wire.text(entry, *where) or "", server.bases)
        if key is not None:
            return key
    resource = entry.get("resource")
    return wire.key_of(resource) if isinstance(resource, dict) else None
