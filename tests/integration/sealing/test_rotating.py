"""Keys that change: everything is sealed anew, nothing is lost, wherever it is broken off, and it is told which key may be dropped."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from core.database import transaction
from core.errors import ConfigurationError, Transient
from core.keys import DERIVED, sealer
from core.settings import Settings
from models import metadata
from services.sealing import PLACES, indexing_in_force, kept, standing
from services.sealing.indexing import index_anew
from services.sealing.resealing import reseal
from services.sealing.rotating import call_for, must_be_whole, progress, to_seal_anew
from services.sealing.standing import index_in_force, index_missing
from tests.support.in_process import InProcess
from tests.support.queries import recording
from tests.support.sealed import KEYS, NUMBER, configure, fill, indexes, opened, sealed_by
from workers.task import perform
from workers.tasks.sealing import seal_anew

NOW = datetime(2026, 11, 16, 6, tzinfo=UTC)
#: What `fill` seals beside clients: a held client, a note, two wishes.
BESIDE = 4


@pytest.fixture
def before(here: InProcess) -> Settings:
    """An installation whose every sealed thing is of the key a, but for a wish from before there were keys."""
    configured = configure(here, "a")
    with transaction() as session:
        fill(session, configured)
    return configured


def ask(configured: Settings) -> int:
    with transaction() as session:
        return call_for(session, kept(configured), actor="cli:test", now=NOW)


def states(configured: Settings) -> dict[str, str]:
    with transaction() as session:
        return {one.key: one.state for one in standing(session, kept(configured))}


def test_every_sealed_column_is_a_place():
    columns = {
        f"{table.name}.{column.name}"
        for table in metadata.tables.values()
        for column in table.columns
        if column.name.startswith("sealed") and column.type.python_type is bytes
    }
    assert columns == {place.name for place in PLACES}


def test_everything_is_sealed_anew_and_the_former_key_may_go(here: InProcess, before: Settings) -> None:
    with transaction() as session:
        content = opened(session, before)
        assert sealed_by(session) == {"key-a": 5 + BESIDE - 1, DERIVED: 1}
    after = configure(here, "b", "a")
    assert states(after) == {"key-b": "current", "key-a": "needed", DERIVED: "needed"}
    work = ask(after)
    perform(work, seal_anew)
    with transaction() as session:
        assert sealed_by(session) == {"key-b": 5 + BESIDE}
        assert opened(session, configure(here, "b")) == content
        done = progress(session, work)
        assert (done.outcome, done.counts) == ("succeeded", {"resealed": 9})
    assert states(after) == {"key-b": "current", "key-a": "idle"}
    said = here.rows("SELECT actor, action, details FROM audit_event WHERE action LIKE 'keys.%' ORDER BY id")
    assert [tuple(one) for one in said] == [
        ("cli:test", "keys.rotation_asked", {"key": "key-b"}),
        ("avain", "keys.resealed", {"key": "key-b", "resealed": 9}),
    ]
    perform(ask(configure(here, "b")), seal_anew)
    assert here.rows("SELECT outcome FROM run ORDER BY id DESC LIMIT 1")[0].outcome == "nothing_to_do"


@pytest.mark.parametrize("passed", [1, 2])
def test_killed_between_two_batches_it_has_lost_nothing_and_goes_on(
    here: InProcess, monkeypatch: pytest.MonkeyPatch, passed: int
) -> None:
    before = configure(here, "a")
    with transaction() as session:
        fill(session, before, clients=2_100)
        content = opened(session, before)
    after = configure(here, "b", "a")
    work = ask(after)
    monkeypatch.setenv("FAULT_PASS", str(passed))
    here.die_doing(work, "workers.tasks.sealing.seal_anew", "keys.resealed")
    with transaction() as session:
        assert sealed_by(session)["key-b"] == 1_000 * passed
        assert opened(session, after) == content, "both keys open what is half done"
    perform(work, seal_anew)
    with transaction() as session:
        assert sealed_by(session) == {"key-b": 2_100 + BESIDE}
        assert opened(session, configure(here, "b")) == content
    assert [one.outcome for one in here.rows("SELECT outcome FROM run WHERE kind = 'reseal' ORDER BY id")] == [
        "lost", "succeeded",
    ]  # fmt: skip


def test_what_somebody_holds_or_writes_meanwhile_is_left_and_done_later(here: InProcess, before: Settings) -> None:
    after = configure(here, "b", "a")
    client, own = PLACES[0], kept(after).identity
    assert own is not None
    with transaction() as holding:
        holding.execute(text("SELECT FROM client WHERE external_id = 'K 2' FOR UPDATE"))
        with transaction() as session:
            assert reseal(session, client, own, None).done.passed_over == 1
    work = ask(after)
    with transaction() as holding:
        holding.execute(text("SELECT FROM follow_up FOR UPDATE"))
        perform(work, seal_anew)
    assert here.rows("SELECT done_at FROM work WHERE id = :id", id=work)[0].done_at is None, "it is due again"
    assert here.do_due("reseal", seal_anew) == 1
    with transaction() as session:
        assert sealed_by(session) == {"key-b": 5 + BESIDE}


def test_what_was_written_while_it_was_sealed_anew_is_not_overwritten(here: InProcess, before: Settings) -> None:
    """A source tells another name between the read and the write of a batch."""
    own, client = kept(configure(here, "b", "a")).identity, PLACES[0]
    written: list[Any] = []
    assert own is not None

    def row(found: Any) -> object:
        if not written:
            with transaction() as other:
                other.execute(text("UPDATE client SET sealed_identity = 'newer' WHERE external_id = 'K 0'"))
            written.append(found)
        return client.row(found)

    with transaction() as session:
        done = reseal(session, replace(client, row=row), own, None).done
    assert (done.resealed, done.passed_over) == (4, 1)
    (kept_as_written,) = here.rows("SELECT sealed_identity FROM client WHERE external_id = 'K 0'")
    assert bytes(kept_as_written.sealed_identity) == b"newer"


def test_what_cannot_be_opened_stays_as_it_is_and_is_told(here: InProcess, before: Settings) -> None:
    here.rows("UPDATE client SET sealed_identity = sealed_identity || '\\x00' WHERE external_id = 'K 1' RETURNING id")
    here.rows("UPDATE client SET sealed_identity = '\\x01' WHERE external_id = 'K 2' RETURNING id")
    after = configure(here, "b", "a")
    perform(ask(after), seal_anew)
    run = here.rows("SELECT outcome, counts, message FROM run ORDER BY id DESC LIMIT 1")[0]
    assert (run.outcome, run.counts) == ("partly", {"resealed": 7, "unopened": 2})
    assert "could not be opened" in run.message["msgid"]
    assert states(after) == {"key-b": "current", "key-a": "wrong", "": "missing"}


def test_a_key_that_is_still_needed_and_not_there_is_told_and_stops_the_change(
    here: InProcess, before: Settings
) -> None:
    lost = configure(here, "b")
    with transaction() as session:
        found = standing(session, kept(lost))
    assert {one.key: one.state for one in found} == {"key-b": "current", DERIVED: "needed", "key-a": "missing"}
    with pytest.raises(ConfigurationError, match=r"key-a \(8\)"):
        must_be_whole(found)
    assert to_seal_anew(found, kept(lost)) == 1
    other = lost.model_copy(update={"seal_keys": SecretStr(f"key-b:{KEYS['b']},key-a:{KEYS['c']}")})
    assert states(other)["key-a"] == "wrong"


def test_a_worker_with_other_keys_does_not_seal_back(here: InProcess, before: Settings) -> None:
    work = ask(configure(here, "b", "a"))
    configure(here, "a", "b")
    perform(work, seal_anew)
    run = here.rows("SELECT outcome, message FROM run ORDER BY id DESC LIMIT 1")[0]
    assert run.outcome == "retry"
    assert "other keys" in run.message["msgid"]
    with transaction() as session:
        assert sealed_by(session)["key-a"] == 5 + BESIDE - 1


def test_a_batch_is_two_statements_whatever_it_holds(here: InProcess, before: Settings) -> None:
    own = kept(configure(here, "b", "a")).identity
    assert own is not None
    for limit in (1, 4):
        with transaction() as session, recording(session) as statements:
            batch = reseal(session, PLACES[0], own, None, limit=limit)
        assert (batch.done.resealed, len(statements)) == (limit, 2)


# The index by which people are found again


def test_the_index_key_is_changed_for_everybody_at_once(here: InProcess, before: Settings) -> None:
    here.rows(
        "INSERT INTO family_session (cookie, blind_index, csrf, expires_at) VALUES ('c', 'b', 'x', clock_timestamp() + interval '1 h') RETURNING id"
    )
    with transaction() as session:
        former = indexes(session)
        own = sealer(before)
        assert own is not None
        assert former == {indexing_in_force(session, own).blind_index(NUMBER)}
    after = configure(here, "a", index="yx")
    with transaction() as session:
        made = sealer(after)
        assert made is not None
        assert indexing_in_force(session, made).blind_index(NUMBER) in former, "until it is changed, the former key"
        assert index_in_force(session, kept(after)) is False
    perform(ask(after), seal_anew)
    assert here.rows("SELECT counts FROM run ORDER BY id DESC LIMIT 1")[0].counts == {"resealed": 1, "indexed": 6}
    with transaction() as session:
        assert indexes(session) == {indexing_in_force(session, made).blind_index(NUMBER)} != former
        assert index_in_force(session, kept(configure(here, "a", index="y"))) is True
        assert index_missing(session, kept(configure(here, "a", index="x")))
        with pytest.raises(ConfigurationError, match="index key"):
            indexing_in_force(session, own)
    assert here.rows("SELECT ended_at FROM family_session")[0].ended_at is not None


def test_an_index_key_is_not_changed_while_indexes_are_made(here: InProcess, before: Settings) -> None:
    own = kept(configure(here, "a", index="yx")).identity
    assert own is not None
    with transaction() as session:
        indexing_in_force(session, own)  # the first time of all is another: then the key is noted
    with transaction() as reading:
        indexing_in_force(reading, own)
        with pytest.raises(Transient, match="just being read"), transaction() as session:
            index_anew(session, own, patience="100ms")
    with transaction() as session:
        assert index_anew(session, own) == 6


def test_no_index_is_changed_where_one_could_not_be_made(here: InProcess, before: Settings) -> None:
    here.rows("UPDATE client SET sealed_identity = NULL WHERE external_id = 'K 3' RETURNING id")
    after = configure(here, "a", index="yx")
    with transaction() as session:
        former = indexes(session)
    perform(ask(after), seal_anew)
    run = here.rows("SELECT outcome, message FROM run ORDER BY id DESC LIMIT 1")[0]
    assert run.outcome == "partly"
    assert "nobody would find these people" in run.message["msgid"]
    with transaction() as session:
        assert indexes(session) == former
        assert index_in_force(session, kept(after)) is False
