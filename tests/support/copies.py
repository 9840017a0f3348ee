"""Copies of databases: where they are taken from, where they are put, and whether two databases hold the same."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from core.embedded import Embedded
from services.backup.programs import Reach

#: Rows out: every table and sequence, and what of it is its content.
_TABLES = """
    SELECT relname, CASE relkind WHEN 'S' THEN 'last_value, is_called' ELSE '*' END FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'S') ORDER BY relname
"""
#: What a restored database differs in on purpose: who was signed in, which processes lived, where effects may leave from.
OTHERWISE = {
    "console_session",
    "family_session",
    "entry_link",
    "login_request",
    "heartbeat",
    "effects",
    "alembic_version",
}


def in_database(servers: Embedded, name: str) -> Embedded:
    """The same servers, another database."""
    app, owner = (
        make_url(url).set(database=name).render_as_string(hide_password=False)
        for url in (servers.database_url, servers.database_owner_url)
    )
    return replace(servers, database_url=app, database_owner_url=owner)


@contextmanager
def empty_database(servers: Embedded) -> Iterator[Embedded]:
    """A new database with nothing in it, gone after the block."""
    name = f"empty_{uuid.uuid4().hex[:12]}"
    with Reach.of(servers.database_owner_url).connect() as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield in_database(servers, name)
        finally:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def owner(database: Embedded) -> "psycopg.Connection[Any]":
    """The owner's connection, each statement for itself; it goes by the name of `test`."""
    reach = Reach.of(database.database_owner_url)
    return psycopg.connect(reach.connection, autocommit=True, application_name="test")


def app(database: Embedded) -> "psycopg.Connection[Any]":
    """The application's."""
    return psycopg.connect(Reach.of(database.database_url).connection, autocommit=True, application_name="test")


def content(database: Embedded) -> dict[str, Any]:
    """By table: a digest of all its rows; by sequence: where it stands."""
    with owner(database) as connection:
        found: dict[str, Any] = {}
        for name, columns in connection.execute(_TABLES).fetchall():
            rows = sql.SQL(
                "SELECT md5(string_agg(one::text, chr(10) ORDER BY one::text)) FROM (SELECT {} FROM {}) AS one"
            )
            found[name] = connection.execute(rows.format(sql.SQL(columns), sql.Identifier(name))).fetchone()
        return {name: one for name, one in found.items() if name not in OTHERWISE}


def rights(database: Embedded) -> list[Any]:
    """What the application's role may do with which table and column, and every trigger and constraint, as PostgreSQL writes them."""
    with owner(database) as connection:
        return connection.execute(
            """
            SELECT relname, NULL, relacl::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relacl IS NOT NULL
            UNION ALL
            SELECT relname, attname, attacl::text FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
            WHERE relnamespace = 'public'::regnamespace AND attacl IS NOT NULL
            UNION ALL
            SELECT relname, tgname, pg_get_triggerdef(pg_trigger.oid) FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid WHERE NOT tgisinternal
            UNION ALL
            SELECT relname, conname, pg_get_constraintdef(pg_constraint.oid) FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
            UNION ALL
            SELECT proname, NULL, proacl::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace
            ORDER BY 1, 2, 3
            """
        ).fetchall()
