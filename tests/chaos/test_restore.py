"""A copy made under load, restored while the original went on: nothing leaves it by itself, and once it is released nothing was lost or sent twice.

Real processes work, real servers take what they send, pg_dump copies in the middle of it. What the original sends after the copy, the copy holds as
unsent: only the journal (or a person) knows better.
"""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from core import embedded
from core.embedded import Embedded
from core.embedded.programs import client_programs
from services.backup.making import make
from services.backup.programs import Reach
from services.backup.restoring import open_to_the_application, plan, restore
from services.work import call
from tests.support.copies import empty_database
from tests.support.installation import Installation, Process, installation
from tests.support.lives import Lives
from tests.support.restored import County, county

pytestmark = pytest.mark.slow
#: Machine time, which no test moves: a way that failed is tried again at once.
PATIENCE = {"AVAIN_OUTGOING__FIRST_PAUSE_SECONDS": "0.2", "AVAIN_OUTGOING__LONGEST_PAUSE_MINUTES": "0.005"}
WORKER = ("worker", "--group", "inside", "--group", "outside", "--concurrency", "2")
EFFECTS = "('deliver_order', 'send_digest', 'send_letter', 'tell_cancelled')"


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[County]:
    monkeypatch.setenv("AVAIN_TEST_CLOCK", "1")
    with county(tmp_path) as made:
        yield made


@contextmanager
def at(database: Embedded, town: County, home: Path) -> Iterator[Installation]:
    """An installation with a home of its own, that sends to the same sinks as all others."""
    home.mkdir()
    town.outboxes.append(home / "outbox")
    with installation(database, home, AVAIN_CONFIG=str(town.sinks.settings), **PATIENCE) as made:
        yield made


@dataclass(frozen=True)
class Terminal:
    """Somebody at the terminal of an installation."""

    here: Installation
    lives: Lives

    def types(self, *command: str) -> tuple[int, str]:
        """A command; how it ended and what it said."""
        said = self.here.home / "said"
        said.unlink(missing_ok=True)
        code = self.lives.live("avain", self.here.env(), said, night=json.dumps(command))
        return code, said.read_text(errors="replace")

    def told(self, *command: str) -> Any:
        """What a command that goes well says as JSON."""
        code, said = self.types(*command, "--json")
        assert code == 0, (command, said)
        return json.loads(said[said.index("{\n") :])  # after what was logged

    def consistent(self) -> None:
        """The deep check finds nothing."""
        found = self.told("doctor", "--deep", "--all")
        assert [check for check in found["checks"] if check["broken"]] == []


def sent(here: Installation) -> tuple[int, int]:
    """How many orders and daily e-mails have left."""
    (found,) = here.rows("SELECT (SELECT count(*) FROM purchase_order WHERE state = 'sent'), (SELECT count(*) FROM digest WHERE state = 'sent')")  # fmt: skip
    return found[0], found[1]


def hasten(here: Installation) -> None:
    """Pauses between attempts, which are machine time, are over."""
    here.execute("UPDATE work SET next_at = clock_timestamp() WHERE next_at > clock_timestamp() AND done_at IS NULL AND token IS NULL")  # fmt: skip


def forget(here: Installation) -> None:
    """The leases that the copy holds are over: machine time, 20 seconds of it."""
    here.execute(f"UPDATE work SET lease_until = clock_timestamp() WHERE token IS NOT NULL AND kind IN {EFFECTS}")


def ended(here: Installation) -> bool:
    """Whether all that has an effect is done."""
    hasten(here)
    return not here.rows(f"SELECT 1 FROM work WHERE kind IN {EFFECTS} AND done_at IS NULL") and not here.rows(
        "SELECT 1 FROM work WHERE kind IN ('generate_orders', 'daily_reminders') AND done_at IS NULL"
    )


def killed(*processes: Process) -> None:
    for process in processes:
        os.killpg(process.pid, signal.SIGKILL)
    for process in processes:
        process.wait()


def in_doubt(home: Path) -> set[str]:
    """What the journal says was about to leave, and not what became of it."""
    events: dict[str, str] = {}
    for file in (home / "effects").glob("*.jsonl"):
        for line in file.read_text().splitlines():
            one = json.loads(line)
            if "key" in one:
                events[one["key"]] = one["event"]
    return {key for key, event in events.items() if event == "going"}


def whole(town: County, here: Installation, doubtful: set[str]) -> None:
    """Every order and mail of this database arrived, and once; only what was in doubt when a process died may be there twice, the same bytes."""
    arrived = town.arrived()
    orders = [row.number for row in here.rows("SELECT number FROM purchase_order WHERE channel <> 'external'")]
    mails = [row.message_id for row in here.rows("SELECT message_id FROM digest")]
    counts = {
        **{number: arrived.orders[number] for number in orders},
        **{one: len(arrived.mails[one]) for one in mails},
    }
    assert {name: count for name, count in counts.items() if count != 1 and not (count == 2 and name in doubtful)} == {}
    assert town.point.others == [], "the same number never named two orders"
    assert all(len(set(copies)) == 1 for copies in arrived.mails.values())
    assert here.rows("SELECT number FROM purchase_order WHERE state <> 'sent'") == []
    assert here.rows("SELECT id FROM digest WHERE state <> 'sent'") == []


def test_a_copy_made_under_load_goes_on_where_the_original_ended(
    database: Embedded, tmp_path: Path, town: County, lives: Lives
) -> None:
    """Restored in the same cluster, beside the queue of the original with all of its hints, and given the original's journal."""
    with at(database, town, tmp_path / "original") as original:
        town.begin(original)
        town.choose(original, 40)
        processes = [original.start(*WORKER), original.start(*WORKER), original.start("beat")]
        original.wait(lambda: sent(original)[0] >= 2, 120)
        town.remind(original)
        original.wait(lambda: sent(original)[1] >= 2, 120)
        made = make(database.database_owner_url, tmp_path / "copy.dump")
        town.choose(original, 10)
        original.wait(lambda: sent(original)[1] == 12 and original.rows("SELECT 1 FROM purchase_order WHERE state = 'sent' AND number > 'T-2026-000042'"), 60)  # fmt: skip
        killed(*processes)
        journal, doubtful = original.home / "effects", in_doubt(original.home)
    before = town.arrived()

    with empty_database(database) as second, at(second, town, tmp_path / "second") as here:
        desk = Terminal(here, lives)
        assert desk.told("db", "restore", str(made.file))["checked"]
        unsent = {row.name for row in here.rows("SELECT number AS name FROM purchase_order WHERE state <> 'sent' UNION ALL SELECT message_id FROM digest WHERE state <> 'sent'")}  # fmt: skip
        gone = unsent & (before.orders.keys() | before.mails.keys())
        assert gone, "the copy holds as unsent what the original has sent since"
        assert unsent - gone, "and what it never sent"
        processes = [here.start(*WORKER), here.start(*WORKER), here.start("beat")]
        for turn in ("count_units:1", "count_units:2"):
            # workers and beat are at work, and look at what is due more than once
            hasten(here)
            with Session(here.engine) as session, session.begin():
                call(session, "count_units", turn)
            here.wait(partial(here.rows, "SELECT 1 FROM work WHERE key = :key AND done_at IS NOT NULL", key=turn), 120)
        assert town.arrived() == before, "nothing leaves a restored copy by itself"
        desk.consistent()
        code, said = desk.types("effects", "release")
        assert (code, "--journal" in said) == (1, True), said

        waiting = desk.told("effects", "list", "--journal", str(journal))["waiting"]
        assert {one["name"] for one in waiting if one["fate"] == "left"} >= gone - doubtful
        forget(here)
        release = ("effects", "release", "--journal", str(journal))
        with ThreadPoolExecutor(2) as two:
            both = list(two.map(lambda who: here.run(*release, "--as", who), ("liisa", "matti")))
        assert sorted(one.returncode for one in both) == [0, 1], "two people at once: one of them finds it done"
        town.point.refuses = False
        here.wait(lambda: ended(here), 120)
        whole(town, here, doubtful)

        unknown = [one["key"] for one in desk.told("effects", "status")["unknown_here"]]
        assert unknown, "the original has ordered since, too"
        town.choose(here, 5)
        assert here.rows("SELECT 1 FROM work WHERE kind = 'generate_orders' AND done_at IS NULL"), "it waits"
        desk.told("effects", "sent", *unknown)
        here.wait(lambda: ended(here), 120)
        whole(town, here, doubtful)
        numbers = {row.number for row in here.rows("SELECT number FROM purchase_order WHERE number > 'T-2026-000040'")}
        assert len(numbers) == 5
        assert min(numbers) > max(before.orders), "what left the original after the copy is nobody else's number"
        killed(*processes)
        desk.consistent()
        code, said = desk.types("db", "restore", str(made.file))
        assert (code, "is not empty" in said) == (1, True), said

    with empty_database(database) as third:  # the same copy once more: what was released there is not released here
        what = plan(third.database_owner_url, third.database_url, made.file)
        restore(third.database_owner_url, third.database_url, what)
        open_to_the_application(third.database_owner_url, what)
        with Reach.of(third.database_url).connect() as connection:
            assert connection.execute("SELECT effects_state()").fetchone() == ("restored",)


def test_a_machine_that_was_lost_with_its_journal(
    database: Embedded, tmp_path: Path, town: County, lives: Lives
) -> None:
    """A plain pg_dump, restored by a plain pg_restore in another cluster. Nobody can tell what left after it: a person asks the providers."""
    ours = client_programs()
    assert ours is not None
    file = tmp_path / "copy.dump"
    with at(database, town, tmp_path / "original") as original:
        town.begin(original)
        town.point.refuses = False
        town.choose(original, 20)
        town.remind(original)
        log = original.home / "log"
        env = original.env(FAULT_POINT="delivery.sending", FAULT_PASS="5")
        assert lives.live("as_it_comes", env, log) == -9, log.read_text()
        subprocess.run([ours / "pg_dump", "--format=custom", f"--file={file}", "--dbname", Reach.of(database.database_owner_url).connection], check=True)  # fmt: skip
        original.execute("UPDATE work SET lease_until = clock_timestamp() WHERE token IS NOT NULL")
        env = original.env(FAULT_POINT="delivery.sent", FAULT_PASS="7")
        assert lives.live("as_it_comes", env, log) == -9, log.read_text()
    before = town.arrived()

    other = tmp_path / "cluster"
    try:
        servers = embedded.start(other, durable=False)
        reach = Reach.of(servers.database_owner_url).connection
        subprocess.run([ours / "pg_restore", "--no-owner", "--exit-on-error", "--dbname", reach, file], check=True)
        with at(servers, town, tmp_path / "new") as here:
            desk = Terminal(here, lives)
            life(here, lives)
            assert town.arrived() == before, "nothing leaves a restored copy by itself"
            waiting = {one["name"]: one["fate"] for one in desk.told("effects", "list")["waiting"]}
            assert set(waiting.values()) <= {"unknown", "perhaps"}
            assert waiting.keys() >= before.orders.keys() - {row.number for row in here.rows("SELECT number FROM purchase_order WHERE state = 'sent'")}  # fmt: skip
            assert "--without-journal" in desk.types("effects", "release")[1]
            asked = sorted(waiting.keys() & (before.orders.keys() | before.mails.keys()))
            assert desk.told("effects", "sent", *asked)["recorded"] == asked
            forget(here)
            desk.told("effects", "release", "--without-journal", "--past", "T-2026-000025")
            life(here, lives)
            whole(town, here, set())
            town.choose(here, 2)
            life(here, lives)
            whole(town, here, set())
            assert {row.number for row in here.rows("SELECT number FROM purchase_order WHERE number > 'T-2026-000020'")} == {"T-2026-000026", "T-2026-000027"}  # fmt: skip
            desk.consistent()
    finally:
        embedded.remove(other)


def life(here: Installation, lives: Lives) -> None:
    """All that is due and may be done is done, in a process of its own."""
    log = here.home / "log"
    assert lives.live("as_it_comes", here.env(), log) == 0, log.read_text(errors="replace")[-3000:]
