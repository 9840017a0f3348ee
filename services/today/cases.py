"""What waits about cases: follow-ups, budgets, choices, orders, and where the source names another provider than people chose."""

from datetime import date
from typing import Final

from sqlalchemy.orm import Session

from services.access.cases import STANDS_FOR, visible_cases
from services.access.people import Person
from services.budgets.reasons import NO_PROVIDER, OVERLAP, OVERLAP_OPEN
from services.family.overtaking import JOINED, OVERTAKEN
from services.notices import ANSWERED, HEARD, STILL_SEEN
from services.today import orders
from services.today.rows import Section, first_of, section
from services.today.seen import LIVE_ITEM, OPEN_CASE, SERVICE, WHOSE, Tables, told_of, waiting

#: Of the budgets of an organisation, so many of the newest in each state are looked through.
_NEWEST_BUDGETS: Final = 2_000
_IN_STATE: Final = "superseded_at IS NULL AND budget_version.state = wanted.state"
_IN_STATES: Final = "superseded_at IS NULL AND budget_version.state = ANY(CAST(:states AS text[]))"
#: What lacks nothing but a choice is told as a choice that waits.
_NO_NEWS: Final = [NO_PROVIDER, OVERLAP, OVERLAP_OPEN]

#: A follow-up that is for this person to do: handed to them (or to whom they stand in for), or to nobody, in a case that is theirs.
_THEIRS: Final = f"""(
    CAST(:sees_everything AS boolean) OR follow_up.handed_to_id IN ({STANDS_FOR})
    OR (follow_up.handed_to_id IS NULL
        AND (client_case.co_worker_id = :me OR client_case.responsible_worker_id IN ({STANDS_FOR}) OR NOT CAST(:as_worker AS boolean))))
"""


def _follow_ups(tables: Tables) -> str:
    """Rows in: cases, a day. Rows out: open follow-ups that are due, the oldest first. `escalated`: only those passed on to a
    supervisor; else those of the person, and none that somebody else was handed.
    """
    return f"""
    SELECT follow_up.id, client_case.number, follow_up.kind, follow_up.due, {WHOSE}
    FROM follow_up
    JOIN client_case ON client_case.id = follow_up.case_id
    WHERE follow_up.state IN ('open', 'snoozed') AND follow_up.due <= :today AND {tables.seen}
      AND CASE WHEN CAST(:escalated AS boolean) THEN follow_up.escalated_on IS NOT NULL ELSE {_THEIRS} END
    ORDER BY follow_up.due, client_case.number, follow_up.id LIMIT :counted
    """  # noqa: S608 - our own words


#: From a budget's present state to its case.
_OF_BUDGET: Final = (
    ("budget", "budget_id"),
    ("decision", "decision_id"),
    ("client_case", "case_id"),
)


def _in_state(tables: Tables) -> str:
    """Budgets in a state that is `wanted`, with their cases."""
    if not tables.many:
        return f"JOIN ({tables.way('budget_version', _IN_STATES, *_OF_BUDGET)}) ON budget_version.state = wanted.state"
    first = tables.first("budget_version", _IN_STATE, order="budget_id", newest=_NEWEST_BUDGETS)
    of_state = f"CROSS JOIN LATERAL (SELECT * FROM {first} WHERE {_IN_STATE}) AS budget_version"  # noqa: S608 - our own words
    return "\n".join((of_state, tables.on("budget_version", *_OF_BUDGET)))


def _budgets(tables: Tables) -> str:
    """Rows in: cases, states. Rows out: their budgets in these states, in the order of the states. One that lacks nothing but a choice
    is not among them: that is told as a choice that waits.
    """
    return f"""
    SELECT client_case.number, coalesce(decision.number, decision.external_id) AS decision, budget_version.state, budget_version.free, {WHOSE}
    FROM unnest(CAST(:states AS text[])) WITH ORDINALITY AS wanted(state, place)
    {_in_state(tables)}
    WHERE {OPEN_CASE} AND {tables.on_the_way}
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


def _families(tables: Tables) -> str:
    """Rows in: cases, a day. Rows out: what families sent and nobody has answered: proposals one by one, wishes a row for each case with how
    many there are; what waits longest first.
    """
    return f"""
    SELECT client_case.number, sent.what, sent.provider, sent.wishes, sent.since, {WHOSE}
    FROM (
        SELECT family_proposal.case_id, 'proposal' AS what, provider.name AS provider, 0 AS wishes, family_proposal.proposed_at AS since
        FROM {tables.first("family_proposal", "state = 'open'")} {JOINED}
        JOIN provider ON provider.id = family_proposal.provider_id
        WHERE family_proposal.state = 'open' AND {tables.seen} AND {OVERTAKEN} IS NULL
        UNION ALL
        SELECT family_wish.case_id, 'wishes', NULL, count(*), min(family_wish.written_at)
        FROM {tables.first("family_wish", "noted_at IS NULL")} JOIN client_case ON client_case.id = family_wish.case_id
        WHERE family_wish.noted_at IS NULL AND {tables.seen} GROUP BY family_wish.case_id
    ) AS sent
    JOIN client_case ON client_case.id = sent.case_id
    ORDER BY sent.since, client_case.number LIMIT :counted
    """  # noqa: S608 - our own words


_FAMILIES: Final = waiting(_families, newest=True)
_FOLLOW_UPS: Final = waiting(_follow_ups, newest=False)
_BUDGETS: Final = waiting(_budgets, newest=True)
_CHOICES: Final = waiting(_choices, newest=True)

#: Rows in: a person. Rows out: where the source names another provider than the one still chosen, the latest first. The event is written by
#: services/case_sync/conflicts.py.
_CONFLICTS = first_of(
    f"""
    SELECT split_part(split_part(notice.subject, ':', 2), '/', 1) AS number, notice.message, notice.recorded_at
    FROM notice
    JOIN choice ON choice.id = CAST(substring(notice.event FROM '^choice ([0-9]+),') AS bigint) AND choice.ended_at IS NULL
    WHERE notice.kind = 'choice_conflict' AND {HEARD} AND {STILL_SEEN}
    ORDER BY notice.id DESC LIMIT :counted
    """  # noqa: S608 - our own words
)

#: Rows in: a person, a number of days. Rows out: what else they should have heard of lately, or were not told yet, the latest first.
_NEWS = first_of(
    f"""
    SELECT notice.kind, notice.subject, notice.message, notice.recorded_at
    FROM notice
    WHERE notice.kind <> 'choice_conflict' AND NOT {ANSWERED} AND {HEARD} AND {STILL_SEEN}
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
    session: Session, person: Person, today: date, *, late: date, everything: frozenset[str], families: bool = False
) -> dict[str, Section]:
    """The sections of somebody who works with families: their own cases, shared ones, and those of whom they stand in for.

    `late`: what was sent on that day or before should have been answered. `everything` names the sections that are shown in full. `families`:
    whether these have a page of their own. At most ten statements.
    """
    values = {**visible_cases(person, today), "days": _NEWS_DAYS}
    told = told_of(session, {**values, "as_supervisor": False}, everything)
    of_families = {"families": told("families", _FAMILIES)} if families else {}
    return of_families | {
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
