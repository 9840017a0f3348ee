"""Every way cases come in, over many nights, each of which is killed at another step: it ends like nights in which nothing happened.

Real PostgreSQL, folders, SFTP, HTTP; the process dies by SIGKILL, its lease runs out, another goes on. A night has as many steps as a
process passes fault points in it, so as many nights there are, and all of them are deaths but the first two.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from core.embedded import Embedded
from core.faults import VISIT_POINTS
from tests.conftest import own_database
from tests.factories.provider import make_provider
from tests.factories.service import make_service
from tests.factories.worker import make_unit, make_worker
from tests.support import visited
from tests.support.installation import Installation, installation
from tests.support.lives import Lives
from tests.support.visited import Visited

#: What nights leave, by natural key: no ids of rows and runs, no attempts, no times of ours.
LEFT = {
    "cases": "SELECT client_case.number, client_case.external_id, client.external_id, worker.external_id, status, goals, gone_at IS NULL FROM client_case JOIN client ON client.id = client_id JOIN worker ON worker.id = responsible_worker_id",
    "decisions": "SELECT client_case.external_id, decision.external_id, decision.number, decided_on, granted_amount, baseline_quantity, ended_at IS NULL FROM decision JOIN client_case ON client_case.id = case_id",
    "items": "SELECT client_case.external_id, plan_item.external_id, service.code, quantity, period, ended_at IS NULL FROM plan_item JOIN client_case ON client_case.id = case_id JOIN service ON service.id = service_id",
    "choices": "SELECT plan_item.external_id, client_case.external_id, choice.ended_at IS NULL FROM choice JOIN plan_item ON plan_item.id = plan_item_id JOIN client_case ON client_case.id = case_id",
    "budgets": "SELECT client_case.external_id, decision.external_id, budget_version.ceiling, planned, budget_version.state FROM budget_version JOIN budget ON budget.id = budget_id JOIN decision ON decision.id = decision_id JOIN client_case ON client_case.id = case_id WHERE budget_version.superseded_at IS NULL",
    "follow-ups": "SELECT client_case.external_id, follow_up.kind, due, follow_up.state FROM follow_up JOIN client_case ON client_case.id = follow_up.case_id",
    "rejected": "SELECT file_name, position, external_id, field, settled_at IS NULL, note FROM rejected_record",
    "memory": "SELECT memory - 'place' - 'since' FROM source_memory",
    "read": "SELECT name, sha256, reading, put_away_at IS NULL FROM processed_file",
    "numbers": "SELECT series, value FROM counter",
    "said": "SELECT action FROM audit_event WHERE action = 'case_run.approved'",
    "applied": "SELECT run.outcome, run.counts, run.acknowledged FROM run WHERE kind = 'sync_cases' AND outcome <> 'lost'",
}  # fmt: skip
#: What is in force. A case that came and went while nobody read was never there, and has no number.
CURRENT = {
    "cases": "SELECT external_id, status, goals FROM client_case WHERE gone_at IS NULL",
    "decisions": "SELECT client_case.external_id, decision.external_id, granted_amount, baseline_quantity FROM decision JOIN client_case ON client_case.id = case_id WHERE gone_at IS NULL AND ended_at IS NULL",
    "items": "SELECT client_case.external_id, plan_item.external_id, quantity, period FROM plan_item JOIN client_case ON client_case.id = case_id WHERE gone_at IS NULL AND ended_at IS NULL",
    "rejected": "SELECT file_name, external_id, field FROM rejected_record WHERE settled_at IS NULL",
    "read": "SELECT name, sha256, put_away_at IS NULL FROM processed_file",
}  # fmt: skip
#: What nights leave nothing of.
NOTHING = {
    "undone": "SELECT kind, key FROM work WHERE done_at IS NULL",
    "open": "SELECT kind FROM run WHERE finished_at IS NULL",
    "failed": "SELECT kind, message FROM run WHERE outcome IN ('failed', 'retry', 'postponed', 'refused')",
    "waiting": "SELECT kind FROM run WHERE outcome = 'held' AND acknowledged IS NULL",
    "held": "SELECT external_id FROM case_staging",
    "dirty": "SELECT budget_id FROM budget_dirty",
}
#: The first night finds nothing, the second is the first in which something is changed.
WARM = 2
Steps = list[str]
Way = Callable[[Embedded, Path], AbstractContextManager[Visited]]
#: A way cases come in, what is done in a night, and from which step on nights are killed: a retry begins where the rest is as elsewhere.
WAYS: list[tuple[Way, str, str]] = [
    (visited.sftp_left, "visit_and_retry", "run.called"),
    (visited.sftp_moved, "visit", "work.claimed"),
    (visited.moved_files, "visit", "work.claimed"),
    (visited.snapshot, "visit_and_approve", "work.claimed"),
    (visited.fhir, "visit", "work.claimed"),
    (visited.view, "visit", "work.claimed"),
]
#: Ways that are tried with nobody going on until the next night, too: one of files, one that remembers how far it was read.
LATE: tuple[Way, ...] = (visited.sftp_moved, visited.view)
_READ = (
    "fetch.copied",
    "fetch.spooled",
    "sync.copied",
    "sync.parsed",
    "sync.staged",
    "sync.merged",
    "source.remembered",
)
#: Steps a night has to have, or it is not what it says.
PASSED: dict[Way, tuple[str, ...]] = {
    visited.sftp_left: (*_READ, "run.called"),
    visited.sftp_moved: (*_READ, "files.moved"),
    visited.moved_files: (*_READ, "files.moved"),
    visited.snapshot: (*_READ, "sync.held", "approve.recorded", "approve.committed", "files.moved"),
    visited.fhir: _READ,
    visited.view: _READ,
}


@dataclass
class Nights:
    """An installation with one source, and how a night of it goes (tests/support/visits.py)."""

    here: Installation
    source: Visited
    lives: Lives
    what: str
    #: Nobody goes on until the next night, which does first what it has called for itself.
    late: bool = False
    night: int = 0

    def live(self, point: str | None = None, occurrence: int = 1) -> Steps:
        """A night with what it changes at the source, killed once where that is said; what it passed by."""
        self.source.change(self.night)
        trace = self.here.home / f"trace-{self.night}"
        once = {} if point is None else {"FAULT_POINT": point, "FAULT_PASS": str(occurrence), "FAULT_TRACE": str(trace)}
        code = self._life(self.what, f"{self.night}", once or {"FAULT_TRACE": str(trace)})
        assert code == (-9 if once else 0), self._log()
        if once:
            self.here.execute(
                "UPDATE work SET lease_until = clock_timestamp() WHERE token IS NOT NULL"
            )  # 20 s, skipped
            assert self.late or self._life(self.what, f"{self.night}", {}) == 0, self._log()
        self.night += 1
        return trace.read_text().split()

    def quiet(self) -> None:
        """A night in which nothing changed at the source."""
        assert self._life("quiet", "quiet", {}) == 0, self._log()

    def left(self) -> dict[str, Counter[str]]:
        """What is there in the end."""
        tables = {name: Counter(map(str, self.here.rows(sql))) for name, sql in LEFT.items()}
        return {**tables, "files": Counter(_files(self.source.folder)) if self.source.folder else Counter()}

    def current(self) -> dict[str, Counter[str]]:
        """What is in force in the end, however many nights were read at once."""
        return {name: Counter(map(str, self.here.rows(sql))) for name, sql in CURRENT.items()}

    def forgotten(self) -> dict[str, list[str]]:
        """What should not be there."""
        home = self.here.home
        tables = {name: list(map(str, self.here.rows(sql))) for name, sql in NOTHING.items()}
        return {**tables, "spool": _files(home / "spool"), "temporary": _files(home / "tmp")}

    def _life(self, what: str, night: str, fault: dict[str, str]) -> int:
        environment = self.here.env(**fault, **({"LATEST_FIRST": "1"} if self.late else {}))
        return self.lives.live(what, environment, self.here.home / "log", night=night)

    def _log(self) -> str:
        return (self.here.home / "log").read_text(errors="replace")[-3000:]


@contextmanager
def nights(services: Embedded, lives: Lives, home: Path, way: Way, what: str) -> Iterator[Nights]:
    (home / "tmp").mkdir(parents=True)
    with own_database(services) as database, way(database, home) as source:
        (home / "avain.toml").write_text(source.toml, "utf-8")
        environment = {
            **source.environment,
            "AVAIN_CONFIG": str(home / "avain.toml"),
            "AVAIN_LANGUAGE": "en",
            "TMPDIR": str(home / "tmp"),
        }
        with installation(database, home, **environment) as here:
            with Session(here.engine) as session, session.begin():
                for number in ("W-101", "W-102"):
                    make_worker(session, external_id=number)
                make_unit(session, code="U-1")
                for code in ("PERHETYO", "NEPSY"):
                    make_service(session, code=code)
                make_provider(session, business_id="9999994-1")
            yield Nights(here, source, lives, what)


def _files(folder: Path) -> list[str]:
    """Files and folders with something in them, by their paths, with the sizes of files."""
    return sorted(f"{one.relative_to(folder)} {one.stat().st_size}" for one in folder.rglob("*") if one.is_file())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("way", "what", "since"), [pytest.param(*one, id=f"{one[0].__name__}-{one[1]}") for one in WAYS]
)
def test_nights_killed_at_every_step_end_like_any_other(
    way: Way, what: str, since: str, *, services: Embedded, lives: Lives, tmp_path: Path
) -> None:
    with nights(services, lives, tmp_path / "undisturbed", way, what) as undisturbed:
        _, _, steps = (undisturbed.live() for _ in range(WARM + 1))
        assert set(PASSED[way]) <= set(steps)
        first = steps.index(since)
        assert all(undisturbed.live() == steps for _ in steps[first + 1 :]), "every night is like the others"
        undisturbed.quiet()
        expected, current = undisturbed.left(), undisturbed.current()
        assert not any(undisturbed.forgotten().values()), undisturbed.forgotten()
    with nights(services, lives, tmp_path / "killed", way, what) as killed:
        for _ in range(WARM):
            killed.live()
        for number, point in list(enumerate(steps))[first:]:
            assert killed.live(point, steps[: number + 1].count(point)) == steps[: number + 1]
        killed.quiet()
        assert killed.left() == expected
        assert not any(killed.forgotten().values()), killed.forgotten()
    if way not in LATE:
        return
    with nights(services, lives, tmp_path / "late", way, what) as late:
        for _ in range(WARM):
            late.live()
        late.late = True
        for number, point in list(enumerate(steps))[first:]:
            late.live(point, steps[: number + 1].count(point))
        late.quiet()
        assert late.current() == current
        assert late.left()["files"] == expected["files"]
        assert not any(late.forgotten().values()), late.forgotten()


def test_every_step_of_visits_is_a_death_somewhere() -> None:
    assert set(VISIT_POINTS) <= {point for points in PASSED.values() for point in points}
