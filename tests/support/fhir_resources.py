"""Cases as FHIR resources, invented: what a server holds of a record of the contract suite (canonical names, values as texts)."""

import json
from collections.abc import Sequence
from typing import Any

from connectors.cases.contract import a_record
from connectors.cases.fhir.lines import FORM

HENKILOTUNNUS = "urn:oid:1.2.246.21"
UCUM = "http://unitsofmeasure.org"
_STATUS = {"open": "active", "closed": "finished"}
_UNITS = {"HUR": "h", "C62": "{visit}", "DAY": "d"}


def resources(record: dict[str, Any], *, prefix: str = "") -> list[dict[str, Any]]:
    """A case as the resources of a server; `prefix` keeps the ids of its parts apart from those of other cases."""
    case = record["external_id"]
    client = record["client"]
    episode: dict[str, Any] = {
        "resourceType": "EpisodeOfCare",
        "id": case,
        "status": _STATUS.get(record["status"], record["status"]),
        "patient": {"reference": f"Patient/{client['external_id']}"},
        "careManager": {"reference": f"Practitioner/p-{record['responsible_worker']}"},
        "managingOrganization": {"reference": f"Organization/o-{record['unit']}"},
        "team": [{"reference": f"CareTeam/{prefix}team"}],
        "extension": [
            *(
                _dated(name, record[name.replace("-", "_")])
                for name in ("assessment-date", "plan-date", "kykyviisari-date")
            ),
            {
                "url": "urn:avain:fhir:supervisor",
                "valueReference": {"reference": f"Practitioner/p-{record['supervisor']}"},
            },
            {"url": "urn:avain:fhir:support-person", "valueBoolean": record["support_person"] == "true"},
        ],
    }
    team = {
        "resourceType": "CareTeam",
        "id": f"{prefix}team",
        "subject": {"reference": f"Patient/{client['external_id']}"},
        "participant": [
            {"member": {"reference": f"Practitioner/p-{record[who]}"}} for who in ("responsible_worker", "co_worker")
        ],
    }
    goals = [
        {
            "resourceType": "Goal",
            "id": f"{prefix}goal-{number}",
            "lifecycleStatus": "active",
            "description": {"text": goal},
            "subject": {"reference": f"Patient/{client['external_id']}"},
        }
        for number, goal in enumerate(record["goals"])
    ]
    plans = [_plan(one, record, prefix) for one in record["decisions"]]
    if plans:
        plans[0]["goal"] = [{"reference": f"Goal/{goal['id']}"} for goal in goals]
    return [
        episode,
        _patient(client),
        *(_practitioner(record[who]) for who in ("responsible_worker", "co_worker", "supervisor")),
        {"resourceType": "Organization", "id": f"o-{record['unit']}", "name": "Yksikkö", "identifier": _identifier(record["unit"])},
        team,
        *goals,
        *plans,
        *(_request(one, record, prefix) for one in record["plan_items"]),
        *(
            {"resourceType": "Organization", "id": f"o-{one['provider']}", "name": "Tuottaja", "identifier": _identifier(one["provider"])}
            for one in record["plan_items"]
        ),
    ]  # fmt: skip


def file_of(lines: Sequence[dict[str, Any]]) -> bytes:
    """The lines as a visit writes them."""
    plain = [json.loads(json.dumps(one), parse_float=str, parse_int=str) for one in lines]
    all_of_it = [{"form": FORM, "visit": "1"}, *plain, {"end": len(lines)}]
    return b"".join(json.dumps(one).encode() + b"\n" for one in all_of_it)


def _plan(one: dict[str, Any], record: dict[str, Any], prefix: str) -> dict[str, Any]:
    extensions: list[dict[str, Any]] = []
    if "stand_date" in one:
        extensions.append(_dated("stand-date", one["stand_date"]))
    if "granted_amount" in one:
        money = {"value": float(one["granted_amount"]), "currency": "EUR"}
        extensions.append({"url": "urn:avain:fhir:granted-amount", "valueMoney": money})
    if "baseline" in one:
        baseline = one["baseline"]
        inside = [
            {"url": "service", "valueCodeableConcept": _concept(baseline["service"])},
            {"url": "quantity", "valueQuantity": _quantity(baseline)},
        ]
        extensions.append({"url": "urn:avain:fhir:baseline", "extension": inside})
    found: dict[str, Any] = {
        "resourceType": "CarePlan",
        "id": f"{prefix}{one['external_id']}",
        "status": "active",
        "intent": "plan",
        "subject": {"reference": f"Patient/{record['client']['external_id']}"},
        "supportingInfo": [{"reference": f"EpisodeOfCare/{record['external_id']}"}],
    }
    if "number" in one:
        found["identifier"] = [{"system": "urn:test:decisions", "value": one["number"]}]
    if "decided_on" in one:
        found["created"] = one["decided_on"]
    period = {name: one[ours] for name, ours in (("start", "valid_from"), ("end", "valid_to")) if ours in one}
    if period:
        found["period"] = period
    if extensions:
        found["extension"] = extensions
    return found


def _request(one: dict[str, Any], record: dict[str, Any], prefix: str) -> dict[str, Any]:
    rhythm = [
        {"url": name.replace("_", "-"), "valueInteger": int(value)} for name, value in one.get("follow_up", {}).items()
    ]
    return {
        "resourceType": "ServiceRequest",
        "id": f"{prefix}{one['external_id']}",
        "status": "active",
        "intent": "order",
        "subject": {"reference": f"Patient/{record['client']['external_id']}"},
        "basedOn": [{"reference": f"CarePlan/{prefix}{one['decision']}"}],
        "code": _concept(one["service"]),
        "quantityQuantity": _quantity(one),
        "occurrencePeriod": {"start": f"{one['start']}T00:00:00+02:00", "end": f"{one['end']}T23:59:59+02:00"},
        "performer": [{"reference": f"Organization/o-{one['provider']}"}],
        "extension": [{"url": "urn:avain:fhir:follow-up", "extension": rhythm}],
    }


def _patient(client: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"resourceType": "Patient", "id": client["external_id"]}
    if client.get("non_disclosure") == "true":
        found["meta"] = {"security": [{"system": "urn:test:labels", "code": "TURVAKIELTO"}]}
    who = client.get("identity", {})
    if who:
        found |= {
            "identifier": [{"system": HENKILOTUNNUS, "value": who["henkilotunnus"]}],
            "name": [{"use": "official", "text": who["name"], "family": who["name"].split()[-1]}],
        }
    return found


def _practitioner(worker: str) -> dict[str, Any]:
    return {
        "resourceType": "Practitioner",
        "id": f"p-{worker}",
        "identifier": _identifier(worker),
        "name": [{"family": "Keksitty"}],
    }


def _identifier(value: str) -> list[dict[str, str]]:
    return [{"system": "urn:test:ids", "value": value}]


def _concept(code: str) -> dict[str, Any]:
    return {"coding": [{"system": "urn:test:services", "code": code}]}


def _quantity(one: dict[str, Any]) -> dict[str, Any]:
    return {"value": float(one["quantity"]), "system": UCUM, "code": _UNITS.get(one["unit"], one["unit"])}


def _dated(name: str, value: str) -> dict[str, Any]:
    return {"url": f"urn:avain:fhir:{name}", "valueDate": value}


def numbered_cases(number: int) -> list[dict[str, Any]]:
    """The resources of the cases C-0, C-1, …"""
    return [one for n in range(number) for one in resources(a_record(f"C-{n}"), prefix=f"{n}.")]
