"""Reading a database's views into the spool: one connection, one read-only transaction, rows streamed at the source's pace.

All queries see the same moment where the database can do that (PostgreSQL, MySQL: REPEATABLE READ). What keeps Avain from changing anything
is first of all its role, which is to have SELECT on the views and nothing else; the read-only transaction is the second lock.
"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    URL,
    BindParameter,
    Connection,
    Executable,
    NullPool,
    Select,
    bindparam,
    create_engine,
    literal_column,
    make_url,
    select,
    text,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, ResourceClosedError

from connectors.cases.profile import Profile
from connectors.cases.sql import faults
from connectors.cases.sql.cases import check_agreement, file_names
from connectors.cases.sql.memory import LatestSeen
from connectors.cases.sql.wire import write_result
from connectors.cases.table.cells import cell_text
from connectors.cases.table.mapping import Part, parts_of
from connectors.cases.table.wire import pick
from connectors.pace import Pace, unhurried
from connectors.transports.base import Fetched, Visit
from core.errors import NotFound, Permanent, RefusedInput
from core.source_settings import SqlView

_BATCH: Final = 500
#: Cases that a look asks for by name (Oracle takes 1,000 in a list); who wants to see more has everything read.
_MOST_NAMED: Final = 1_000
#: What drivers are told beside the URL. Prepared statements do not go through PgBouncer.
_CONNECTING: Final[Mapping[str, Mapping[str, Any]]] = {
    "postgresql+psycopg": {"connect_timeout": 10, "application_name": "avain", "prepare_threshold": None},
}
#: How a transaction becomes one that only reads. Elsewhere the role's rights alone see to it.
_READ_ONLY: Final[Mapping[str, Sequence[str]]] = {
    "postgresql": (
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
        "SET LOCAL statement_timeout = {milliseconds}",
        "SET LOCAL lock_timeout = 10000",
    ),
    "mysql": ("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",),
    "mariadb": ("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",),
    "oracle": ("SET TRANSACTION READ ONLY",),
    "sqlite": ("PRAGMA query_only = ON",),
}


@dataclass(frozen=True)
class _Query:
    """A query of the source: its name in the settings, its text, and what is read of its rows."""

    name: str
    text: str
    part: Part


#: Makes what is executed for a query: itself, or narrowed to some cases.
_Narrowed = Callable[[Connection, _Query, Pace], Executable]


class SqlViews:
    """The transport of kind `sql`. `profile` says which columns are wanted: without those of identity where they are not sealed."""

    def __init__(self, view: SqlView, profile: Profile) -> None:
        check_agreement(view, profile)
        self._view = view
        texts = {"cases": view.cases, "decisions": view.decisions, "plan_items": view.plan_items}
        self._queries = [
            _Query(name, _plain(texts[name] or ""), part)
            for part in parts_of(profile, file_names(profile))
            for name in [next(iter(part.groups))]
        ]

    def fetch(self, visit: Visit) -> Fetched:
        """See Transport.fetch. Of a delta come the cases that changed, each with all its parts."""
        visit.spool.mkdir(mode=0o700, parents=True, exist_ok=True)
        latest = LatestSeen(visit.memory, self._view.delta_column)
        since = None if visit.snapshot else latest.since(timedelta(minutes=self._view.overlap_minutes))
        with _reading(self._view) as (connection, url):
            files = []
            if visit.most is not None and visit.most <= _MOST_NAMED:
                with _told(self._queries[0], url):
                    narrowed = self._first(connection, visit.most, visit.pace)
            elif since is not None:
                narrowed = self._changed(since)
            else:
                narrowed = _whole
            for query in self._queries:
                with _told(query, url), closing(self._rows(connection, query, narrowed, latest, visit.pace)) as rows:
                    files.append(write_result(visit.spool, query.part.pattern or "", query.part.columns, rows))
        return Fetched(tuple(files), memory=latest.memory())

    def look(self) -> list[str]:
        """See Transport.look: every query is asked for its columns, none for rows."""
        with _reading(self._view) as (connection, url):
            for query in self._queries:
                with _told(query, url):
                    _probe(connection, query, unhurried())
        return [query.name for query in self._queries]

    def put_away(self, applied: Mapping[str, str]) -> None:
        """See Transport.put_away: a database has nothing to put away."""

    def _rows(
        self, connection: Connection, query: _Query, narrowed: _Narrowed, latest: LatestSeen, pace: Pace
    ) -> Generator[list[str]]:
        """The wanted columns of a query's rows, as texts; takes note of the latest of the cases' delta column."""
        statement = narrowed(connection, query, pace)
        pace.before_request()
        streaming = connection.execution_options(stream_results=True, yield_per=_BATCH)
        with streaming.execute(statement) as result:
            names = list(result.keys())
            places = _places(names, query.part.columns)
            delta = self._view.delta_column if query.part.makes_cases else None
            delta_place = None if delta is None else _places(names, [delta])[0]
            for batch in result.partitions(_BATCH):
                for row in batch:
                    if delta_place is not None:
                        latest.see(row[delta_place])
                    yield [cell_text(row[place]) for place in places]
                pace.after_rows(len(batch))

    def _changed(self, since: Any) -> _Narrowed:
        """The queries, narrowed to the cases that changed: all their rows, since a part that is missing would seem to have ended."""
        cases = self._queries[0]

        def narrowed(connection: Connection, query: _Query, pace: Pace) -> Executable:
            case_id, changed = _columns(connection, cases, [cases.part.columns[0], self._view.delta_column or ""], pace)
            recent = f"{changed} >= :avain_since OR {changed} IS NULL"
            if query is cases and len(query.part.groups) == 1:
                return text(f"SELECT * FROM ({query.text}) avain_cases WHERE {recent}").bindparams(avain_since=since)  # noqa: S608 - the operator's own query
            (key,) = _columns(connection, query, query.part.columns[:1], pace)
            return text(
                f"SELECT * FROM ({query.text}) avain_rows WHERE {key} IN "  # noqa: S608
                f"(SELECT {case_id} FROM ({cases.text}) avain_cases WHERE {recent})"
            ).bindparams(avain_since=since)

        return narrowed

    def _first(self, connection: Connection, most: int, pace: Pace) -> _Narrowed:
        """The queries, narrowed to the cases of the first rows, as many as are wanted."""
        cases = self._queries[0]
        (case_id,) = _columns(connection, cases, cases.part.columns[:1], pace)
        pace.before_request()
        beginning: Select[Any] = (
            select(literal_column(case_id)).select_from(text(f"({cases.text}) avain_cases")).limit(most)
        )
        found = set(connection.execute(beginning).scalars())
        ids: BindParameter[Any] = bindparam("avain_ids", list(found - {None}), expanding=True)

        def narrowed(connection: Connection, query: _Query, pace: Pace) -> Executable:
            (key,) = _columns(connection, query, query.part.columns[:1], pace)
            named = [f"{key} IN :avain_ids"] if found - {None} else []
            nameless = [f"{key} IS NULL"] if None in found and query is cases else []
            these = text(f"SELECT * FROM ({query.text}) avain_rows WHERE {' OR '.join(named + nameless) or '1 = 0'}")  # noqa: S608
            return these.bindparams(ids) if named else these

        return narrowed


def _whole(_connection: Connection, query: _Query, _pace: Pace) -> Executable:
    return text(query.text)


def _plain(query: str) -> str:
    """A query as SQLAlchemy's `text` takes it: no colon of its names a parameter."""
    return query.strip().rstrip(";").replace(":", "\\:")


def _probe(connection: Connection, query: _Query, pace: Pace) -> list[str]:
    """The names of a query's columns, without reading a row. Raises NotFound where one that is wanted is not among them."""
    pace.before_request()
    with connection.execute(text(f"SELECT * FROM ({query.text}) avain_probe WHERE 1 = 0")) as result:  # noqa: S608
        names = list(result.keys())
    _places(names, query.part.columns)
    return names


def _columns(connection: Connection, query: _Query, wanted: Sequence[str], pace: Pace) -> list[str]:
    """Wanted columns as a statement about the query names them."""
    names = _probe(connection, query, pace)
    return [connection.dialect.identifier_preparer.quote(names[place]) for place in _places(names, wanted)]


def _places(names: Sequence[str], wanted: Sequence[str]) -> list[int]:
    try:
        return pick(names, wanted)
    except RefusedInput as error:
        raise NotFound(error.message) from error


@contextmanager
def _told(query: _Query, url: URL) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        faults.query_failed(error, query.name, url)
    except ResourceClosedError:
        raise Permanent(
            "The query sql.{query} gives no rows: it is something else than a query.", query=query.name
        ) from None


@contextmanager
def _reading(view: SqlView) -> Iterator[tuple[Connection, URL]]:
    """A connection in a read-only transaction, which is rolled back: there is nothing to commit."""
    try:
        url = make_url(view.url.get_secret_value())
        if url.drivername in {"postgresql", "postgres"}:
            url = url.set(drivername="postgresql+psycopg")
        backend = url.get_backend_name()
        engine = create_engine(
            url, poolclass=NullPool, hide_parameters=True, connect_args=dict(_CONNECTING.get(url.drivername, {}))
        )
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        faults.no_driver(error)
    if backend == "sqlite" and not Path(url.database or "").is_file():  # it would be made
        raise NotFound("The file {path} does not exist.", path=url.database)
    try:
        connection = engine.connect()
    except DBAPIError as error:
        faults.not_reached(error, url)
    with connection:
        try:
            for statement in _READ_ONLY.get(backend, ()):
                connection.execute(text(statement.format(milliseconds=view.seconds * 1000)))
        except DBAPIError as error:
            faults.not_reached(error, url)
        yield connection, url
        connection.rollback()
