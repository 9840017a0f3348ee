"""Lists of cases in the console: those a person may see, what needs attention first, a page at a time.

A case stands where the worst of its budgets puts it; cases without a budget come last. Pages go on from where the last one ended (keyset),
so that the thousandth costs what the first does. Who sees few cases is served from those; who sees a great part of the organisation's from
the order of the states: either way the database looks at a page's worth of rows, not at 200,000.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import InputError
from services.access.cases import AMONG, TIED, VISIBLE, few_ids, ids_of, visible_cases
from services.access.non_disclosure import HIDDEN
from services.access.people import Person

PAGE: Final = 50
#: From what needs a person first. `none`: the case has no budget.
ORDER: Final = ("over", "unpriced", "within_tolerance", "near", "ok", "ended", "none")
_NONE: Final = len(ORDER) - 1


@dataclass(frozen=True)
class Wanted:
    """What a list is narrowed to. `search`: a case's number or its id at the source, then nothing else narrows.

    `worker`: an external id. `every`: closed cases and those gone from their source too. `after`: where the page before ended.
    """

    search: str = ""
    state: str | None = None
    worker: str | None = None
    every: bool = False
    after: str = ""


@dataclass(frozen=True)
class Listed:
    """A case in a list; `state` and the figures are of the budget that needs attention most. `how`: how the person comes to the case."""

    number: str
    source: str
    external_id: str
    status: str
    worker: str | None
    unit: str | None
    non_disclosure: bool
    how: str
    state: str
    ceiling: Decimal | None
    free: Decimal | None
    decisions: int
    valid_to: date | None
    gone_at: datetime | None


@dataclass(frozen=True)
class Page:
    """Cases in order; `after` leads to the next page, None: this is the last."""

    cases: tuple[Listed, ...]
    after: str | None


@dataclass(frozen=True)
class WorkerName:
    """A worker to choose from."""

    external_id: str
    name: str


#: Rows in: a person, a worker or none. Rows out: the cases tied to the person; of that worker.
_TIED = ids_of(
    f"""
    SELECT tied.id FROM ({TIED}) AS tied
    WHERE CAST(:worker AS text) IS NULL OR tied.responsible_worker_id IN (SELECT id FROM worker WHERE external_id = :worker)
    """  # noqa: S608 - our own words
)

#: Rows in: a worker. Rows out: that worker's cases, for whom no row is kept from.
_OF_WORKER = ids_of(
    "SELECT client_case.id FROM client_case WHERE responsible_worker_id IN (SELECT id FROM worker WHERE external_id = :worker)"
)

#: Rows in: a number or an id at the source. Rows out: the cases of that name.
_SEARCH = text(
    f"""
    SELECT client_case.id FROM client_case
    WHERE (client_case.number = :number OR client_case.external_id = :search) AND {VISIBLE} ORDER BY client_case.id LIMIT {PAGE}
    """  # noqa: S608 - our own words
)

_NARROWED: Final = """
    (CAST(:every AS boolean) OR (client_case.status = 'open' AND client_case.gone_at IS NULL))
    AND (CAST(:worker AS text) IS NULL OR client_case.responsible_worker_id IN (SELECT id FROM worker WHERE external_id = :worker))
"""
#: A place in the order, of a state.
_PLACE: Final = "array_position(CAST(:order AS text[]), {state}) - 1"

#: Rows in: few cases. Rows out: a page of them, each with the place of its worst budget.
_AMONG_FEW = text(
    f"""
    SELECT id, place FROM (
        SELECT client_case.id, coalesce(min({_PLACE.format(state="version.state")}), {_NONE}) AS place
        FROM client_case
        LEFT JOIN decision ON decision.case_id = client_case.id AND decision.case_id = {AMONG}
        LEFT JOIN budget ON budget.decision_id = decision.id
        LEFT JOIN budget_version AS version ON version.budget_id = budget.id AND version.superseded_at IS NULL
        WHERE client_case.id = {AMONG} AND {_NARROWED}
        GROUP BY client_case.id
    ) AS placed
    WHERE (place, id) > (:after_place, :after_id) AND (CAST(:state AS text) IS NULL OR place = array_position(CAST(:order AS text[]), :state) - 1)
    ORDER BY place, id LIMIT :limit
    """  # noqa: S608 - our own words
)


def _in_state(visible: str) -> str:
    """Cases whose worst budget is in one state, in the order of their budgets. The key of a page is the budget's id."""
    return f"""
        SELECT client_case.id, budget.id AS key
        FROM budget_version AS version
        JOIN budget ON budget.id = version.budget_id
        JOIN decision ON decision.id = budget.decision_id
        JOIN client_case ON client_case.id = decision.case_id
        WHERE version.superseded_at IS NULL AND version.state = :state AND version.budget_id > :after_id AND {_NARROWED} AND {visible}
          AND NOT EXISTS (
              SELECT FROM decision AS sibling
              JOIN budget AS other ON other.decision_id = sibling.id
              JOIN budget_version AS worse ON worse.budget_id = other.id AND worse.superseded_at IS NULL
              WHERE sibling.case_id = decision.case_id AND sibling.id <> decision.id
                AND ({_PLACE.format(state="worse.state")}, other.id) < ({_PLACE.format(state="CAST(:state AS text)")}, budget.id)
          )
        ORDER BY version.budget_id LIMIT :limit
    """  # noqa: S608 - our own words


#: Rows in: a state, and the budget a page ended with. Rows out: the cases that follow.
_IN_STATE = text(_in_state(VISIBLE))

#: Rows in: the case a page ended with. Rows out: the cases without a budget that follow.
_WITHOUT = text(
    f"""
    SELECT client_case.id, client_case.id AS key FROM client_case
    WHERE client_case.id > :after_id AND {_NARROWED} AND {VISIBLE}
      AND NOT EXISTS (SELECT FROM decision JOIN budget ON budget.decision_id = decision.id WHERE decision.case_id = client_case.id)
    ORDER BY client_case.id LIMIT :limit
    """  # noqa: S608 - our own words
)

#: Rows in: cases of a page. Rows out: what a list tells of each.
_TOLD = text(
    f"""
    SELECT client_case.id, client_case.number, client_case.source, client_case.external_id, client_case.status, worker.name AS worker,
           unit.name AS unit, {HIDDEN} AS non_disclosure, coalesce(worst.state, 'none') AS state, worst.ceiling, worst.free,
           (SELECT count(*) FROM decision WHERE decision.case_id = client_case.id AND decision.ended_at IS NULL) AS decisions,
           worst.valid_to, client_case.gone_at,
           CASE WHEN CAST(:as_worker AS boolean) AND client_case.responsible_worker_id = :me THEN 'own'
                WHEN CAST(:as_worker AS boolean) AND client_case.responsible_worker_id IN (
                    SELECT absence.worker_id FROM absence
                    WHERE absence.deputy_id = :me AND absence.period @> CAST(:today AS date) AND absence.cancelled_at IS NULL) THEN 'deputy'
                WHEN CAST(:as_worker AS boolean) AND client_case.co_worker_id = :me THEN 'co_worker'
                WHEN CAST(:sees_everything AS boolean) THEN 'everything'
                ELSE 'supervisor' END AS how
    FROM client_case
    JOIN client ON client.id = client_case.client_id
    LEFT JOIN worker ON worker.id = client_case.responsible_worker_id
    LEFT JOIN unit ON unit.id = coalesce(client_case.unit_id, worker.unit_id)
    LEFT JOIN LATERAL (
        SELECT version.state, version.ceiling, version.free, upper(decision.valid) - 1 AS valid_to
        FROM decision
        JOIN budget ON budget.decision_id = decision.id
        JOIN budget_version AS version ON version.budget_id = budget.id AND version.superseded_at IS NULL
        WHERE decision.case_id = client_case.id
        ORDER BY {_PLACE.format(state="version.state")}, budget.id LIMIT 1
    ) AS worst ON true
    WHERE client_case.id = ANY(:ids)
    """  # noqa: S608 - our own words
)

#: Rows in: a person. Rows out: workers whose cases they may see, by name.
_WORKERS = text(
    """
    SELECT worker.external_id, worker.name FROM worker
    WHERE CAST(:sees_everything AS boolean)
       OR (CAST(:as_supervisor AS boolean) AND worker.unit_id IN (SELECT id FROM unit WHERE supervisor_id = :me))
       OR (CAST(:as_worker AS boolean) AND (worker.id = :me OR worker.id IN (
           SELECT absence.worker_id FROM absence
           WHERE absence.deputy_id = :me AND absence.period @> CAST(:today AS date) AND absence.cancelled_at IS NULL)))
    """
)


def cases_of(session: Session, person: Person, wanted: Wanted, today: date) -> Page:
    """A page of the cases that a person may see. At most ten queries, however many cases there are.

    Raises InputError for a state that does not exist, or a place to go on from that is none of ours.
    """
    if wanted.state is not None and wanted.state not in ORDER:
        raise InputError("There is no state of budgets called {state}.", state=wanted.state)
    values = {
        **visible_cases(person, today),
        "order": list(ORDER),
        "every": wanted.every,
        "worker": wanted.worker,
        "state": wanted.state,
        "limit": PAGE + 1,
    }
    if wanted.search:
        found = session.scalars(_SEARCH, {**values, "search": wanted.search, "number": wanted.search.upper()})
        return Page(_told(session, values, list(found)), None)
    after = _read(wanted.after)
    few = _few(session, person, values)
    keys = _walk(session, values, after) if few is None else _among(session, values, few, after)
    page = keys[:PAGE]
    following = f"{page[-1][1]}.{page[-1][2]}" if len(keys) > PAGE else None
    return Page(_told(session, values, [id_ for id_, _, _ in page]), following)


def workers_of(session: Session, person: Person, today: date) -> list[WorkerName]:
    """Whose cases a list can be narrowed to, by name. One query."""
    rows = session.execute(_WORKERS, visible_cases(person, today)).all()
    return sorted((WorkerName(row.external_id, row.name) for row in rows), key=lambda one: one.name.casefold())


def _read(after: str) -> tuple[int, int]:
    """Where a page goes on: a place in the order, and the key within it. Raises InputError."""
    place, _, key = (after or "0.0").partition(".")
    if not (place.isdecimal() and key.isdecimal() and after.isascii() and int(place) <= _NONE and len(key) < 19):
        raise InputError("The list cannot go on from there. Begin again at its first page.")
    return int(place), int(key)


def _few(session: Session, person: Person, values: dict[str, Any]) -> str | None:
    """The cases somebody may see, if they are few."""
    if person.everything and values["worker"] is None:
        return None
    return few_ids(session, _OF_WORKER if person.everything else _TIED, values)


#: A case, its place in the order, and its key within that place.
_Key = tuple[int, int, int]


def _among(session: Session, values: dict[str, Any], ids: str, after: tuple[int, int]) -> list[_Key]:
    rows = session.execute(_AMONG_FEW, {**values, "ids": ids, "after_place": after[0], "after_id": after[1]})
    return [(row.id, row.place, row.id) for row in rows]


def _walk(session: Session, values: dict[str, Any], after: tuple[int, int]) -> list[_Key]:
    """State by state, until a page is full."""
    found: list[_Key] = []
    for place, state in enumerate(ORDER):
        if place < after[0] or values["state"] not in (None, state):
            continue
        asked = {
            **values,
            "state": state,
            "after_id": after[1] if place == after[0] else 0,
            "limit": PAGE + 1 - len(found),
        }
        rows = session.execute(_WITHOUT if place == _NONE else _IN_STATE, asked)
        found += [(row.id, place, row.key) for row in rows]
        if len(found) > PAGE:
            break
    return found


def _told(session: Session, values: dict[str, Any], ids: list[int]) -> tuple[Listed, ...]:
    rows = {row["id"]: dict(row) for row in session.execute(_TOLD, {**values, "ids": ids}).mappings()}
    return tuple(Listed(**{name: value for name, value in rows[id_].items() if name != "id"}) for id_ in ids)
