"""What waits about cases: follow-ups, budgets, choices, approvals, and where the source names another provider than people chose."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from core.i18n import language
from services.access.cases import TIED, VISIBLE, visible_cases
from services.access.people import Person
from services.budgets.reasons import NO_PROVIDER, OVERLAP, OVERLAP_OPEN
from services.today.rows import Section, first_of, section

#: Up to so many cases are looked at one by one.
_MOST: Final = 4_000
#: For who sees more, so many of the newest planned services and choices are looked through, and of the newest budgets in each state.
_NEWEST: Final = 2_000
_NEWEST_BUDGETS: Final = 2_000

_TIED = text(f"SELECT tied.id FROM ({TIED}) AS tied LIMIT {_MOST + 1}")  # noqa: S608 - our own words

_OPEN_CASE: Final = "client_case.status = 'open' AND client_case.gone_at IS NULL"
_IN_STATE: Final = "superseded_at IS NULL AND budget_version.state = wanted.state"
_LIVE_ITEM: Final = f"""
    plan_item.ended_at IS NULL AND decision.ended_at IS NULL AND {_OPEN_CASE}
    AND coalesce(upper(decision.valid) > :today, true) AND upper(plan_item.period) > :today
    AND NOT EXISTS (SELECT FROM order_coverage WHERE order_coverage.plan_item_id = plan_item.id AND live)
"""
_SERVICE: Final = (
    "coalesce(nullif(CASE :language WHEN 'sv' THEN name_sv WHEN 'en' THEN name_en END, ''), name_fi) AS service"
)
#: The responsible worker, where that is somebody else than the reader.
_WHOSE: Final = "(SELECT name FROM worker WHERE worker.id = client_case.responsible_worker_id AND worker.id IS DISTINCT FROM CAST(:me AS bigint)) AS worker"


@dataclass(frozen=True)
class _Tables:
    """How a statement names its tables: for who sees few cases plainly; for who sees many so that the database begins with the newest rows of
    `first`, and looks each further one up for these instead of reading it whole.
    """

    seen: str
    many: bool

    def first(self, table: str, condition: str = "true", *, order: str = "id", newest: int = _NEWEST) -> str:
        if not self.many:
            return table
        return f"(SELECT * FROM {table} WHERE {condition} ORDER BY {order} DESC LIMIT {newest}) AS {table}"  # noqa: S608 - our own words

    def join(self, table: str, on: str) -> str:
        if not self.many:
            return f"JOIN {table} ON {on}"
        return f"JOIN LATERAL (SELECT * FROM {table} WHERE {on} OFFSET 0) AS {table} ON true"  # noqa: S608 - our own words


@dataclass(frozen=True)
class _Waiting:
    """A section's statement for who sees few cases, and for who sees many; `newest`: the latter looks through the newest alone."""

    few: TextClause
    many: TextClause
    newest: bool


def _waiting(statement: Callable[[_Tables], str], *, newest: bool) -> _Waiting:
    few, many = _Tables("client_case.id = ANY(:ids)", many=False), _Tables(VISIBLE, many=True)
    return _Waiting(first_of(statement(few)), first_of(statement(many)), newest)


def _follow_ups(tables: _Tables) -> str:
    """Rows in: cases, a day. Rows out: open follow-ups that are due, the oldest first. `escalated`: only those passed on to a
    supervisor.
    """
    return f"""
    SELECT client_case.number, follow_up.kind, follow_up.due, {_WHOSE}
    FROM follow_up
    JOIN plan_item ON plan_item.id = follow_up.plan_item_id
    JOIN client_case ON client_case.id = plan_item.case_id
    WHERE follow_up.state IN ('open', 'snoozed') AND follow_up.due <= :today
      AND (NOT CAST(:escalated AS boolean) OR follow_up.escalated_on IS NOT NULL) AND {tables.seen}
    ORDER BY follow_up.due, client_case.number, follow_up.id LIMIT :counted
    """  # noqa: S608 - our own words


def _budgets(tables: _Tables) -> str:
    """Rows in: cases, states. Rows out: their budgets in these states, in the order of the states. One that lacks nothing but a choice
    is not among them: that is told as a choice that waits.
    """
    return f"""
    SELECT client_case.number, coalesce(decision.number, decision.external_id) AS decision, budget_version.state, budget_version.free, {_WHOSE}
    FROM unnest(CAST(:states AS text[])) WITH ORDINALITY AS wanted(state, place)
    CROSS JOIN LATERAL (
        SELECT * FROM {tables.first("budget_version", _IN_STATE, order="budget_id", newest=_NEWEST_BUDGETS)} WHERE {_IN_STATE}
    ) AS budget_version
    {tables.join("budget", "budget.id = budget_version.budget_id")}
    {tables.join("decision", "decision.id = budget.decision_id")}
    {tables.join("client_case", "client_case.id = decision.case_id")}
    WHERE {_OPEN_CASE} AND {tables.seen}
      AND (budget_version.state <> 'unpriced' OR EXISTS (
          SELECT FROM jsonb_array_elements(budget_version.reasons) AS reason WHERE reason ->> 'msgid' <> ALL(:no_news)))
    ORDER BY place, budget_version.free NULLS FIRST, budget_version.budget_id LIMIT :counted
    """  # noqa: S608 - our own words


def _choices(tables: _Tables) -> str:
    """Rows in: cases, a day. Rows out: planned services in force that nobody is chosen for, those that begin first first."""
    return f"""
    SELECT client_case.number, plan_item.external_id AS item, lower(plan_item.period) AS first, {_SERVICE}, {_WHOSE}
    FROM {tables.first("plan_item", "ended_at IS NULL")}
    {tables.join("client_case", "client_case.id = plan_item.case_id")}
    {tables.join("decision", "decision.id = plan_item.decision_id")}
    JOIN service ON service.id = plan_item.service_id
    WHERE {_LIVE_ITEM} AND {tables.seen}
      AND NOT EXISTS (SELECT FROM choice WHERE choice.plan_item_id = plan_item.id AND choice.ended_at IS NULL)
    ORDER BY lower(plan_item.period), client_case.number, plan_item.id LIMIT :counted
    """  # noqa: S608 - our own words


def _approvals(tables: _Tables) -> str:
    """Rows in: cases, a day. Rows out: planned services that are chosen and not ordered, those that begin first first."""
    return f"""
    SELECT client_case.number, plan_item.external_id AS item, lower(plan_item.period) AS first, {_SERVICE}, provider.name AS provider, {_WHOSE}
    FROM {tables.first("choice", "ended_at IS NULL")}
    {tables.join("plan_item", "plan_item.id = choice.plan_item_id")}
    {tables.join("client_case", "client_case.id = plan_item.case_id")}
    {tables.join("decision", "decision.id = plan_item.decision_id")}
    JOIN service ON service.id = plan_item.service_id
    JOIN provider ON provider.id = choice.provider_id
    WHERE choice.ended_at IS NULL AND {_LIVE_ITEM} AND {tables.seen}
    ORDER BY lower(plan_item.period), client_case.number, plan_item.id LIMIT :counted
    """  # noqa: S608 - our own words


_FOLLOW_UPS: Final = _waiting(_follow_ups, newest=False)
_BUDGETS: Final = _waiting(_budgets, newest=True)
_CHOICES: Final = _waiting(_choices, newest=True)
_APPROVALS: Final = _waiting(_approvals, newest=True)

#: Those whose news a person hears: their own, and who they stand in for today. Everybody's for whom no row is kept from.
_HEARD: Final = """
    (CAST(:sees_everything AS boolean) OR notice.worker_id = ANY(ARRAY(
        SELECT CAST(:me AS bigint) UNION ALL SELECT absence.worker_id FROM absence
        WHERE absence.deputy_id = :me AND absence.period @> CAST(:today AS date) AND absence.cancelled_at IS NULL)))
"""

#: A notice goes to whoever was responsible when it was written. Who is no longer is not told of the case (nor of its orders) any more.
_STILL_SEEN: Final = f"""
    (split_part(notice.subject, ':', 1) NOT IN ('case', 'item') OR EXISTS (
        SELECT FROM client_case WHERE client_case.number = split_part(split_part(notice.subject, ':', 2), '/', 1) AND {VISIBLE}))
    AND (split_part(notice.subject, ':', 1) <> 'order' OR NOT EXISTS (
        SELECT FROM purchase_order
        JOIN decision ON decision.id = purchase_order.decision_id JOIN client_case ON client_case.id = decision.case_id
        WHERE purchase_order.number = split_part(notice.subject, ':', 2) AND {VISIBLE} IS NOT TRUE))
"""  # noqa: S608 - our own words

#: Rows in: a person. Rows out: where the source names another provider than the one still chosen, the latest first. The event is written by
#: services/case_sync/conflicts.py.
_CONFLICTS = first_of(
    f"""
    SELECT split_part(split_part(notice.subject, ':', 2), '/', 1) AS number, notice.message, notice.recorded_at
    FROM notice
    JOIN choice ON choice.id = CAST(substring(notice.event FROM '^choice ([0-9]+),') AS bigint) AND choice.ended_at IS NULL
    WHERE notice.kind = 'choice_conflict' AND {_HEARD} AND {_STILL_SEEN}
    ORDER BY notice.id DESC LIMIT :counted
    """  # noqa: S608 - our own words
)

#: Rows in: a person, a number of days. Rows out: what else they should have heard of lately, or were not told yet, the latest first.
_NEWS = first_of(
    f"""
    SELECT notice.kind, notice.subject, notice.message, notice.recorded_at
    FROM notice
    WHERE notice.kind <> 'choice_conflict' AND {_HEARD} AND {_STILL_SEEN}
      AND (notice.told_at IS NULL OR notice.recorded_at > clock_timestamp() - make_interval(days => :days))
    ORDER BY notice.id DESC LIMIT :counted
    """  # noqa: S608 - our own words
)

#: News is shown for so many days after it was told.
_NEWS_DAYS: Final = 7
#: What asks for somebody, the gravest first.
_WORRYING: Final = ["over", "unpriced", "within_tolerance", "near"]
#: Of a whole organisation's, those that somebody has to do something about.
_GRAVE: Final = ["over", "unpriced"]


def for_worker(session: Session, person: Person, today: date, *, everything: frozenset[str]) -> dict[str, Section]:
    """The sections of somebody who works with families: their own cases, shared ones, and those of whom they stand in for.

    `everything` names the sections that are shown in full. At most seven statements.
    """
    values = {**visible_cases(person, today), "days": _NEWS_DAYS}
    told = _told_of(session, {**values, "as_supervisor": False}, everything)
    return {
        "follow_ups": told("follow_ups", _FOLLOW_UPS, escalated=False),
        "budgets": told("budgets", _BUDGETS, states=_GRAVE if person.everything else _WORRYING),
        "choices": told("choices", _CHOICES),
        "approvals": told("approvals", _APPROVALS),
        "conflicts": section(session, _CONFLICTS, values, everything="conflicts" in everything),
        "news": section(session, _NEWS, values, everything="news" in everything),
    }


def for_supervisor(session: Session, person: Person, today: date, *, everything: frozenset[str]) -> dict[str, Section]:
    """The sections of somebody who answers for a unit. At most four statements."""
    told = _told_of(session, {**visible_cases(person, today), "as_worker": False}, everything)
    return {
        "unit_follow_ups": told("unit_follow_ups", _FOLLOW_UPS, escalated=True),
        "unit_budgets": told("unit_budgets", _BUDGETS, states=["over"]),
        "unit_approvals": told("unit_approvals", _APPROVALS),
    }


def _told_of(session: Session, who: Mapping[str, Any], everything: frozenset[str]) -> Callable[..., Section]:
    """How sections are read for somebody: from the cases tied to them, if these are few."""
    ids = None if who["sees_everything"] else list(session.scalars(_TIED, who))
    values = {**who, "language": language(), "ids": ids, "no_news": [NO_PROVIDER, OVERLAP, OVERLAP_OPEN]}

    def told(name: str, waiting: _Waiting, **asked: Any) -> Section:
        many = ids is None or len(ids) > _MOST
        found = section(
            session, waiting.many if many else waiting.few, {**values, **asked}, everything=name in everything
        )
        return replace(found, newest=many and waiting.newest)

    return told
