"""From the format's names to the canonical record's. Nothing is judged here: connectors/cases/record.py does that."""

from typing import Any, Final

_CASE: Final = {
    "id": "external_id",
    "status": "status",
    "assessmentDate": "assessment_date",
    "planDate": "plan_date",
    "kykyviisariDate": "kykyviisari_date",
    "supportPerson": "support_person",
}
_DECISION: Final = {
    "id": "external_id",
    "number": "number",
    "standDate": "stand_date",
    "decidedOn": "decided_on",
    "validFrom": "valid_from",
    "validTo": "valid_to",
    "grantedAmount": "granted_amount",
    "baseline": "baseline",  # its attributes are named as the record's fields are
}
_PLAN_ITEM: Final = {
    **{name: name for name in ("decision", "service", "quantity", "unit", "start", "end", "provider")},
    "id": "external_id",
}
_FOLLOW_UP: Final = {
    "startWorkingDays": "start_working_days",
    "intervalDays": "interval_days",
    "beforeEndDays": "before_end_days",
    "planReviewMonths": "plan_review_months",
}
_WORKERS: Final = {"responsibleWorker": "responsible_worker", "coWorker": "co_worker", "supervisor": "supervisor"}


def to_record(case: dict[str, Any]) -> dict[str, Any]:
    """A case as wire.py read it, under the canonical names; values are still texts, absent ones are absent."""
    record = _renamed(case, _CASE)
    if "client" in case:
        record["client"] = _renamed(
            case["client"], {"id": "external_id", "nonDisclosure": "non_disclosure", "identity": "identity"}
        )
    for theirs, ours in _WORKERS.items():
        if theirs in case:
            record[ours] = case[theirs].get("id", "")
    if "unit" in case:
        record["unit"] = case["unit"].get("code", "")
    record["goals"] = case.get("goal", [])
    record["decisions"] = [_renamed(one, _DECISION) for one in case.get("decision", ())]
    record["plan_items"] = [_plan_item(one) for one in case.get("planItem", ())]
    return record


def _plan_item(item: dict[str, Any]) -> dict[str, Any]:
    record = _renamed(item, _PLAN_ITEM)
    if "followUp" in item:
        record["follow_up"] = _renamed(item["followUp"], _FOLLOW_UP)
    return record


def _renamed(found: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {ours: found[theirs] for theirs, ours in names.items() if theirs in found}
