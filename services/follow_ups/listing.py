"""Follow-ups as people list them: their own, their unit's, overdue ones, and what is still to be written down in the client information system.

Who sees few cases is served from those; who sees a great part of the organisation's from what is due first, so that the database looks at
a page's worth of rows either way.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from core.errors import InputError
from models.follow_up import TO_WRITE_DOWN
from services.access.cases import AMONG, STANDS_FOR, VISIBLE, tied_cases, visible_cases
from services.access.non_disclosure import HIDDEN_CASE
from services.access.people import SUPERVISOR, Person
from services.follow_ups.words import KINDS

PAGE: Final = 50

#: Lists that one person may see; the unit's is for supervisors.
LISTS: Final = ("mine", "unit", "overdue", "to_write_down")

_OPEN: Final = "follow_up.state IN ('open', 'snoozed')"
#: As the index ix_follow_up_to_write_down says it.
_TO_WRITE_DOWN: Final = "follow_up." + " AND follow_up.".join(TO_WRITE_DOWN.split(" AND "))
_PLACE: Final = re.compile(r"([0-9:+. -]{10,40})_(\d{1,18})", re.ASCII)


@dataclass(frozen=True)
class Wanted:
    """What a list is narrowed to: one of LISTS, a kind, a responsible worker's external id ('' for any); `after`: where the page before ended."""

    which: str = "mine"
    kind: str = ""
    worker: str = ""
    after: str = ""


@dataclass(frozen=True)
class Listed:
    """A follow-up in a list. `day`: when it is due, or in the list of what is to be written down, when it was acknowledged."""

    id: int
    case_number: str
    kind: str
    state: str
    day: date
    worker: str | None
    handed_to: str | None
    announced_times: int
    escalated_on: date | None
    order_number: str | None
    place: str


@dataclass(frozen=True)
class Page:
    """Follow-ups in order; `after` leads to the next page, None: this is the last."""

    rows: tuple[Listed, ...]
    after: str | None


def _list(found: str, column: str = "due", kind: str = "date", of: str = "follow_up") -> TextClause:
    """Rows in: a person, what the list is narrowed to, where the page before ended. Rows out: the follow-ups that go on from there.

    `found`: the rest of the statement after FROM, over follow_up and client_case. `column` of the table `of`, of type `kind`: what the list is
    in order of, as an index has it.
    """
    key = f"{of}.{column}"
    return text(
        f"""
        SELECT follow_up.id, client_case.number AS case_number, follow_up.kind, follow_up.state,
               {key if kind == "date" else f"CAST(timezone('Europe/Helsinki', {key}) AS date)"} AS day,
               (SELECT name FROM worker WHERE worker.id = client_case.responsible_worker_id) AS worker,
               (SELECT name FROM worker WHERE worker.id = follow_up.handed_to_id) AS handed_to,
               follow_up.announced_times, follow_up.escalated_on,
               (SELECT number FROM purchase_order WHERE purchase_order.id = follow_up.order_id) AS order_number,
               {key} || '_' || follow_up.id AS place
        FROM {found}
          AND (CAST(:place AS {kind}) IS NULL OR ({key}, {of}.id) > (CAST(:place AS {kind}), CAST(:id AS bigint)))
          AND (:kind = '' OR follow_up.kind = :kind)
          AND (:worker = '' OR client_case.responsible_worker_id = (SELECT id FROM worker WHERE external_id = :worker))
        ORDER BY {key}, {of}.id LIMIT :limit
        """  # noqa: S608 - our own words
    )


#: Under non-disclosure nobody has a follow-up by being handed it: whoever was, gives it back (ADR 14).
_NOT_HIDDEN: Final = f"NOT (SELECT {HIDDEN_CASE} FROM client_case WHERE client_case.id = follow_up.case_id)"  # noqa: S608 - our own words
_CASES: Final = "follow_up JOIN client_case ON client_case.id = follow_up.case_id WHERE "
#: Open ones of one's own cases, of those one stands in for, and what was handed to one.
_MINE: Final = _list(
    f"""
    (
        SELECT follow_up.* FROM client_case JOIN follow_up ON follow_up.case_id = client_case.id
        WHERE client_case.responsible_worker_id IN ({STANDS_FOR}) AND follow_up.handed_to_id IS NULL AND {_OPEN}
        UNION ALL
        SELECT follow_up.* FROM follow_up WHERE follow_up.handed_to_id IN ({STANDS_FOR}) AND {_OPEN} AND {_NOT_HIDDEN}
    ) AS {_CASES} true
    """  # noqa: S608 - our own words
)
_SETTLED: Final = ("settled_at", "timestamptz")


def _few(ids: str, column: str = "due", kind: str = "date") -> TextClause:
    """A list for who sees few cases: `ids` finds follow-ups and their place from indexes alone; they are looked at in order until a page is full."""
    return _list(
        f"""
        (SELECT id, {column} FROM ({ids}) AS few ORDER BY {column}, id OFFSET 0) AS placed
        JOIN LATERAL (SELECT * FROM follow_up WHERE follow_up.id = placed.id OFFSET 0) AS follow_up ON true
        JOIN LATERAL (SELECT * FROM client_case WHERE client_case.id = follow_up.case_id OFFSET 0) AS client_case ON true
        WHERE true
        """,  # noqa: S608 - our own words
        column,
        kind,
        "placed",
    )


_OF_FEW: Final = f"SELECT id, due FROM follow_up WHERE follow_up.case_id = {AMONG} AND {_OPEN}"  # noqa: S608 - our own words
_OVERDUE: Final = f"{_OPEN} AND follow_up.due < :today"
#: By list: for who sees few cases, and for who sees many.
_STATEMENTS: Final[dict[str, tuple[TextClause, TextClause]]] = {
    "unit": (_few(_OF_FEW), _list(f"{_CASES}{VISIBLE} AND {_OPEN}")),
    "overdue": (_few(f"{_OF_FEW} AND follow_up.due < :today"), _list(f"{_CASES}{VISIBLE} AND {_OVERDUE}")),
    # what somebody was handed, they write down, also after the case is not theirs to see any more
    "to_write_down": (
        _few(
            f"""
            SELECT id, settled_at FROM follow_up WHERE follow_up.case_id = {AMONG} AND {_TO_WRITE_DOWN}
            UNION
            SELECT id, settled_at FROM follow_up WHERE follow_up.handed_to_id = :me AND {_TO_WRITE_DOWN} AND {_NOT_HIDDEN}
            """,  # noqa: S608 - our own words
            *_SETTLED,
        ),
        _list(f"{_CASES}{VISIBLE} AND {_TO_WRITE_DOWN}", *_SETTLED),
    ),
}


def listed(session: Session, person: Person, wanted: Wanted, today: date) -> Page:
    """A page of one of LISTS. At most two statements. Raises InputError for a list, a kind or a place that does not exist.

    Who is no worker and sees everything has no follow-ups of their own: theirs are all.
    """
    if wanted.which not in LISTS:
        raise InputError("There is no list of follow-ups called {name}.", name=wanted.which)
    if wanted.kind and wanted.kind not in KINDS:
        raise InputError("There is no kind of follow-ups called {kind}.", kind=wanted.kind)
    place, id_ = _place(wanted.after)
    who = visible_cases(person, today)
    values = {
        **who, "place": place, "id": id_, "kind": wanted.kind, "worker": wanted.worker, "limit": PAGE + 1,
    }  # fmt: skip
    if wanted.which == "mine" and not person.everything:
        rows = session.execute(_MINE, values)
    else:
        which = "unit" if wanted.which == "mine" else wanted.which
        values |= {"as_worker": who["as_worker"] and which != "unit"}
        ids = tied_cases(session, values)
        few, many = _STATEMENTS[which]
        rows = session.execute(many if ids is None else few, {**values, "ids": ids})
    found = [Listed(**row) for row in rows.mappings()]
    last = found[PAGE - 1] if len(found) > PAGE else None
    return Page(tuple(found[:PAGE]), last.place if last else None)


def lists_of(person: Person) -> tuple[str, ...]:
    """The lists that this person has."""
    return LISTS if person.is_one_of(SUPERVISOR) else tuple(one for one in LISTS if one != "unit")


def _place(after: str) -> tuple[datetime | None, int | None]:
    """Where a page goes on: after this day or moment, and this id. Raises InputError for what no page of ours has led to."""
    if not after:
        return None, None
    found = _PLACE.fullmatch(after)
    try:
        if found is not None:
            return datetime.fromisoformat(found[1]), int(found[2])
    except ValueError:
        pass
    raise InputError("The list does not go on there. Begin at its first page.")


#: Rows in: the last due date; a worker's external id, a unit's code, a kind, or none of each. Rows out: open follow-ups, the most urgent first.
_DUE_BY: Final = text(
    """
    SELECT follow_up.id, owner.number AS case_number, worker.external_id AS worker, handed.external_id AS handed_to, unit.code AS unit,
           follow_up.kind, purchase_order.number AS order_number, follow_up.due, follow_up.state,
           follow_up.announced_on, follow_up.announced_times, follow_up.escalated_on
    FROM follow_up
    JOIN client_case owner ON owner.id = follow_up.case_id
    LEFT JOIN purchase_order ON purchase_order.id = follow_up.order_id
    LEFT JOIN worker ON worker.id = owner.responsible_worker_id
    LEFT JOIN worker handed ON handed.id = follow_up.handed_to_id
    LEFT JOIN unit ON unit.id = coalesce(worker.unit_id, owner.unit_id)
    WHERE follow_up.state IN ('open', 'snoozed') AND follow_up.due <= :until
      AND (CAST(:worker AS text) IS NULL OR coalesce(handed.external_id, worker.external_id) = :worker)
      AND (CAST(:unit AS text) IS NULL OR unit.code = :unit)
      AND (CAST(:kind AS text) IS NULL OR follow_up.kind = :kind)
    ORDER BY follow_up.due, owner.number, follow_up.id
    """
)


def open_follow_ups(
    session: Session, until: date, worker: str | None = None, *, unit: str | None = None, kind: str | None = None
) -> list[dict[str, Any]]:
    """Open follow-ups due by `until`, of all, a worker (external id; what was handed over is its receiver's), a unit (code): no names."""
    values = {"until": until, "worker": worker, "unit": unit, "kind": kind}
    return [dict(row) for row in session.execute(_DUE_BY, values).mappings()]


#: Rows in: a case. Rows out: its follow-ups that are open, and those settled, the latest first.
_OF_CASE: Final = text(
    """
    SELECT follow_up.id, follow_up.kind, follow_up.state, follow_up.due, follow_up.settled_at, follow_up.settled_by, follow_up.rating,
           follow_up.rated_by, follow_up.findings, plan_item.external_id AS item, purchase_order.number AS order_number,
           (SELECT name FROM worker WHERE worker.id = follow_up.handed_to_id) AS handed_to
    FROM follow_up
    LEFT JOIN plan_item ON plan_item.id = follow_up.plan_item_id
    LEFT JOIN purchase_order ON purchase_order.id = follow_up.order_id
    WHERE follow_up.case_id = :case AND follow_up.state = ANY(:states)
    ORDER BY CASE WHEN follow_up.settled_at IS NULL THEN follow_up.due END, follow_up.settled_at DESC, follow_up.id
    LIMIT :limit
    """
)
#: So many are shown with a case: what comes next, and what was found lately.
_AHEAD: Final = 12
_LATELY: Final = 5


@dataclass(frozen=True)
class OfCase:
    """A follow-up on the page of its case; `rating` with who gave it, `findings` by name."""

    id: int
    kind: str
    state: str
    due: date
    settled_at: datetime | None
    settled_by: str | None
    rating: int | None
    rated_by: str | None
    findings: dict[str, Any]
    item: str | None
    order_number: str | None
    handed_to: str | None


def follow_ups_of_case(session: Session, case_id: int) -> tuple[Sequence[OfCase], Sequence[OfCase]]:
    """Those of a case that are open, what is due first first; and those acknowledged lately. Two statements."""
    ahead = session.execute(_OF_CASE, {"case": case_id, "states": ["open", "snoozed"], "limit": _AHEAD}).mappings()
    done = session.execute(_OF_CASE, {"case": case_id, "states": ["acknowledged"], "limit": _LATELY}).mappings()
    return [OfCase(**row) for row in ahead], [OfCase(**row) for row in done]
