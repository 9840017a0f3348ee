"""The plan of a price list, as `avain source plan` shows it."""

from typing import Any

from cli.common import CHANGES_PENDING, DONE, console, table
from core.i18n import _, day, money
from services.prices import Prepared


def plan_exit_code(prepared: Prepared) -> int:
    """4 when applying would change something."""
    return CHANGES_PENDING if prepared.plan.changes else DONE


def plan_json(prepared: Prepared) -> dict[str, Any]:
    """The plan as one document: source, file, counts, changes, rejected rows, reasons to hold."""
    return {
        "source": prepared.source,
        "file": prepared.document.file_name,
        "sha256": prepared.document.sha256,
        **prepared.counts,
        "held": [reason.text() for reason in prepared.plan.reasons],
        "changes": [
            {
                "sign": one.sign,
                "service": one.service,
                "unit": one.unit,
                "time_class": one.time_class,
                "old": one.old,
                "new": one.new,
                "percent": one.percent,
                "first": one.first,
                "position": one.position,
            }
            for one in prepared.plan.changes
        ],
        "rejections": [
            {"position": one.position, "field": one.field, "reason": one.reason.text()} for one in prepared.rejections
        ],
    }


def print_plan(prepared: Prepared) -> None:
    """The plan for people: + added, ~ changed, - ended, ✗ rejected, and why it would wait."""
    rows = [
        (
            one.sign,
            one.service,
            money(one.old) if one.old is not None else "",
            money(one.new) if one.new is not None else "",
            f"{one.percent:+} %" if one.percent is not None else "",
            day(one.first),
            one.position,
        )
        for one in prepared.plan.changes
    ]
    rows += [
        ("✗", one.external_id or "", "", "", "", "", f"{one.position}: {one.reason.text()}")
        for one in prepared.rejections
    ]
    columns = ("", _("Service"), _("Before"), _("After"), _("Change"), _("Valid from"), _("Row"))
    console().print(table(f"{prepared.source}: {prepared.document.file_name}", columns, rows, right=(2, 3, 4)))
    for reason in prepared.plan.reasons:
        console().print(f"! {reason.text()}", markup=False)
