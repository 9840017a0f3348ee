"""Looking at sources: one that is down is a finding, and nobody waits for one that says nothing."""

import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from cli.doctor import _sources
from connectors.transports.local import LocalFiles
from core.settings import Settings
from core.source_settings import CaseSource, Sources
from core.transport_settings import HttpsFile, SftpFiles
from services.looking import look_at_all
from tests.support.sftp_server import HOST_KEY


@pytest.fixture
def configured(tmp_path: Path) -> Settings:
    (tmp_path / "a.xml").write_text("x")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    web = {"kind": "https", "allow_private": True, "allow_http": True}
    shell: dict[str, Any] = {"kind": "sftp", "username": "avain", "password": "hush", "path": "/*.xml"}
    shell["host_key"] = HOST_KEY.export_public_key().decode()
    transports = {
        "web": HttpsFile(url=f"http://127.0.0.1:{port}/a.xml?key=hush", **web),
        "shell": SftpFiles(host="127.0.0.1", port=port, **shell),
        "inside": HttpsFile(url=f"https://127.0.0.1:{port}/a.xml", kind="https"),
    }
    cases = {name: CaseSource(transport=one) for name, one in transports.items()}
    cases |= {"files": CaseSource(path=f"{tmp_path}/*.xml"), "none": CaseSource(path=f"{tmp_path}/*.csv")}
    return Settings(home=tmp_path, sources=Sources(cases=cases))


def test_a_source_that_is_down_is_a_finding(configured: Settings) -> None:
    found = {one.name.removeprefix("Source "): one for one in _sources(configured)}
    assert (found["files"].state, found["files"].found) == ("ok", "a.xml")
    assert found["none"].state == "warning"
    for name in ("web", "shell"):
        assert found[name].state == "broken"
        assert "failed" in found[name].found
        assert "may pass" in found[name].advice
    assert "may not connect" in found["inside"].found
    assert "Correct [sources]" in found["inside"].advice
    assert "hush" not in str(found)


def test_nobody_waits_for_a_share_that_hangs(configured: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    free = threading.Event()
    monkeypatch.setattr(LocalFiles, "look", lambda _: free.wait(30) and [])
    looks = {one.source.name: one for one in look_at_all(configured.sources, patience=0.2)}
    free.set()
    assert "did not answer in time" in str(looks["files"].error)


def test_an_error_of_ours_is_not_taken_for_the_source_s(configured: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def mistake(_: object) -> list[str]:
        raise ZeroDivisionError

    monkeypatch.setattr(LocalFiles, "look", mistake)
    with pytest.raises(ZeroDivisionError):
        look_at_all(configured.sources)


def test_without_sources_there_is_nothing_to_look_at(tmp_path: Path) -> None:
    (finding,) = _sources(Settings(home=tmp_path))
    assert (finding.state, finding.found) == ("warning", "none")
