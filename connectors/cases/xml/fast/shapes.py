"""What the three functions of a compiled profile must find, and the ends of them, which are the same for every profile.

The beginnings (walking over elements, converting texts) are written by compiling.py; they leave one variable per field, named after it, with the
value as it stands in a row. Doubt is told by returning None. N is the row's NULL.
"""

from typing import Final

Target = tuple[str, ...]

#: What a value of each field must be: a name of converting.py, whether it must be there, and whether it seldom comes twice.
KINDS: Final[dict[str, dict[Target, tuple[str, bool, bool]]]] = {
    "case": {
        ("external_id",): ("id", True, True),
        ("client", "external_id"): ("id", True, True),
        ("client", "non_disclosure"): ("flag", False, False),
        ("responsible_worker",): ("id", True, False),
        ("co_worker",): ("id", False, False),
        ("supervisor",): ("id", False, False),
        ("unit",): ("id", False, False),
        ("status",): ("status", True, False),
        ("assessment_date",): ("day", False, False),
        ("plan_date",): ("day", False, False),
        ("kykyviisari_date",): ("day", False, False),
        ("support_person",): ("flag", False, False),
    },
    "decision": {
        ("external_id",): ("id", True, True),
        ("number",): ("text", False, True),
        ("stand_date",): ("day", False, False),
        ("decided_on",): ("day", False, False),
        ("valid_from",): ("day", False, False),
        ("valid_to",): ("last_day", False, False),
        ("granted_amount",): ("euros", False, False),
        ("baseline", "service"): ("id", True, False),
        ("baseline", "quantity"): ("quantity", True, False),
        ("baseline", "unit"): ("unit", True, False),
    },
    "item": {
        ("external_id",): ("id", True, True),
        ("decision",): ("id", True, True),
        ("service",): ("id", True, False),
        ("quantity",): ("quantity", True, False),
        ("unit",): ("unit", True, False),
        ("start",): ("day", True, False),
        ("end",): ("day", True, False),
        ("provider",): ("business_id", False, False),
        ("follow_up", "start_working_days"): ("days", False, False),
        ("follow_up", "interval_days"): ("interval", False, False),
        ("follow_up", "before_end_days"): ("days", False, False),
        ("follow_up", "plan_review_months"): ("months", False, False),
    },
}
#: Parts of a record that are there only if one of their own fields is; `said_<part>` tells.
OPTIONAL_PARTS: Final = ("baseline", "follow_up")

#: Answers (id, row without its position).
DECISION_END: Final = """
    if valid_from == N and valid_to == N:
        valid = N
    elif valid_from != N and valid_to != N and valid_to < valid_from:
        return None
    else:
        valid = f"[{'' if valid_from == N else valid_from},{'' if valid_to == N else valid_to}]"
    baseline = "\\\\N\\t\\\\N\\t\\\\N"
    if said_baseline:
        if baseline_service is None or baseline_quantity is None or baseline_unit is None:
            return None
        baseline = f"{baseline_service}\\t{baseline_quantity}\\t{baseline_unit}"
    return (
        external_id,
        f"{external_id}\\t{number}\\t{stand_date}\\t{decided_on}\\t{valid}\\t{granted_amount}\\t{baseline}\\n",
    )
"""

#: Answers (id, id of the decision, row without its position).
ITEM_END: Final = """
    if end < start:
        return None
    follow_up = N
    if said_follow_up:
        if follow_up_interval_days != N and int(end[:4]) - int(start[:4]) > 1:
            return None  # perhaps more checks than record.MOST_CHECKS, which are 1,000 days at least
        days = {
            "start_working_days": follow_up_start_working_days,
            "interval_days": follow_up_interval_days,
            "before_end_days": follow_up_before_end_days,
            "plan_review_months": follow_up_plan_review_months,
        }
        follow_up = "{" + ",".join(f'"{name}":{value}' for name, value in days.items() if value != N) + "}"
    return (
        external_id,
        decision,
        f"{external_id}\\t{decision}\\t{service}\\t{quantity}\\t{unit}\\t[{start},{end}]\\t{provider}\\t{follow_up}\\n",
    )
"""

#: `head` is (position, rank of the file and place, hash), each as it stands in the row.
CASE_END: Final = """
    if goals and (len(goals) > 3 or any(len(goal) > 1000 for goal in goals) or not are_harmless(goals)):
        return None
    ids = [one[0] for one in found_decisions]
    if len(ids) > 1 and len(set(ids)) < len(ids):
        return None
    for one in found_items:
        if one[1] not in ids:
            return None
    if len(found_items) > 1 and len({one[0] for one in found_items}) < len(found_items):
        return None
    position, place, digest = head
    for one in found_decisions:
        decisions.append(f"{position}\\t{one[1]}")
    for one in found_items:
        items.append(f"{position}\\t{one[2]}")
    cases.append(
        f"{position}\\trecord\\t{place}\\t{external_id}\\t{digest}\\t{client_external_id}\\t{client_non_disclosure}\\t\\\\N\\t\\\\N"
        f"\\t{responsible_worker}\\t{co_worker}\\t{supervisor}\\t{unit}\\t{status}\\t{assessment_date}\\t{plan_date}"
        f"\\t{kykyviisari_date}\\t{support_person}\\t{texts(goals)}\\n"
    )
    return True
"""
