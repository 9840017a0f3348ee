"""What the papers for reviewers say can be used as it stands: settings, roles, names of events, links."""

import asyncio
import io
import json
import logging
import re
import tomllib
from collections.abc import Iterator, MutableMapping
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
import structlog
from starlette.types import Receive, Scope, Send

from connectors.oidc import SignedIn
from console.pages import access
from console.web.measured import Figures, Measured
from core.console_settings import Oidc
from core.logging import configure_logging
from core.settings import ROOT, Settings
from services.audit_actions import action_name
from workers.groups import GROUPS

FOLDER = ROOT / "docs" / "review"
PAGES = [*sorted(FOLDER.glob("*.md")), ROOT / "SECURITY.md"]
SHOWN = [
    pytest.param(text, id=f"{page.stem}-{number}")
    for page in PAGES
    for number, text in enumerate(re.findall(r"```toml\n# avain\.toml\n(.*?)```", page.read_text("utf-8"), re.DOTALL))
]


def page(name: str) -> str:
    return (FOLDER / f"{name}.md").read_text("utf-8")


@pytest.mark.parametrize("text", SHOWN)
def test_the_settings_shown_are_valid(text: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    Settings(**tomllib.loads(text))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_links_lead_somewhere(path: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", path.read_text("utf-8"))
    assert [one for one in links if not (path.parent / one).exists()] == []


def test_every_page_is_named_where_reviewers_begin() -> None:
    named = set(re.findall(r"\]\(([\w.-]+)\)", (FOLDER / "README.md").read_text("utf-8")))
    there = {path.name for path in FOLDER.iterdir()} - {"README.md"}
    assert there - named == set()


class TestEntra:
    ROLES = json.loads(re.findall(r"```json\n(.*?)```", page("entra-id"), re.DOTALL)[0])
    OIDC = Oidc(
        **tomllib.loads(re.findall(r"```toml\n(.*?)```", page("entra-id"), re.DOTALL)[0])["console"]["oidc"],
    )

    def test_each_app_role_means_one_role_of_avains(self) -> None:
        given = {}
        for one in self.ROLES:
            signed_in = SignedIn({"roles": [one["value"]], "oid": "3f0c"}, self.OIDC)
            (given[one["value"]],) = signed_in.roles
            assert signed_in.subject == "3f0c"
        assert set(given.values()) == set(self.OIDC.roles)
        assert len(given) == len(self.OIDC.roles)

    def test_no_role_and_a_strangers_role_mean_nothing(self) -> None:
        strangers: list[dict[str, list[str]]] = [
            {},
            {"roles": []},
            {"roles": ["worker", "Avain"]},
            {"groups": ["Avain.Auditor"]},
        ]
        for claims in strangers:
            assert SignedIn({"oid": "3f0c", **claims}, self.OIDC).roles == frozenset()

    def test_the_manifest_is_one(self) -> None:
        assert len({UUID(one["id"]) for one in self.ROLES}) == len(self.ROLES)
        for one in self.ROLES:
            assert one["allowedMemberTypes"] == ["User"]
            assert one["isEnabled"] is True
            assert not re.search(r"\s", one["value"])

    def test_the_address_is_where_the_console_takes_logins_back(self) -> None:
        (path,) = re.findall(r"redirect address.*`https://[^/]+(/[^`]+)`", page("entra-id"))
        assert path in Path(access.__file__).read_text("utf-8")


def test_events_worth_an_alarm_are_logged() -> None:
    table = page("siem").partition("## Events worth an alarm")[2].partition("## ")[0]
    named = {
        word for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for word in re.findall(r"`([a-z_]+)`", row)
    }
    named -= {"event", "status"}
    logged = {
        word
        for folder in ("console", "core", "workers", "services", "connectors", "cli")
        for path in (ROOT / folder).rglob("*.py")
        for word in re.findall(r'log\.\w+\(\s*"([a-z_]+)"', path.read_text("utf-8"))
    }
    assert named
    assert named - logged == set()


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    stream = io.StringIO()
    configure_logging("json", "INFO", stream=stream)
    yield stream
    root.setLevel(level)
    root.handlers[:] = handlers
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def test_a_line_is_as_it_is_shown(logged: io.StringIO) -> None:
    shown = json.loads(re.findall(r"```json\n(.*?)```", page("siem"), re.DOTALL)[0])

    async def refuse(scope: Scope, _receive: Receive, send: Send) -> None:
        scope["route"] = SimpleNamespace(path=shown["route"])
        await send({"type": "http.response.start", "status": shown["status"], "headers": []})

    async def hear() -> MutableMapping[str, Any]:
        return {}

    async def say(_message: MutableMapping[str, Any]) -> None:
        pass

    asked = {
        "type": "http",
        "method": shown["method"],
        "path": "/cases/HB-2026-000001/identity",
        "query_string": b"hetu=x",
    }
    asyncio.run(Measured(refuse, Figures())(asked, hear, say))
    said = json.loads(logged.getvalue())
    assert said.keys() == shown.keys()
    changing = {"timestamp": "", "ms": 0}
    assert {**said, **changing} == {**shown, **changing}
    assert datetime.fromisoformat(said["timestamp"]).utcoffset() == timedelta()


def test_acts_worth_an_alarm_are_recorded() -> None:
    named = re.findall(r"`([a-z_]+\.[a-z_]+)`", page("siem").partition("Acts worth an alarm")[2])
    assert len(named) > 8
    for one in named:
        if one != "docs.review":
            assert action_name(one) != one, f"{one} is no act"


def test_the_units_run_what_there_is() -> None:
    units = page("offline-installation")
    assert set(re.findall(r"worker --group (\w+)", units)) <= set(GROUPS)
    assert "AVAIN_ENVIRONMENT=production" in units
