"""A copy of a working installation, while that goes on: nothing leaves the copy, and once it is released nothing leaves twice or is lost."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli import effects as commands
from connectors.mail_server import leave
from core.embedded import Embedded
from core.errors import InputError, Postponed
from core.i18n import speaking
from demo.smtp_sink import SmtpSink
from services.effects.journal import Line, files, lines, write
from services.orders.sending import ending
from tests.support.daily_mails import SENDER, DailyMails
from tests.support.effects import copy_of
from tests.support.in_process import InProcess, in_process
from tests.support.ordering import NOW, make_world, order
from workers.effects import Watch
from workers.task import Lease
from workers.tasks.letters import send_letter
from workers.tasks.orders import deliver_order, tell_cancelled
from workers.tasks.reminders import send_digest

BODIES: dict[str, Callable[[Lease], None]] = {
    "deliver_order": deliver_order,
    "tell_cancelled": tell_cancelled,
    "send_digest": send_digest,
    "send_letter": send_letter,
}


@dataclass
class Town:
    """One sink for everybody, and installations that send to it."""

    sink: SmtpSink
    folder: Path
    monkeypatch: pytest.MonkeyPatch

    def at(self, database: Embedded, home: str) -> Any:
        return in_process(database, self.folder / home, self.monkeypatch)

    def configure(self, here: InProcess) -> None:
        here.configure(mail__host="127.0.0.1", mail__port=self.sink.port, mail__sender=SENDER, mail__timeout_seconds=3)

    def arrived(self) -> Counter[str]:
        """How often each message arrived, by its Message-ID."""
        heads = [one.content.partition(b"\r\n\r\n")[0].decode() for one in self.sink.messages]
        return Counter(head.partition("Message-ID: ")[2].partition("\r\n")[0] for head in heads)


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    monkeypatch.setattr("workers.queue.publish", lambda rows: len(list(rows)))
    with SmtpSink() as sink, speaking("en"):
        yield Town(sink, tmp_path, monkeypatch)
        leave()


def ordered(here: InProcess, channel: str = "email") -> str:
    with here.transaction() as session:
        (made,) = order(session, make_world(session, channel=channel).item).orders
        return str(made.number)


def do(here: InProcess, kind: str, *numbers: str) -> int:
    """Do the due Work of a kind; only that of these orders, if some are named."""
    if numbers:
        here.rows(
            """UPDATE work SET next_at = clock_timestamp() + CASE WHEN split_part(key, ':', 2) = ANY(:numbers) THEN interval '0' ELSE interval '1 day' END
               WHERE kind = :kind AND done_at IS NULL RETURNING id""",
            kind=kind, numbers=list(numbers),
        )  # fmt: skip
        from workers.task import perform

        due = here.rows(
            "SELECT id FROM work WHERE kind = :kind AND done_at IS NULL AND next_at <= clock_timestamp()", kind=kind
        )
        for row in due:
            perform(row.id, BODIES[kind])
        return len(due)
    return here.do_due(kind, BODIES[kind])


def everything(here: InProcess) -> None:
    for kind in BODIES:
        do(here, kind)
        do(here, kind)


def avain(*arguments: str | Path, fails: bool = False) -> Any:
    result = CliRunner().invoke(commands.app, [*map(str, arguments), *(() if fails else ["--json"])])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def states(here: InProcess) -> dict[str, str]:
    return {row.number: row.state for row in here.rows("SELECT number, state FROM purchase_order ORDER BY number")}


def letter(here: InProcess, name: str) -> None:
    """A letter to the operator that waits."""
    from core.errors import Message
    from core.settings import settings
    from services.alarms import Alarm, tell

    with here.transaction() as session:
        here.configure(mail__operator_email="operator@county.invalid")
        assert tell(session, [Alarm("work_failed", name, Message("boom"))], settings(), now=NOW) == 1


def test_what_left_after_the_copy_was_made_leaves_once(town: Town, database: Embedded) -> None:
    with town.at(database, "first") as here:
        town.configure(here)
        mails = DailyMails(here, town.sink)
        sent, by_file, first, second, cancelled = (
            ordered(here, way) for way in ("email", "file", "email", "email", "email")
        )
        do(here, "deliver_order", sent, cancelled)
        with here.transaction() as session:
            ending.cancel(session, cancelled, actor="cli:enni", reason="moved away", now=NOW)
        mails.write(3)
        letter(here, "one")
        Watch().look(_settings())
    with copy_of(database) as copy:
        with town.at(database, "first") as here:  # goes on with half of it, and with more
            town.configure(here)
            do(here, "deliver_order", by_file, first)
            do(here, "tell_cancelled")
            do(here, "send_letter")
            DailyMails(here, town.sink, [row.id for row in here.rows("SELECT id FROM work WHERE kind = 'send_digest' ORDER BY id LIMIT 1")])  # fmt: skip
            later = ordered(here)
            do(here, "deliver_order", later)
            with here.transaction() as session:
                ending.cancel(session, sent, actor="cli:enni", reason="found another", now=NOW)
            do(here, "tell_cancelled")
            do(here, "send_digest")
        before = town.arrived()
        assert len(before) == 4 + 2 + 1 + 3, before  # orders by mail, cancellations, the letter, daily mails
        with town.at(copy, "second") as there:
            town.configure(there)
            everything(there)
            assert town.arrived() == before
            assert avain("status")["state"] == "restored"
            assert not list((town.folder / "second").glob("effects/*"))
            with pytest.raises(Postponed, match="restored"):
                ordered(there)
            with pytest.raises(InputError, match="--journal"):
                avain("release")

            journal = town.folder / "first" / "effects"
            listed = avain("list", "--journal", journal)
            fates = {one["name"]: one["fate"] for one in listed["waiting"]}
            assert fates[first] == fates[by_file] == fates[f"{cancelled}/cancelled"] == "left"
            assert fates[second] == "waits"
            assert sum(fate == "left" for fate in fates.values()) == 3 + 3 + 1
            assert [one["key"] for one in listed["unknown_here"]] == [f"{sent}/cancelled", later]

            assert avain("release", "--journal", journal, "--dry-run")["dry_run"]
            assert avain("status")["state"] == "restored"
            told = avain("release", "--journal", journal)
            assert {first, by_file, f"{cancelled}/cancelled"} <= set(told["recorded"])
            assert told["going"] == [second]
            assert states(there)[first] == states(there)[by_file] == "sent"
            everything(there)
            assert town.arrived() - before == Counter({_message_of(there, second): 1})
            assert states(there) == {
                **dict.fromkeys((sent, by_file, first, second), "sent"), cancelled: "cancelled",
            }  # fmt: skip

            fresh = ordered(there)
            assert fresh == f"T-2026-{int(later[-6:]) + 1:06d}"
            gap = int(later[-6:])
            assert there.rows("SELECT series, first, last FROM number_gap") == [("T-2026", gap, gap)]
            # what only the provider knows is asked about until somebody has looked into it
            assert [one["key"] for one in avain("status")["unknown_here"]] == [f"{sent}/cancelled", later]
            assert avain("sent", later)["noted"] == [later]
            with there.transaction() as session:  # cancelled here too: the provider was told, and is not told again
                ending.cancel(session, sent, actor="cli:enni", reason="as it was", now=NOW)
            everything(there)
            assert avain("status")["unknown_here"] == []
            assert all(count == 1 for count in town.arrived().values())


def _settings() -> Any:
    from core.settings import settings

    return settings()


def _message_of(here: InProcess, number: str) -> str:
    (row,) = here.rows(
        "SELECT content FROM order_paper JOIN purchase_order ON purchase_order.id = order_id WHERE number = :number AND kind = 'mail'",
        number=number,
    )
    return bytes(row.content).partition(b"Message-ID: ")[2].partition(b"\r\n")[0].decode()


def test_restored_twice_it_knows_what_both_before_it_sent(town: Town, database: Embedded) -> None:
    with town.at(database, "first") as here:
        town.configure(here)
        first, second = ordered(here), ordered(here)
    with copy_of(database) as copy, copy_of(database) as again:
        with town.at(database, "first") as here:
            town.configure(here)
            do(here, "deliver_order", first)
        with town.at(copy, "second") as there:
            town.configure(there)
            avain("release", "--journal", town.folder / "first" / "effects")
            everything(there)
            third = ordered(there)
            everything(there)
        with town.at(again, "third") as anew:
            town.configure(anew)
            both = ("--journal", town.folder / "first" / "effects", "--journal", town.folder / "second" / "effects")
            told = avain("release", *both)
            assert told["recorded"] == [first, second]
            assert [one["key"] for one in told["unknown_here"]] == [third]
            everything(anew)
            assert ordered(anew) > third
            with pytest.raises(InputError, match="Nothing is held"):
                avain("release", *both)
    assert set(town.arrived().values()) == {1}
    assert town.arrived().total() == 3


def test_without_a_journal_a_person_decides(town: Town, database: Embedded) -> None:
    with town.at(database, "first") as here:
        town.configure(here)
        first, second = ordered(here), ordered(here)
    with copy_of(database) as copy, town.at(copy, "second") as there:
        town.configure(there)
        assert {one["fate"] for one in avain("list")["waiting"]} == {"unknown"}
        assert avain("sent", first, "--as", "anna")["recorded"] == [first]
        told = avain("release", "--without-journal", "--past", "T-2026-000150")
        assert told["going"] == [second]
        (hb, t) = told["numbers_passed_over"]
        assert (t["series"], t["first"], t["last"]) == ("T-2026", 3, 150)
        assert hb["last"] - hb["first"] + 1 == 1000
        everything(there)
        assert town.arrived() == Counter({_message_of(there, second): 1})
        assert ordered(there) == "T-2026-000151"
        (event,) = there.rows("SELECT actor, reason FROM audit_event WHERE action = 'order.recorded_sent'")
        assert event.actor == "cli:anna"
        assert "anna" in event.reason


def test_what_may_have_left_is_treated_as_after_a_crash(town: Town, database: Embedded) -> None:
    with town.at(database, "first") as here:
        town.configure(here)
        by_mail, by_file = ordered(here), ordered(here, "file")
        (row,) = here.rows("SELECT instance FROM effects")
    with copy_of(database) as copy, town.at(copy, "second") as there:
        town.configure(there)
        for run, (number, way) in enumerate(((by_mail, "email"), (by_file, "file")), start=900):
            line = Line(
                datetime.now(UTC), "going", "first", row.instance, "deliver_order", number, "ab", way, run, "0" * 32
            )
            write(town.folder / "lost", line, months=13)
        listed = {one["name"]: one["fate"] for one in avain("list", "--journal", town.folder / "lost")["waiting"]}
        assert listed == {by_mail: "perhaps", by_file: "perhaps"}
        avain("release", "--journal", town.folder / "lost")
        everything(there)
        # a file under its name is recognised by whoever collects it; a letter nobody kept is asked about by a person
        assert states(there) == {by_mail: "failed", by_file: "sent"}
        assert not town.arrived()
        with there.transaction() as session:
            ending.resend(session, by_mail, actor="cli:enni", now=NOW)
        everything(there)
        assert town.arrived().total() == 1


def test_a_host_that_sent_and_whose_journal_is_not_there_is_asked_for(town: Town, database: Embedded) -> None:
    with town.at(database, "first") as here:
        town.configure(here)
        ordered(here)
        do(here, "deliver_order")
        here.rows("UPDATE run SET host = 'meri' RETURNING id")
    with copy_of(database) as copy, town.at(copy, "second"):
        with pytest.raises(InputError, match="meri"):
            avain("release", "--journal", town.folder / "first" / "effects")
        (own,) = files([town.folder / "first" / "effects"])
        hers = [replace(one, host="meri", at=one.at - timedelta(hours=2)) for one in lines([own])]
        for one in hers:
            write(town.folder / "meri", one, months=13)
        with pytest.raises(InputError, match=r"ends before .* meri"):
            avain("release", "--journal", town.folder / "meri")
        (town.folder / "empty").mkdir()
        with pytest.raises(InputError, match="empty is no journal"):
            avain("release", "--journal", town.folder / "empty", "--without-journal")
        told = avain("release", "--journal", town.folder / "meri", "--without-journal")
        assert told["journal_until"] == {"meri": hers[-1].at.isoformat()}


def test_a_mail_of_that_day_composed_anew_is_not_sent_again_and_its_news_waits(town: Town, database: Embedded) -> None:
    with town.at(database, "first") as here:
        town.configure(here)
        DailyMails(here, town.sink).write(1)
    with copy_of(database) as copy:
        with town.at(database, "first") as here:
            town.configure(here)
            do(here, "send_digest")
        with town.at(copy, "second") as there:
            town.configure(there)
            there.rows("UPDATE digest SET document = document || E'\\r\\nmore' RETURNING id")
            avain("release", "--journal", town.folder / "first" / "effects")
            everything(there)
            assert there.rows("SELECT state, told_at IS NULL AS waits FROM digest, notice") == [("sent", True)]
    assert town.arrived().total() == 1


@pytest.mark.parametrize("lost", ["attempt", "numbers"])
def test_a_database_that_was_set_back_in_its_place_is_behind_its_journal(
    town: Town, database: Embedded, lost: str
) -> None:
    with town.at(database, "first") as here:
        town.configure(here)
        done, waiting = ordered(here), ordered(here)
        do(here, "deliver_order", done)
        watch = Watch()
        watch.look(_settings())
        assert avain("status")["state"] == "go"
        # as a machine's snapshot would: the same server and database, with less in it
        if lost == "attempt":
            here.rows("UPDATE run SET token = gen_random_uuid() RETURNING id")
            assert do(here, "deliver_order") == 1
            assert [row.outcome for row in here.rows("SELECT outcome FROM run ORDER BY id DESC LIMIT 1")] == [
                "postponed"
            ]
        else:
            here.rows("UPDATE counter SET value = 1 RETURNING value")
            watch.look(_settings())
        assert avain("status")["state"] == "restored"
        assert states(here)[waiting] == "approved"
        assert {one.event for one in lines(files([town.folder / "first" / "effects"]))} == {"going", "gone", "numbers"}
        avain("release", "--journal", town.folder / "first" / "effects")
        everything(here)
        assert states(here) == {done: "sent", waiting: "sent"}
        assert ordered(here) == "T-2026-000003"
        watch.look(_settings())
        assert avain("status")["state"] == "go"
    assert set(town.arrived().values()) == {1}


def test_nothing_leaves_of_which_no_line_can_be_written(town: Town, database: Embedded) -> None:
    with town.at(database, "first") as here:
        town.configure(here)
        number = ordered(here)
        (town.folder / "first").mkdir()
        (town.folder / "first" / "effects").write_text("in the way")
        do(here, "deliver_order")
        assert (states(here)[number], town.arrived().total()) == ("approved", 0)
        assert here.rows("SELECT attempts FROM work WHERE kind = 'deliver_order'") == [(0,)]
        (town.folder / "first" / "effects").unlink()
        do(here, "deliver_order")
        assert (states(here)[number], town.arrived().total()) == ("sent", 1)
