"""The connector of kind `fhir`: the file that client.py wrote, as case records. A record's position is its EpisodeOfCare."""

import hashlib
from collections.abc import Iterator, Sequence

from connectors.cases.base import Found, IdentityMode, opened
from connectors.cases.fhir import lines, wire
from connectors.cases.fhir.grouping import Grouped, grouped
from connectors.cases.fhir.mapping import NO_DECISION, Mapping
from connectors.cases.fhir.values import FaultError
from connectors.cases.record import FoundGone, parse_record, readable_id
from connectors.rejection import Rejection
from connectors.transports.base import SourceFile
from core.errors import Message
from core.logging import redact
from core.source_settings import FhirReading

_VERSION = "1"


class FhirCases:
    """See CaseConnector."""

    def __init__(self, reading: FhirReading | None = None) -> None:
        self._reading = reading or FhirReading()
        settings = hashlib.sha256(self._reading.model_dump_json().encode()).hexdigest()[:16]
        self.version = f"{_VERSION}-{settings}"

    def read(self, files: Sequence[SourceFile], *, identity: IdentityMode) -> Iterator[tuple[SourceFile, Found]]:
        """See CaseConnector.read."""
        keep = identity == "sealed"
        for file in files:
            with opened(file) as content:
                resources = (_slim(one, keep_identity=keep) for one in lines.reading(content))
                with grouped(resources, file.path.parent) as store:
                    for found in self._cases(store, Mapping(store, self._reading, keep_identity=keep)):
                        yield file, found

    def _cases(self, store: Grouped, mapping: Mapping) -> Iterator[Found]:
        for episode in store.episodes():
            position = f"EpisodeOfCare/{redact(episode['id'])}"  # an id may be a henkilötunnus
            try:
                record = mapping.record(episode)
            except FaultError as fault:
                yield Rejection(position, fault.field, readable_id(episode["id"]), fault.message)
            else:
                yield parse_record(record, position)
        for plan in store.undecided_plans():
            if wire.text(plan, "status") not in NO_DECISION:
                yield Rejection(
                    f"CarePlan/{redact(plan['id'])}",
                    "decisions",
                    None,
                    Message(
                        "The care plan is of a client with several episodes, and names none of them in supportingInfo."
                    ),
                )
        for id_ in store.gone():
            yield FoundGone(f"EpisodeOfCare/{redact(id_)}", id_)


def _slim(line: wire.Resource, *, keep_identity: bool) -> wire.Resource:
    """Once more, for files of other hands: nothing that is not wanted gets past here."""
    return line if "gone" in line else wire.slim(line, keep_identity=keep_identity) if "resourceType" in line else line
