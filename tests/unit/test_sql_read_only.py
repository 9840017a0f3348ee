"""What other databases than PostgreSQL are told before they are asked anything, and that nothing is ever committed."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from connectors.cases.profile import load_profile
from connectors.cases.sql.client import SqlViews
from connectors.transports.base import Visit
from core.source_settings import SqlView
from tests.support.recording_driver import recording

PROFILE = """
[profile]
name = "p"
[cases]
external_id = "answer"
client.external_id = "answer"
responsible_worker = "answer"
status = "answer"
"""
REPEATABLE = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"


@pytest.mark.parametrize(
    ("url", "server", "locked"),
    [
        ("mysql+pymysql://reader@127.0.0.1/reports", "8.0.36", REPEATABLE),
        ("mariadb+pymysql://reader@127.0.0.1/reports", "10.11.6-MariaDB", REPEATABLE),
        ("oracle+oracledb://reader@127.0.0.1/reports", "19.0.0.0.0", "SET TRANSACTION READ ONLY"),
    ],
)
def test_the_transaction_is_made_read_only_before_the_first_query_and_rolled_back(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str, server: str, locked: str
) -> None:
    sent = recording(monkeypatch, url.partition("+")[2].partition(":")[0], server)
    (tmp_path / "profile.toml").write_text(PROFILE, "utf-8")
    view = SqlView(url=SecretStr(url), cases="SELECT answer FROM cases")
    (file,) = SqlViews(view, load_profile(tmp_path / "profile.toml", "sql")).fetch(Visit(tmp_path / "spool")).files
    assert '["0"]' in file.path.read_text()
    begun = sent.index(locked)
    assert sent[begun - 1] == "ROLLBACK", "nothing is under way: it would be too late for that"
    assert sent[begun + 1] == "SELECT answer FROM cases"
    assert set(sent[begun + 2 :]) == {"ROLLBACK"}
