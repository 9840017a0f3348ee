"""What each account of the database may do, tried as that account: the application's, and the one that only reads."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import make_url

from core.embedded import Embedded
from models import metadata
from services.consistency.shape import UNCHANGED, UNCHANGED_COLUMNS, UNDELETED
from tests.conftest import own_database

TABLES = sorted(metadata.tables)
#: What is never shown to who only reads: by the end of a column's name.
PERSONAL = (
    "name", "number", "external_id", "identity", "index", "reason", "note", "words", "goals", "findings", "document", "content", "reference", "email",
    "actor", "_by", "worker_id", "supervisor_id", "message", "reply", "token", "cookie", "code_", "hash", "kykyviisari_date", "host",
)  # fmt: skip


@pytest.fixture(scope="module")
def database(services: Embedded) -> Iterator[Embedded]:
    with own_database(services) as made:
        yield made


@contextmanager
def as_role(database: Embedded, role: str) -> Iterator["psycopg.Connection[Any]"]:
    """A connection of the role past any pooler; every statement is a transaction of its own."""
    url = make_url(database.database_owner_url).set(drivername="postgresql", username=role)
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
        assert connection.execute("SELECT current_user").fetchone() == (role,)
        yield connection


def went_through(connection: "psycopg.Connection[Any]", statements: list[str]) -> list[str]:
    """Those of the statements that were not refused for want of rights."""
    done = []
    for statement in statements:
        try:
            connection.execute(statement.encode())
        except InsufficientPrivilege:
            continue
        except psycopg.Error as error:
            done.append(f"{statement}: {error}")
        else:
            done.append(statement)
    return done


#: Of a table: what only its owner may do.
_DDL = (
    "ALTER TABLE {} ADD COLUMN mine text", "DROP TABLE {} CASCADE", "TRUNCATE {} CASCADE", "ALTER TABLE {} DISABLE TRIGGER ALL",
    "ALTER TABLE {} OWNER TO avain_app", "CREATE INDEX ON {} ((1))", "GRANT ALL ON {} TO avain_app, PUBLIC", "COMMENT ON TABLE {} IS 'mine'",
    "CREATE RULE mine AS ON DELETE TO {} DO INSTEAD NOTHING",
)  # fmt: skip


@pytest.mark.parametrize("role", ["avain_app", "avain_reader"])
def test_no_table_can_be_changed_by_who_does_not_own_it(database: Embedded, role: str) -> None:
    with as_role(database, role) as connection:
        tried = [what.format(table) for table in (*TABLES, "alembic_version") for what in _DDL]
        refused = [one for one in tried if not one.startswith("GRANT")]
        assert went_through(connection, refused) == []
        for grant in set(tried) - set(refused):  # who has any right hears a warning, and grants nothing
            with suppress(InsufficientPrivilege):
                connection.execute(grant.encode())
        granted = "SELECT relname FROM pg_class WHERE relacl::text LIKE '%%/' || current_user || '%%'"
        assert connection.execute(granted.replace("%%", "%").encode()).fetchall() == []


@pytest.mark.parametrize("role", ["avain_app", "avain_reader"])
def test_nothing_can_be_made_and_nobody_elses_rights_be_taken(database: Embedded, role: str) -> None:
    tried = [
        "CREATE TABLE public.mine ()",
        "CREATE TABLE reporting.mine ()",
        "CREATE SCHEMA mine",
        "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE OR REPLACE VIEW reporting.unit AS SELECT 1",
        "DROP SCHEMA reporting CASCADE",
        "CREATE ROLE mine",
        "ALTER ROLE avain_owner PASSWORD 'x'",
        f"ALTER ROLE {role} SUPERUSER",
        "SET ROLE avain_owner",
        "SET SESSION AUTHORIZATION avain_owner",
        "SET session_replication_role = replica",
        "ALTER SYSTEM SET log_statement = 'all'",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "COPY (SELECT 1) TO '/tmp/mine'",
        "SELECT pg_read_file('/etc/hostname')",
        "SELECT lo_import('/etc/hostname')",
        "SELECT audit_purge(clock_timestamp(), 1)",
        "ALTER FUNCTION audit_purge OWNER TO avain_app",
        "CREATE PUBLICATION mine FOR ALL TABLES",
        "DROP TRIGGER audit_event_insert_only ON audit_event",
    ]
    with as_role(database, role) as connection:
        assert went_through(connection, tried) == []


def test_the_audit_trail_can_only_be_added_to(database: Embedded) -> None:
    columns = {
        table: [column.name for column in metadata.tables[table].columns] for table in ("audit_event", "audit_seal")
    }
    with as_role(database, "avain_app") as connection:
        connection.execute("SET avain.audit_purge = 'on'")  # anybody may say so; it is the rights that count
        tried = [f"UPDATE {table} SET {name} = {name}" for table, names in columns.items() for name in names]
        tried += [f"DELETE FROM {table}" for table in columns]
        tried += [f"SELECT * FROM {table} FOR UPDATE" for table in columns]
        written = (
            "business_at, actor, action, subject, reason, details) VALUES ({}, '2020-01-01', 'x', 'x', 'x', '', '{{}}')"
        )
        by_itself = {"recorded_at": "'2020-01-01'", "id": "1", "xid": "1"}
        tried += [f"INSERT INTO audit_event ({name}, {written.format(value)}" for name, value in by_itself.items()]
        assert went_through(connection, tried) == []
        connection.execute(
            "INSERT INTO audit_event (business_at, actor, action, subject, reason, details) VALUES (clock_timestamp(), 'x', 'x', 'x', '', '{}')"
        )


def test_what_is_never_changed_cannot_be_by_the_application(database: Embedded) -> None:
    tried = [
        f"UPDATE {table} SET {column.name} = {column.name}"
        for table in UNCHANGED
        for column in metadata.tables[table].columns
    ]
    tried += [f"UPDATE {table} SET {name} = {name}" for table, names in UNCHANGED_COLUMNS.items() for name in names]
    tried += [f"DELETE FROM {table}" for table in UNDELETED]
    tried += ["UPDATE alembic_version SET version_num = '0001'", "DELETE FROM alembic_version"]
    with as_role(database, "avain_app") as connection:
        assert went_through(connection, tried) == []


# Who only reads


def views(connection: "psycopg.Connection[Any]") -> dict[str, list[str]]:
    rows = connection.execute(
        "SELECT relname, attname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0"
        " WHERE relnamespace = 'reporting'::regnamespace ORDER BY relname, attnum"
    ).fetchall()
    found: dict[str, list[str]] = {}
    for view, column in rows:
        found.setdefault(view, []).append(column)
    return found


def test_the_reader_reads_every_view_and_no_table(database: Embedded) -> None:
    with as_role(database, "avain_reader") as connection:
        found = views(connection)
        assert {"client_case", "budget", "purchase_order", "price", "run"} <= set(found)
        for view in found:
            connection.execute(f"SELECT * FROM reporting.{view} LIMIT 1".encode())
        tried = [
            f"SELECT {column.name} FROM public.{table.name} LIMIT 1"
            for table in metadata.tables.values()
            for column in table.columns
        ]
        assert went_through(connection, [*tried, "SELECT * FROM public.alembic_version"]) == []
        assert went_through(connection, ["UPDATE reporting.unit SET code = code", "DELETE FROM reporting.run"]) == []
        more = "SELECT has_table_privilege('reporting.' || %s, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')"
        assert {view for view in found if connection.execute(more, [view]).fetchone() != (False,)} == set()


def test_no_view_shows_who_somebody_is_or_what_somebody_wrote(database: Embedded) -> None:
    """By the names of columns; what is named otherwise is named here."""
    harmless = {("provider", "id"), ("follow_up", "rated_by"), ("choice", "chosen_by")}
    with as_role(database, "avain_reader") as connection:
        shown = {
            (view, column)
            for view, columns in views(connection).items()
            for column in columns
            if column.endswith(PERSONAL) and (view, column) not in harmless
        }
        types = connection.execute(
            "SELECT DISTINCT typname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 JOIN pg_type ON pg_type.oid = atttypid"
            " WHERE relnamespace = 'reporting'::regnamespace"
        ).fetchall()
    assert shown == set()
    assert {name for (name,) in types} & {"bytea", "jsonb", "json", "_text"} == set(), (
        "what holds anything is shown by nobody"
    )


def test_who_is_under_non_disclosure_is_in_no_view(database: Embedded) -> None:
    """Neither they nor another record of the same person, which their other source does not hide."""
    with as_role(database, "avain_owner") as owner:
        owner.execute(
            """
            WITH who AS (
                INSERT INTO client (source, external_id, non_disclosure, blind_index)
                VALUES ('a', 'open', false, 'one'), ('a', 'hidden', true, 'two'), ('b', 'same', false, 'two'), ('b', 'unknown', false, NULL), ('b', 'alone', true, NULL)
                RETURNING id, external_id
            )
            INSERT INTO client_case (number, source, external_id, client_id, record_hash, goals, status)
            SELECT 'HB-2026-00000' || row_number() OVER (), 'a', external_id, id, '', '{}', 'open' FROM who
            """
        )
        owner.execute(
            "INSERT INTO decision (case_id, external_id, decided_on, granted_amount) SELECT id, external_id, '2026-11-09', 1200 FROM client_case"
        )
        shown = {
            row
            for (row,) in owner.execute(
                "SELECT external_id FROM client_case WHERE id IN (SELECT id FROM reporting.client_case)"
            )
        }
        decided = {
            row
            for (row,) in owner.execute(
                "SELECT external_id FROM decision WHERE id IN (SELECT id FROM reporting.decision)"
            )
        }
    assert shown == decided == {"open", "unknown"}


def test_what_the_reader_may_beyond_that_is_found(database: Embedded) -> None:
    from services.consistency.shape import _READ

    with as_role(database, "avain_owner") as owner:
        assert owner.execute(_READ.text.encode()).fetchall() == []
        owner.execute("GRANT SELECT (number) ON client_case TO avain_reader")
        owner.execute("GRANT DELETE ON reporting.unit TO avain_reader")
        assert owner.execute(_READ.text.encode()).fetchall() == [("public.client_case",), ("reporting.unit",)]
        owner.execute("REVOKE SELECT (number) ON client_case FROM avain_reader")
        owner.execute("REVOKE DELETE ON reporting.unit FROM avain_reader")
