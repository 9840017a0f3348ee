"""A view as a source of cases: a role that may only read it, one moment for all queries, deltas that lose nothing, sentences for faults."""

import json
import re
import sqlite3
import threading
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from connectors.cases.profile import load_profile
from connectors.cases.record import FoundGone, FoundRecord
from connectors.cases.registry import case_connector
from connectors.cases.sql.client import SqlViews
from connectors.pace import Pace, unhurried
from connectors.rejection import Rejection
from connectors.transports.base import Visit
from core.embedded import Embedded
from core.errors import ConfigurationError, NotFound, Permanent
from core.settings import ROOT
from core.source_settings import CaseSource, SqlView
from tests.support.client_system import PROFILE, QUERIES, ClientSystem, Source, client_system


def test_the_views_become_records(source: Source) -> None:
    first, second, third = source.read(source.fetch())
    assert isinstance(first, FoundRecord)
    assert first.position == "1"
    assert first.record.model_dump(mode="json", exclude_defaults=True) == {
        "external_id": "AS-1", "client": {"external_id": "K-1"}, "responsible_worker": "W-101", "status": "open",
        "plan_date": "2026-10-19", "goals": ["Arki sujuu", r"Koulu: 10::30 % ja \:loma"],
        "decisions": [{"external_id": "P-1", "number": "P1", "decided_on": "2026-11-09", "granted_amount": "900.5"}],
        "plan_items": [{"external_id": "R-1", "decision": "P-1", "service": "NEPSY", "quantity": "10.5", "unit": "HUR",
                        "start": "2026-11-23", "end": "2027-02-22", "provider": "9999994-1"}],
    }  # fmt: skip
    assert isinstance(second, FoundRecord)
    assert [one.external_id for one in second.record.decisions] == ["P-2", "P-3"]
    assert isinstance(third, FoundRecord)
    assert third.record.plan_items == ()


def test_the_reader_can_read_the_views_and_nothing_else(system: ClientSystem) -> None:
    with psycopg.connect(system.url, autocommit=True) as reader:
        assert reader.execute("SELECT count(*) FROM avain.asiakkuudet").fetchone() == (3,)
        for statement in (
            "SELECT * FROM inside.person",
            "DELETE FROM avain.paatokset",
            "CREATE TABLE avain.mine (a int)",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(statement)


def test_even_a_role_that_may_write_writes_nothing(system: ClientSystem, tmp_path: Path) -> None:
    system.change("CREATE FUNCTION avain.sweep() RETURNS SETOF avain.asiakkuudet LANGUAGE sql SECURITY DEFINER AS "
                  "'DELETE FROM inside.service; SELECT * FROM avain.asiakkuudet'")  # fmt: skip
    with pytest.raises(Permanent, match=r"sql\.cases would change something; Avain only reads"):
        Source(system, tmp_path, cases="SELECT * FROM avain.sweep()").fetch()
    with psycopg.connect(system.owner_url) as owner:
        assert owner.execute("SELECT count(*) FROM inside.service").fetchone() == (2,)


def test_identity_is_not_even_copied_where_it_is_not_kept(source: Source) -> None:
    for file in source.fetch().files:
        assert "131052" not in file.path.read_text("utf-8")
        assert "Keksitty" not in file.path.read_text("utf-8")
    sealed = source.read(source.fetch(identity="sealed"), "sealed")[0]
    assert isinstance(sealed, FoundRecord)
    assert sealed.record.client.identity is not None
    assert sealed.record.client.identity.henkilotunnus == "131052-9074"


def test_only_mapped_columns_are_copied(source: Source) -> None:
    cases = source.fetch().files[0]
    header = json.loads(cases.path.read_text("utf-8").splitlines()[0])
    assert header == {
        "columns": [
            "asiakkuus",
            "asiakas",
            "turvakielto",
            "omatyontekija",
            "tila",
            "suunnitelma",
            "tavoite",
            "poistettu",
        ]
    }


def test_all_queries_see_one_moment(system: ClientSystem, source: Source) -> None:
    """Between the query of the cases and that of their decisions, the client system goes on working."""

    class Meanwhile(Pace):
        def after_rows(self, rows: int) -> None:
            system.change("DELETE FROM inside.decision")

    pace = Meanwhile(requests_per_second=1000, rows_per_second=1_000_000)
    found = source.read(source.fetch(pace=pace))
    assert [len(one.record.decisions) for one in found if isinstance(one, FoundRecord)] == [1, 2, 0]


def test_the_pace_is_kept(source: Source) -> None:
    class Counting(Pace):
        requests, rows = 0, 0

        def before_request(self) -> None:
            self.requests += 1

        def after_rows(self, rows: int) -> None:
            self.rows += rows

    pace = Counting(requests_per_second=1, rows_per_second=1)
    source.fetch(pace=pace)
    assert (pace.requests, pace.rows) == (3, 3 + 3 + 2)


def test_many_rows_are_streamed(system: ClientSystem, source: Source) -> None:
    system.change(
        "INSERT INTO inside.client_case SELECT n, 1, 'W-1', 'A', NULL, NULL, false, now() FROM generate_series(10, 2509) AS n"
    )
    assert len(source.read(source.fetch())) == 2503


class TestDelta:
    @pytest.fixture
    def delta(self, system: ClientSystem, tmp_path: Path) -> Source:
        return Source(system, tmp_path, delta_column="muuttunut")

    def test_it_brings_what_changed_with_all_its_parts(self, system: ClientSystem, delta: Source) -> None:
        memory = delta.fetch().memory
        assert memory == {"column": "muuttunut", "latest": {"kind": "moment", "value": "2026-11-16T09:00:00+00:00"}}
        system.change("UPDATE inside.client_case SET changed = '2026-11-17 12:00+02' WHERE id = 2")
        second = delta.fetch(snapshot=False, memory=memory)
        assert delta.ids(second) == ["AS-2", "AS-3"], "the last one seen comes once more"
        (changed, _) = delta.read(second)
        assert isinstance(changed, FoundRecord)
        assert [one.external_id for one in changed.record.decisions] == ["P-2", "P-3"]
        assert [one.external_id for one in changed.record.plan_items] == ["R-2"]
        assert len(second.files[1].path.read_text().splitlines()) == 2 + 2, "no decision of another case was brought"
        third = delta.fetch(snapshot=False, memory=json.loads(json.dumps(second.memory)))
        assert delta.ids(third) == ["AS-2"]

    def test_what_was_committed_late_is_seen(self, system: ClientSystem, delta: Source) -> None:
        memory = delta.fetch().memory
        system.change("UPDATE inside.client_case SET changed = '2026-11-16 10:55+02' WHERE id = 1")
        assert delta.ids(delta.fetch(snapshot=False, memory=memory)) == ["AS-1", "AS-3"]

    def test_a_case_without_a_value_always_comes(self, system: ClientSystem, delta: Source) -> None:
        memory = delta.fetch().memory
        system.change("ALTER TABLE inside.client_case ALTER changed DROP NOT NULL")
        system.change("UPDATE inside.client_case SET changed = NULL WHERE id = 1")
        assert delta.ids(delta.fetch(snapshot=False, memory=memory)) == ["AS-1", "AS-3"]

    def test_a_case_can_be_said_to_be_gone(self, system: ClientSystem, delta: Source) -> None:
        memory = delta.fetch().memory
        system.change("UPDATE inside.client_case SET ended = true WHERE id = 3")
        assert delta.read(delta.fetch(snapshot=False, memory=memory)) == [FoundGone("1", "AS-3")]

    def test_a_snapshot_brings_all_and_remembers(self, delta: Source) -> None:
        memory = delta.fetch().memory
        again = delta.fetch(snapshot=True, memory=memory)
        assert len(delta.ids(again)) == 3
        assert again.memory == memory

    def test_without_a_memory_or_with_that_of_another_column_everything_comes(
        self, system: ClientSystem, tmp_path: Path
    ) -> None:
        delta = Source(system, tmp_path, delta_column="suunnitelma")
        assert len(delta.ids(delta.fetch(snapshot=False))) == 3
        other = {"column": "muuttunut", "latest": {"kind": "moment", "value": "2026-12-16T09:00:00+00:00"}}
        fetched = delta.fetch(snapshot=False, memory=other)
        assert len(delta.ids(fetched)) == 3
        assert fetched.memory["latest"] == {"kind": "moment", "value": "2026-10-19T13:00:00"}

    def test_one_query_with_a_row_for_each_decision_brings_all_rows_of_a_changed_case(
        self, system: ClientSystem, tmp_path: Path
    ) -> None:
        text = (
            PROFILE[: PROFILE.index("[plan_items]")].replace('case = "asiakkuus"', "")
            + PROFILE[PROFILE.index("[codes") :]
        )
        query = (
            "SELECT a.*, p.paatos, p.numero, p.paatospaiva, p.myonnetty, d.made AS muutos FROM avain.asiakkuudet a"
            " JOIN avain.paatokset p USING (asiakkuus) JOIN inside.decision d ON d.number = p.numero"
        )
        system.change(f"GRANT USAGE ON SCHEMA inside TO {system.reader}")
        system.change(f"GRANT SELECT ON inside.decision TO {system.reader}")
        wide = Source(
            system, tmp_path, profile=text, cases=query, decisions=None, plan_items=None, delta_column="muutos"
        )
        memory = wide.fetch().memory
        assert memory["latest"] == {"kind": "day", "value": "2026-11-11"}
        (only,) = wide.read(wide.fetch(snapshot=False, memory=memory))
        assert isinstance(only, FoundRecord)
        assert [one.external_id for one in only.record.decisions] == ["P-2", "P-3"]

    @pytest.mark.parametrize(
        ("column", "why"), [("turvakielto", "have no order"), ("muutettu", "Did you mean muuttunut")]
    )
    def test_a_column_that_cannot_tell_is_refused(
        self, system: ClientSystem, tmp_path: Path, column: str, why: str
    ) -> None:
        with pytest.raises((ConfigurationError, NotFound), match=why):
            Source(system, tmp_path, delta_column=column).fetch()


def test_rows_that_are_wrong_are_rejected_with_their_row(system: ClientSystem, source: Source) -> None:
    system.change("UPDATE inside.client_case SET state = 'X' WHERE id = 1")
    system.change("INSERT INTO inside.decision VALUES (9, 99, 'P9', '2026-11-09', NULL)")
    bad, *_, stray = source.read(source.fetch())
    assert isinstance(bad, Rejection)
    assert (bad.position, bad.field, bad.external_id) == ("1", "status", "AS-1")
    assert str(bad.reason) == "The code X is not in the profile; known are: A, P"
    assert isinstance(stray, Rejection)
    assert (stray.field, stray.external_id) == ("decisions", "AS-99")


def test_another_database_is_read_too(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE v (asiakkuus TEXT, asiakas TEXT, tt TEXT, tila TEXT, muuttunut TEXT)")
        other.executemany("INSERT INTO v VALUES (?, 'K', 'W', 'A', ?)", [("C-1", "2026-11-01"), ("C-2", "2026-11-02")])
    other.close()
    text = (
        '[profile]\nname = "muu"\n[cases]\nexternal_id = "asiakkuus"\nclient.external_id = "asiakas"\n'
        'responsible_worker = "tt"\nstatus = { from = "tila", codes = "t" }\n[codes.t]\nA = "open"\n'
    )
    (tmp_path / "muu.toml").write_text(text)
    view = SqlView(
        url=SecretStr(f"sqlite:///{tmp_path / 'other.db'}"), cases="SELECT * FROM v;", delta_column="muuttunut"
    )
    way = SqlViews(view, load_profile(tmp_path / "muu.toml", "sql"))
    first = way.fetch(Visit(tmp_path / "spool"))
    connector = case_connector(CaseSource(kind="sql", sql=view, profile=Path("muu.toml")), tmp_path)
    assert len(list(connector.read(first.files, identity="none"))) == 2
    second = way.fetch(Visit(tmp_path / "spool", memory=first.memory, snapshot=False))
    ((_, found),) = connector.read(second.files, identity="none")
    assert isinstance(found, FoundRecord)
    assert found.record.external_id == "C-2"
    for query, why in (
        ("DELETE FROM v", "attempt to write a readonly database"),
        ("PRAGMA query_only = OFF", "gives no rows"),
    ):
        way = SqlViews(SqlView(url=view.url, cases=query), load_profile(tmp_path / "muu.toml", "sql"))
        with pytest.raises(Permanent, match=why):
            way.fetch(Visit(tmp_path / "spool"))


def test_fetching_leaves_no_connection_behind(source: Source, system: ClientSystem) -> None:
    before = threading.active_count()
    source.fetch()
    with psycopg.connect(system.owner_url) as owner:
        assert owner.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE usename = %s", [system.reader]
        ).fetchone() == (0,)
    assert threading.active_count() == before


PAGE = (ROOT / "docs/sources/sql-view.md").read_text("utf-8")
SCRIPT = (ROOT / "docs/review/source-view.sql").read_text("utf-8")


@pytest.mark.parametrize(
    "statements", [*re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL), SCRIPT], ids=["page", "script"]
)
def test_the_sql_of_the_documentation_makes_such_views(database: Embedded, tmp_path: Path, statements: str) -> None:
    """docs/sources/sql-view.md and docs/review/source-view.sql as they stand, over base tables such as they name, by roles of this test."""
    page = PAGE
    (profile,) = re.findall(r"```toml profile:sql\n(.*?)```", page, re.DOTALL)
    queries = dict(re.findall(r'^(cases|decisions|plan_items) = "(SELECT .*)"$', page, re.MULTILINE))
    with client_system(database, views="") as system:
        system.change(
            """
            CREATE SCHEMA asiakas;
            CREATE TABLE asiakas.henkilo (tunnus int, hetu text, turvakielto bool);
            CREATE TABLE asiakas.asiakkuus (
                tunnus text, henkilo int, asiakasviite text, omatyontekija text, tila text, suunnitelma_pvm date, poistettu bool,
                muutettu timestamptz, palvelutehtava text
            );
            CREATE TABLE asiakas.paatos (
                asiakkuus text, tunnus text, numero text, paatospaiva date, myonnetty numeric, muutettu timestamptz
            );
            CREATE TABLE asiakas.palvelu (
                asiakkuus text, tunnus text, paatos text, palvelukoodi text, maara numeric, yksikko text, alkaa date, paattyy date,
                tuottaja text, muutettu timestamptz
            );
            INSERT INTO asiakas.henkilo VALUES (1, '131052-9074', true);
            INSERT INTO asiakas.asiakkuus VALUES ('C-1', 1, 'K-1', 'W-1', 'A', NULL, false, '2026-11-01', 'HB'),
                ('C-2', 1, 'K-1', 'W-1', 'A', NULL, true, '2026-11-01', 'HB'), ('C-3', 1, 'K-1', 'W-1', 'A', NULL, false, '2026-11-01', 'X');
            INSERT INTO asiakas.paatos VALUES ('C-1', 'D-1', 'P1', '2026-11-02', 900, '2026-11-02');
            """
        )
        for of_a_role in re.findall(r"(?:CREATE|ALTER) ROLE [^;]*;", statements):
            statements = statements.replace(of_a_role, "")
        system.change(statements.replace("avain_lukija", system.reader))
        with psycopg.connect(system.url) as reader, pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("SELECT * FROM asiakas.henkilo")
        source = Source(system, tmp_path, profile=profile, **queries, delta_column="muuttunut")
        fetched = source.fetch()
        assert fetched.memory["latest"]["value"].startswith("2026-11-02")
        found, gone, stray = source.read(fetched)[0], source.read(fetched)[1], source.read(fetched)[2:]
        assert isinstance(found, FoundRecord)
        assert (found.record.client.non_disclosure, len(found.record.decisions)) == (True, 1)
        assert (gone, stray) == (FoundGone("2", "C-2"), [])
        if "DO $$" in statements:
            check = statements[statements.index("DO $$") :].replace("avain_lukija", system.reader)
            system.change(f"GRANT USAGE ON SCHEMA asiakas TO {system.reader}")
            for right in ("SELECT (hetu) ON asiakas.henkilo", "DELETE ON avain.palvelut"):
                system.change(f"GRANT {right} TO {system.reader}")
                with pytest.raises(psycopg.errors.RaiseException, match="too many rights on"):
                    system.change(check)
                system.change(f"REVOKE {right} FROM {system.reader}")
            system.change(check)


@pytest.mark.parametrize("joined", [False, True])
def test_a_look_asks_for_the_first_cases_alone_each_whole(system: ClientSystem, tmp_path: Path, joined: bool) -> None:
    more = {
        "cases": "SELECT * FROM avain.asiakkuudet LEFT JOIN avain.paatokset USING (asiakkuus) ORDER BY asiakkuus DESC",
        "decisions": None,
    }
    profile = PROFILE.replace('[decisions]\ncase = "asiakkuus"', "[decisions]") if joined else PROFILE
    source = Source(system, tmp_path, profile=profile, **(more if joined else {"cases": f"{QUERIES['cases']} DESC"}))
    pace = unhurried()
    fetched = source.fetch(most=2, pace=pace)
    found = [one for one in source.read(fetched) if isinstance(one, FoundRecord)]
    assert {one.record.external_id: len(one.record.decisions) for one in found} == {"AS-3": 0, "AS-2": 2}
    assert pace.rows == (3 + 1 if joined else 2 + 2 + 1)
    assert sorted(source.ids(source.fetch(most=5_000))) == ["AS-1", "AS-2", "AS-3"]


def test_a_look_sees_rows_without_an_id(system: ClientSystem, tmp_path: Path) -> None:
    nameless = "SELECT NULL AS asiakkuus, asiakas, turvakielto, omatyontekija, tila, tavoite, suunnitelma, poistettu FROM avain.asiakkuudet"
    source = Source(system, tmp_path, cases=nameless)
    found = source.read(source.fetch(most=2))
    assert [one.field for one in found if isinstance(one, Rejection)] == ["external_id"] * 3
