"""What a run of case synchronisation adds, changes, leaves as it is and ends; how many statements it takes, and what it locks."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core.database import make_engine
from core.embedded import Embedded
from core.errors import Message
from core.family_settings import Family
from models.case import Client
from models.family import FamilyLink
from models.follow_up import FollowUpEvent
from models.worker import Worker
from services.budgets import dirty
from services.case_sync import SyncResult
from services.family.links import make_link
from tests.factories.case import make_choice
from tests.factories.follow_up import make_follow_up
from tests.factories.provider import make_provider
from tests.factories.service import make_service
from tests.factories.worker import make_worker
from tests.support.case_world import NOW, World
from tests.support.case_xml import case, decision, export, item
from tests.support.queries import recording


def test_a_first_run_creates_cases_with_all_that_is_in_them(world: World) -> None:
    more = (
        '<coWorker id="W-102"/><supervisor id="W-102"/><unit code="U-1"/><assessmentDate>2026-09-28</assessmentDate><planDate>2026-10-19</planDate>'
        "<kykyviisariDate>2026-10-20</kykyviisariDate><supportPerson>true</supportPerson><goal>Eka</goal><goal>Toka</goal>"
    )
    rhythm = item().replace("/>", '><followUp intervalDays="21"/></planItem>')
    full = decision(standDate="2026-11-05", validFrom="2026-11-16", validTo="2027-02-28")
    result = world.run(
        export(case("A", full, rhythm, more=more), case("B", decision("D-2", "<grantedAmount>900</grantedAmount>")))
    )
    assert result == SyncResult("succeeded", read=2, added=2)
    found = world.case("A")
    assert found.number == "HB-2026-000001"
    assert world.case("B").number == "HB-2026-000002"
    assert (found.assessment_date, found.plan_date, found.kykyviisari_date) == (
        date(2026, 9, 28), date(2026, 10, 19), date(2026, 10, 20),
    )  # fmt: skip
    assert found.goals == ["Eka", "Toka"]
    assert found.support_person
    assert found.status == "open"
    assert None not in (found.responsible_worker_id, found.co_worker_id, found.unit_id)
    assert found.supervisor_id == found.co_worker_id
    made = world.decision()
    assert (made.number, made.stand_date, made.decided_on) == ("P-D-1", date(2026, 11, 5), date(2026, 11, 9))
    assert made.valid
    assert (made.valid.lower, made.valid.upper) == (date(2026, 11, 16), date(2027, 3, 1))
    assert (made.baseline_quantity, made.baseline_unit, made.granted_amount) == (Decimal(12), "C62", None)
    assert world.decision("D-2").granted_amount == Decimal("900.00")
    planned = world.item()
    assert (planned.quantity, planned.period.lower, planned.period.upper) == (
        Decimal(10), date(2026, 11, 23), date(2027, 2, 23),
    )  # fmt: skip
    assert planned.follow_up_rhythm == {"interval_days": 21}
    assert world.scalar("SELECT array_agg(run_id) FROM budget_dirty") == world.runs
    dirty.spread_notes(world.session)
    assert world.scalar("SELECT count(budget_id) FROM budget_dirty") == 2
    assert world.scalar("SELECT count(*) FROM work WHERE kind = 'plan_follow_ups'") == 1
    assert world.scalar("SELECT count(*) FROM case_staging") == 0


def test_the_same_file_again_changes_nothing(world: World) -> None:
    content = export(case("A"), case("B"))
    world.run(content)
    world.session.execute(text("DELETE FROM budget_dirty"))
    assert world.run(content) == SyncResult("succeeded", read=2, unchanged=2)
    assert world.scalar("SELECT count(*) FROM budget_dirty") == 0


def test_only_the_changed_case_is_written_and_marked(world: World) -> None:
    world.run(export(case("A"), case("B", decision("D-2"), item("I-2", decision="D-2"))))
    world.session.execute(text("DELETE FROM budget_dirty"))
    result = world.run(export(case("A", worker="W-102"), case("B", decision("D-2"), item("I-2", decision="D-2"))))
    assert (result.changed, result.unchanged) == (1, 1)
    assert (
        world.scalar(
            "SELECT worker.external_id FROM worker JOIN client_case ON responsible_worker_id = worker.id WHERE client_case.external_id = 'A'"
        )
        == "W-102"
    )
    dirty.spread_notes(world.session)
    assert world.scalar("SELECT array_agg(decision_id) FROM budget JOIN budget_dirty ON budget_id = budget.id") == [
        world.decision().id
    ]


def test_what_is_missing_from_a_snapshot_is_gone_and_comes_back(world: World) -> None:
    world.run(export(case("A"), case("B")))
    number = world.case("B").number
    result = world.run(export(case("A")))
    assert (result.unchanged, result.gone) == (1, 1)
    assert world.case("B").gone_at == NOW
    assert world.run(export(case("A"))).gone == 0, "gone once is gone"
    back = world.run(export(case("A"), case("B")))
    assert (back.changed, back.added) == (1, 0)
    assert world.case("B").gone_at is None
    assert world.case("B").number == number


def test_a_delta_makes_nothing_gone(world: World) -> None:
    world.run(export(case("A"), case("B")))
    assert world.run(export(case("B", status="closed")), mode="delta") == SyncResult("succeeded", read=1, changed=1)
    assert world.case("A").gone_at is None
    assert world.case("B").status == "closed"


@pytest.mark.parametrize(("first", "last"), [("true", "false"), ("false", "true"), ("false", "false")])
def test_of_several_words_about_a_client_any_hides(world: World, first: str, last: str) -> None:
    def said(id_: str, word: str) -> str:
        return case(id_, client="K").replace('id="K"', f'id="K" nonDisclosure="{word}"')

    for status in ("open", "closed"):
        world.run(export(said("A", first), said("B", last)).replace(b'"open"', f'"{status}"'.encode()))
        assert [one.non_disclosure for one in world.session.scalars(select(Client))] == ["true" in {first, last}]
        world.session.execute(text("UPDATE client SET non_disclosure = NOT non_disclosure"))
        world.session.expire_all()


def test_what_was_handed_over_comes_back_with_non_disclosure(world: World) -> None:
    """Whoever only helps sees nothing of such a case: what they were to do is the responsible worker's again, and told afresh."""
    world.run(export(case("A", client="K"), case("B", decision("D-2"), item("I-2", decision="D-2"))))
    helper = make_worker(world.session)
    told = {"handed_to_id": helper.id, "announced_on": date(2026, 11, 20), "announced_times": 2}
    theirs, others = (make_follow_up(world.session, world.item(one), **told) for one in ("I-1", "I-2"))
    settled = make_follow_up(world.session, world.item("I-1"), kind="final", state="dropped", **told)
    hidden = case("A", client="K").replace('id="K"', 'id="K" nonDisclosure="true"')
    world.run(export(hidden, case("B", decision("D-2"), item("I-2", decision="D-2"))))
    world.session.expire_all()
    assert [one.handed_to_id for one in (theirs, others, settled)] == [None, helper.id, helper.id]
    assert (theirs.announced_on, theirs.announced_times) == (None, 0)
    (event,) = world.session.scalars(select(FollowUpEvent)).all()
    assert (event.follow_up_id, event.act, event.actor) == (theirs.id, "handed_over", "avain")
    assert event.details == {"to": world.session.get_one(Worker, world.case("A").responsible_worker_id).external_id}


@pytest.mark.parametrize("word", ["another client", "non-disclosure", "a goal"])
def test_a_link_to_the_budget_ends_with_non_disclosure_and_with_another_client(world: World, word: str) -> None:
    """It was handed to whoever it was then. It stays ended when the source takes the word back."""
    first = export(case("A", client="K"), case("B", decision("D-2"), item("I-2", decision="D-2"), client="L"))
    world.run(first)
    ids = {"A": 0, "B": 0}
    for name in ids:
        made = make_link(
            world.session, world.case(name).number, holder="support", actor="test", now=NOW, key=b"k" * 32, settings=Family()
        )  # fmt: skip
        ids[name] = made.id
    other = {"another client": {"client": "M"}, "a goal": {"client": "K", "more": "<goal>Eka</goal>"}}
    fresh = case("A", **other.get(word, {"client": "K"}))
    if word == "non-disclosure":
        fresh = fresh.replace('id="K"', 'id="K" nonDisclosure="true"')
    unchanged = case("B", decision("D-2"), item("I-2", decision="D-2"), client="L")
    world.run(export(fresh, unchanged))
    world.run(first)
    ended = {name: world.session.get_one(FamilyLink, link).ended_by for name, link in ids.items()}
    assert ended == {"A": None if word == "a goal" else "avain:source", "B": None}


def test_of_several_files_the_later_one_has_the_last_word(world: World) -> None:
    result = world.run(export(case("A"), case("B")), export(case("A", status="closed")))
    assert (result.state, result.read, result.added, result.rejected) == ("succeeded", 3, 2, 0)
    assert world.case("A").status == "closed"


def test_decisions_and_items_that_vanish_end_and_run_again_when_they_are_back(world: World) -> None:
    both = case("A", decision(), decision("D-2"), item(), item("I-2", decision="D-2"))
    world.run(export(both))
    world.run(export(case("A")))
    assert (world.decision("D-2").ended_at, world.item("I-2").ended_at) == (NOW, NOW)
    assert (world.decision().ended_at, world.item().ended_at) == (None, None)
    world.run(export(both))
    assert (world.decision("D-2").ended_at, world.item("I-2").ended_at) == (None, None)


def test_a_number_entered_here_stays_while_the_source_states_none(world: World) -> None:
    world.run(export(case("A", _nameless(), item())))
    assert (world.decision().number, world.decision().number_from_source) == (None, False)
    world.session.execute(text("UPDATE decision SET number = 'P-here'"))
    # what is entered here is no change of the record: its hash is over what the source says
    assert world.run(export(case("A", _nameless(), item()))) == SyncResult("succeeded", read=1, unchanged=1)
    # the source changes something else of the decision and still states no number
    world.run(export(case("A", _nameless(standDate="2026-11-06"), item())))
    assert (world.decision().number, world.decision().number_from_source) == ("P-here", False)
    assert world.decision().stand_date == date(2026, 11, 6)
    # it states one: its own from now on, and gone when it takes it back
    world.run(export(case("A", decision(number="P-9"), item())))
    assert (world.decision().number, world.decision().number_from_source) == ("P-9", True)
    world.run(export(case("A", _nameless(), item())))
    assert (world.decision().number, world.decision().number_from_source) == (None, False)


def test_who_entered_something_hears_that_the_source_says_something_else_now(world: World) -> None:
    told = "SELECT array_agg(kind || ' ' || subject || ' ' || (message ->> 'msgid') ORDER BY notice.id) FROM notice"
    bare = _nameless().replace('<baseline service="PERHETYO" quantity="12" unit="C62"/>', "")
    world.run(export(case("A", bare, item()), case("B", bare, item())))
    world.session.execute(text("UPDATE decision SET number = 'P-D-1', granted_amount = 700"))
    world.session.execute(text("UPDATE client_case SET goals = ARRAY['Oma']"))
    # the source says the same: no news
    same = decision(basis="<grantedAmount>700</grantedAmount>")
    world.run(export(case("A", same, item(), more="<goal>Oma</goal>"), case("B", bare, item())))
    assert world.scalar(told) is None
    # of the other case it says something else of each
    full = export(
        case("A", same, item(), more="<goal>Oma</goal>"),
        case("B", decision(number="P-9"), item(), more="<goal>Muu</goal>"),
    )
    world.run(full)
    number = world.case("B").number
    assert [line.rpartition(" The source")[0] or line for line in world.scalar(told)] == [
        f"entry_replaced case:{number} {sentence}"
        for sentence in (
            "The source now states something else of what decision {decision} grants or replaces than was entered here.",
            "The source now states the number of decision {decision} as {value}; here {before} had been entered.",
            "The source now states other goals of {case} than were entered here.",
        )
    ]
    params = world.scalar("SELECT message -> 'params' FROM notice WHERE message ->> 'msgid' LIKE '%number%'")
    assert params == {"case": number, "decision": "D-1", "before": "P-D-1", "value": "P-9"}
    # its own word changed by itself is no news
    world.run(export(case("A"), case("B", decision(number="P-10"), item())))
    assert len(world.scalar(told)) == 3


def _nameless(**over: str) -> str:
    """A decision for which the source has no number yet."""
    return decision(number="", **over).replace(' number=""', "")


def test_a_basis_entered_here_stays_while_the_source_states_none(world: World) -> None:
    world.run(export(case("A", decision(basis=""), item())))
    world.session.execute(text("UPDATE decision SET granted_amount = 700"))
    world.session.execute(text("UPDATE client_case SET goals = ARRAY['Oma']"))
    world.run(export(case("A", decision(basis="", number="P-9"), item())))
    assert (world.decision().number, world.decision().granted_amount) == ("P-9", Decimal(700))
    assert world.case("A").goals == ["Oma"]
    world.run(export(case("A", more="<goal>Lähteen</goal>")))
    assert (world.decision().granted_amount, world.decision().baseline_quantity) == (None, Decimal(12))
    assert world.case("A").goals == ["Lähteen"]
    world.run(export(case("A", decision(basis=""), item())))
    assert (world.decision().granted_amount, world.decision().baseline_quantity) == (None, None)
    assert world.case("A").goals == []


def test_the_sources_provider_is_chosen_unless_a_person_chose(world: World) -> None:
    first, second = (make_provider(world.session, business_id=one) for one in ("9999993-3", "9999994-1"))
    world.run(export(case("A", decision(), item(provider="9999993-3"))))
    assert world.choices() == [(first.id, "source:lifecare", True)]
    world.run(export(case("A", decision(), item(provider="9999994-1"))))
    assert world.choices() == [(first.id, "source:lifecare", False), (second.id, "source:lifecare", True)]
    world.run(export(case("A")))
    assert [current for *_, current in world.choices()] == [False, False]
    make_choice(world.session, world.item(), second)
    world.run(export(case("A", decision(), item(provider="9999993-3"))))
    assert world.choices()[-1] == (second.id, "worker:W-101", True)


def test_a_person_who_chose_otherwise_hears_of_it_once(world: World) -> None:
    first, second = (make_provider(world.session, business_id=one) for one in ("9999993-3", "9999994-1"))
    world.run(export(case("A")))
    make_choice(world.session, world.item(), second)
    named = case("A", decision(), item(provider="9999993-3"))
    assert world.run(export(named)) == SyncResult("succeeded", read=1, changed=1, conflicts=1)
    assert world.choices() == [(second.id, "worker:W-101", True)]
    assert world.run(export(named.replace('status="open"', 'status="closed"'))).conflicts == 1
    said = world.session.execute(text("SELECT worker.external_id, notice.subject, event, message FROM notice JOIN worker ON worker.id = worker_id")).one()  # fmt: skip
    assert said[:3] == (
        "W-101",
        "item:HB-2026-000001/I-1",
        f"choice {world.scalar('SELECT id FROM choice')}, provider {first.id}",
    )
    assert "names another provider for HB-2026-000001/I-1" in Message.from_json(said.message).text("en")
    agreeing = case("A", decision(), item(provider="9999994-1"))
    assert world.run(export(agreeing)).conflicts == 0


def test_the_number_of_statements_does_not_grow_with_the_cases(world: World) -> None:
    def statements_of(run: Callable[[], SyncResult]) -> int:
        with recording(world.session) as seen:
            run()
        return len(seen)

    few = statements_of(lambda: world.run(export(*(case(f"F{n}") for n in range(3)))))
    many = statements_of(lambda: world.run(export(*(case(f"M{n}") for n in range(300)))))
    assert many == few
    assert world.scalar("SELECT count(*) FROM client_case WHERE gone_at IS NULL") == 300


def test_what_a_merge_replaces_is_held_from_approvals_until_it_is_committed(database: Embedded, tmp_path: Path) -> None:
    engine = make_engine(database.database_url)
    with Session(engine, expire_on_commit=False) as session:
        make_worker(session, external_id="W-101")
        make_service(session, code="NEPSY")
        make_service(session, code="PERHETYO")
        world = World(session, tmp_path)
        world.run(export(case("A"), case("B", decision("D-2"), item("I-2", decision="D-2"))))
        session.commit()
        world.run(export(case("A")))  # B is gone, and nobody has heard of it yet
        with Session(engine) as approving:
            free = approving.execute(text("SELECT external_id FROM plan_item FOR NO KEY UPDATE SKIP LOCKED"))
            assert list(free.scalars()) == ["I-1"]
    engine.dispose()
