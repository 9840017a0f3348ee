"""What docs/sources/ shows can be used as it stands."""

import re
import tomllib
from pathlib import Path

import pytest
from pydantic import SecretStr

from connectors.cases.profile import load_profile
from connectors.cases.profile.targets import targets
from connectors.cases.sql.cases import check_agreement
from core.settings import ROOT
from core.source_settings import CaseSource, SqlView

DOCS = ROOT / "docs/sources"
PAGES = ("profiles.md", "table.md", "sql-view.md")
PROFILES = [
    pytest.param(kind, text, id=f"{page}-{number}")
    for page in PAGES
    for number, (kind, text) in enumerate(
        re.findall(r"```toml profile:(\w+)\n(.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL)
    )
]


@pytest.mark.parametrize(("kind", "text"), PROFILES)
def test_the_profiles_shown_can_be_loaded(kind, text: str, tmp_path: Path) -> None:
    (tmp_path / "shown.toml").write_text(text, "utf-8")
    assert load_profile(tmp_path / "shown.toml", kind).name


def test_there_are_as_many_as_there_should_be() -> None:
    assert len(PROFILES) == 4


@pytest.mark.parametrize("page", PAGES)
def test_the_sources_shown_are_valid_settings(page: str) -> None:
    (text,) = re.findall(r"```toml\n# avain\.toml\n(.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL)
    for source in tomllib.loads(text)["sources"]["cases"].values():
        if "sql" in source:
            source["sql"]["url"] = "postgresql://reader@db.test/reports"
        CaseSource.model_validate(source)


def test_the_queries_shown_go_with_the_profile_shown(tmp_path: Path) -> None:
    text = (DOCS / "sql-view.md").read_text("utf-8")
    (profile,) = re.findall(r"```toml profile:sql\n(.*?)```", text, re.DOTALL)
    (tmp_path / "shown.toml").write_text(profile, "utf-8")
    queries = dict(re.findall(r'^(cases|decisions|plan_items) = "(SELECT .*)"$', text, re.MULTILINE))
    check_agreement(SqlView(url=SecretStr("sqlite://"), **queries), load_profile(tmp_path / "shown.toml", "sql"))


def test_every_field_is_in_the_table_of_fields() -> None:
    text = (DOCS / "profiles.md").read_text("utf-8")
    for group in ("cases", "decisions", "plan_items"):
        (row,) = re.findall(rf"^\| `\[{group}\]` \|(.*?)\|(.*?)\|$", text, re.MULTILINE)
        required, optional = (set(re.findall(r"`([\w.]+)`", cell)) for cell in row)
        known = targets(group)
        assert required == {".".join(path) for path, one in known.items() if one.required and not one.in_optional_part}
        assert required | optional == {".".join(path) for path in known}
