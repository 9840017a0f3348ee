"""Whatever goes wrong, a command answers with a sentence and an exit code, never with a traceback."""

import json
import os
import subprocess
import sys

import pytest

from core.settings import ROOT
from tests.support.lives import lives


def avain(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return lives().run(arguments, {**os.environ, **environment})


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://x@127.0.0.1:1/x", "does not answer"),
        ("kukkuu", "not a database URL"),
    ],
)
def test_a_database_that_cannot_be_used(url, said):
    done = avain("case", "list", AVAIN_DATABASE_URL=url)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_without_tables(services):
    empty = services.database_owner_url.replace("/avain?", "/postgres?")
    done = avain("case", "list", AVAIN_DATABASE_URL=empty)
    assert (done.returncode, "avain db upgrade" in done.stderr, "Traceback" in done.stderr) == (1, True, False)


def test_a_configuration_that_is_a_folder(tmp_path):
    done = avain("config", "show", AVAIN_CONFIG=str(tmp_path))
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert str(tmp_path) in done.stderr


def test_what_is_logged_is_no_part_of_the_one_json_document(tmp_path):
    inside = tmp_path / "in"
    inside.mkdir()
    (inside / "out.xml").symlink_to(tmp_path / "avain.toml")
    (tmp_path / "avain.toml").write_text(f'[sources.cases.a]\npath = "{inside}/*.xml"\n', "utf-8")
    done = avain("doctor", "--json", AVAIN_CONFIG=str(tmp_path / "avain.toml"))
    json.loads(done.stdout)
    assert "link_not_followed" in done.stderr


def test_a_place_that_is_not_there(tmp_path):
    done = avain("init", str(tmp_path / "none" / "avain.toml"))
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)


def test_a_fault_of_ours_is_a_sentence_and_shows_more_when_asked(tmp_path):
    done = avain(
        "compare", "--case", "x" * 10, AVAIN_DATABASE_URL="postgresql://x@127.0.0.1:1/x", AVAIN_LOG_LEVEL="DEBUG"
    )
    assert done.returncode == 1
    assert "command_failed" in done.stderr
    assert 'cli/main.py", line' in done.stderr, "where, though not with what"


def test_the_language_of_the_configuration_is_spoken(tmp_path):
    file = tmp_path / "avain.toml"
    file.write_text('language = "sv"', "utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "AVAIN_LANGUAGE"}
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", "--help"],
        cwd=ROOT,
        env={**environment, "AVAIN_CONFIG": str(file)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Beställningar" in done.stdout
