"""Which planned services people mean by the names they give an approval, and why a name stands for none."""

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import Message, NotFound
from services.names import check_case

#: Of PostgreSQL's bigint.
_LARGEST_ID = 2**63 - 1

_NUMBER = re.compile(r"(?P<case>HB-\d{4}-\d{6,})(?:/(?P<item>.+))?")

#: Rows in: a case's number, and perhaps an item's external id. Rows out: that item, or all of the case that are chosen and
#: neither ended, ordered, declined, nor approved by the month.
_NAMED = text(
    """
    SELECT plan_item.id FROM plan_item JOIN client_case ON client_case.id = plan_item.case_id
    WHERE client_case.number = :case_number
      AND CASE WHEN CAST(:item AS text) IS NOT NULL THEN plan_item.external_id = :item
          ELSE plan_item.ended_at IS NULL
               AND EXISTS (
                   SELECT FROM choice WHERE choice.plan_item_id = plan_item.id AND choice.ended_at IS NULL
                     AND NOT EXISTS (SELECT FROM order_decline WHERE order_decline.choice_id = choice.id AND withdrawn_at IS NULL)
                     AND NOT EXISTS (SELECT FROM order_approval WHERE order_approval.choice_id = choice.id AND order_approval.ended_at IS NULL))
               AND NOT plan_item.period <@ coalesce((
                   SELECT range_agg(period) FROM order_coverage WHERE order_coverage.plan_item_id = plan_item.id AND live), '{}')
          END
    ORDER BY plan_item.period, plan_item.id
    """
)

#: Rows in: a case's number. Rows out: the live orders of its planned services.
_ORDERED = text(
    """
    SELECT DISTINCT purchase_order.number FROM purchase_order
    JOIN order_coverage ON order_coverage.order_id = purchase_order.id AND order_coverage.live
    JOIN plan_item ON plan_item.id = order_coverage.plan_item_id
    JOIN client_case ON client_case.id = plan_item.case_id
    WHERE client_case.number = :case_number ORDER BY purchase_order.number
    """
)

#: Rows in: a case's number. Rows out: true if one of its planned services is declined or approved by the month.
_DECIDED = text(
    """
    SELECT EXISTS (
        SELECT FROM plan_item
        JOIN client_case ON client_case.id = plan_item.case_id
        JOIN choice ON choice.plan_item_id = plan_item.id AND choice.ended_at IS NULL
        WHERE client_case.number = :case_number AND plan_item.ended_at IS NULL
          AND (EXISTS (SELECT FROM order_decline WHERE order_decline.choice_id = choice.id AND withdrawn_at IS NULL)
               OR EXISTS (SELECT FROM order_approval WHERE order_approval.choice_id = choice.id AND order_approval.ended_at IS NULL))
    )
    """
)

#: Rows in: a case's number. Rows out: true if one of its planned services, neither ended nor ordered, has no provider chosen.
_UNCHOSEN = text(
    """
    SELECT EXISTS (
        SELECT FROM plan_item JOIN client_case ON client_case.id = plan_item.case_id
        WHERE client_case.number = :case_number AND plan_item.ended_at IS NULL
          AND NOT EXISTS (SELECT FROM choice WHERE choice.plan_item_id = plan_item.id AND choice.ended_at IS NULL)
          AND NOT EXISTS (SELECT FROM order_coverage WHERE order_coverage.plan_item_id = plan_item.id AND live)
    )
    """
)


def find_items(session: Session, names: Sequence[str]) -> tuple[list[int], dict[str, Message]]:
    """Plan items people name: an id, `HB-2026-000001/<item>`, or `HB-2026-000001` for all chosen ones not ordered yet.

    Their ids, and for each name that matches nothing why; one bad name does not hold up the others.
    """
    found: list[int] = []
    unknown: dict[str, Message] = {}
    for name in names:
        if name.isdecimal() and int(name) <= _LARGEST_ID:
            found.append(int(name))
            continue
        parts = _NUMBER.fullmatch(name)
        values = {"case_number": parts["case"], "item": parts["item"]} if parts else None
        ids = list(session.execute(_NAMED, values).scalars()) if values else []
        if not ids:
            unknown[name] = _why_none(session, name, values)
        found.extend(ids)
    return list(dict.fromkeys(found)), unknown


def _why_none(session: Session, name: str, values: dict[str, Any] | None) -> Message:
    """Why a name matches nothing that could be ordered: what is missing, or what was done already."""
    if values is None:
        return Message(
            "{name} is no name of a planned service. Write HB-2026-000001, HB-2026-000001/ITEM or an id.", name=name
        )
    try:
        check_case(session, values["case_number"])
    except NotFound as unknown:
        return unknown.message
    if values["item"] is not None:
        return Message("{name} names no planned service.", name=name)
    if session.execute(_UNCHOSEN, values).scalar():
        return Message(
            "No provider is chosen for any planned service of {name} that is not ordered yet: avain case choose",
            name=name,
        )
    return _all_decided(session, name, values)


def _all_decided(session: Session, name: str, values: dict[str, Any]) -> Message:
    """What was done already with every planned service of a case."""
    if session.execute(_DECIDED, values).scalar():
        return Message("All of {name} is declined, or ordered month by month.", name=name)
    orders = list(session.execute(_ORDERED, values).scalars())
    if orders:
        return Message("All of {name} is ordered already: {orders}", name=name, orders=", ".join(orders))
    return Message("{name} has no planned service in force.", name=name)
