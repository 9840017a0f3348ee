"""The keeper of leases: how far a work is goes with that work and no other."""

import threading
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy

from services.work import Claimed
from workers import keeper as module
from workers.keeper import Keeper


@pytest.mark.parametrize("changes_hands", [True, False])
def test_figures_of_a_work_that_was_let_go_meanwhile_are_not_kept(
    monkeypatch: pytest.MonkeyPatch, changes_hands: bool
) -> None:
    claimed = Claimed(1, "fetch_cases", "key", None, {}, 1, uuid4(), 1)
    kept: list[dict[str, int]] = []
    asked = threading.Semaphore(0)
    one = Keeper()

    def counts() -> dict[str, int]:
        if changes_hands:
            one._hold(None)
            one._hold(claimed_next)
        asked.release()
        return {"read": 7, "rejected": 0}

    claimed_next = Claimed(2, "fetch_cases", "other", None, {}, 1, uuid4(), 2)
    monkeypatch.setattr(module, "RENEW_SECONDS", 0.01)
    monkeypatch.setattr(module, "engine", lambda: sqlalchemy.create_engine("sqlite://"))
    monkeypatch.setattr(module, "create_engine", lambda *_, **__: sqlalchemy.create_engine("sqlite://"))
    monkeypatch.setattr(module, "renew_all", lambda _session, held: {each.token for each in held})

    def keep(_session: Any, of: Claimed, figures: dict[str, int]) -> None:
        assert of is claimed
        kept.append(dict(figures))
        shown.set()

    shown = threading.Event()
    monkeypatch.setattr(module, "show_progress", keep)
    with one.holding(claimed):
        one.watch(counts)
        assert asked.acquire(timeout=30)
        if not changes_hands:
            assert shown.wait(30)
        over = threading.Event()
        one.watch(lambda: over.set() or {})  # type: ignore[func-returns-value]
        assert over.wait(30), "the round that asked before is over"
    assert kept[:1] == ([] if changes_hands else [{"read": 7}])
