"""Views that cannot be read: what is wrong is said as a sentence, without the URL's password or what rows hold."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connectors.cases.registry import case_transport
from connectors.pace import Pace
from core.errors import AvainError, ConfigurationError, NotFound, Permanent, Transient
from tests.support.client_system import PROFILE, ClientSystem, Source


class TestFaults:
    @pytest.mark.parametrize(
        ("over", "kind", "why"),
        [
            ({"cases": "SELECT * FROM avain.nowhere"}, NotFound, r'sql\.cases names is not there: relation "avain\.nowhere"'),
            ({"decisions": "SELECT paatos FROM avain.paatokset"}, NotFound, "asiakkuus is not known"),
            ({"decisions": "SELECT nope FROM avain.paatokset"}, NotFound, r"sql\.decisions names is not there"),
            ({"cases": "SELECT * FROM inside.person"}, Permanent, r"does not let Avain read what the query sql\.cases names"),
            ({"cases": "SELEC * FROM avain.asiakkuudet"}, Permanent, r"refused the query sql\.cases: syntax error"),
            ({"cases": "DELETE FROM avain.asiakkuudet"}, Permanent, r"sql\.cases"),
            ({"cases": "SELECT *, 1 / (length(tila) - 1) FROM avain.asiakkuudet"}, Permanent, "DivisionByZero"),
            ({"plan_items": "SELECT pg_sleep(5), p.* FROM avain.palvelut p", "seconds": 1}, Transient, r"broke off the query sql\.plan_items"),
        ],
    )  # fmt: skip
    def test_what_the_database_will_not_do_is_said(
        self, system: ClientSystem, tmp_path: Path, over: dict[str, Any], kind: type[AvainError], why: str
    ) -> None:
        with pytest.raises(kind, match=why):
            Source(system, tmp_path, **over).fetch()
        assert not [one for one in (tmp_path / "spool").iterdir() if one.name.startswith(".part")]

    @pytest.mark.parametrize(
        ("url", "kind", "why"),
        [
            ("not a url", ConfigurationError, "not one that SQLAlchemy knows"),
            ("nosuch://reader:hunter2@db/x", ConfigurationError, "not one that SQLAlchemy knows"),
            ("mysql+pymysql://reader:hunter2@db/x", ConfigurationError, "driver pymysql"),
            ("postgresql://reader:hunter2@127.0.0.1:1/x", Transient, "cannot be reached"),
            ("sqlite:////nowhere/at/all.db", NotFound, "/nowhere/at/all.db does not exist"),
        ],
    )
    def test_a_database_that_is_not_there_is_said_without_its_password(
        self, system: ClientSystem, tmp_path: Path, url: str, kind: type[AvainError], why: str
    ) -> None:
        with pytest.raises(kind, match=why) as told:
            Source(replace(system, url=url), tmp_path).fetch()
        assert "hunter2" not in str(told.value)

    def test_a_role_that_is_not_let_in_is_not_tried_again(self, system: ClientSystem, tmp_path: Path) -> None:
        with pytest.raises(Permanent, match="does not let Avain in"):
            Source(replace(system, url=system.url.replace(system.reader, "nobody_here")), tmp_path).fetch()

    def test_a_connection_that_breaks_is_tried_again(self, system: ClientSystem, source: Source) -> None:
        class Breaking(Pace):
            def after_rows(self, rows: int) -> None:
                system.cut()

        with pytest.raises(Transient, match="broke off"):
            source.fetch(pace=Breaking(requests_per_second=1000, rows_per_second=1_000_000))

    @pytest.mark.parametrize(
        ("over", "profile"),
        [({"decisions": None}, PROFILE), ({}, PROFILE.replace('[plan_items]\ncase = "asiakkuus"', "[plan_items]"))],
    )
    def test_queries_and_profile_must_agree(
        self, system: ClientSystem, tmp_path: Path, over: Any, profile: str
    ) -> None:
        with pytest.raises(ConfigurationError, match="go together"):
            Source(system, tmp_path, profile=profile, **over).fetch()


def test_look_asks_for_columns_only(source: Source, system: ClientSystem) -> None:
    way = case_transport(source.settings, source.folder)
    assert way.look() == ["cases", "decisions", "plan_items"]
    way.put_away({"cases": "0" * 64})
    system.change("DROP VIEW avain.palvelut")
    with pytest.raises(NotFound, match=r"sql\.plan_items"):
        way.look()
