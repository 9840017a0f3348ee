"""Databases that tests make as copies of another: what Avain takes for restored ones, until it is told that they are at home where they are."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy import make_url

from core.embedded import Embedded


def at_home(embedded: Embedded) -> None:
    """Let effects leave from this copy, as from a new installation."""
    with psycopg.connect(owner_of(embedded)) as owner:
        owner.execute(
            "UPDATE effects SET home = this_database(), instance = md5(this_database()), paused_at = NULL, paused_by = NULL"
        )


@contextmanager
def copy_of(embedded: Embedded) -> Iterator[Embedded]:
    """A copy of a database, as a restore makes it; dropped after the block. Nobody uses the original meanwhile, but a pooler may keep connections."""
    from tests.conftest import in_database

    name, original = f"copy_{uuid.uuid4().hex[:12]}", make_url(embedded.database_owner_url).database
    with psycopg.connect(owner_of(embedded, "postgres"), autocommit=True) as owner:
        owner.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [original])
        owner.execute(f"CREATE DATABASE {name} TEMPLATE {original} STRATEGY FILE_COPY".encode())
        owner.execute(f"ALTER DATABASE {name} SET timezone TO 'UTC'".encode())
    yield in_database(embedded, name)
    with psycopg.connect(owner_of(embedded, "postgres"), autocommit=True) as owner:
        owner.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def owner_of(embedded: Embedded, database: str | None = None) -> str:
    """How psycopg reaches a database as the tables' owner."""
    url = make_url(embedded.database_owner_url).set(drivername="postgresql")
    return (url if database is None else url.set(database=database)).render_as_string(hide_password=False)
