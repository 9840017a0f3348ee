"""A model of Work against the real tables: processes that claim, die, linger and close late; a queue that loses, repeats and reorders.

What must hold in every state: a finished effect does not run again unless it was called for again, nothing is held twice, a lane
holds one, and whatever is due is claimed in the end.
"""

from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from core.errors import LeaseLost, Message
from services.work import Claimed, call, call_again, claim, close, expire_leases, fail, give_back, kind_of, renew_all
from services.work.queueing import mark_enqueued, top_up

KIND = "deliver_order"
KEYS = st.sampled_from(["a", "b", "c", "d"])
PICK = st.integers(0, 999)
LANES = {"a": "source:x", "b": "source:x", "c": None, "d": None}


class WorkModel(RuleBasedStateMachine):
    """`calls` counts how often each key was asked for, `finished` how often its effect ended; a late close must not count.

    `messages` and `holders` are plain lists that a drawn number points into, round and round, instead of Hypothesis's bundles:
    what gets into them hangs on the database's clock and on the jitter of retries, and the same draws must be possible twice.
    """

    engine: Engine

    def __init__(self) -> None:
        super().__init__()
        self.connection = self.engine.connect()
        self.outer = self.connection.begin()
        self.session = Session(self.connection, join_transaction_mode="create_savepoint")
        self.ids: dict[str, int] = {}
        self.calls: Counter[int] = Counter()
        self.finished: Counter[int] = Counter()
        self.called_since_claim: dict[int, bool] = {}
        self.valid: dict[int, Claimed] = {}
        self.messages: list[int] = []
        self.holders: list[Claimed] = []

    def teardown(self) -> None:
        try:
            self._drain()
        finally:
            self.session.close()
            self.outer.rollback()
            self.connection.close()

    # --- calling

    @rule(key=KEYS)
    def call(self, key):
        work_id = call(self.session, KIND, key, lane=LANES[key])
        if work_id is None:
            assert key in self.ids
            return
        assert key not in self.ids
        self.ids[key] = work_id
        self.calls[work_id] += 1
        self.messages.append(work_id)

    @rule(key=KEYS)
    def call_again(self, key):
        work_id = call_again(self.session, KIND, key, lane=LANES[key])
        assert self.ids.setdefault(key, work_id) == work_id
        self.calls[work_id] += 1
        self.called_since_claim[work_id] = True
        self.messages.append(work_id)

    # --- the queue: hints and ticks, lost, repeated, in any order

    @rule(room=st.integers(1, 3))
    def tick(self, room):
        self.messages += [work_id for work_id, _ in top_up(self.session, "orders", room)]

    @rule()
    def hint(self):
        self.messages += [work_id for work_id, _, _ in mark_enqueued(self.session, list(self.ids.values()))]

    @rule(pick=PICK)
    def lose(self, pick):
        self._take(self.messages, pick)

    @rule(pick=PICK)
    def repeat(self, pick):
        self.messages += self._one_of(self.messages, pick)

    # --- processes

    @rule(pick=PICK)
    def claim(self, pick):
        for message in self._take(self.messages, pick):
            before = self._row(message)
            claimed = claim(self.session, message)
            if claimed is None:
                free = before.token is None and before.done_at is None and before.dead_at is None
                assert not (free and self._is_due(message) and not self._lane_busy(message))
                return
            assert message not in self.valid, "held twice"
            assert self.finished[message] < self.calls[message], "a finished effect runs again"
            self.valid[message] = claimed
            self.called_since_claim[message] = False
            self.holders.append(claimed)

    @rule(pick=PICK)
    def renew(self, pick):
        for holder in self._one_of(self.holders, pick):
            assert renew_all(self.session, [holder]) <= {holder.token}

    @rule(pick=PICK)
    def close(self, pick):
        for holder in self._take(self.holders, pick):
            if self._let_go(holder, partial(close, self.session, holder)):
                row = self._row(holder.work_id)
                assert (row.done_at is None) == self.called_since_claim[holder.work_id]
                # every call made before the claim is answered by this one effect
                self.finished[holder.work_id] = self.calls[holder.work_id] - (
                    1 if self.called_since_claim[holder.work_id] else 0
                )

    @rule(pick=PICK, final=st.booleans())
    def fail(self, pick, final):
        for holder in self._take(self.holders, pick):
            if self._let_go(holder, partial(fail, self.session, holder, Message("no"), final=final)):
                row = self._row(holder.work_id)
                if row.dead_at is not None:
                    assert final or holder.attempt >= kind_of(KIND).max_attempts
                    assert not self.called_since_claim[holder.work_id]

    @rule(pick=PICK)
    def give_back(self, pick):
        for holder in self._take(self.holders, pick):
            self._let_go(holder, partial(give_back, self.session, holder))

    @rule(pick=PICK)
    def fall_silent(self, pick):
        """The process hangs or dies; the list keeps the holder, so it may come back late and try to close."""
        for holder in self._one_of(self.holders, pick):
            self._execute(
                "UPDATE work SET lease_until = clock_timestamp() - interval '1 s' WHERE id = :id AND token = :token",
                id=holder.work_id,
                token=holder.token,
            )

    @rule()
    def expire(self):
        before = {
            row.id
            for row in self._rows("SELECT id FROM work WHERE token IS NOT NULL AND lease_until <= clock_timestamp()")
        }
        count, dead = expire_leases(self.session)
        assert count == len(before)
        for work_id in before:
            del self.valid[work_id]
        assert {one.work_id for one in dead} <= before

    @rule()
    def time_passes(self):
        self._execute(
            "UPDATE work SET next_at = clock_timestamp(), enqueued_at = enqueued_at - interval '21 s' WHERE token IS NULL"
        )

    @rule(key=KEYS)
    def an_operator_retries(self, key):
        if key in self.ids:
            self._execute(
                "UPDATE work SET dead_at = NULL, attempts = 0, next_at = clock_timestamp() WHERE id = :id AND dead_at IS NOT NULL",
                id=self.ids[key],
            )

    # --- what always holds

    @invariant()
    def held_is_what_the_model_holds(self):
        held = {row.id: row.token for row in self._rows("SELECT id, token FROM work WHERE token IS NOT NULL")}
        assert held == {work_id: claimed.token for work_id, claimed in self.valid.items()}

    @invariant()
    def every_open_run_belongs_to_a_holder(self):
        open_runs = {
            (row.work_id, row.token) for row in self._rows("SELECT work_id, token FROM run WHERE finished_at IS NULL")
        }
        assert open_runs == {(work_id, claimed.token) for work_id, claimed in self.valid.items()}

    @invariant()
    def a_lane_holds_one(self):
        assert not self._rows(
            "SELECT lane FROM work WHERE token IS NOT NULL AND lane IS NOT NULL GROUP BY lane HAVING count(*) > 1"
        )

    # --- the end: everything due is claimed

    def _drain(self):
        for _ in range(40):
            self._execute("UPDATE work SET lease_until = clock_timestamp() - interval '1 s' WHERE token IS NOT NULL")
            expire_leases(self.session)
            self._execute("UPDATE work SET next_at = clock_timestamp(), enqueued_at = NULL WHERE token IS NULL")
            chosen = top_up(self.session, "orders", 10)
            if not chosen:
                break
            for work_id, _ in chosen:
                claimed = claim(self.session, work_id)
                assert claimed is not None, "due work cannot be claimed"
                close(self.session, claimed)
        assert not self._rows("SELECT id FROM work WHERE done_at IS NULL AND dead_at IS NULL"), (
            "due work was never claimed"
        )

    @staticmethod
    def _one_of(among, pick):
        """The picked one as a list of one, or none while there is nothing to pick from."""
        return [among[pick % len(among)]] if among else []

    @staticmethod
    def _take(among, pick):
        return [among.pop(pick % len(among))] if among else []

    def _let_go(self, holder: Claimed, act: Callable[[], object]) -> bool:
        """Whether the act was allowed: exactly when the holder is still the valid one."""
        if self.valid.get(holder.work_id) is holder:
            act()
            del self.valid[holder.work_id]
            return True
        with pytest.raises(LeaseLost):
            act()
        return False

    def _is_due(self, work_id) -> bool:
        return bool(self._rows("SELECT 1 FROM work WHERE id = :id AND next_at <= clock_timestamp()", id=work_id))

    def _lane_busy(self, work_id) -> bool:
        lane = self._row(work_id).lane
        return lane is not None and any(self._row(held).lane == lane for held in self.valid)

    def _row(self, work_id):
        return self._rows("SELECT * FROM work WHERE id = :id", id=work_id)[0]

    def _rows(self, sql, **values):
        return self.session.execute(text(sql), values).all()

    def _execute(self, sql, **values):
        self.session.execute(text(sql), values)


def test_the_model_holds(shared_engine):
    model = type("Model", (WorkModel,), {"engine": shared_engine})
    run_state_machine_as_test(
        model,
        settings=settings(
            max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
