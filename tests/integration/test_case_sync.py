"""Case synchronisation on a real database: what a run adds, changes, leaves, ends, holds and refuses."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core.database import make_engine
from core.embedded import Embedded
from core.errors import Message
from core.keys import sealer
from core.settings import Privacy, Settings
from core.source_settings import CaseSource, Sources
from models.case import Case, Choice, Client, Decision, PlanItem
from services import rejected
from services.budgets import dirty
from services.case_sync import SyncResult, client_row, run_source
from services.reference_data import import_workers
from tests.factories.case import make_choice
from tests.factories.price import make_run
from tests.factories.provider import make_provider
from tests.factories.service import make_service
from tests.factories.worker import make_unit, make_worker
from tests.support import attacks
from tests.support.case_xml import case, decision, export, item, spooled
from tests.support.queries import recording

NOW = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
SOURCE = "lifecare"
#: Guards wide open: they have tests of their own.
OPEN = {"max_gone": Decimal(1), "max_rejected": Decimal(1)}


class World:
    """A source, and runs of it."""

    def __init__(self, session: Session, directory: Path) -> None:
        self.session, self.directory = session, directory
        self.runs: list[int] = []

    def settings(self, **over: Any) -> Settings:
        privacy = over.pop("privacy", {})
        source = CaseSource(path="unused", **{**OPEN, **over})
        return Settings(
            home=self.directory / "home", hash_key="h" * 32, sources=Sources(cases={SOURCE: source}), **privacy
        )

    def run(self, *contents: bytes, now: datetime = NOW, **over: Any) -> SyncResult:
        run = make_run(self.session, kind="sync_cases")
        self.session.execute(
            text("UPDATE work SET arguments = jsonb_build_object('source', CAST(:source AS text)) WHERE id = :id"),
            {"source": SOURCE, "id": run.work_id},
        )
        self.runs.append(run.id)
        result = run_source(
            self.session, run.id, SOURCE, spooled(self.directory, *contents), self.settings(**over), now=now
        )
        self.session.expire_all()
        return result

    def case(self, external_id: str) -> Case:
        return self.session.execute(select(Case).filter_by(external_id=external_id)).scalar_one()

    def decision(self, external_id: str = "D-1") -> Decision:
        return self.session.execute(select(Decision).filter_by(external_id=external_id)).scalar_one()

    def item(self, external_id: str = "I-1") -> PlanItem:
        return self.session.execute(select(PlanItem).filter_by(external_id=external_id)).scalar_one()

    def choices(self) -> list[tuple[int, str, bool]]:
        rows = self.session.execute(select(Choice).order_by(text("id"))).scalars()
        return [(one.provider_id, one.actor, one.ended_at is None) for one in rows]

    def scalar(self, sql: str) -> Any:
        return self.session.execute(text(sql)).scalar()


@pytest.fixture
def world(session: Session, tmp_path: Path) -> World:
    make_worker(session, external_id="W-101")
    make_worker(session, external_id="W-102")
    make_unit(session, code="U-1")
    make_service(session, code="NEPSY")
    make_service(session, code="PERHETYO")
    return World(session, tmp_path)


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


@pytest.mark.parametrize("last", ["true", "false"])
def test_of_several_words_about_a_client_the_last_holds(world: World, last: str) -> None:
    def said(id_: str, word: str) -> str:
        return case(id_, client="K").replace('id="K"', f'id="K" nonDisclosure="{word}"')

    first = "false" if last == "true" else "true"
    for status in ("open", "closed"):
        world.run(export(said("A", first), said("B", last)).replace(b'"open"', f'"{status}"'.encode()))
        assert [one.non_disclosure for one in world.session.scalars(select(Client))] == [last == "true"]
        world.session.execute(text("UPDATE client SET non_disclosure = NOT non_disclosure"))
        world.session.expire_all()


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
    said = world.session.execute(text("SELECT worker.external_id, subject, event, message FROM notice JOIN worker ON worker.id = worker_id")).one()  # fmt: skip
    assert said[:3] == (
        "W-101",
        "item:HB-2026-000001/I-1",
        f"choice {world.scalar('SELECT id FROM choice')}, provider {first.id}",
    )
    assert "names another provider for HB-2026-000001/I-1" in Message.from_json(said.message).text("en")
    agreeing = case("A", decision(), item(provider="9999994-1"))
    assert world.run(export(agreeing)).conflicts == 0


@pytest.mark.parametrize(
    ("record", "field", "said"),
    [
        (case("X", worker="W-1O1"), "responsible_worker", "The worker W-1O1 is not known to Avain; similar: W-101, W-102"),
        (case("X", more='<coWorker id="Z"/>'), "co_worker", "The worker Z is not known to Avain."),
        (case("X", more='<supervisor id="Z"/>'), "supervisor", "The worker Z is not known to Avain."),
        (case("X", more='<unit code="U-9"/>'), "unit", "The unit U-9 is not known to Avain; similar: U-1"),
        (case("X", decision(), item(service="NEPSI")), "plan_items.service", "The service NEPSI is not known to Avain; similar: NEPSY"),
        (case("X", decision(basis='<baseline service="ZZZ" quantity="1" unit="C62"/>'), item()), "decisions.baseline.service", "The service ZZZ is not known to Avain."),
        (case("X", decision(), item(provider="9999993-3")), "plan_items.provider", "The provider 9999993-3 is not known to Avain."),
    ],
)  # fmt: skip
def test_a_record_that_names_something_unknown_is_rejected_and_the_rest_goes_on(
    world: World, record: str, field: str, said: str
) -> None:
    result = world.run(export(record, case("B")))
    assert result == SyncResult("partly", read=2, added=1, rejected=1)
    (group,) = rejected.grouped(world.session, SOURCE)
    assert (group.field, group.reason.text("en"), group.external_id) == (field, said, "X")
    assert (group.file_name, group.position) == ("1.xml", "2")


def test_a_worker_without_an_address_is_reported_and_the_case_taken_in(world: World, tmp_path: Path) -> None:
    make_worker(world.session, external_id="W-103", email=None)
    make_worker(world.session, external_id="W-104", email=None, active=False)
    export_ = export(
        *(case(id_, worker="W-103") for id_ in "AB"),
        case("C"),
        case("D", worker="W-103", status="closed"),
        case("E", worker="W-104"),
    )
    assert world.run(export_, max_rejected=Decimal(0)) == SyncResult("succeeded", read=5, added=5)
    (group,) = rejected.grouped(world.session)
    assert (group.count, group.field, group.external_id, group.position) == (2, "responsible_worker", "A", "2")
    assert group.reason.text("en").startswith("The responsible worker W-103 has no e-mail address")
    assert [one.taken for one in rejected.members(world.session, group.id)] == [True, True]
    for mode in ("snapshot", "delta"):  # of unchanged cases too, once each
        assert world.run(export_, mode=mode) == SyncResult("succeeded", read=5, unchanged=5)
        assert [one.count for one in rejected.grouped(world.session)] == [2]
    file = tmp_path / "workers.toml"
    file.write_text('[[worker]]\nid = "W-103"\nname = "X"\nemail = "x@example.invalid"\n', "utf-8")
    import_workers(world.session, file, NOW, "cli:test")
    assert rejected.grouped(world.session) == []


def test_a_record_that_is_whole_again_is_settled(world: World) -> None:
    world.run(export(case("A", worker="W-9"), case("B", worker="W-9"), case("C", status="asleep")))
    assert [(one.count, one.field) for one in rejected.grouped(world.session)] == [
        (2, "responsible_worker"),
        (1, "status"),
    ]
    world.run(export(case("A"), case("B", worker="W-9")), mode="delta")
    assert [(one.external_id, one.count) for one in rejected.grouped(world.session)] == [("C", 1), ("B", 1)]
    world.run(export(case("A"), case("B"), case("C")))
    assert rejected.grouped(world.session) == []


def test_a_rejected_case_is_not_gone(world: World) -> None:
    world.run(export(case("A"), case("B")))
    assert world.run(export(case("A", status="asleep"), case("B", worker="W-9"))).gone == 0
    without_id = case("C").replace(' id="C"', "")
    assert world.run(export(case("A"), without_id)).gone == 0, "the nameless one could be B"
    assert world.run(export(case("A"))).gone == 1


def test_of_two_records_of_one_case_the_last_wins_and_the_first_is_reported(world: World) -> None:
    result = world.run(export(case("A"), case("B"), case("A", status="closed")))
    assert result == SyncResult("partly", read=3, added=2, rejected=1)
    assert world.case("A").status == "closed"
    (group,) = rejected.grouped(world.session)
    assert (group.position, group.reason.params) == ("2", {"later": "4"})


@pytest.mark.parametrize(
    ("content", "over", "words"),
    [
        (export(case("A")), {"max_gone": Decimal("0.5")}, "2 of 3 cases are missing"),
        (export(), {"max_gone": Decimal("0.05")}, "3 of 3 cases are missing"),
        (export(case("A"), case("B"), case("C"), case("D", status="x")), {"max_rejected": Decimal("0.2")}, "1 of 4 records were rejected"),
    ],
)  # fmt: skip
def test_a_run_that_passes_a_guard_is_held_with_its_records(
    world: World, content: bytes, over: dict[str, Any], words: str
) -> None:
    world.run(export(case("A"), case("B"), case("C")))
    result = world.run(content, **over)
    assert result.state == "held"
    assert result.reason is not None
    assert words in result.reason.text("en")
    assert world.scalar("SELECT count(*) FROM client_case WHERE gone_at IS NOT NULL") == 0
    assert (
        world.scalar(f"SELECT count(*) FROM case_staging WHERE run_id = {world.runs[-1]}")
        == result.read - result.rejected
    )
    world.run(export(case("A"), case("B"), case("C")))
    assert world.scalar("SELECT count(*) FROM case_staging") == 0, "an applied run supersedes the held one"


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(export(case("A"), case("Z"))[:-20], id="cut short"),
        pytest.param(attacks.entity_bomb(), id="entity bomb"),
        pytest.param(attacks.external_entity("file:///etc/hostname"), id="xxe"),
        pytest.param(attacks.deep_xml(10_000), id="deep"),
        pytest.param(b"", id="empty"),
        pytest.param(b"<other/>", id="wrong root"),
    ],
)
def test_a_refused_file_refuses_the_run_and_leaves_nothing(world: World, broken: bytes) -> None:
    world.run(export(case("A")))
    before = world.case("A").record_hash
    result = world.run(export(case("A", status="closed"), case("B", status="x")), broken)
    assert (result.state, result.file, result.read) == ("refused", "2.xml", 0)
    assert result.reason
    assert (world.case("A").record_hash, world.case("A").status) == (before, "open")
    assert world.scalar("SELECT count(*) FROM case_staging") == 0
    assert rejected.grouped(world.session) == []


def test_identity_is_dropped_unless_it_is_sealed(world: World) -> None:
    who = "<identity><henkilotunnus>{}</henkilotunnus><name>Aino Keksitty</name></identity></client>"
    known = case("A").replace('K-A"/>', f'K-A">{who.format("131052-9074")}')
    wrong = case("B").replace('K-B"/>', f'K-B">{who.format("131052-907X")}')
    assert world.run(export(known, wrong)) == SyncResult("succeeded", read=2, added=2), "nobody looks at it"
    assert world.scalar("SELECT count(*) FROM client WHERE coalesce(sealed_identity, blind_index) IS NOT NULL") == 0
    keys = {"seal_keys": "k1:" + "A" * 43 + "=", "index_key": "B" * 43 + "="}
    privacy = {"privacy": Privacy(identity="sealed"), **keys}
    result = world.run(export(known, wrong), privacy=privacy)
    assert (result.changed, result.rejected) == (1, 1)
    (group,) = rejected.grouped(world.session)
    assert (group.field, group.external_id) == ("client.identity.henkilotunnus", "B")
    assert "907" not in str(group.reason)
    kept = world.session.execute(select(Client).filter_by(external_id="K-A")).scalar_one()
    opener = sealer(world.settings(privacy=privacy))
    assert opener is not None
    assert kept.sealed_identity is not None
    row = client_row(SOURCE, "K-A")
    assert opener.unseal(kept.sealed_identity, table="client", row=row, column="sealed_identity") == {
        "henkilotunnus": "131052-9074", "name": "Aino Keksitty",
    }  # fmt: skip
    assert kept.blind_index == opener.blind_index("131052-9074")


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
