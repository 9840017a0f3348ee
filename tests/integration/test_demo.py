"""The demo as a user runs it: an installation of its own, real processes, every step checked by itself.

With canaries in everything that is secret, and troubles at its end: nothing of it may be where it must not be (docs/canaries.md). One day serves both.
"""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import embedded
from core.settings import ROOT
from tests.canaries.planted import told

#: Kinds of places in which there was something to search.
SEARCHED = {
    "argv", "cli", "database-files", "db", "errors", "file", "file-name", "header", "log", "mail", "metrics", "page", "redis-disk", "redis-journal", "url", "wire",
}  # fmt: skip


@pytest.fixture
def results(tmp_path: Path) -> Iterator[Path]:
    """Where the demo puts what it shows; its installation lies beside, or, for root, outside of pytest's closed folders."""
    yield tmp_path / "demo"
    embedded.remove(tmp_path / "demo-installation")


@pytest.mark.slow
def test_every_step_of_the_demo_holds_the_console_stays_open_and_nothing_secret_is_out(results):
    demo = subprocess.Popen(
        [sys.executable, "-m", "tests.canaries.day", str(results)],
        cwd=ROOT, env={**os.environ, "DEMO_SERVE": "1"}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    late = threading.Timer(600, demo.kill)
    late.start()
    said: list[str] = []
    try:
        links: list[str] = []
        for line in demo.stdout or ():
            said.append(line)
            links += re.findall(r"http://127\.0\.0\.1:\d+/enter/\S+", line)
            if len(links) == 2:
                for link in links:
                    with urllib.request.urlopen(link, timeout=20) as page:
                        assert "<form" in page.read().decode()
                demo.send_signal(signal.SIGINT)
                break
        said.append(demo.communicate()[0])
    finally:
        late.cancel()
        demo.kill()
    assert demo.returncode == 0, "".join(said)[-3000:]
    assert len(links) == 2, "".join(said)[-3000:]
    report = json.loads((results / "report.json").read_text("utf-8"))
    assert {name: one["added"] for name, one in report["night"]["cases"].items()} == {
        "lifecare-vienti": 4,
        "raportointi": 1,
    }
    assert len(report["night"]["lists"]) == 6
    assert [row["position"] for row in report["night"]["rejected"]] == ["7", "85"]
    assert sorted(report["orders_sha256"]) == [f"T-2026-00000{n}.xml" for n in (1, 2, 3, 4)]
    assert [one["planned"] for one in report["dearer"]["moved"]] == [["1176.00", "1269.10"]]
    assert report["killed"]["arrived"] == 1
    assert report["order_papers"] == [f"T-2026-00000{n}.pdf" for n in (1, 2, 4)]
    assert sorted(one["amount"] for one in report["billed"].values()) == ["105.84", "88.00"]
    assert report["escalation"]["rating"] == 5
    assert report["console"]["free"] == "18.00"
    page = (results / "index.html").read_text("utf-8")
    assert all(number in page for number in "①②③④⑤⑥")
    assert "http" not in page.replace("https://avain-esimerkki.invalid", ""), "the page stands alone"
    lived = json.loads((results / "seen.json").read_text("utf-8"))
    assert told(lived) == []
    assert {kind for kind, size in lived["sizes"].items() if size} >= SEARCHED, "nothing was searched in vain"
