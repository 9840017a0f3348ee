"""What each person should hear today: one statement over follow-ups, one over notices, one over workers.

A follow-up belongs to the colleague it was handed to, else to the case's responsible worker; who hears it is decided in `people`. It is
told when it comes due, repeated every `repeat_working_days`, at most `max_repeats` times; after as many working days more it goes into the
supervisor's weekly list, every week until it is settled, and is not repeated any more. Where there is no supervisor to go to, it is.

Everything hangs on what was told when, never on what ran when: a day or a list that was missed or held comes with the next mail.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any, Final, Literal

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from connectors.mail import address_problem
from core.follow_up_settings import FollowUps
from schedules.jobs import calendar
from schedules.supervisors_list import last_list_day
from services.access.non_disclosure import HIDDEN
from services.notices import ANSWERED
from services.reminders.addresses import usable
from services.reminders.bundle import Bundle, Heard, Person, Task, UnitList
from services.reminders.people import Hearing, Known, People

#: Rows in: today. What was told on a day that the clock has since taken back counts as told today: neither again at once, nor never.
_TAKEN_BACK = text(
    """
    UPDATE follow_up
    SET announced_on = CASE WHEN announced_on > :today THEN :today ELSE announced_on END,
        escalated_on = CASE WHEN escalated_on > :today THEN :today ELSE escalated_on END
    WHERE state IN ('open', 'snoozed') AND (announced_on > :today OR escalated_on > :today)
    """
)

#: Rows in: today. Rows out: every open follow-up that is due, locked, in the order in which it is told; whose it is, and the supervisors: the
#: case's own and the unit's. Case numbers grow in length, so they are told by it first. What a colleague was handed at the moment in which the
#: client came under non-disclosure is the responsible worker's (ADR 14).
_HANDED: Final = f"""CASE WHEN follow_up.handed_to_id IS NOT NULL
    AND NOT (SELECT {HIDDEN} FROM client WHERE client.id = owner.client_id) THEN follow_up.handed_to_id END"""  # noqa: S608 - our own words
_DUE = text(
    f"""
    SELECT follow_up.id, follow_up.kind, follow_up.due, follow_up.announced_on, follow_up.announced_times, follow_up.escalated_on,
           owner.number, purchase_order.number AS order_number, {_HANDED} AS handed_to_id, owner.responsible_worker_id,
           owner.supervisor_id AS own_supervisor_id, unit.supervisor_id AS unit_supervisor_id, unit.id AS unit_id
    FROM follow_up
    JOIN client_case owner ON owner.id = follow_up.case_id
    LEFT JOIN purchase_order ON purchase_order.id = follow_up.order_id
    LEFT JOIN worker ON worker.id = owner.responsible_worker_id
    LEFT JOIN unit ON unit.id = coalesce(worker.unit_id, owner.unit_id)
    WHERE follow_up.state IN ('open', 'snoozed') AND follow_up.due <= :today
    ORDER BY follow_up.due, length(owner.number), owner.number, follow_up.id
    FOR UPDATE OF follow_up
    """  # noqa: S608 - our own words
)

#: Rows in: a follow-up. Rows out: whose it is, and the supervisors, as `_DUE` has them.
_OF_ONE = text(
    f"""
    SELECT coalesce({_HANDED}, owner.responsible_worker_id) AS owner_id,
           owner.supervisor_id AS own_supervisor_id, unit.supervisor_id AS unit_supervisor_id
    FROM follow_up
    JOIN client_case owner ON owner.id = follow_up.case_id
    LEFT JOIN worker ON worker.id = owner.responsible_worker_id
    LEFT JOIN unit ON unit.id = coalesce(worker.unit_id, owner.unit_id)
    WHERE follow_up.id = :id
    """  # noqa: S608 - our own words
)

#: Rows in: none. What a family sent and its worker has answered or read before the mail counts as told: they know.
_ANSWERED = text(
    f"UPDATE notice SET told_at = clock_timestamp() WHERE told_at IS NULL AND {ANSWERED}"  # noqa: S608 - our own words
)

#: Rows in: none. Rows out: every notice not told yet, locked, the oldest first, with its worker's supervisor.
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

#: Rows in: a date. Rows out: every worker: whether they are away that day and who stands in (of two absences the one with a deputy), their
#: unit's supervisor, whether they have that day's mail.
_PEOPLE = text(
    """
    SELECT worker.id, worker.external_id, worker.email, worker.refused_email, worker.language, worker.active,
           absent.worker_id IS NOT NULL AS is_away, absent.deputy_id, unit.supervisor_id AS above_id, digest.id IS NOT NULL AS has_mail
    FROM worker
    LEFT JOIN unit ON unit.id = worker.unit_id
    LEFT JOIN (
        SELECT DISTINCT ON (worker_id) worker_id, deputy_id FROM absence
        WHERE cancelled_at IS NULL AND period @> CAST(:today AS date)
        ORDER BY worker_id, deputy_id IS NULL, id DESC
    ) AS absent ON absent.worker_id = worker.id
    LEFT JOIN digest ON digest.worker_id = worker.id AND digest.local_date = :today
    """
)


@dataclass
class Gathered:
    """One bundle per person, by external id; and of whose matters how many nobody could be told of (None: of no worker's)."""

    bundles: list[Bundle]
    unheard: Counter[str | None] = field(default_factory=Counter)

    @property
    def unreachable(self) -> int:
        """How many matters reach nobody."""
        return self.unheard.total()


def gather(session: Session, today: date, settings: FollowUps) -> Gathered:
    """Everything to be told today, by person. Who has today's mail already waits until the next."""
    session.execute(_TAKEN_BACK, {"today": today})
    due = session.execute(_DUE, {"today": today}).all()
    session.execute(_ANSWERED)
    news = session.execute(_NEWS).all()
    people = everybody(session, today)
    gathering = _Gathering(people)
    turn = _Turn(today, settings)
    for row in due:
        _one_follow_up(gathering, row, turn)
    for row in news:
        hearing = people.hears(row.worker_id, (row.supervisor_id,))
        to = gathering.bundle(hearing, row.worker_id)
        if to is not None and hearing is not None:
            to.news.append(Heard(row.id, row.kind, row.subject, hearing.came, row.cause))
    bundles = sorted(gathering.bundles.values(), key=lambda one: one.person.external_id)
    for bundle in bundles:
        bundle.units.sort(key=lambda one: (one.unit_id is None, one.unit_id or 0))
    return Gathered(bundles, gathering.unheard)


def everybody(session: Session, today: date) -> People:
    """All workers as today finds them."""
    return People({row.id: _known(row) for row in session.execute(_PEOPLE, {"today": today})})


def hear_of(session: Session, follow_up_id: int, today: date) -> set[int]:
    """Ids of the workers whom a mail of today could tell of a follow-up: as its own, or as one that was left open."""
    row = session.execute(_OF_ONE, {"id": follow_up_id}).one()
    people = everybody(session, today)
    supervisors = (row.own_supervisor_id, row.unit_supervisor_id)
    found = (people.hears(row.owner_id, supervisors), people.passed_on(row.owner_id, supervisors))
    return {one.person.id for one in found if one is not None}


def can_be_written_to(email: str | None, refused_email: str | None) -> bool:
    """Whether an address is one, and takes mail as far as is known."""
    return usable(email, refused_email) and address_problem(email) is None


def _known(row: Row[Any]) -> Known:
    return Known(
        row.id,
        row.external_id,
        row.email,
        row.language,
        row.active and can_be_written_to(row.email, row.refused_email),
        row.is_away,
        row.deputy_id,
        row.above_id,
        row.has_mail,
    )


def _one_follow_up(gathering: "_Gathering", row: Row[Any], turn: "_Turn") -> None:
    owner = row.handed_to_id or row.responsible_worker_id
    supervisors: Sequence[int | None] = (row.own_supervisor_id, row.unit_supervisor_id)
    if turn.is_left_open(row):
        hearing = gathering.people.passed_on(owner, supervisors)
        if hearing is not None:
            to = gathering.bundle(hearing, owner) if turn.is_listed(row) else None
            if to is not None:
                _list_of(to, row.unit_id).tasks.append(_task(row, hearing))
            return
    if turn.is_told(row):
        handed = row.handed_to_id is not None and row.handed_to_id != row.responsible_worker_id
        hearing = gathering.people.hears(owner, supervisors, handed=handed)
        to = gathering.bundle(hearing, owner)
        if to is not None and hearing is not None:
            to.tasks.append(_task(row, hearing))


def _task(row: Row[Any], hearing: Hearing) -> Task:
    why: Literal["new", "overdue"] = "new" if row.announced_times == 0 else "overdue"
    return Task(row.id, row.kind, row.due, row.order_number or row.number, why, hearing.came)


def _list_of(bundle: Bundle, unit_id: int | None) -> UnitList:
    for one in bundle.units:
        if one.unit_id == unit_id:
            return one
    new = UnitList(unit_id, [])
    bundle.units.append(new)
    return new


class _Turn:
    """Whose turn it is today, by what was told when."""

    def __init__(self, today: date, settings: FollowUps) -> None:
        days = calendar(settings)
        self._today, self._max_repeats = today, settings.max_repeats
        self._list_day = last_list_day(today, settings.supervisors_hear_on, days)
        self._again_on = cache(lambda told_on: days.add(told_on, settings.repeat_working_days))

    def is_left_open(self, row: Row[Any]) -> bool:
        """Whether it was repeated as often as it may be, and left open since."""
        if row.escalated_on is not None:
            return True
        return row.announced_times > self._max_repeats and self.is_told(row)

    def is_listed(self, row: Row[Any]) -> bool:
        """Whether the supervisors' list of the week holds it, and was not told yet."""
        if row.escalated_on is not None:
            return bool(row.escalated_on < self._list_day)
        return row.announced_on is None or self._again_on(row.announced_on) <= self._list_day

    def is_told(self, row: Row[Any]) -> bool:
        """Whether it is told to whose it is: never told before, or long enough ago."""
        return row.announced_times == 0 or row.announced_on is None or self._again_on(row.announced_on) <= self._today


class _Gathering:
    """Bundles under way."""

    def __init__(self, people: People) -> None:
        self.people = people
        self.bundles: dict[int, Bundle] = {}
        self.unheard: Counter[str | None] = Counter()

    def bundle(self, hearing: Hearing | None, owner_id: int | None) -> Bundle | None:
        """Where a matter of this owner's belongs; None when it waits for the hearer's next mail, or nobody can be told (counted)."""
        if hearing is None:
            self.unheard[self.people.name(owner_id)] += 1
            return None
        person: Person = hearing.person
        if self.people.has_mail(person):
            return None
        bundle = self.bundles.get(person.id)
        if bundle is None:
            bundle = self.bundles[person.id] = Bundle(person)
        return bundle
