"""Cases, their services and orders in the oracle's words: what of them is to be looked at, and when."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from core.follow_up_settings import FollowUps
from tests.support.reminder_oracle.calendar import DAY, Calendar
from tests.support.reminder_oracle.people import Matter
from tests.support.reminder_oracle.rhythm import Wanted, checks, months_later


@dataclass(eq=False)
class Served:
    """A case: whose it is, and whether it goes on."""

    id: int
    decision: Any = field(repr=False)
    matter: Matter
    plan_date: date | None = None
    reviewed_on: date | None = None
    closed: bool = False
    gone: bool = False

    @property
    def goes_on(self) -> bool:
        """Whether anything is done in it."""
        return not self.closed and not self.gone

    def review(
        self, services: list["Service"], rules: FollowUps, child_welfare: set[int], calendar: Calendar
    ) -> Wanted | None:
        """When its plan is to be reviewed: the last working day before it would be too late."""
        live = [one for one in services if one.case is self and not one.ended]
        since = max(filter(None, (self.plan_date, self.reviewed_on)), default=None)
        if not live or since is None or not self.goes_on:
            return None
        stated = [one.rhythm["plan_review_months"] for one in live if one.rhythm and "plan_review_months" in one.rhythm]
        months = min(stated, default=rules.plan_review_months)
        unit = self.matter.unit or (self.matter.responsible.unit if self.matter.responsible else None)
        if unit and unit.id in child_welfare:
            months = min(months or 12, 12)
        last = months_later(since, months)
        return Wanted("plan_review", last, calendar.before(last)) if months else None


@dataclass(eq=False)
class Order:
    """An order: what is waited for of it."""

    id: int
    service: "Service" = field(repr=False)
    last: date
    ordered_on: date
    sent_on: date
    answered_on: date | None = None
    accepted: bool = False
    handed_over: bool = False
    over: bool = False

    def answer(self, days: int, calendar: Calendar) -> Wanted | None:
        """That it has none."""
        if self.answered_on or self.over:
            return None
        return Wanted("order_unanswered", self.sent_on, calendar.later(self.sent_on, days))

    def details(self, days: int, calendar: Calendar) -> Wanted | None:
        """That the family's contact details are not handed over."""
        if not self.accepted or self.handed_over or self.over or self.answered_on is None:
            return None
        return Wanted("hand_over", self.answered_on, calendar.next(self.answered_on + DAY * days))


@dataclass(eq=False)
class Service:
    """A planned service. `waits_since`: the day on which somebody chose who provides it, or on which what had come of that was undone."""

    id: int
    case: Served
    first: date
    last: date
    rhythm: dict[str, Any] | None
    waits_since: date | None
    chosen_on: date | None
    order: Order | None = None
    declined: bool = False
    ended: bool = False

    @property
    def chosen(self) -> bool:
        """Whether somebody chose who provides it."""
        return self.waits_since is not None

    def approval(self, days: int, today: date, calendar: Calendar) -> Wanted | None:
        """That nobody has ordered it."""
        if not self.followed or self.order or self.declined or self.last < today or self.waits_since is None:
            return None
        return Wanted("approval", self.waits_since, calendar.later(self.waits_since, days))

    @property
    def followed(self) -> bool:
        """Whether it is to be looked at."""
        return self.chosen and not self.ended and self.case.goes_on

    def wanted(self, settings: FollowUps, calendar: Calendar) -> list[Wanted]:
        """Its checks."""
        own = self.rhythm or {}
        return checks(
            self.first,
            self.last,
            start=own.get("start_working_days", settings.start_working_days),
            interval=own.get("interval_days", settings.interval_days),
            before_end=own.get("before_end_days", settings.before_end_days),
            calendar=calendar,
        )
