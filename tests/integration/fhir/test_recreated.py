"""An episode that the server's history calls deleted and that is there all the same: it was made anew while it was being asked for."""

from pathlib import Path

from pytest_httpserver import HTTPServer

from connectors.cases.contract import a_record
from connectors.cases.record import FoundGone, FoundRecord
from tests.support.fhir_fake import FakeFhir
from tests.support.fhir_resources import resources
from tests.support.fhir_server import found_in, visit


def test_what_was_read_is_not_said_to_be_gone(httpserver: HTTPServer, tmp_path: Path) -> None:
    deleted = [
        {
            "request": {"method": "DELETE", "url": f"EpisodeOfCare/{id_}"},
            "response": {"lastModified": "2026-11-21T12:00:00Z"},
        }
        for id_ in ("C-0", "C-9")
    ]
    server = FakeFhir(httpserver, resources(a_record("C-0")), histories={"EpisodeOfCare/_history": deleted})
    asked = server.settings(overlap_minutes=0)
    brought = visit(asked, tmp_path, memory={"since": "2026-11-20T00:00:00+00:00"})
    case, *gone = found_in(brought, asked)
    assert isinstance(case, FoundRecord)
    assert case.record.external_id == "C-0"
    assert gone == [FoundGone("EpisodeOfCare/C-9", "C-9")]
