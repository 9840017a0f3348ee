"""What a run of case synchronisation leaves out, holds and refuses: records, whole runs, files, and identities."""

from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from core.errors import ConfigurationError
from core.identity import client_row
from core.keys import sealer
from core.settings import Privacy
from models.case import Client
from services import rejected
from services.case_sync import SyncResult
from services.reference_data import import_workers
from tests.factories.worker import make_worker
from tests.support import attacks
from tests.support.case_world import NOW, SOURCE, World
from tests.support.case_xml import case, decision, export, item


@pytest.mark.parametrize(
    ("record", "field", "said"),
    [
        (case("X", worker="W-1O1"), "responsible_worker", "The worker W-1O1 is not known to Avain; similar: W-101, W-102"),
        (case("X", more='<coWorker id="Z"/>'), "co_worker", "The worker Z is not known to Avain."),
        (case("X", more='<supervisor id="Z"/>'), "supervisor", "The worker Z is not known to Avain."),
        (case("X", more='<unit code="U-9"/>'), "unit", "The unit U-9 is not known to Avain; similar: U-1"),
        (case("X", decision(), item(service="NEPSI")), "plan_items.service", "The service NEPSI is not known to Avain; similar: NEPSY"),
        (case("X", decision(basis='<baseline service="Z-9" quantity="1" unit="C62"/>'), item()), "decisions.baseline.service", "The service Z-9 is not known to Avain."),
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


def test_an_unknown_word_of_capitals_is_told_where_many_cases_name_it(world: World) -> None:
    """A surname where a unit's code belongs would be told in each case's sentence; a code is named by many."""
    named = [
        *(f'<unit code="{name}"/>' for name in ("KEKSITTY", "SATUNEN", "VARHAIN", "VARHAIN")),
        *['<unit code="LASTENSUOJELU"/>'] * 5,
    ]
    world.run(
        export(*(case(f"X{number}", more=more) for number, more in enumerate(named)), case("B")),
        max_rejected=Decimal(1),
    )
    (group,) = rejected.grouped(world.session, SOURCE)
    told = Counter(one.reason.text("en") for one in rejected.members(world.session, group.id))
    assert told == {"The unit … is not known to Avain.": 4, "The unit LASTENSUOJELU is not known to Avain.": 5}


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


def test_people_are_indexed_by_the_key_in_force_and_by_no_other(world: World) -> None:
    """A newer key beside it changes nothing until it is put in force; without the one in force nothing is read."""
    old, new = "B" * 43 + "=", "C" * 43 + "="

    def privacy(index: str) -> dict[str, Any]:
        return {"privacy": Privacy(identity="sealed"), "seal_keys": "k1:" + "A" * 43 + "=", "index_key": index}

    who = "<identity><henkilotunnus>131052-9074</henkilotunnus></identity></client>"
    one, other = (case(id_).replace(f'K-{id_}"/>', f'K-{id_}">{who}') for id_ in "AB")
    world.run(export(one), privacy=privacy(old))
    world.run(export(one, other), privacy=privacy(f"{new},{old}"))
    assert world.scalar("SELECT count(DISTINCT blind_index) FROM client WHERE external_id IN ('K-A', 'K-B')") == 1
    with pytest.raises(ConfigurationError, match="an index key that this process does not have"):
        world.run(export(one, other), privacy=privacy(new))
