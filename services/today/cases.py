"""What waits about cases: follow-ups, budgets, choices, orders, and where the source names another provider than people chose."""

from datetime import date
from typing import Final

from sqlalchemy.orm import Session

from services.access.cases import VISIBLE, visible_cases
from services.access.people import Person
from services.budgets.reasons import NO_PROVIDER, OVERLAP, OVERLAP_OPEN
from services.today import orders
from services.today.rows import Section, first_of, section
from services.today.seen import LIVE_ITEM, OPEN_CASE, SERVICE, WHOSE, Tables, told_of, waiting

#: Of the budgets of an organisation, so many of the newest in each state are looked through.
_NEWEST_BUDGETS: Final = 2_000
_IN_STATE: Final = "superseded_at IS NULL AND budget_version.state = wanted.state"
#: What lacks nothing but a choice is told as a choice that waits.
_NO_NEWS: Final = [NO_PROVIDER, OVERLAP, OVERLAP_OPEN]


def _follow_ups(tables: Tables) -> str:
    """Rows in: cases, a day. Rows out: open follow-ups that are due, the oldest first. `escalated`: only those passed on to a
    supervisor.
    """
    return f"""
    SELECT client_case.number, follow_up.kind, follow_up.due, {WHOSE}
    FROM follow_up
    JOIN plan_item ON plan_item.id = follow_up.plan_item_id
    JOIN client_case ON client_case.id = plan_item.case_id
    WHERE follow_up.state IN ('open', 'snoozed') AND follow_up.due <= :today
      AND (NOT CAST(:escalated AS boolean) OR follow_up.escalated_on IS NOT NULL) AND {tables.seen}
    ORDER BY follow_up.due, client_case.number, follow_up.id LIMIT :counted
    """  # noqa: S608 - our own words


def _budgets(tables: Tables) -> str:
    """Rows in: cases, states. Rows out: their budgets in these states, in the order of the states. One that lacks nothing but a choice
    is not among them: that is told as a choice that waits.
    """
    return f"""
    SELECT client_case.number, coalesce(decision.number, decision.external_id) AS decision, budget_version.state, budget_version.free, {WHOSE}
    FROM unnest(CAST(:states AS text[])) WITH ORDINALITY AS wanted(state, place)
    CROSS JOIN LATERAL (
        SELECT * FROM {tables.first("budget_version", _IN_STATE, order="budget_id", newest=_NEWEST_BUDGETS)} WHERE {_IN_STATE}
    ) AS budget_version
    {tables.join("budget", "budget.id = budget_version.budget_id")}
    {tables.join("decision", "decision.id = budget.decision_id")}
    {tables.join("client_case", "client_case.id = decision.case_id")}
    WHERE {OPEN_CASE} AND {tables.seen}
      AND (budget_version.state <> 'unpriced' OR EXISTS (
          SELECT FROM jsonb_array_elements(budget_version.reasons) AS reason WHERE reason ->> 'msgid' <> ALL(:no_news)))
    ORDER BY place, budget_version.free NULLS FIRST, budget_version.budget_id LIMIT :counted
    """  # noqa: S608 - our own words


def _choices(tables: Tables) -> str:
    """Rows in: cases, a day. Rows out: planned services in force that nobody is chosen for, those that begin first first."""
    return f"""
    SELECT client_case.number, plan_item.external_id AS item, lower(plan_item.period) AS first, {SERVICE}, {WHOSE}
    FROM {tables.first("plan_item", "ended_at IS NULL")}
    {tables.join("client_case", "client_case.id = plan_item.case_id")}
    {tables.join("decision", "decision.id = plan_item.decision_id")}
    JOIN service ON service.id = plan_item.service_id
    WHERE {LIVE_ITEM} AND {tables.seen}
      AND NOT EXISTS (SELECT FROM choice WHERE choice.plan_item_id = plan_item.id AND choice.ended_at IS NULL)
    ORDER BY lower(plan_item.period), client_case.number, plan_item.id LIMIT :counted
    """  # noqa: S608 - our own words


_FOLLOW_UPS: Final = waiting(_follow_ups, newest=False)
_BUDGETS: Final = waiting(_budgets, newest=True)
_CHOICES: Final = waiting(_choices, newest=True)

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


def for_worker(
    session: Session, person: Person, today: date, *, late: date, everything: frozenset[str]
) -> dict[str, Section]:
    """The sections of somebody who works with families: their own cases, shared ones, and those of whom they stand in for.

    `late`: what was sent on that day or before should have been answered. `everything` names the sections that are shown in full. At most
    nine statements.
    """
    values = {**visible_cases(person, today), "days": _NEWS_DAYS}
    told = told_of(session, {**values, "as_supervisor": False}, everything)
    return {
        "follow_ups": told("follow_ups", _FOLLOW_UPS, escalated=False),
        "budgets": told("budgets", _BUDGETS, states=_GRAVE if person.everything else _WORRYING, no_news=_NO_NEWS),
        "orders": told("orders", orders.ASKING, late=late),
        "choices": told("choices", _CHOICES),
        "approvals": told("approvals", orders.TO_APPROVE),
        "documents": told("documents", orders.HELD_DOCUMENTS),
        "conflicts": section(session, _CONFLICTS, values, everything="conflicts" in everything),
        "news": section(session, _NEWS, values, everything="news" in everything),
    }


def for_supervisor(
    session: Session, person: Person, today: date, *, late: date, everything: frozenset[str]
) -> dict[str, Section]:
    """The sections of somebody who answers for a unit; `late` as for its workers. At most five statements."""
    told = told_of(session, {**visible_cases(person, today), "as_worker": False}, everything)
    return {
        "unit_follow_ups": told("unit_follow_ups", _FOLLOW_UPS, escalated=True),
        "unit_budgets": told("unit_budgets", _BUDGETS, states=["over"], no_news=_NO_NEWS),
        "unit_orders": told("unit_orders", orders.ASKING, late=late),
        "unit_approvals": told("unit_approvals", orders.TO_APPROVE),
    }
