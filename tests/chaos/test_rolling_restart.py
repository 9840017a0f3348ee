"""Workers replaced one after the other in the middle of a morning: nothing is lost, nothing is sent twice, and no attempt is counted."""

import email
import email.policy
import signal
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy.orm import Session

from core.clock import move_business_clock
from core.embedded import Embedded
from core.i18n import HELSINKI
from services.work.lease import GIVEN_BACK
from tests.factories.follow_up import make_followed
from tests.support.families_chose import families_chose
from tests.support.installation import Installation, installation
from tests.support.order_sinks import CHANNEL_SETTINGS, Sinks, order_sinks

ORDERS, MAILS = 100, 40
#: So long the mail server takes for each, until both workers have been replaced.
MAIL_SECONDS: Final = 1.0
#: Several processes start at once, on a machine that may have other things to do.
PATIENCE: Final = 120.0
KINDS: Final = ("deliver_order", "send_digest")


@pytest.fixture
def sinks(tmp_path: Path) -> Iterator[Sinks]:
    with order_sinks(tmp_path) as made:
        made.mail.recorder.script += [f"delay:{MAIL_SECONDS}"] * 1000
        yield made


@pytest.fixture
def here(database: Embedded, tmp_path: Path, sinks: Sinks, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    monkeypatch.setenv("AVAIN_TEST_CLOCK", "1")
    with installation(database, tmp_path, AVAIN_CONFIG=str(sinks.settings)) as running:
        yield running


def begin_the_morning(here: Installation) -> None:
    """Beat finds its jobs due: orders are made and sent, and so are daily e-mails."""
    with Session(here.engine) as session, session.begin():
        families_chose(session, ORDERS)
        for _ in range(MAILS):
            make_followed(session)
    beat = here.start("beat")
    here.wait(lambda: here.rows("SELECT 1 FROM heartbeat WHERE kind = 'beat'"), PATIENCE)
    with Session(here.engine) as session, session.begin():
        move_business_clock(session, datetime.combine(date(2026, 12, 7), time(8, 1), HELSINKI))
    here.wait(lambda: left(here) > ORDERS // 2, PATIENCE)
    assert beat.poll() is None


def left(here: Installation) -> int:
    """How much is still to be sent."""
    sql = "SELECT count(*) AS n FROM work WHERE kind = ANY(:kinds) AND done_at IS NULL AND dead_at IS NULL"
    return int(here.rows(sql, kinds=list(KINDS))[0].n)


def under_way(here: Installation) -> bool:
    """Whether several are in hand."""
    sql = "SELECT 1 FROM work WHERE kind = ANY(:kinds) AND token IS NOT NULL"
    return len(here.rows(sql, kinds=list(KINDS))) > 1


@pytest.mark.slow
def test_workers_replaced_under_load_lose_and_repeat_nothing(here: Installation, sinks: Sinks) -> None:
    workers = [here.start("worker", "--group", "outside") for _ in range(2)]
    begin_the_morning(here)
    for old in workers:
        here.wait(lambda: under_way(here), PATIENCE)
        assert left(here) > 10, "under load"
        old.send_signal(signal.SIGTERM)
        assert old.wait(30) == 0
        here.start("worker", "--group", "outside")
    sinks.mail.recorder.script.clear()
    here.wait(lambda: left(here) == 0, PATIENCE)
    check(here, sinks)


def check(here: Installation, sinks: Sinks) -> None:
    """Everything arrived once, whatever it went by; nothing was lost, only given back."""
    orders: dict[str, dict[str, bytes]] = {channel: {} for channel in CHANNEL_SETTINGS}
    for row in here.rows("SELECT number, channel, document FROM purchase_order WHERE state = 'sent'"):
        orders[row.channel][row.number] = bytes(row.document)
    assert {channel: len(found) for channel, found in orders.items()} == dict.fromkeys(orders, ORDERS // len(orders))
    assert sinks.files == {f"{number}.xml": document for number, document in orders["sftp"].items()}
    assert len(list((here.home / "outbox" / "all").iterdir())) == len(orders["file"])
    assert sinks.point.documents == orders["https"]
    assert not sinks.point.repeats
    heads = [email.message_from_bytes(one.content, policy=email.policy.default) for one in sinks.mail.messages]
    assert set(Counter(str(head["Message-ID"]) for head in heads).values()) == {1}
    assert len(heads) == len(orders["email"]) + MAILS
    ended: list[Any] = here.rows(
        "SELECT kind, outcome, message, count(*) AS n FROM run WHERE kind = ANY(:kinds) GROUP BY kind, outcome, message",
        kinds=list(KINDS),
    )
    done = {row.kind: row.n for row in ended if row.outcome == "succeeded"}
    assert done == {"deliver_order": ORDERS, "send_digest": MAILS}
    assert {(row.outcome, row.message["msgid"]) for row in ended if row.outcome != "succeeded"} <= {
        ("retry", GIVEN_BACK.msgid)
    }
    assert {row.attempts for row in here.rows("SELECT DISTINCT attempts FROM work WHERE kind = ANY(:kinds)", kinds=list(KINDS))} == {1}  # fmt: skip
