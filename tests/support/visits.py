"""Nights of one source, as lives that a test may end at any step (tests/support/lives.py).

A life does what is still to be done of its night, as workers and people do who come back after a crash: it looks at what is there. Work
is found in its table; nothing depends on hints to a queue, so none are sent.
"""

import os
from collections.abc import Callable

from sqlalchemy import text
from typer.testing import CliRunner

import workers.queue
import workers.tasks
from cli.main import app as commands
from connectors.transports.sftp import SftpFiles
from core.database import transaction
from core.settings import settings
from services import audit, gentleness, held_runs, rejected  # noqa: F401 - commands load them when they need them
from services.sources import call_fetch, find_source
from tests.factories.worker import make_worker
from workers.app import app
from workers.tick import expire

SOURCE = "a"
_MOST_ROUNDS = 20


def visit(night: str) -> None:
    """The source is read. What follows from that (budgets, follow-ups) is a day's matter: nothing is left for it, in `quiet`."""
    if not _rows("SELECT 1 FROM work WHERE key = :key", key=f"fetch_cases:{SOURCE}:{night}"):
        with transaction() as session:
            call_fetch(session, find_source(settings().sources, SOURCE), night)
    do_all("lane IS NOT NULL")


def visit_and_approve(night: str) -> None:
    """The source is read, and a person approves what is held."""
    visit(night)
    for held in _rows("SELECT id FROM run WHERE outcome = 'held' AND acknowledged IS NULL"):
        _command("source", "approve", str(held.id), "--note", "the unit moved", "--as", "olli")
    do_all("lane IS NOT NULL")


def visit_and_retry(night: str) -> None:
    """The source is read; a person puts right what was wrong with a record and tries it again."""
    visit(night)
    if not _rows("SELECT 1 FROM worker WHERE external_id = :id", id=f"W-{night}"):
        with transaction() as session:
            make_worker(session, external_id=f"W-{night}")
    for left_out in _rows("SELECT min(id) AS id FROM rejected_record WHERE settled_at IS NULL HAVING count(*) > 0"):
        _command("rejected", "retry", str(left_out.id), "--group", "--inline", "--as", "olli")
    do_all("lane IS NOT NULL")


def quiet(night: str) -> None:
    """The source is read, and everything that was called for is done."""
    visit(night)
    do_all()


def calculate(night: str) -> None:
    """The budgets that are noted are calculated."""
    do_all("kind = 'recompute_budgets'")


def _undelayed(night: Callable[[str], None]) -> Callable[[str], None]:
    def lived(name: str) -> None:
        workers.queue.publish = lambda rows: 0
        # the server's files were put there whole: no need to watch them for seconds
        defaults = SftpFiles.__init__.__kwdefaults__
        assert defaults is not None
        defaults["settled_after"] = 0
        night(name)

    return lived


NIGHTS: dict[str, Callable[[str], None]] = {
    one.__name__: _undelayed(one) for one in (visit, visit_and_approve, visit_and_retry, quiet, calculate)
}


def _command(*words: str) -> None:
    result = CliRunner().invoke(commands, words, catch_exceptions=False)
    if result.exit_code:
        raise AssertionError(result.output)


def do_all(of_these: str = "true") -> None:
    """Do what is called for (`of_these`: a condition in SQL) until nothing is, waits for retries included."""
    for _ in range(_MOST_ROUNDS):
        expire()
        due = _rows(
            "UPDATE work SET next_at = clock_timestamp()"
            f" WHERE done_at IS NULL AND dead_at IS NULL AND token IS NULL AND {of_these} RETURNING id, kind"
        )
        if not due:
            return
        # the latest first where a test wants that: Work that lost its process waits longer than what is called for afterwards
        for row in sorted(due, reverse="LATEST_FIRST" in os.environ):
            app.tasks[row.kind](work_id=row.id)
    raise AssertionError(f"never done: {due}")


def _rows(sql: str, **values: object) -> list:  # type: ignore[type-arg]
    with transaction() as session:
        return list(session.execute(text(sql), values).all())
