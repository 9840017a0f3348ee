"""A job's life in the real database: what beats and people do to it, and what came of it."""

from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from schedules.jobs import Job
from services import jobs as switching
from services.job_settings import in_force, kept
from services.jobs import call_due_slots
from tests.support.schedule_oracle import Told


class LifeInDatabase:
    """As tests/unit/test_schedule_year.py plays it, over services/jobs.py. `job` is the table's."""

    def __init__(self, session: Session, job: Job, now: datetime) -> None:
        self.session, self.default = session, job
        self.tick(now)

    @property
    def job(self) -> Job:
        """The job in force."""
        return in_force(self.default, kept(self.session)[self.default.name], datetime(2026, 1, 1, tzinfo=UTC)).job

    def is_paused(self, now: datetime) -> bool:
        """Whether a pause is on."""
        return kept(self.session)[self.default.name].standing.is_paused(now)

    def tick(self, now: datetime) -> None:
        """A beat looks."""
        call_due_slots(self.session, [self.default], now)

    def pause(self, now: datetime, until: datetime | None) -> None:
        """Somebody pauses it, each time for another reason."""
        switching.pause(self.session, self.default, actor="test", now=now, until=until, why=f"since {now}")

    def resume(self, now: datetime) -> None:
        """Somebody resumes it."""
        switching.resume(self.session, self.default, actor="test", now=now)

    def change(self, now: datetime, cron: str) -> None:
        """Somebody sets other times."""
        if cron != self.job.cron:
            switching.change(self.session, self.default, actor="test", now=now, cron=cron)

    @property
    def called(self) -> list[datetime]:
        """The slots that Work was called for, in that order."""
        rows = self.session.execute(
            text("SELECT arguments ->> 'slot' FROM work WHERE lane = :lane ORDER BY id"), {"lane": self.default.lane}
        )
        return [datetime.fromisoformat(slot) for slot in rows.scalars()]

    @property
    def told(self) -> list[Told]:
        """What was told as missed, in that order."""
        rows = self.session.execute(
            text("SELECT why, first_slot, last_slot, slots, caught_up_at IS NOT NULL FROM missed_slots ORDER BY id")
        )
        return [tuple(row) for row in rows]
