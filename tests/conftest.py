"""Real PostgreSQL and Valkey for every test that wants them, started once per run and shared by xdist's workers.

`session` is a transaction that is rolled back; code under test may commit inside it (savepoints). `database` is a database of the
test's own, cloned from a migrated template, for tests with several connections or processes.
"""

import os
import tempfile

# What tests read, unless they say otherwise; looked at when core.i18n is first imported. Tables need not fold.
os.environ |= {"AVAIN_LANGUAGE": "en", "COLUMNS": "200"}
# A test that forgets to say which database it means must fail, and never start or touch the checkout's own.
os.environ |= {"AVAIN_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "AVAIN_REDIS_URL": "redis://127.0.0.1:1/0"}
# Nor may it write into the checkout's own folder, whose journal of what left is the developer's.
os.environ["AVAIN_HOME"] = f"{tempfile.gettempdir()}/avain-tests-home-{os.getpid()}"

import gc
import logging
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
import redis
import structlog
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, make_url
from sqlalchemy.orm import Session

from core import embedded
from core.database import make_engine
from core.embedded import Embedded
from core.embedded.place import locked
from core.logging import LOG_HANDLER
from core.redis import redis_client_url
from core.settings import ROOT
from tests.support import debian_servers
from tests.support.effects import at_home

# Whoever imports it first: a unit test takes its records.
pytest.register_assert_rewrite("connectors.cases.contract")

TEMPLATE = "avain_template"


def pytest_collection_finish() -> None:
    """What is loaded by now stays: nobody need look for garbage among thousands of tests, again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _logging_ends_with_the_test() -> Iterator[None]:
    """A command run in this process may send logging to a stream that is gone afterwards."""
    yield
    root = logging.getLogger()
    for handler in [one for one in root.handlers if one.name == LOG_HANDLER]:
        root.removeHandler(handler)
    structlog.reset_defaults()


@pytest.fixture(scope="session", autouse=True)
def _home_of_nobody() -> Iterator[None]:
    """What tests that named no home of their own left there goes with the run."""
    home = Path(os.environ["AVAIN_HOME"])
    yield
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def embedded_services() -> Iterator[Embedded]:
    """The run's own PostgreSQL and Valkey. The first xdist worker to come starts them, the last to go stops them."""
    with _of_the_run("tests", lambda home: embedded.start(home, durable=False), embedded.remove) as running:
        yield running


@pytest.fixture(scope="session")
def services(embedded_services: Embedded) -> Embedded:
    """The servers that tests run on: the embedded ones, unless a folder knows others."""
    return embedded_services


@contextmanager
def debian_services() -> Iterator[Embedded]:
    """The run's own PgBouncer, PostgreSQL and Redis of Debian's, in the same way; see tests/integration/conftest.py."""
    with _of_the_run("debian", debian_servers.start, debian_servers.stop) as running:
        yield running


@contextmanager
def _of_the_run(name: str, start: Callable[[Path], Embedded], remove: Callable[[Path], None]) -> Iterator[Embedded]:
    shared = os.environ.get("PYTEST_XDIST_TESTRUNUID", uuid.uuid4().hex)
    home = servers_of(shared, name)
    home.mkdir(exist_ok=True)
    mine = home / f"used-by-{os.getpid()}"
    mine.touch()
    try:
        running = start(home)
        _migrate_template(running, home)
        yield running
    finally:
        mine.unlink()
        if not list(home.glob("used-by-*")):
            remove(home)
            shutil.rmtree(home, ignore_errors=True)


def servers_of(run: str, name: str = "tests") -> Path:
    """Where the servers of a run live; they stay while a file `used-by-…` lies there."""
    return _roomy() / f"avain-{name}-{run[:12]}"


def _roomy() -> Path:
    """Where the servers keep their files: in memory where there is plenty of it, for making hundreds of databases is mostly making files."""
    memory = Path("/dev/shm")
    plenty = 6 * 2**30
    if (
        os.access(memory, os.W_OK | os.X_OK)
        and min(shutil.disk_usage(memory).free, psutil.virtual_memory().available) > plenty
    ):
        return memory
    return Path(tempfile.gettempdir())


def _migrate_template(running: Embedded, home: Path) -> None:
    """Make the migrated template database once for all workers of the run."""
    with locked(home):
        owner = make_url(running.database_owner_url)
        with psycopg.connect(_dsn(owner), autocommit=True) as admin:
            if admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [TEMPLATE]).fetchone():
                return
            admin.execute("CREATE DATABASE migrating")
        config = Config(str(ROOT / "alembic.ini"))
        config.attributes["url"] = owner.set(database="migrating").render_as_string(hide_password=False)
        command.upgrade(config, "head")
        with psycopg.connect(_dsn(owner), autocommit=True) as admin:
            admin.execute(f"ALTER DATABASE migrating RENAME TO {TEMPLATE}")


def in_database(services: Embedded, name: str) -> Embedded:
    """The same servers, another database."""
    app, owner = (
        make_url(url).set(database=name).render_as_string(hide_password=False)
        for url in (services.database_url, services.database_owner_url)
    )
    return replace(services, database_url=app, database_owner_url=owner)


def _dsn(url) -> str:
    dsn: str = url.set(drivername="postgresql").render_as_string(hide_password=False)
    return dsn


@pytest.fixture
def database(services: Embedded) -> Iterator[Embedded]:
    """A database of the test's own: URLs of the application's and the owner's role, and of an empty queue."""
    with own_database(services) as made:
        yield made


@contextmanager
def own_database(services: Embedded) -> Iterator[Embedded]:
    """A copy of the migrated template, dropped after the block; the queue is this xdist worker's part of Valkey, emptied."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    # each xdist worker has a numbered part of Valkey to itself
    queue = 1 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 15
    services = debian_servers.part_of_queue(services, queue)
    with redis.Redis.from_url(redis_client_url(debian_servers.admin_url(services))) as client:
        client.flushdb()
    owner = make_url(services.database_owner_url)
    with psycopg.connect(_dsn(owner), autocommit=True) as admin:
        _copy_template(admin, name)
    made = in_database(services, name)
    at_home(made)
    yield made
    with psycopg.connect(_dsn(owner), autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _copy_template(admin: "psycopg.Connection[Any]", name: str) -> None:
    """A migrated database, as quickly as it can be had. What migrations set for a database itself is not copied by PostgreSQL."""
    admin.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY".encode())
    admin.execute(f"ALTER DATABASE {name} SET timezone TO 'UTC'".encode())


@pytest.fixture(scope="session")
def shared_engine(services: Embedded) -> Iterator[Engine]:
    """An engine, as the application's role, over one database that the rolled-back tests of this worker share."""
    with engine_of_shared(services) as engine:
        yield engine


@contextmanager
def engine_of_shared(services: Embedded) -> Iterator[Engine]:
    """The same for other servers."""
    name = f"shared_{uuid.uuid4().hex[:12]}"
    owner = make_url(services.database_owner_url)
    with psycopg.connect(_dsn(owner), autocommit=True) as admin:
        _copy_template(admin, name)
    made = in_database(services, name)
    at_home(made)
    engine = make_engine(made.database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def session(shared_engine: Engine) -> Iterator[Session]:
    """A session whose every change is undone after the test; commits inside are savepoints."""
    with shared_engine.connect() as connection, connection.begin() as outer:
        with Session(connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as session:
            yield session
        outer.rollback()


#: Modules whose tests take longest, mostly waiting for processes of their own: begun first, they do not keep one core busy at the end.
_LONGEST = (
    "chaos/test_whole_day.py",
    "integration/test_demo.py",
    "integration/reminders_simulated/test_two_years.py",
    "integration/test_bench_console.py",
    "integration/test_end_to_end.py",
    "integration/test_bench_budgets.py",
    "chaos/test_visits.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest tests first; all others stay as they are."""
    ranks = {ROOT / "tests" / module: rank for rank, module in enumerate(_LONGEST)}
    items.sort(key=lambda item: ranks.get(item.path, len(_LONGEST)))
