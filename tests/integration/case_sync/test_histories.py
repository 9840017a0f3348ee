"""Whatever the way a history of changes is cut into deltas and snapshots, and whichever way the files are read, the cases end the same."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from connectors.cases.xml.client import XmlCases
from tests.support.case_world import World
from tests.support.case_xml import case, decision, export, item

#: What each case is at a time: its status, worker, how many visits are planned, whether it has its second decision; None: it is not there.
STATES = st.none() | st.tuples(
    st.sampled_from(["open", "closed"]), st.sampled_from(["W-101", "W-102"]), st.integers(1, 3), st.booleans()
)
IDS = ("A", "B", "C")
HISTORIES = st.lists(st.fixed_dictionaries(dict.fromkeys(IDS, STATES)), min_size=2, max_size=5)

#: The cases that are there, with all that is in force of them. Not their numbers and ids, nor what once was.
_PICTURE = """
    SELECT client_case.external_id, status, worker.external_id AS worker,
           (SELECT array_agg(decision.external_id || coalesce(' ' || granted_amount, '') ORDER BY decision.external_id)
            FROM decision WHERE case_id = client_case.id AND ended_at IS NULL) AS decisions,
           (SELECT array_agg(plan_item.external_id || ' ' || quantity || ' ' || period || ' ' || service.code ORDER BY plan_item.external_id)
            FROM plan_item JOIN service ON service.id = service_id WHERE case_id = client_case.id AND ended_at IS NULL) AS items
    FROM client_case JOIN worker ON worker.id = responsible_worker_id WHERE gone_at IS NULL ORDER BY client_case.external_id
"""


def written(name: str, state: Any) -> str:
    status, worker, visits, second = state
    parts = [decision(), item(quantity=visits)]
    if second:
        parts += [decision("D-2", "<grantedAmount>900</grantedAmount>"), item("I-2", decision="D-2", quantity=visits)]
    return case(name, *parts, status=status, worker=worker)


def snapshot(now: dict[str, Any]) -> bytes:
    return export(*(written(name, state) for name, state in now.items() if state is not None))


def delta(before: dict[str, Any], now: dict[str, Any]) -> bytes:
    changed = [name for name in IDS if now[name] != before[name]]
    return export(*(f'<gone id="{name}"/>' if now[name] is None else written(name, now[name]) for name in changed))


def picture(session: Session) -> list[Any]:
    return [tuple(row) for row in session.execute(text(_PICTURE))]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=HISTORIES, data=st.data())
def test_any_cutting_of_a_history_ends_in_the_same_tables(
    world: World, history: list[dict[str, Any]], data: st.DataObject
) -> None:
    nothing = dict.fromkeys(IDS)
    pictures = []
    for way in ("at once", "cut", "cut the slow way"):
        with world.session.begin_nested() as attempt, pytest.MonkeyPatch.context() as patch:
            if way == "cut the slow way":
                patch.setattr(XmlCases, "can_read_rows", lambda _self, _identity: False)
            if way == "at once":
                world.run(snapshot(history[-1]))
            else:
                known: dict[str, Any] = nothing
                waiting: list[bytes] = []
                for rank, now in enumerate(history):
                    last = rank == len(history) - 1
                    kind = data.draw(st.sampled_from(["delta", "snapshot", "together"]), label=f"{way} {rank}")
                    if kind == "snapshot":
                        waiting.clear()
                        world.run(snapshot(now))
                    else:
                        waiting.append(delta(known, now))
                        if kind == "delta" or last:  # several deltas are read by one run, in their order
                            world.run(*waiting, mode="delta")
                            waiting.clear()
                    known = now
            pictures.append(picture(world.session))
            attempt.rollback()
    assert pictures[1] == pictures[0]
    assert pictures[2] == pictures[0]


def test_a_large_file_is_read_by_children_to_the_same_tables(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    states = [("open", "W-101", 1 + n % 3, n % 2 == 0) for n in range(300)]
    content = export(
        *(written(f"C{n}", state) for n, state in enumerate(states)), written("C7", ("closed", "W-102", 9, False))
    )
    pictures = []
    for children in (True, False):
        with world.session.begin_nested() as attempt:
            monkeypatch.setattr("connectors.cases.xml.fast.reading._WORTH_CHILDREN", 0 if children else 1 << 40)
            monkeypatch.setattr("connectors.cases.xml.fast.cutting._PIECE", 5_000)
            result = world.run(content)
            again = world.run(content)
            assert (result.read, result.added, result.rejected) == (301, 300, 1)
            assert (again.read, again.unchanged, again.changed) == (301, 300, 0)
            pictures.append(picture(world.session))
            attempt.rollback()
    assert pictures[0] == pictures[1]
    assert len(pictures[0]) == 300


def test_a_hash_that_is_mistaken_for_a_known_one_is_read_after_all(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight bytes are compared before reading, all sixteen after: where they differ, the run starts again without knowing any."""
    world.run(export(case("A"), case("B")))
    monkeypatch.setattr("connectors.cases.xml.fast.child._is_known", lambda _known, _digest: True)
    result = world.run(export(case("A", status="closed"), case("C")))
    assert (result.added, result.changed, result.gone) == (1, 1, 1)
    assert world.case("A").status == "closed"


def test_who_reads_the_source_by_another_profile_compares_all_anew(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = export(case("A"))
    world.run(content)
    init = XmlCases.__init__

    def another(self: XmlCases, profile: Any = None) -> None:
        init(self, profile)
        self.version = "another"

    monkeypatch.setattr(XmlCases, "__init__", another)
    assert world.run(content).changed == 1


def test_a_word_that_a_case_is_gone(world: World, tmp_path: Path) -> None:
    world.run(export(case("A"), case("B")))
    result = world.run(export('<gone id="A"/>', '<gone id="never-known"/>'), mode="delta")
    assert (result.gone, result.unchanged, result.read) == (1, 0, 0)
    assert world.case("A").gone_at is not None
    assert world.run(export('<gone id="A"/>'), mode="delta").gone == 0
    assert world.run(export(case("A"), '<gone id="A"/>'), mode="delta").changed == 0, "the last word counts"
    assert world.run(export('<gone id="A"/>', case("A")), mode="delta").changed == 1
    assert world.case("A").gone_at is None
