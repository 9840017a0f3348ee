"""What can happen to PostgreSQL and to the connections to it."""

import os
import signal
from collections.abc import Mapping
from random import Random
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from core import embedded
from tests.chaos.whole.faults.base import Outcome, Rig, fault, outcome, wait


def _rows(rig: Rig, sql: str, **values: object) -> list[Any]:
    with rig.engine.connect() as connection:
        return list(connection.execute(text(sql), values).all())


@fault("PostgreSQL crashed in a transaction", "postgres")
def crashed(rig: Rig, _how: Mapping[str, Any]) -> Outcome:
    """SIGQUIT to the postmaster while a transaction that writes is open: everything ends at once, the log is replayed at the start."""
    writing = wait(
        lambda: _rows(rig, "SELECT 1 FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid()"),
        3,
    )
    os.kill(embedded.pids(rig.servers)["postgres"], signal.SIGQUIT)
    wait(lambda: "postgres" not in embedded.pids(rig.servers), 30)
    embedded.start(rig.servers, durable=False, services=("postgres",))
    return outcome(rig, "back, a transaction undone" if writing else "back")


def _backends(rng: Random) -> dict[str, Any]:
    return {"share": rng.choice((0.3, 0.6, 1.0)), "seed": rng.randrange(2**32)}


@fault("backends terminated", "postgres", draw=_backends)
def terminated(rig: Rig, how: Mapping[str, Any]) -> Outcome:
    """pg_terminate_backend of some or all."""
    try:
        pids = [row.pid for row in _rows(rig, "SELECT pid FROM pg_stat_activity WHERE application_name = 'avain'")]
        chosen = Random(how["seed"]).sample(sorted(pids), max(1, round(len(pids) * how["share"]))) if pids else []
        _rows(rig, "SELECT pg_terminate_backend(pid) FROM unnest(CAST(:pids AS int[])) AS pid", pids=chosen)
    except SQLAlchemyError:  # the server is down for a fault of its own
        return Outcome("the server was away", met=False)
    return outcome(rig, "connected again" if chosen else "no connection")
