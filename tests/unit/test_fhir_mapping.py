"""From FHIR resources to a case: what is taken, what is left out, what is rejected and why."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connectors.cases.base import Found, RefusedFile
from connectors.cases.contract import a_record, fetched
from connectors.cases.fhir.cases import FhirCases
from connectors.cases.fhir.lines import NAME, Writing
from connectors.cases.record import CaseRecord, FoundRecord
from connectors.rejection import Rejection
from core.source_settings import FhirReading
from tests.support.fhir_resources import file_of, resources

Change = Callable[[dict[str, dict[str, Any]]], object]


def _read(lines: list[dict[str, Any]], **reading: Any) -> list[Found]:
    with fetched({NAME: file_of(lines)}) as files:
        return [one for _, one in FhirCases(FhirReading(**reading)).read(files, identity="none")]


def _changed(change: Change, *more: dict[str, Any], **reading: Any) -> Found:
    """What becomes of the case of the contract suite after a change to its resources, by type/id."""
    parts = {f"{one['resourceType']}/{one['id']}": one for one in resources(a_record())}
    change(parts)
    (found,) = _read([*parts.values(), *more], **reading)
    return found


def _record(change: Change, *more: dict[str, Any], **reading: Any) -> CaseRecord:
    found = _changed(change, *more, **reading)
    assert isinstance(found, FoundRecord), found
    return found.record


def _rejected(change: Change, *more: dict[str, Any], **reading: Any) -> tuple[str | None, str]:
    found = _changed(change, *more, **reading)
    assert isinstance(found, Rejection), found
    assert (found.position, found.external_id) == ("EpisodeOfCare/C-1", "C-1")
    return found.field, found.reason.text("en")


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("active", "open"), ("planned", "open"), ("onhold", "open"), ("waitlist", "open"),
     ("finished", "closed"), ("cancelled", "closed"), ("entered-in-error", "closed")],
)  # fmt: skip
def test_states_of_an_episode(theirs: str, ours: str) -> None:
    assert _record(lambda parts: parts["EpisodeOfCare/C-1"].update(status=theirs)).status == ours


def test_an_unknown_state_is_rejected_with_those_that_are_known() -> None:
    field, reason = _rejected(lambda parts: parts["EpisodeOfCare/C-1"].update(status="asleep"))
    assert field == "status"
    assert reason.startswith("asleep is not known; known are: planned, waitlist, active")


@pytest.mark.parametrize(
    ("code", "unit"), [("h", "HUR"), ("d", "DAY"), ("wk", "WEE"), ("mo", "MON"), ("1", "C62"), ("{visit}", "C62"), ("km", "KMT"), ("LS", "LS")]
)  # fmt: skip
def test_units_of_ucum(code: str, unit: str) -> None:
    record = _record(lambda parts: parts["ServiceRequest/I-1"]["quantityQuantity"].update(code=code))
    assert record.plan_items[0].unit == unit


def test_an_unknown_unit_is_rejected() -> None:
    field, _ = _rejected(lambda parts: parts["ServiceRequest/I-1"]["quantityQuantity"].update(code="fortnight"))
    assert field == "plan_items.unit"


@pytest.mark.parametrize("status", ["revoked", "entered-in-error"])
def test_requests_that_are_withdrawn_are_left_out(status: str) -> None:
    assert _record(lambda parts: parts["ServiceRequest/I-1"].update(status=status)).plan_items == ()


@pytest.mark.parametrize("status", ["draft", "revoked", "entered-in-error"])
def test_plans_that_are_no_decision_are_left_out_with_their_requests(status: str) -> None:
    record = _record(lambda parts: parts["CarePlan/D-1"].update(status=status))
    assert [one.external_id for one in record.decisions] == ["D-2"]
    assert record.plan_items == ()


def test_days_are_helsinkis() -> None:
    def late(parts: Any) -> None:
        parts["CarePlan/D-1"]["period"] = {"start": "2026-11-15T22:30:00Z", "end": "2027-02-28T21:59:59Z"}

    decision = _record(late).decisions[0]
    assert (str(decision.valid_from), str(decision.valid_to)) == ("2026-11-16", "2027-02-28")


def test_a_month_is_no_day() -> None:
    field, reason = _rejected(lambda parts: parts["ServiceRequest/I-1"].update(occurrencePeriod={"start": "2026-11", "end": "2026-12"}))  # fmt: skip
    assert (field, reason) == ("plan_items.start", "2026-11 is not a date; expected is a day such as 2026-11-16.")


def test_the_days_of_a_timing_are_taken_too() -> None:
    def timed(parts: Any) -> None:
        period = parts["ServiceRequest/I-1"].pop("occurrencePeriod")
        parts["ServiceRequest/I-1"]["occurrenceTiming"] = {"repeat": {"boundsPeriod": period}}

    assert str(_record(timed).plan_items[0].start) == "2026-11-23"


def test_a_plan_that_names_no_episode_is_that_of_the_clients_only_one() -> None:
    def unnamed(parts: Any) -> None:
        for plan in ("CarePlan/D-1", "CarePlan/D-2"):
            del parts[plan]["supportingInfo"]

    assert len(_record(unnamed).decisions) == 2


def test_a_plan_that_names_no_episode_of_several_is_rejected_and_they_are_not() -> None:
    first, second = resources(a_record("C-1")), resources(a_record("C-2", decisions=[], plan_items=[]))
    second[0]["patient"] = first[0]["patient"]
    for one in first:
        if one.get("id") == "D-2":
            del one["supportingInfo"]
    found = _read([*first, *second])
    assert [type(one) for one in found] == [FoundRecord, FoundRecord, Rejection]
    bad = found[2]
    assert isinstance(bad, Rejection)
    assert (bad.position, bad.field) == ("CarePlan/D-2", "decisions")


def test_the_standards_extension_names_the_episode_too() -> None:
    def extended(parts: Any) -> None:
        plan = parts["CarePlan/D-2"]
        named = plan.pop("supportingInfo")[0]
        url = "http://hl7.org/fhir/StructureDefinition/workflow-episodeOfCare"
        plan["extension"].append({"url": url, "valueReference": named})

    assert len(_record(extended).decisions) == 2


def test_a_worker_may_be_named_by_a_role_or_by_an_identifier_alone() -> None:
    role = {"resourceType": "PractitionerRole", "id": "r", "practitioner": {"reference": "Practitioner/p-W-101"}}
    manager = {"reference": "PractitionerRole/r"}
    assert _record(lambda parts: parts["EpisodeOfCare/C-1"].update(careManager=manager), role).responsible_worker == "W-101"  # fmt: skip
    logical = {"identifier": {"system": "urn:test:ids", "value": "W-7"}}
    assert _record(lambda parts: parts["EpisodeOfCare/C-1"].update(careManager=logical)).responsible_worker == "W-7"


def test_of_several_identifiers_the_settings_say_which() -> None:
    def several(parts: Any) -> None:
        parts["Practitioner/p-W-101"]["identifier"].append({"system": "urn:test:other", "value": "X"})

    assert _rejected(several) == (
        "responsible_worker",
        "Practitioner/p-W-101 has several identifiers. Set worker_system to the system that is meant.",
    )
    assert _record(several, worker_system="urn:test:ids").responsible_worker == "W-101"
    assert _rejected(several, worker_system="urn:test:none") == (
        "responsible_worker",
        "Practitioner/p-W-101 has no identifier of the system that worker_system names.",
    )


def test_without_identifiers_the_resources_id_is_the_name() -> None:
    record = _record(lambda parts: parts["Practitioner/p-W-101"].pop("identifier"))
    assert record.responsible_worker == "p-W-101"


def test_a_workers_henkilotunnus_is_never_his_name() -> None:
    def telling(parts: Any) -> None:
        parts["Practitioner/p-W-101"]["identifier"] = [{"system": "urn:oid:1.2.246.21", "value": "131052-9074"}]

    assert _record(telling).responsible_worker == "p-W-101"


@pytest.mark.parametrize(
    ("manager", "shown"),
    [({"reference": "Practitioner/nobody"}, "Practitioner/nobody"), ({"reference": "#inside"}, "#inside"), ({"reference": "https://elsewhere.test/fhir/Practitioner/1"}, "…")],
)  # fmt: skip
def test_a_worker_who_is_not_there_rejects_the_case(manager: dict[str, str], shown: str) -> None:
    field, reason = _rejected(lambda parts: parts["EpisodeOfCare/C-1"].update(careManager=manager))
    assert field == "responsible_worker"
    assert "is not on the server, or may not be read." in reason


@pytest.mark.parametrize("element", ["careManager", "patient"])
def test_a_case_without_worker_or_client_is_rejected(element: str) -> None:
    field, reason = _rejected(lambda parts: parts["EpisodeOfCare/C-1"].pop(element))
    assert field == {"careManager": "responsible_worker", "patient": "client"}[element]
    assert reason == "A value that must be there is missing."


def test_what_is_not_there_of_the_rest_is_told_by_its_field() -> None:
    assert _rejected(lambda parts: parts.pop("CareTeam/team"))[0] == "co_worker"
    assert _rejected(lambda parts: parts.pop("Goal/goal-0"))[0] == "goals"
    assert _rejected(lambda parts: parts.pop("Organization/o-U-1"))[0] == "unit"
    assert _rejected(lambda parts: parts.pop("Organization/o-9999994-1"))[0] == "plan_items.provider"


def test_the_business_id_is_found_among_identifiers() -> None:
    def several(parts: Any) -> None:
        parts["Organization/o-9999994-1"]["identifier"].insert(0, {"system": "urn:test:x", "value": "42"})

    assert _record(several).plan_items[0].provider == "9999994-1"
    assert _record(several, provider_system="urn:test:ids").plan_items[0].provider == "9999994-1"
    assert _rejected(several, provider_system="urn:test:x")[0] == "plan_items.provider"
    assert _rejected(lambda parts: parts["Organization/o-9999994-1"].pop("identifier")) == (
        "plan_items.provider",
        "Organization/o-9999994-1 has no business id.",
    )


def test_a_performer_may_be_a_person_or_named_by_a_business_id_alone() -> None:
    person = [{"reference": "Practitioner/p-W-101"}]
    assert _record(lambda parts: parts["ServiceRequest/I-1"].update(performer=person)).plan_items[0].provider is None
    logical = [*person, {"identifier": {"system": "urn:test:ids", "value": "9999994-1"}}]
    assert _record(lambda parts: parts["ServiceRequest/I-1"].update(performer=logical)).plan_items[0].provider == "9999994-1"  # fmt: skip
    unseen = [{"reference": "#provider"}]
    assert _rejected(lambda parts: parts["ServiceRequest/I-1"].update(performer=unseen))[0] == "plan_items.provider"


def test_of_several_codes_the_settings_say_which() -> None:
    def several(parts: Any) -> None:
        parts["ServiceRequest/I-1"]["code"]["coding"].append({"system": "urn:test:other", "code": "42"})

    assert _rejected(several) == (
        "plan_items.service",
        "There are several codes. Set service_system to the code system that is meant.",
    )
    assert _record(several, service_system="urn:test:services").plan_items[0].service == "NEPSY"
    assert _rejected(lambda parts: parts["ServiceRequest/I-1"].pop("code"))[0] == "plan_items.service"


def test_half_a_character_is_the_fault_of_its_case_alone() -> None:
    broken = [{"resourceType": "Goal", "id": "g", "description": {"text": "a\ud800b"}}]

    def change(parts: dict[str, dict[str, Any]]) -> None:
        parts["CarePlan/D-1"] |= {"contained": broken, "goal": [{"reference": "#g"}]}

    assert _rejected(change) == ("goals", "The value is not of the kind that is expected.")


def test_a_henkilotunnus_as_an_id_is_in_no_position() -> None:
    parts = resources(a_record())
    who = "131052-9074"
    (episode,) = [one for one in parts if one["resourceType"] == "EpisodeOfCare"]
    (found,) = _read([{**episode, "id": who}, *(one for one in parts if one is not episode)])[:1]
    assert isinstance(found, Rejection)
    assert (found.position, found.external_id) == ("EpisodeOfCare/[redacted]", None)
    assert who not in repr(found)


def test_only_the_first_three_goals_that_are_pursued_are_taken() -> None:
    def many(parts: Any) -> None:
        goals = [{"resourceType": "Goal", "id": f"g{n}", "description": {"text": f"Tavoite {n}"}} for n in range(5)]
        goals[0]["lifecycleStatus"] = "cancelled"
        parts["CarePlan/D-1"] |= {"contained": goals, "goal": [{"reference": f"#g{n}"} for n in range(5)]}

    assert _record(many).goals == ("Tavoite 1", "Tavoite 2", "Tavoite 3")


def test_an_amount_in_other_money_is_rejected() -> None:
    def dollars(parts: Any) -> None:
        parts["CarePlan/D-2"]["extension"][0]["valueMoney"]["currency"] = "USD"

    assert _rejected(dollars) == ("decisions.granted_amount", "The amount is not in euros.")


def test_turvakielto_is_a_label_of_the_settings() -> None:
    assert _record(lambda parts: None).client.non_disclosure
    assert not _record(lambda parts: None, non_disclosure=("OTHER",)).client.non_disclosure


def test_extensions_may_have_other_addresses() -> None:
    url = "https://county.example.test/support"

    def renamed(parts: Any) -> None:
        for one in parts["EpisodeOfCare/C-1"]["extension"]:
            if one["url"] == "urn:avain:fhir:support-person":
                one["url"] = url

    assert not _record(renamed).support_person
    assert _record(renamed, extensions={"support-person": url}).support_person


def test_of_two_lines_about_one_resource_the_later_one_holds() -> None:
    again = {**resources(a_record(status="closed"))[0]}
    assert _record(lambda parts: None, again).status == "closed"


def test_another_way_of_reading_is_another_version() -> None:
    versions = {FhirCases().version, FhirCases(FhirReading(worker_system="urn:x")).version}
    assert len(versions) == 2


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (b'{"form":"other"}\n{"end":0}\n', "by another version of it"),
        (b'{"form":"avain-fhir-1"}\n{"gone":"1"}\n{"end":2}\n', "was changed after it was written"),
        (b'{"form":"avain-fhir-1"}\n{"end":0}\n{"gone":"1"}\n', "was changed after it was written"),
        (b'{"form":"avain-fhir-1"}\n{"gone":"1"}\n', "its last line is missing"),
        (b'{"form":"avain-fhir-1"}\n{"resourceType":"Patient"}\n{"end":1}\n', "without a valid id"),
        (b'{"form":"avain-fhir-1"}\n{"x":"1"}\n{"end":1}\n', "without a valid id"),
        (b'{"form":"avain-fhir-1"}\n["gone"]\n{"end":1}\n', "was not written by Avain's FHIR transport, or was cut short"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_whole_is_refused(lines: bytes, reason: str) -> None:
    with fetched({NAME: lines}) as files, pytest.raises(RefusedFile, match=reason):
        list(FhirCases().read(files, identity="none"))


def test_a_visit_that_fails_leaves_no_file() -> None:
    with tempfile.TemporaryDirectory() as folder:
        with pytest.raises(RuntimeError), Writing(Path(folder)):
            raise RuntimeError
        assert list(Path(folder).iterdir()) == []


def test_what_a_server_spells_half_is_written_down_all_the_same(tmp_path: Path) -> None:
    with Writing(tmp_path) as file:
        file.write({"resourceType": "Goal", "id": "g", "description": {"text": "ä\ud800"}})
        written = file.finish()
    assert b'"\\u00e4\\ud800"' in written.path.read_bytes()
