"""Ways out that fail, as tests see them: what a worker does with what is due, and pauses that end when a test says so."""

from typing import Any

from services import ways
from tests.support.delivering import ordered
from tests.support.in_process import InProcess
from workers.task import perform
from workers.tasks.letters import send_letter
from workers.tasks.orders import deliver_order
from workers.tasks.reminders import send_digest

BODIES = {"deliver_order": deliver_order, "send_letter": send_letter, "send_digest": send_digest}
#: Nothing tries again by itself within a test.
PATIENT = {"outgoing__failures": 3, "outgoing__first_pause_seconds": 600, "outgoing__longest_pause_minutes": 30}


def work(here: InProcess) -> int:
    """What a worker does with what is due now; how many were tried."""
    due = here.rows(
        "SELECT id, kind FROM work WHERE done_at IS NULL AND dead_at IS NULL AND token IS NULL"
        " AND next_at <= clock_timestamp() AND kind = ANY(:kinds) ORDER BY next_at, id",
        kinds=list(BODIES),
    )
    for row in due:
        perform(row.id, BODIES[row.kind])
    return len(due)


def fail_on(here: InProcess, times: int = 1) -> None:
    """Work on without the pauses between attempts, as long as the ways are open."""
    for _ in range(times):
        here.rows(
            "UPDATE work SET next_at = clock_timestamp() WHERE done_at IS NULL AND dead_at IS NULL"
            " AND id NOT IN (SELECT work_id FROM put_off) RETURNING id"
        )
        work(here)


def pause_ends(here: InProcess) -> None:
    """Let time pass until one may try: those due first become due, by as much as the way's own pause is moved."""
    here.rows(
        """
        WITH ended AS (
            UPDATE breaker SET until = clock_timestamp(), closed_at = closed_at - (until - clock_timestamp())
            WHERE closed_at IS NOT NULL AND until > clock_timestamp() RETURNING name
        ), first AS (
            SELECT DISTINCT ON (way) work_id FROM put_off JOIN work ON work.id = work_id AND done_at IS NULL JOIN ended ON way = ended.name
            ORDER BY way, work.next_at, work.id
        )
        UPDATE work SET next_at = clock_timestamp() FROM first WHERE work.id = first.work_id RETURNING work.id
        """
    )


def breaker(here: InProcess, way: str = ways.MAIL) -> Any:
    found = here.rows(
        "SELECT *, extract(epoch FROM until - clock_timestamp())::float AS pause FROM breaker WHERE name = :way",
        way=way,
    )
    return found[0] if found else None


def spent(here: InProcess) -> int:
    """Attempts that count."""
    return int(here.rows("SELECT coalesce(sum(attempts), 0) FROM work WHERE done_at IS NULL")[0][0])


def many_ordered(here: InProcess, count: int, channel: str = "email") -> list[str]:
    return [ordered(here, channel)[1] for _ in range(count)]
