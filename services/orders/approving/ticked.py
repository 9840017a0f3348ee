"""What a page of services that wait shows beside them, and what a person ticked there: theirs to see, and still what was shown.

A page is looked at for a while. A service for which somebody else was chosen meanwhile is not ordered from that provider by a tick that meant
another.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import Message
from core.i18n import N_
from core.order_settings import Orders
from services.access.cases import VISIBLE, visible_cases
from services.access.people import Person
from services.orders.weighing.bundles import Refused
from services.orders.weighing.items import hold, load_items
from services.orders.weighing.judging import objection, part_objection
from services.orders.weighing.lines import load_parts

_CHANGED: Final = N_("It has been chosen anew since this page was shown. Look at it again.")
_UNKNOWN: Final = N_("There is no such planned service.")

#: Rows in: a person and plan items. Rows out: those of cases that the person may see, and when their present choice was made.
_SEEN: Final = text(
    f"""
    SELECT plan_item.id, client_case.number || '/' || plan_item.external_id AS reference, choice.chosen_at
    FROM plan_item
    JOIN client_case ON client_case.id = plan_item.case_id
    LEFT JOIN choice ON choice.plan_item_id = plan_item.id AND choice.ended_at IS NULL
    WHERE plan_item.id = ANY(:ids) AND {VISIBLE}
    """  # noqa: S608 - our own words
)


@dataclass(frozen=True)
class Ticked:
    """When the present choice was made of each plan item that may be acted on, in the order they were ticked, and the others with the reason."""

    stamps: dict[int, str]
    refused: tuple[Refused, ...]

    @property
    def plan_item_ids(self) -> tuple[int, ...]:
        """Those that may be acted on."""
        return tuple(self.stamps)


def ticked(
    session: Session,
    person: Person,
    ids: Collection[int],
    shown: Mapping[int, str],
    today: date,
    *,
    holding: bool = True,
) -> Ticked:
    """Sort what was ticked; `shown`: by plan item, when its choice was made as the page had it (`stamp`). Where `holding`, what may be acted
    on is held until the transaction ends. At most two queries.
    """
    asked = list(dict.fromkeys(ids))
    if holding:
        hold(session, asked)
    found = {row.id: row for row in session.execute(_SEEN, {**visible_cases(person, today), "ids": asked})}
    refused = [Refused(one, str(one), Message(_UNKNOWN)) for one in asked if one not in found]
    good: dict[int, str] = {}
    for one in asked:
        if one not in found:
            continue
        if one in shown and shown[one] != stamp(found[one].chosen_at):
            refused.append(Refused(one, found[one].reference, Message(_CHANGED)))
        else:
            good[one] = stamp(found[one].chosen_at)
    return Ticked(good, tuple(refused))


def stamp(chosen_at: datetime | None) -> str:
    """By what a page remembers a choice."""
    return "" if chosen_at is None else chosen_at.isoformat()


def objections(session: Session, plan_item_ids: Collection[int], *, settings: Orders) -> dict[int, Message]:
    """What stands against ordering each of these, by its budget as it was calculated last; who may approve how much is not looked at.

    Approving calculates anew, so that this is what to expect and no promise. At most five queries.
    """
    items = load_items(session, list(plan_item_ids), order_period=settings.period)
    against = {
        item.id: reason
        for item in items
        if (reason := objection(item, automatic=False, connections=settings.connections))
    }
    for part in load_parts(session, [item for item in items if item.id not in against], begun_by=None):
        reason = part_objection(part)
        if reason is not None:
            against.setdefault(part.item.id, reason)
    return against
