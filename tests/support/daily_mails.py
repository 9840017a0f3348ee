"""Daily e-mails that wait to be sent: each with a worker, a follow-up, news and Work of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text

from connectors.mail import Letter, compose
from connectors.mail_server import leave
from core import database
from core.clock import business_today
from demo.smtp_sink import SmtpSink
from models.follow_up import Digest
from services.work import call, expire_leases
from services.work.lease import after_death
from tests.factories.follow_up import make_follow_up, make_followed, make_notice
from tests.support.in_process import InProcess
from workers.task import perform
from workers.tasks.reminders import send_digest

SENDER = "avain@avain-esimerkki.invalid"
TASK = "workers.tasks.reminders.send_digest"


@dataclass
class DailyMails:
    """An installation with mails of today, and the server they go to."""

    here: InProcess
    sink: SmtpSink
    works: list[int] = field(default_factory=list)

    def write(self, count: int) -> None:
        """Mails of today, told of in their follow-ups and notices as composing does."""
        with self.here.transaction() as session:
            today = business_today(session)
            for number in range(count):
                followed = make_followed(session)
                told = make_follow_up(session, followed.item, announced_on=today, announced_times=1)
                news = make_notice(session, followed.worker, told_at=datetime.now(UTC))
                address, message_id = str(followed.worker.email), f"<digest.{today}.{number}@avain-esimerkki.invalid>"
                letter = Letter(SENDER, address, "Avain", f"Mail {number}\n", message_id, datetime.now(UTC))
                digest = Digest(
                    worker_id=followed.worker.id,
                    local_date=today,
                    message_id=message_id,
                    document=compose(letter).decode("ascii"),
                    items={"announced": [told.id], "escalated": [], "news": [news.id]},
                )
                session.add(digest)
                session.flush()
                work_id = call(
                    session, "send_digest", f"digest:{followed.worker.external_id}:{today}", subject_id=digest.id
                )
                assert work_id is not None
                self.works.append(work_id)

    def send(self, work_id: int | None = None) -> None:
        """What a worker's child does for a message of the queue."""
        perform(work_id or self.works[0], send_digest)

    def send_all(self, times: int = 8) -> None:
        """Do what is left, each at most so often, without the pauses."""
        for _ in range(times):
            left = self.here.rows(
                "UPDATE work SET next_at = clock_timestamp() WHERE done_at IS NULL AND dead_at IS NULL RETURNING id"
            )
            for row in left:
                self.send(row.id)

    def lose_leases(self) -> None:
        """What the tick does after processes died."""
        with self.here.transaction() as session:
            session.execute(text("UPDATE work SET lease_until = clock_timestamp() WHERE token IS NOT NULL"))
        with self.here.transaction() as session:
            for ended in expire_leases(session)[1]:
                after_death(session, ended)

    def states(self) -> dict[str, int]:
        """How many mails stand how."""
        rows = self.here.rows("SELECT state, count(*) AS count FROM digest GROUP BY state")
        return {row.state: row.count for row in rows}

    def outcomes(self) -> dict[str, int]:
        """How many attempts came to what."""
        rows = self.here.rows(
            "SELECT coalesce(outcome, 'open') AS outcome, count(*) AS count FROM run WHERE kind = 'send_digest' GROUP BY 1"
        )
        return {row.outcome: row.count for row in rows}

    def value(self, sql: str) -> Any:
        """The one value of a query."""
        return self.here.rows(sql)[0][0]

    def arrived(self) -> dict[bytes, int]:
        """How often each message arrived, byte for byte."""
        contents = [one.content for one in self.sink.messages]
        return {one: contents.count(one) for one in contents}


@contextmanager
def daily_mails(here: InProcess, **mail: Any) -> Iterator[DailyMails]:
    """An installation that sends its mail to a sink of its own."""
    with SmtpSink() as sink:
        values = {"host": "127.0.0.1", "port": sink.port, "sender": SENDER, "timeout_seconds": 3, **mail}
        here.configure(**{f"mail__{name}": value for name, value in values.items()})
        try:
            yield DailyMails(here, sink)
        finally:
            leave()
            database.engine().dispose()
