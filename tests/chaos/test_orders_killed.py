"""Two hundred orders over every channel, their process killed at every step of ordering and delivering: each arrives, and as one.

Real servers take them, real processes die by SIGKILL. Every step is died at once on every channel, a death follows upon the other.
"""

import email
import email.policy
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from core.embedded import Embedded
from tests.support.families_chose import families_chose
from tests.support.installation import Installation, installation
from tests.support.lives import Lives
from tests.support.order_sinks import CHANNEL_SETTINGS, Sinks, order_sinks

ORDERS = 200
CHANNELS = list(CHANNEL_SETTINGS)
#: Where ordering dies, and how often it passes the step before: a person's approval, then the job that orders the rest.
ORDERING = (
    ("orders.stored", 1),
    ("orders.stored", 3),
    ("work.claimed", 1),
    ("orders.stored", 1),
    ("work.before_close", 1),
)
#: Steps of delivering that are the same on every channel: nothing has happened yet, or all is recorded.
CLAIMED, CLOSED = "work.claimed", "work.after_close"
#: Steps died at on every channel: before anything left this machine, and when it has left without a record of it.
BEFORE = ("delivery.paper", "delivery.sending")
IN_THE_GAP = ("delivery.sent", "work.before_close")
#: What there must be none of.
NOTHING = {
    "items ordered twice": "SELECT plan_item_id FROM order_coverage WHERE live GROUP BY plan_item_id HAVING count(*) > 1",
    "items not ordered": "SELECT id FROM plan_item WHERE id NOT IN (SELECT plan_item_id FROM order_coverage WHERE live)",
    "orders not sent": "SELECT number FROM purchase_order WHERE state <> 'sent' OR sent_at IS NULL OR unclear_sends <> 0",
    "orders without work": "SELECT number FROM purchase_order WHERE 'deliver_order:' || number NOT IN (SELECT key FROM work)",
    "work": "SELECT key FROM work WHERE kind IN ('generate_orders', 'deliver_order') AND (done_at IS NULL OR dead_at IS NOT NULL)",
    "open runs": "SELECT id FROM run WHERE kind IN ('generate_orders', 'deliver_order') AND finished_at IS NULL",
    "gaps in the numbers": "SELECT 1 FROM purchase_order HAVING count(*) <> max(right(number, 6)::int)",
}


@pytest.fixture
def sinks(tmp_path: Path) -> Iterator[Sinks]:
    with order_sinks(tmp_path) as made:
        yield made


@pytest.fixture
def here(database: Embedded, tmp_path: Path, sinks: Sinks, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    monkeypatch.setenv("AVAIN_TEST_CLOCK", "1")
    with installation(database, tmp_path, AVAIN_CONFIG=str(sinks.settings)) as running:
        yield running


def live(here: Installation, lives: Lives, point: str | None = None, passes: int = 1) -> str | None:
    """A life, to its end or the fault point; whose delivery died with it. Its lease is over."""
    fault = {} if point is None else {"FAULT_POINT": point, "FAULT_PASS": str(passes)}
    log = here.home / "log"
    code = lives.live("order_and_deliver", here.env(**fault), log)
    assert code == (0 if point is None else -9), (point, log.read_text(errors="replace")[-3000:])
    held = here.rows(
        "SELECT split_part(key, ':', 2) AS number FROM work WHERE token IS NOT NULL AND kind = 'deliver_order'"
    )
    # 20 seconds, skipped; and so many deaths would be given up
    here.execute("UPDATE work SET lease_until = clock_timestamp(), attempts = 1 WHERE token IS NOT NULL")
    return held[0].number if held else None


@pytest.mark.slow
def test_every_order_arrives_once(here: Installation, lives: Lives, sinks: Sinks) -> None:
    with Session(here.engine) as session, session.begin():
        families_chose(session, ORDERS)
    made = []
    for point, passes in ORDERING:
        assert live(here, lives, point, passes) is None, "nothing is delivered yet"
        made.append(here.rows("SELECT count(*) AS n FROM purchase_order")[0].n)
    assert made == [0, 80, 80, 80, ORDERS], "what was committed before a death stayed"
    died: dict[str, list[str | None]] = defaultdict(list)
    for point in (CLAIMED, *(BEFORE + IN_THE_GAP) * len(CHANNELS), CLOSED):
        # the second in turn: the first is what the death before left behind
        died[point].append(live(here, lives, point, passes=2))
    assert live(here, lives) is None
    assert {what: found for what, sql in NOTHING.items() if (found := here.rows(sql))} == {}

    orders = {row.number: row for row in here.rows("SELECT id, number, channel, document FROM purchase_order")}
    by_channel: dict[str, dict[str, bytes]] = defaultdict(dict)
    for row in orders.values():
        by_channel[row.channel][row.number] = bytes(row.document)
    assert Counter(row.channel for row in orders.values()) == dict.fromkeys(CHANNELS, ORDERS // len(CHANNELS))
    for point in BEFORE + IN_THE_GAP:
        assert {orders[number].channel for number in died[point]} == set(CHANNELS), f"all died at {point}"

    as_files = {
        channel: {f"{number}.xml": document for number, document in by_channel[channel].items()}
        for channel in ("sftp", "file")
    }
    assert sinks.files == as_files["sftp"]
    outbox = here.home / "outbox" / "all"
    assert {path.name: path.read_bytes() for path in outbox.iterdir()} == as_files["file"]
    assert sinks.point.documents == by_channel["https"]
    assert not sinks.point.others
    assert not sinks.point.repeats, "the journal knows what left before a death"

    letters: dict[str, list[tuple[str, tuple[str, ...], bytes]]] = defaultdict(list)
    for received in sinks.mail.messages:
        head = email.message_from_bytes(received.content, policy=email.policy.default)
        letters[str(head["Subject"])].append((str(head["Message-ID"]), received.recipients, received.content))
    assert letters.keys() == by_channel["email"].keys()
    assert {number: len(copies) for number, copies in letters.items()} == dict.fromkeys(letters, 1)
    kept = here.rows("SELECT number, content FROM order_paper JOIN purchase_order ON purchase_order.id = order_id WHERE kind = 'mail'")  # fmt: skip
    assert {row.number: bytes(row.content) for row in kept} == {number: one[0][2] for number, one in letters.items()}

    outcomes = Counter(row.outcome for row in here.rows("SELECT outcome FROM run WHERE kind = 'deliver_order'"))
    assert outcomes == {"succeeded": ORDERS, "lost": 1 + len(CHANNELS) * len(BEFORE + IN_THE_GAP)}
