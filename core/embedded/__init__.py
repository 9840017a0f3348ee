"""Avain's own real PostgreSQL 18 and Valkey, from wheels: for the demo, tests and a first look. Refused in production mode.

Each home (default `./var`) has one pair of servers, on unix sockets only. Any number of commands share them: `start` launches
what does not run and uses what does. The servers outlive their starter, whatever ends it, and whatever a crash leaves
behind the next `start` clears away. `stop` stops them; `avain up` stops only what `Embedded.started` says it started.
"""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from core.embedded import postgres, valkey
from core.embedded.place import Place, find, locked, prepare
from core.embedded.place import remove as remove_place
from core.errors import ConfigurationError, Message
from core.reasons import os_reason

SERVICES = ("postgres", "valkey")


@dataclass(frozen=True)
class Embedded:
    """How to reach the running services. `started`: what this very call launched; the rest ran before."""

    database_url: str
    database_owner_url: str
    redis_url: str
    sockets: Path
    data: Path
    started: tuple[str, ...] = ()


@dataclass(frozen=True)
class ServiceStatus:
    """One service as `avain doctor` shows it. `pid` None: does not run; not `answers`: runs and takes no connection."""

    name: str
    pid: int | None
    answers: bool
    socket: Path
    log: Path


def start(home: Path, *, durable: bool = True, services: tuple[str, ...] = SERVICES) -> Embedded:
    """Have the services of `home` run, and return how to reach them. Safe to call from many processes at once.

    `durable=False` is for test clusters: nothing is synced to disk. It has no effect on a server that runs already.
    Raises ConfigurationError when they cannot run here, or may not: in production the settings demand URLs, and whatever comes here past
    them is refused too. Raises Transient when another command holds the lock for too long.
    """
    if os.environ.get("AVAIN_ENVIRONMENT") == "production":
        raise ConfigurationError("Embedded servers are not for production: set AVAIN_DATABASE_URL and AVAIN_REDIS_URL.")
    with locked(home):
        place = prepare(home)
        started = []
        try:
            if "postgres" in services and postgres.start(place, durable=durable):
                started.append("postgres")
            if "valkey" in services and valkey.start(place):
                started.append("valkey")
        except (OSError, subprocess.SubprocessError) as error:
            raise ConfigurationError(
                "The embedded services cannot use {path}: {error}",
                path=str(place.base),
                error=os_reason(error) if isinstance(error, OSError) else Message("a program of theirs failed"),
            ) from error
    return _reach(place, tuple(started))


def ensure_running() -> Embedded:
    """`start` for the home in the settings, with the services for which no URL is configured."""
    from core.settings import settings  # noqa: PLC0415 - all else here works without settings, and starts faster

    return start(settings().home, services=settings().embedded_services)


def running(home: Path, *, services: tuple[str, ...] = SERVICES) -> Embedded | None:
    """How to reach the services of `home` when all of `services` run and answer, else None. Starts and creates nothing."""
    found = {one.name for one in status(home) if one.answers}
    place = find(home)
    return _reach(place) if place is not None and found.issuperset(services) else None


def stop(home: Path, *, services: tuple[str, ...] = SERVICES) -> None:
    """Stop the services of `home`, whoever started them. What does not run is passed over."""
    if find(home) is None:
        return
    with locked(home):
        place = find(home)
        if place is not None:
            _stop(place, services)


def remove(home: Path) -> None:
    """Stop both services and delete their data for good."""
    if find(home) is None:
        return
    with locked(home):
        place = find(home)
        if place is not None:
            _stop(place, SERVICES)
            remove_place(place)


def status(home: Path) -> tuple[ServiceStatus, ...]:
    """Both services as they are now; empty when none was ever started in `home`."""
    place = find(home)
    if place is None:
        return ()
    return (
        ServiceStatus(
            "postgres",
            postgres.pid(place),
            postgres.answers(place),
            postgres.socket_file(place),
            postgres.log_file(place),
        ),
        ServiceStatus(
            "valkey", valkey.pid(place), valkey.answers(place), valkey.socket_file(place), valkey.log_file(place)
        ),
    )


def pids(home: Path) -> dict[str, int]:
    """Service name → process id (PostgreSQL's is the postmaster's) of what lives; for tests that crash it."""
    return {one.name: one.pid for one in status(home) if one.pid is not None}


def _stop(place: Place, services: tuple[str, ...]) -> None:
    if "valkey" in services:
        valkey.stop(place)
    if "postgres" in services:
        postgres.stop(place)


def _reach(place: Place, started: tuple[str, ...] = ()) -> Embedded:
    return Embedded(
        database_url=postgres.url(place, postgres.APP),
        database_owner_url=postgres.url(place, postgres.OWNER),
        redis_url=valkey.url(place),
        sockets=place.sockets,
        data=postgres.data_directory(place),
        started=started,
    )
