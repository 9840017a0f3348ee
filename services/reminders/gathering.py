"""What each person should hear today: one statement over follow-ups, one over notices.

A follow-up goes to the case's responsible worker; who is gone or has no address that can be written to is stood in for by the
supervisor (the case's own, or the unit's), and the mail says so. Unacknowledged, it is repeated every `repeat_working_days`, at most `max_repeats`
times; then it goes to the supervisor, and there again every week. Where there is no supervisor to go to, it keeps being repeated.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from connectors.mail import address_problem
from core.settings import FollowUps
from schedules.jobs import calendar
from schedules.working_days import WorkingDays

_WEEK = timedelta(days=7)

#: Rows in: today. Rows out: every open follow-up that is due, locked, with its worker and the worker's supervisor.
_DUE = text(
    """
    SELECT follow_up.id, follow_up.kind, follow_up.due, follow_up.announced_on, follow_up.announced_times,
           follow_up.escalated_on, owner.number, owner.responsible_worker_id AS worker_id,
           coalesce(owner.supervisor_id, unit.supervisor_id) AS supervisor_id
    FROM follow_up
    JOIN plan_item ON plan_item.id = follow_up.plan_item_id
    JOIN client_case owner ON owner.id = plan_item.case_id
    LEFT JOIN worker ON worker.id = owner.responsible_worker_id
    LEFT JOIN unit ON unit.id = coalesce(worker.unit_id, owner.unit_id)
    WHERE follow_up.state IN ('open', 'snoozed') AND follow_up.due <= :today
    ORDER BY follow_up.due, owner.number, follow_up.id
    FOR UPDATE OF follow_up
    """
)

#: Rows in: none. Rows out: every notice not told yet, locked, with its worker's supervisor.
_NEWS = text(
    """
    SELECT notice.id, notice.kind, notice.subject, notice.worker_id, unit.supervisor_id,
           notice.message #>> '{params,cause,msgid}' AS cause
    FROM notice
    JOIN worker ON worker.id = notice.worker_id
    LEFT JOIN unit ON unit.id = worker.unit_id
    WHERE notice.told_at IS NULL
    ORDER BY notice.id
    FOR UPDATE OF notice
    """
)

#: Rows in: a date. Rows out: all workers, and whether they have that day's mail already.
_PEOPLE = text(
    """
    SELECT worker.id, worker.external_id, worker.email, worker.language, worker.active, digest.id IS NOT NULL AS has_mail
    FROM worker LEFT JOIN digest ON digest.worker_id = worker.id AND digest.local_date = :today
    WHERE worker.id = ANY(:ids)
    """
)


@dataclass(frozen=True)
class Person:
    """Who can be written to."""

    id: int
    external_id: str
    email: str
    language: str


@dataclass(frozen=True)
class Task:
    """A follow-up as a mail shows it. `why`: new, overdue (was told before) or escalated."""

    id: int
    kind: str
    due: date
    case_number: str
    why: str
    stood_in: bool


@dataclass(frozen=True)
class Heard:
    """A notice as a mail shows it: what sort of news, about what reference, and the cause as it stands in the catalogues, if it tells one."""

    id: int
    kind: str
    subject: str
    stood_in: bool
    cause: str | None = None


@dataclass
class Bundle:
    """All one person should hear today."""

    person: Person
    tasks: list[Task] = field(default_factory=list)
    news: list[Heard] = field(default_factory=list)


@dataclass
class Gathered:
    """One bundle per person, and how many items nobody could be told of."""

    bundles: list[Bundle]
    unreachable: int


def gather(session: Session, today: date, settings: FollowUps) -> Gathered:
    """Everything to be told today, by person. Who has today's mail already waits until the next."""
    days = calendar(settings)
    due = session.execute(_DUE, {"today": today}).all()
    news = session.execute(_NEWS).all()
    people = _people(session, today, (*due, *news))
    gathered = _Gathering(people)
    for row in due:
        why = _why(row, today, settings, days, has_supervisor=row.supervisor_id in people)
        if why is not None:
            stood_in = row.worker_id not in people
            to = gathered.bundle(row.supervisor_id if why == "escalated" or stood_in else row.worker_id)
            if to is not None:
                to.tasks.append(Task(row.id, row.kind, row.due, row.number, why, stood_in))
    for row in news:
        stood_in = row.worker_id not in people
        to = gathered.bundle(row.supervisor_id if stood_in else row.worker_id)
        if to is not None:
            to.news.append(Heard(row.id, row.kind, row.subject, stood_in, row.cause))
    return Gathered(list(gathered.bundles.values()), gathered.unreachable)


def _why(row: Row[Any], today: date, settings: FollowUps, days: WorkingDays, *, has_supervisor: bool) -> str | None:
    """Why a due follow-up is told today; None when it is not."""
    if row.escalated_on is not None and has_supervisor:
        return "escalated" if today - row.escalated_on >= _WEEK else None
    if row.announced_times == 0:
        return "new"
    if row.announced_on is not None and days.between(row.announced_on, today) < settings.repeat_working_days:
        return None
    return "overdue" if row.announced_times <= settings.max_repeats or not has_supervisor else "escalated"


@dataclass(frozen=True)
class _People:
    """Whom mail can reach, and who has today's already."""

    reachable: dict[int, Person]
    served: set[int]

    def __contains__(self, worker_id: int | None) -> bool:
        return worker_id in self.reachable


class _Gathering:
    """Bundles under way."""

    def __init__(self, people: _People) -> None:
        self.people = people
        self.bundles: dict[int, Bundle] = {}
        self.unreachable = 0

    def bundle(self, worker_id: int | None) -> Bundle | None:
        """Where an item for this worker belongs; None when it waits for their next mail, or nobody can be told (counted)."""
        if worker_id is None or worker_id not in self.people:
            self.unreachable += 1
            return None
        if worker_id in self.people.served:
            return None
        return self.bundles.setdefault(worker_id, Bundle(self.people.reachable[worker_id]))


def _people(session: Session, today: date, rows: Iterable[Row[Any]]) -> _People:
    ids = {id_ for row in rows for id_ in (row.worker_id, row.supervisor_id) if id_ is not None}
    workers = session.execute(_PEOPLE, {"today": today, "ids": list(ids)}).all()
    return _People(
        {
            one.id: Person(one.id, one.external_id, one.email, one.language)
            for one in workers
            if one.active and address_problem(one.email) is None
        },
        {one.id for one in workers if one.has_mail},
    )
