"""docs/audit.md, followed to the letter: what it says suffices to verify a trail without Avain."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, text

from core.settings import ROOT
from tests.support.audit_trail import Trail

PAGE = (ROOT / "docs" / "audit.md").read_text("utf-8")
EXPORT = re.findall(r"```sql\n\\copy (\(.*\)) TO 'trail.csv' (\(FORMAT csv\))\n```", PAGE)
PROGRAM = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def verified(trail: Trail, folder: Path) -> str:
    """What the program of the page says of a trail exported as the page says."""
    ((query, form),) = EXPORT
    (folder / "verify.py").write_text(PROGRAM[0], "utf-8")
    with trail.app.connect() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        with driver.cursor() as cursor, cursor.copy(f"COPY {query} TO STDOUT {form}") as copying:
            exported = b"".join(copying)
    (folder / "trail.csv").write_bytes(exported)
    done = subprocess.run(
        [sys.executable, "-I", "verify.py", "trail.csv", str(trail.file)], cwd=folder, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert (done.returncode == 0) == (done.stdout == "whole\n")
    return done.stdout.strip() or done.stderr.strip()


def test_the_page_suffices_to_verify_a_trail(trail, tmp_path):
    trail.say_old(datetime(2012, 3, 31, 20, 59, 59, tzinfo=UTC), 3)
    trail.say(3)
    trail.seal()
    trail.say(2)
    trail.seal()
    assert verified(trail, tmp_path) == "whole"
    trail.purge(datetime(2013, 1, 1, tzinfo=UTC).date())
    trail.seal()
    assert verified(trail, tmp_path) == "whole"
    event = trail.value("SELECT event_id FROM audit_seal ORDER BY month DESC, position LIMIT 1")
    trail.tamper("UPDATE audit_event SET details = details || '{\"hours\": 1.250}' WHERE id = :event", event=event)
    assert f"event {event}" in verified(trail, tmp_path)


def test_the_page_finds_a_history_that_was_written_anew(trail, tmp_path):
    trail.say(3)
    trail.seal()
    kept = trail.file.read_bytes()
    trail.tamper(
        "UPDATE audit_event SET actor = 'worker:W-9'",
        "TRUNCATE audit_seal",
        "UPDATE audit_sealing SET snapshot = NULL, anchors = 0",
    )
    trail.file.unlink()
    trail.seal()
    assert verified(trail, tmp_path) == "whole"
    trail.file.write_bytes(kept)
    assert "not as it was sealed" in verified(trail, tmp_path)


@pytest.fixture(scope="module")
def postgres(shared_engine: Engine) -> Iterator[Connection]:
    with shared_engine.connect() as connection:
        yield connection


def canonical(value: object) -> str:
    """As the page describes it."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: (len(key.encode()), key.encode()))
        return "{" + ", ".join(f"{canonical(key)}: {canonical(value[key])}" for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(canonical(one) for one in value) + "]"
    return json.dumps(value, ensure_ascii=False)


CHARACTERS = st.characters(codec="utf-8", exclude_characters="\x00")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.text(CHARACTERS, max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(CHARACTERS, max_size=5), inner, max_size=4),
    max_leaves=8,
)


@given(VALUES)
@settings(max_examples=60, deadline=None)
def test_canonical_json_is_what_the_page_says(postgres, value):
    printed = postgres.execute(
        text("SELECT CAST(CAST(:value AS jsonb) AS text)"), {"value": json.dumps(value)}
    ).scalar()
    assert printed == canonical(value)
