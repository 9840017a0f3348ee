"""Statements of Today's sections about cases: each for who sees few of them, and for who sees many.

Who sees few cases is served from those; who sees a great part of the organisation's from the newest rows of one table.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from core.i18n import language
from services.access.cases import AMONG, VISIBLE, tied_cases
from services.labels import SERVICE_NAME
from services.today.rows import Section, first_of, section

#: For who sees more, so many of the newest planned services, choices and orders are looked through, and of the newest budgets in each state.
NEWEST: Final = 2_000

#: Rows in: how many are looked through. Rows out: whether anything has more, so that something may have been missed.
_MORE: Final = text(
    """
    SELECT EXISTS (SELECT FROM plan_item WHERE ended_at IS NULL OFFSET :newest)
        OR EXISTS (SELECT FROM choice WHERE ended_at IS NULL OFFSET :newest)
        OR EXISTS (SELECT FROM purchase_order WHERE state NOT IN ('cancelled', 'closed') OFFSET :newest)
        OR EXISTS (SELECT FROM budget_version WHERE superseded_at IS NULL OFFSET :newest)
        OR EXISTS (SELECT FROM family_proposal WHERE state = 'open' OFFSET :newest)
        OR EXISTS (SELECT FROM family_wish WHERE noted_at IS NULL OFFSET :newest)
    """
)

OPEN_CASE: Final = "client_case.status = 'open' AND client_case.gone_at IS NULL"
#: A planned service that can still be chosen for and ordered, and is not.
LIVE_ITEM: Final = f"""
    plan_item.ended_at IS NULL AND decision.ended_at IS NULL AND {OPEN_CASE}
    AND coalesce(upper(decision.valid) > :today, true) AND upper(plan_item.period) > :today
    AND NOT EXISTS (SELECT FROM order_coverage WHERE order_coverage.plan_item_id = plan_item.id AND live)
"""
SERVICE: Final = f"{SERVICE_NAME} AS service"
#: The responsible worker, where that is somebody else than the reader.
WHOSE: Final = "(SELECT name FROM worker WHERE worker.id = client_case.responsible_worker_id AND worker.id IS DISTINCT FROM CAST(:me AS bigint)) AS worker"


@dataclass(frozen=True)
class Tables:
    """How a statement names its tables: for who sees few cases plainly; for who sees many so that the database begins with the newest rows of
    `first`, and looks each further one up for these instead of reading it whole.
    """

    seen: str
    many: bool

    def first(self, table: str, condition: str = "true", *, order: str = "id", newest: int = NEWEST) -> str:
        if not self.many:
            return table
        return f"(SELECT * FROM {table} WHERE {condition} ORDER BY {order} DESC LIMIT {newest}) AS {table}"  # noqa: S608 - our own words

    @property
    def on_the_way(self) -> str:
        """What is still to be asked of the cases at the end of a `way`."""
        return self.seen if self.many else "true"

    def way(self, table: str, condition: str, *links: tuple[str, str], newest: int = NEWEST, order: str = "id") -> str:
        """Tables from one that something is told of to `client_case`, each link with the column that names its row in the table before. Walked
        as it is written, each row looked up: for who sees many from the newest rows of the first table, for who sees few from its rows
        that lead to their cases. The database would rather read the whole tables of an organisation.
        """
        if self.many:
            first = self.first(table, condition, order=order, newest=newest)
        else:
            names = [table, *(name for name, _column in links)]
            keys = AMONG
            for name, (_next, column) in list(zip(names, links, strict=False))[:0:-1]:
                keys = f"ANY(ARRAY(SELECT {name}.id FROM {name} WHERE {name}.{column} = {keys}))"  # noqa: S608 - our own words
            first = f"(SELECT * FROM {table} WHERE {condition} AND {table}.{links[0][1]} = {keys} OFFSET 0) AS {table}"  # noqa: S608 - our own words
        return "\n".join((first, self.on(table, *links)))

    def on(self, table: str, *links: tuple[str, str]) -> str:
        """The way from a table on, each row looked up."""
        names = [table, *(name for name, _column in links)]
        return "\n".join(
            looked_up(name, f"{name}.id = {before}.{column}")
            for before, (name, column) in zip(names, links, strict=False)
        )

    def join(self, table: str, on: str) -> str:
        return looked_up(table, on) if self.many else f"JOIN {table} ON {on}"


def looked_up(table: str, on: str) -> str:
    """A table's rows that `on` ties to those before, looked up one by one."""
    return f"JOIN LATERAL (SELECT * FROM {table} WHERE {on} OFFSET 0) AS {table} ON true"  # noqa: S608 - our own words


@dataclass(frozen=True)
class Waiting:
    """A section's statement for who sees few cases, and for who sees many; `newest`: the latter looks through the newest alone."""

    few: TextClause
    many: TextClause
    newest: bool


#: Reads a section by its name, its statement and the values that the statement asks for beside those of the person.
Told = Callable[..., Section]


def waiting(statement: Callable[[Tables], str], *, newest: bool) -> Waiting:
    """Both forms of a statement that is written once, with the names that `Tables` gives."""
    few, many = Tables(f"client_case.id = {AMONG}", many=False), Tables(VISIBLE, many=True)
    return Waiting(first_of(statement(few)), first_of(statement(many)), newest)


def told_of(session: Session, who: Mapping[str, Any], everything: frozenset[str]) -> Told:
    """How sections are read for somebody: from the cases tied to them, if these are few."""
    ids = tied_cases(session, who)
    values = {**who, "language": language(), "ids": ids}
    more = ids is None and session.execute(_MORE, {"newest": NEWEST}).scalar_one()

    def told(name: str, waiting: Waiting, **asked: Any) -> Section:
        many = ids is None
        found = section(
            session, waiting.many if many else waiting.few, {**values, **asked}, everything=name in everything
        )
        return replace(found, newest=more and waiting.newest)

    return told
