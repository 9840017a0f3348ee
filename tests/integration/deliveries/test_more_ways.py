"""Daily e-mails in series, connections of orders and the folder of files: ways out that fail, beside the mail server of single orders."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from connectors.mail_server import leave
from core.logging import configure_logging
from core.settings import settings
from services import ways
from tests.support.daily_mails import DailyMails, daily_mails
from tests.support.delivering import state
from tests.support.full_disk import files_no_larger_than
from tests.support.in_process import InProcess
from tests.support.order_sinks import CHANNEL_SETTINGS, Sinks, order_sinks
from tests.support.ordering import make_world, order
from tests.support.ways_out import PATIENT, breaker, many_ordered, pause_ends, spent, work


@pytest.fixture(autouse=True)
def _patient(here: InProcess) -> Iterator[None]:
    here.configure(**PATIENT)
    yield
    leave()


class TestSeries:
    """Daily mails go in series: one failure stops them all, and they wait together."""

    @pytest.fixture
    def mails(self, here: InProcess) -> Iterator[DailyMails]:
        with daily_mails(here) as made:
            here.configure(**PATIENT)
            yield made

    def test_a_morning_without_a_mail_server_costs_three_attempts_for_all(
        self, here: InProcess, mails: DailyMails
    ) -> None:
        mails.write(30)
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        here.configure(mail__port=port)
        for _ in range(3):
            mails.send(here.rows("UPDATE work SET next_at = clock_timestamp() RETURNING id")[0].id)
        assert breaker(here).closed_at is not None
        assert spent(here) == 3
        assert here.rows("SELECT count(*) FROM put_off")[0][0] == 30
        assert work(here) == 0
        pause_ends(here)
        assert work(here) == 1
        assert spent(here) == 3

        here.configure(mail__port=mails.sink.port)
        pause_ends(here)
        assert work(here) == 1
        assert mails.states() == {"sent": 30}, "the one that tried took the others along"
        assert set(mails.arrived().values()) == {1}

    def test_of_those_in_hand_none_is_tried_when_the_server_is_closed(self, here: InProcess, mails: DailyMails) -> None:
        mails.write(6)
        with here.transaction() as session:
            session.execute(
                text("INSERT INTO breaker (name, failures, closed_at, until, tries, reason) VALUES ('mail', 3, clock_timestamp(), clock_timestamp() + interval '1 hour', 1, '{}')")
            )  # fmt: skip
        mails.send()
        assert mails.sink.connections == 0
        assert mails.states() == {"composed": 6}
        assert spent(here) == 0
        assert here.rows("SELECT count(*) FROM put_off")[0][0] == 6
        assert mails.outcomes() == {"postponed": 1}, "the others were not even claimed"

    def test_a_good_mail_ends_the_row_of_failures(self, here: InProcess, mails: DailyMails) -> None:
        mails.write(5)
        mails.sink.recorder.script[:] = ["451", "451", "accept", "451", "accept"]
        mails.send()
        assert breaker(here).failures == 0


class TestConnections:
    """Connections of orders and the folder of files: each by itself."""

    @pytest.fixture
    def sinks(self, here: InProcess, tmp_path: Path) -> Iterator[Sinks]:
        with order_sinks(tmp_path / "sinks") as made:
            here.configure(config=made.settings)
            yield made

    def connected(self, here: InProcess, channel: str) -> str:
        with here.transaction() as session:
            world = make_world(session, channel=channel)
            world.provider.channel_settings = dict(CHANNEL_SETTINGS[channel])
            session.flush()
            return order(session, world.item, settings=settings().orders).orders[0].number

    def test_one_that_is_down_hinders_no_other(self, here: InProcess, sinks: Sinks) -> None:
        numbers = {channel: [self.connected(here, channel) for _ in range(4)] for channel in ("https", "sftp", "file")}
        sinks.point.busy = True
        work(here)
        (way,) = here.rows("SELECT name FROM breaker WHERE closed_at IS NOT NULL")
        assert way.name == ways.way_of("https", CHANNEL_SETTINGS["https"])
        assert here.rows("SELECT DISTINCT way FROM put_off")[0].way == way.name
        assert {state(here, one) for channel in ("sftp", "file") for one in numbers[channel]} == {"sent"}
        sinks.point.busy = False
        pause_ends(here)
        while work(here):
            pass
        assert {state(here, one) for one in numbers["https"]} == {"sent"}
        assert set(sinks.point.documents) == set(numbers["https"])

    def test_a_folder_that_takes_no_file_costs_no_order(self, here: InProcess) -> None:
        """An errno that passes by itself, as of a full disk."""
        numbers = many_ordered(here, 5, "file")
        outbox = settings().order_outbox
        outbox.parent.mkdir(parents=True, exist_ok=True)
        configure_logging("console", "INFO")  # a log that cannot be written stops nobody
        with files_no_larger_than(4096):  # the journal's lines are shorter
            work(here)
        assert breaker(here, ways.OUTBOX).closed_at is not None
        assert spent(here) == 3
        pause_ends(here)
        while work(here):
            pass
        assert {state(here, number) for number in numbers} == {"sent"}
