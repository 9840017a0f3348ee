"""A county whose orders and daily e-mails go out over every channel, and what has arrived of them: for tests that go on from a copy of it."""

import email
import email.policy
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session
from werkzeug import Request, Response

from core.budget_settings import Budgets
from core.clock import move_business_clock
from services import numbers
from services.budgets import dirty
from services.work import call
from tests.factories.follow_up import make_followed
from tests.factories.price import make_price
from tests.factories.service import make_service
from tests.support.budgets import recompute_dirty
from tests.support.bulk import Rows
from tests.support.families_chose import add_family
from tests.support.installation import Installation
from tests.support.order_sinks import CHANNEL_SETTINGS, Point, Sinks, order_sinks
from tests.support.ordering import make_orderable_provider

#: A Monday morning, after the daily e-mails are due.
NOW = datetime(2026, 12, 7, 6, 1, tzinfo=UTC)
CHANNELS = list(CHANNEL_SETTINGS)


@dataclass
class SlowPoint(Point):
    """An access point that takes its time, and at first not every order."""

    refuses: bool = True
    seconds: float = 0.05

    def take(self, request: Request) -> Response:
        """Orders of even numbers find it closed, as long as it refuses."""
        time.sleep(self.seconds)
        if self.refuses and int(request.headers["Idempotency-Key"][-1]) % 2 == 0:
            return Response("closed for maintenance", 503)
        return super().take(request)


@dataclass
class Arrived:
    """What has arrived at all the sinks: how often, by number or Message-ID. An SFTP file that was written twice counts twice."""

    orders: Counter[str]
    mails: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))


@dataclass
class County:
    """Families, providers and workers, in whichever database they are; the sinks are the same for all."""

    sinks: Sinks
    point: SlowPoint
    outboxes: list[Path] = field(default_factory=list)
    families: int = 0
    providers: list[int] = field(default_factory=list)
    service: int = 0
    _files: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))

    def begin(self, here: Installation) -> None:
        """A service, a provider on every channel, and workers who have something to follow up."""
        with Session(here.engine) as session, session.begin():
            service = make_service(session)
            self.service = service.id
            for channel, settings in CHANNEL_SETTINGS.items():
                provider = make_orderable_provider(session, service, channel=channel, channel_settings=settings)
                make_price(session, service, provider, "88.00")
                self.providers.append(provider.id)
            for number in numbers.take(session, "HB", 2026, 12):
                make_followed(session).case.number = number
            # the prices' own import is over
            session.execute(text("UPDATE run SET outcome = 'succeeded', finished_at = clock_timestamp()"))
            session.execute(text("UPDATE work SET done_at = clock_timestamp()"))
            move_business_clock(session, NOW)

    def choose(self, here: Installation, count: int) -> None:
        """So many families choose a provider; the channels take turns. What they chose is to be ordered."""
        with Session(here.engine) as session, session.begin():
            rows, cases = Rows(), iter(numbers.take(session, "HB", 2026, count))
            for turn in range(self.families, self.families + count):
                add_family(
                    rows, turn, source="town", number=next(cases), service=self.service, provider=self.providers[turn % len(CHANNELS)],
                    decided_on=date(2026, 11, 30), planned=(date(2026, 12, 14), date(2027, 3, 13)), chosen_at=NOW,
                )  # fmt: skip
            rows.flush(session)
            dirty.mark_all(session, "asked")
            recompute_dirty(session, now=NOW, settings=Budgets())
            call(session, "generate_orders", f"generate_orders:{self.families}")
        self.families += count

    def remind(self, here: Installation) -> None:
        """The morning's e-mails are to be written."""
        with Session(here.engine) as session, session.begin():
            call(session, "daily_reminders", "daily_reminders:1")

    def arrived(self) -> Arrived:
        """What is at the sinks now."""
        found = Arrived(Counter(self.point.documents.keys()) + Counter(self.point.repeats))
        for file in self.sinks.sftp.iterdir():
            self._files[file.stem].add(file.stat().st_ino)
        found.orders.update({number: len(seen) for number, seen in self._files.items()})
        for outbox in self.outboxes:
            found.orders.update(file.stem for file in outbox.glob("all/*.xml"))
        for received in self.sinks.mail.messages:
            head = email.message_from_bytes(received.content, policy=email.policy.default)
            found.mails[str(head["Message-ID"])].append(received.content)
            if str(head["Subject"]).startswith("T-"):
                found.orders[str(head["Subject"])] += 1
        return found


@contextmanager
def county(folder: Path) -> Iterator[County]:
    """The sinks; mail takes its time too."""
    point = SlowPoint()
    with order_sinks(folder, point) as sinks:
        sinks.mail.recorder.script += ["delay:0.2"] * 200
        yield County(sinks, point)
