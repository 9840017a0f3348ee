"""Other processes, other people and a look inside, for the tests of the embedded services."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from core.embedded import place as places

ROOT = Path(__file__).resolve().parents[2]
AS_ROOT = os.geteuid() == 0
#: Another person can only run what they can reach; a checkout under a closed home is as good as not there for them.
OPEN_TO_ALL = all(
    place.stat().st_mode & 0o005 == 0o005 for start in (ROOT, Path(sys.prefix)) for place in (start, *start.parents)
)
needs_open = pytest.mark.skipif(
    not OPEN_TO_ALL, reason="SKIPPED: THIS CHECKOUT IS CLOSED to other accounts, so none can be tried"
)
needs_root = pytest.mark.skipif(not AS_ROOT, reason="SKIPPED FOR WANT OF ROOT: only root has to change accounts")


def connect(url: str, **more: Any) -> "psycopg.Connection[Any]":
    parsed = make_url(url)
    return psycopg.connect(
        host=str(parsed.query["host"]),
        port=str(parsed.query["port"]),
        user=parsed.username,
        dbname=more.pop("dbname", parsed.database),
        autocommit=True,
        **more,
    )


def one(url: str, statement: str, **more: Any) -> Any:
    with connect(url, **more) as connection:
        row = connection.execute(statement).fetchone()
    assert row is not None
    return row[0]


def place_of(home: Path) -> places.Place:
    found = places.find(home)
    assert found is not None
    return found


def python(code: str, *arguments: Path | str, **options: Any) -> "subprocess.Popen[str]":
    """Another process that has this checkout on its path."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def finished(process: "subprocess.Popen[str]") -> str:
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out


#: A program for another person: it changes accounts itself, since the interpreter may lie where only root can read.
AS_NOBODY = """
    import codecs, os, pwd, sys, psycopg
    from core import embedded
    codecs.lookup("ascii"), codecs.lookup("idna")
    nobody = pwd.getpwnam("nobody")
    os.setgroups([]), os.setgid(nobody.pw_gid), os.setuid(nobody.pw_uid)
"""
STARTER = """
    import json, sys
    from pathlib import Path
    from core import embedded
    home = Path(sys.argv[1])
    up = embedded.start(home, durable=False)
    print(json.dumps({"started": up.started, "url": up.database_url, "pids": embedded.pids(home)}), flush=True)
"""
