"""A real FHIR R4 server, read whole and by deltas."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from connectors.cases.contract import WHO, a_record
from connectors.cases.fhir.client import FhirTransport
from connectors.cases.record import CaseRecord, FoundGone, FoundRecord
from connectors.rejection import Rejection
from connectors.transports.base import Visit
from core.errors import Permanent
from core.source_settings import Fhir
from tests.support.fhir_resources import resources
from tests.support.fhir_server import Sekmet, cases_in, found_in, sekmet, visit

MakeSettings = Callable[..., Fhir]


def a_case(number: int, **over: Any) -> list[dict[str, Any]]:
    return resources(a_record(f"C-{number}", **over), prefix=f"{number}.")


def _only(parts: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    return next(one for one in parts if one["resourceType"] == kind)


@pytest.mark.parametrize("form", ["json", "xml"])
def test_a_case_arrives_whole_and_nothing_more_is_written_down(
    server: Sekmet, settings: MakeSettings, tmp_path: Path, form: str
) -> None:
    server.put(*resources(a_record(client={"external_id": "K", "non_disclosure": "true", "identity": WHO})))
    asked = settings(format=form)
    fetched = visit(asked, tmp_path / "spool")
    (found,) = found_in(fetched, asked)
    assert isinstance(found, FoundRecord), found
    assert found.record == CaseRecord.model_validate(a_record(client={"external_id": "K", "non_disclosure": "true"}))
    assert found.position == "EpisodeOfCare/C-1"
    (file,) = fetched.files
    assert "Keksitty" not in file.path.read_text()
    assert WHO["henkilotunnus"] not in file.path.read_text()
    assert [one.name for one in (tmp_path / "spool").iterdir()] == [file.path.name]
    (kept,) = visit(asked, tmp_path / "spool", keep_identity=True).files
    assert WHO["henkilotunnus"] in kept.path.read_text()


def test_pages_bring_all_of_it_each_once(server: Sekmet, settings: MakeSettings, tmp_path: Path) -> None:
    for number in range(7):
        server.put(*a_case(number))
    asked = settings(page_size=2)
    fetched = visit(asked, tmp_path)
    assert cases_in(fetched, asked) == [f"C-{number}" for number in range(7)]
    lines = [json.loads(one) for one in fetched.files[0].path.read_text().splitlines()]
    keys = [(one["resourceType"], one["id"]) for one in lines[1:-1]]
    assert len(keys) == len(set(keys))


def test_what_the_server_sends_along_is_not_asked_for_again(
    server: Sekmet, settings: MakeSettings, tmp_path: Path
) -> None:
    for number in range(3):
        server.put(*a_case(number))
    visit(settings(), tmp_path)
    asked = [one.split("?")[0].removeprefix("GET /fhir/") for one in server.asked()]
    assert asked[asked.index("EpisodeOfCare") :] == [
        "EpisodeOfCare", "CarePlan", "ServiceRequest", "Goal", "CareTeam", "Practitioner",
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["EpisodeOfCare", "CarePlan", "ServiceRequest", "CareTeam", "Goal", "Patient"])
def test_a_delta_brings_the_whole_case_of_whatever_changed(
    server: Sekmet, settings: MakeSettings, tmp_path: Path, kind: str
) -> None:
    for number in range(3):
        server.put(*a_case(number))
    asked = settings(overlap_minutes=0)
    server_time = {"since": _after()}
    assert visit(asked, tmp_path, memory=server_time).files == ()
    server.put(_only(a_case(1), kind))
    (found,) = found_in(visit(asked, tmp_path, memory=server_time), asked)
    assert isinstance(found, FoundRecord)
    assert found.record == CaseRecord.model_validate(_expected(1))


def _expected(number: int) -> dict[str, Any]:
    record = a_record(f"C-{number}")
    prefix = f"{number}."
    record["decisions"] = [{**one, "external_id": prefix + one["external_id"]} for one in record["decisions"]]
    record["plan_items"] = [
        {**one, "external_id": prefix + one["external_id"], "decision": prefix + one["decision"]}
        for one in record["plan_items"]
    ]
    return record


def _after() -> str:
    """A moment after all that the server has, and before all that it will have: its instants have milliseconds."""
    time.sleep(0.01)
    moment = datetime.now(UTC).isoformat()
    time.sleep(0.01)
    return moment


def test_memory_is_the_servers_time_and_a_delta_reaches_back_over_it(
    server: Sekmet, settings: MakeSettings, tmp_path: Path
) -> None:
    server.put(*a_case(1))
    asked = settings()
    first = visit(asked, tmp_path)
    assert set(first.memory) == {"since"}
    again = visit(asked, tmp_path, memory=first.memory)
    assert cases_in(again, asked) == ["C-1"], "what changed in the ten minutes before comes again"


def test_a_deleted_episode_is_gone_by_the_servers_history(
    server: Sekmet, settings: MakeSettings, tmp_path: Path
) -> None:
    for number in range(2):
        server.put(*a_case(number))
    # pages of one: this server's history forgets the moment from the second page on
    asked, memory = settings(overlap_minutes=0, page_size=1), {"since": _after()}
    server.delete("EpisodeOfCare/C-1")
    (found,) = found_in(visit(asked, tmp_path, memory=memory), asked)
    assert found == FoundGone("EpisodeOfCare/C-1", "C-1")
    server.put(*a_case(1))
    (back,) = found_in(visit(asked, tmp_path, memory=memory), asked)
    assert isinstance(back, FoundRecord), "it was deleted, and is there again"
    assert cases_in(visit(asked, tmp_path), asked) == ["C-0", "C-1"]


@pytest.mark.parametrize("part", ["CarePlan/1.D-2", "ServiceRequest/1.I-1"])
def test_a_deleted_part_brings_its_case_without_it(
    server: Sekmet, settings: MakeSettings, tmp_path: Path, part: str
) -> None:
    for number in range(2):
        server.put(*a_case(number))
    asked, memory = settings(overlap_minutes=0), {"since": _after()}
    server.delete(part)
    (found,) = found_in(visit(asked, tmp_path, memory=memory), asked)
    assert isinstance(found, FoundRecord)
    kept = [one.external_id for one in found.record.decisions] + [one.external_id for one in found.record.plan_items]
    assert found.record.external_id == "C-1"
    assert len(kept) == 2
    assert part.partition("/")[2] not in kept


@pytest.mark.parametrize(
    ("gone", "field"), [("Practitioner/p-W-101", "responsible_worker"), ("Patient/K-C-0", "client")]
)
def test_a_reference_to_what_is_gone_rejects_the_case_with_a_reason(
    server: Sekmet, settings: MakeSettings, tmp_path: Path, gone: str, field: str
) -> None:
    server.put(*a_case(0), *resources(a_record("C-9", responsible_worker="W-103"), prefix="9."))
    server.delete(gone)
    asked = settings()
    bad, good = found_in(visit(asked, tmp_path), asked)
    assert isinstance(good, FoundRecord)
    assert isinstance(bad, Rejection)
    assert (bad.position, bad.field, bad.external_id) == ("EpisodeOfCare/C-0", field, "C-0")
    assert bad.reason.text("en") == f"{gone} is not on the server, or may not be read."


def test_only_what_was_asked_for_is_read(server: Sekmet, settings: MakeSettings, tmp_path: Path) -> None:
    server.put(*a_case(1), *a_case(2, status="closed"))
    asked = settings(reading={"only_episodes": "status=active"})
    assert cases_in(visit(asked, tmp_path), asked) == ["C-1"]
    stranger = {"resourceType": "CarePlan", "id": "other", "status": "active", "intent": "plan", "subject": {"reference": "Patient/nobody"}}  # fmt: skip
    server.put(stranger)
    assert "nobody" not in visit(asked, tmp_path).files[0].path.read_text()


def test_references_may_be_addresses_of_the_server(tmp_path: Path) -> None:
    with sekmet(tmp_path, server_behaviour={"absolute_references": True}) as server:
        server.put(*a_case(1))
        asked = Fhir(base_url=server.base, allow_private=True, allow_http=True)
        assert cases_in(visit(asked, tmp_path / "spool"), asked) == ["C-1"]


def test_tokens_of_oauth2_and_fixed_ones_open_the_door(tmp_path: Path) -> None:
    client = {"client_id": "avain", "client_secret": "s3cret"}
    auth = {"types": ["smart", "bearer"], "tokens": ["fixed"], "smart_clients": [client]}
    with sekmet(tmp_path, server_auth=auth) as server:
        token_url = server.base.removesuffix("/fhir") + "/auth/token"
        oauth = Fhir(
            base_url=server.base, allow_private=True, allow_http=True, token_url=token_url, scope="system/*.read", **client
        )  # fmt: skip
        fixed = Fhir(base_url=server.base, allow_private=True, allow_http=True, bearer_token=SecretStr("fixed"))
        wrong = Fhir(base_url=server.base, allow_private=True, allow_http=True, bearer_token=SecretStr("wrong"))
        for settings in (oauth, fixed):
            assert cases_in(visit(settings, tmp_path / "spool"), settings) == []
        with pytest.raises(Permanent) as refused:
            visit(wrong, tmp_path / "spool")
        assert refused.value.message.text("en") == "127.0.0.1 refused the request (401: login)."


def test_looking_counts_the_episodes(server: Sekmet, settings: MakeSettings) -> None:
    server.put(*a_case(1), *a_case(2))
    transport = FhirTransport(settings())
    assert transport.look() == ["EpisodeOfCare (2)"]
    transport.put_away({})


def test_a_visit_asks_by_one_connection(server: Sekmet, settings: MakeSettings, tmp_path: Path) -> None:
    server.put(*a_case(1), *a_case(2))
    before = len(server.asked())
    asked = settings(page_size=1)
    assert len(cases_in(visit(asked, tmp_path), asked)) == 2
    lines = server.noted()[before:]
    assert len(lines) > 5
    assert len({line.split(' - "')[0] for line in lines}) == 1, "the other end of each request's connection"


def test_a_look_asks_for_the_first_cases_alone(server: Sekmet, settings: MakeSettings, tmp_path: Path) -> None:
    for number in range(12):
        server.put(*a_case(number))
    asked = settings()
    before = len(server.asked())
    looked = FhirTransport(asked).fetch(Visit(tmp_path, most=2))
    assert len(cases_in(looked, asked)) == 2
    requests = server.asked()[before:]
    assert len(requests) < 15
    narrowed = [one for one in requests if "/CarePlan?" in one or "/ServiceRequest?" in one]
    assert narrowed
    assert all("patient=" in one or "based-on=" in one for one in narrowed)
