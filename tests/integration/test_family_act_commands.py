"""`avain family proposals|confirm|decline|wishes|noted`, and the job that tidies up by night."""

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from typer.testing import CliRunner, Result

import core.database
import core.settings
import workers.queue
from cli.main import app
from core.errors import InputError, NotFound
from core.keys import wish_sealer
from services.family import wishes
from tests.integration.test_family_races import Two, two
from tests.support.browsing import settings_for
from tests.support.lease_in_test import InTest
from tests.support.market import NOW
from workers.tasks.families import tidy_family

__all__ = ["two"]


class Avain:
    """Runs commands in this process, over the world of `two`."""

    def __init__(self, made: Two, monkeypatch: pytest.MonkeyPatch) -> None:
        self.two, self.monkeypatch = made, monkeypatch
        monkeypatch.setattr(core.database, "engine", lambda: made.engine)
        monkeypatch.setattr(workers.queue, "hint", lambda _ids: None)
        monkeypatch.setattr("workers.tasks.families.business_now", lambda _session: NOW)
        monkeypatch.setattr("cli.family_acts.business_now", lambda _session: NOW)
        monkeypatch.setattr("cli.family_acts.business_today", lambda _session: NOW.date())
        self.enable()

    def enable(self, *, enabled: bool = True) -> None:
        configured = settings_for(family={"enabled": enabled})
        self.monkeypatch.setattr(core.settings, "settings", lambda: configured)

    def run(self, *arguments: str) -> Result:
        result = CliRunner().invoke(app, ["family", *arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def json(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json").stdout)


@pytest.fixture
def avain(two, monkeypatch) -> Avain:
    return Avain(two, monkeypatch)


def test_proposals_are_listed_confirmed_and_declined(avain, two):
    assert avain.json("proposals") == []
    proposal = two.alone(two.propose())
    (row,) = avain.json("proposals")
    assert (row["id"], row["case"], row["euros"], row["by"]) == (proposal, two.case.number, "1080.00", "parent")
    assert two.case.number in avain.run("proposals").stdout
    with pytest.raises(InputError, match="Say why"):
        avain.run("decline", str(proposal), "--reason", " ")
    assert avain.json("decline", str(proposal), "--reason", "ei nyt") == {"id": proposal, "state": "declined"}
    again = two.alone(two.propose())
    assert avain.json("confirm", str(again), "--dry-run")["dry_run"]
    assert two.states() == ["declined", "open"]
    assert "confirmed and recorded as the choice" in avain.run("confirm", str(again), "--as", "enni").stdout
    with pytest.raises(InputError, match="confirmed already"):
        avain.run("confirm", str(again))
    with pytest.raises(NotFound, match="no such proposal"):
        avain.run("confirm", "999999")
    assert two.states() == ["declined", "confirmed"]


def test_wishes_are_listed_without_words_written_down_and_tidied(avain, two):
    def wish(words: str, days: int) -> None:
        two.alone(
            lambda session: wishes.write(
                session, two.case, place=wishes.new_place(), ticks=["talk"], words=words, voice="adult", actor="family:link-1",
                sealer=wish_sealer(settings_for()), now=NOW - timedelta(days=days),
            )
        )  # fmt: skip

    wish("iltaisin", 1)
    wish("aamuisin", 40)
    shown = avain.run("wishes", two.case.number).stdout
    assert "We want to talk with our worker" in shown
    assert "iltaisin" not in shown
    new = max(avain.json("wishes", two.case.number), key=lambda one: one["written_at"])
    assert (new["words"], new["state"], new["ticks"]) == (True, "sent", ["talk"])
    assert avain.json("noted", str(new["id"])) == {"id": new["id"], "state": "noted"}
    with pytest.raises(NotFound, match="no such wish"):
        avain.run("noted", "999999")
    with pytest.raises(NotFound, match="There is no case HB-1"):
        avain.run("wishes", "HB-1")
    two.alone(two.propose())
    with Session(two.engine) as session:
        session.execute(text("UPDATE client_case SET status = 'closed'"))
        lease: Any = InTest(session, settings_for())
        for counts in ({"removed": 1, "overtaken": 1}, {"removed": 0, "overtaken": 0}):
            tidy_family(lease)
            assert lease.endings[-1].counts == counts


def test_while_it_is_off_it_says_how_to_turn_it_on(avain, two):
    avain.enable(enabled=False)
    for command in (
        ["proposals"],
        ["confirm", "1"],
        ["decline", "1", "--reason", "x"],
        ["wishes", "HB-1"],
        ["noted", "1"],
    ):
        with pytest.raises(InputError, match="enabled = true under"):
            avain.run(*command)
