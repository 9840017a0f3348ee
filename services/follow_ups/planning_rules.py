"""What planning goes by, and what it needs to know of each kind of thing that is followed up."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from sqlalchemy import Row, TextClause

from core.follow_up_settings import FollowUps
from core.order_settings import Orders
from schedules.follow_ups import Known, Replanned, Rhythm
from schedules.jobs import calendar
from schedules.working_days import WorkingDays


@dataclass(frozen=True)
class Rules:
    """The day, the working days, and the organisation's settings."""

    today: date
    days: WorkingDays
    follow_ups: FollowUps
    orders: Orders

    @classmethod
    def of(cls, today: date, follow_ups: FollowUps, orders: Orders) -> "Rules":
        """The rules of these settings on a day."""
        return cls(today, calendar(follow_ups), follow_ups, orders)

    @cached_property
    def rhythm(self) -> Rhythm:
        """The organisation's, where a plan states none."""
        return Rhythm.of(None, self.follow_ups)

    @cached_property
    def for_sql(self) -> dict[str, Any]:
        """What statements that read things may ask for."""
        return {
            "today": self.today,
            "order_period": self.orders.period,
            "child_welfare": self.follow_ups.child_welfare_units,
            "review_months": self.follow_ups.plan_review_months,
        }


@dataclass(frozen=True)
class Subject:
    """One kind of thing that is followed up.

    `things`: rows in: the id to go on from, plan item ids or none for all, and `Rules.for_sql`; rows out: things that are, or were,
    followed up, with their `id`. `known`: rows in: ids of things; rows out: their follow-ups, `thing` being the id. `key`: of a row the case, plan
    item and order of its follow-ups. `decide`: what changes of a row, by what is known of it.
    """

    things: TextClause
    known: TextClause
    key: Callable[[Row[Any]], tuple[int, int | None, int | None]]
    decide: Callable[[Row[Any], Sequence[Known], Rules], Replanned]


def nothing_left(known: Sequence[Known]) -> Replanned:
    """What is still open of a thing that is not followed up any more goes."""
    return Replanned(drop=[one.id for one in known if one.state in {"open", "snoozed"}])


def of_kind(known: Sequence[Known], kind: str) -> list[Known]:
    """Those of one kind."""
    return [one for one in known if one.kind == kind]
