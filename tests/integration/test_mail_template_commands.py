"""Templates and calendar addresses from the command line: a start to edit, refusals at the start of every process, addresses made and ended."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from typer.testing import CliRunner

from cli import reminder
from core.errors import InputError, NotFound
from core.follow_up_settings import FollowUps
from core.i18n import speaking
from core.settings import Settings
from services.health import Ground
from services.health.mail import templates
from services.reminders import message
from services.reminders.mail_templates import BUILT_IN
from tests.integration.test_reminder_commands import avain  # noqa: F401 - a fixture
from tests.support.lives import lives


def run(*arguments: str) -> str:
    with speaking("en"):
        result = CliRunner().invoke(reminder.app, list(arguments))
    if result.exception is not None:
        raise result.exception
    return result.stdout


def test_a_start_to_edit(tmp_path):
    folder = tmp_path / "deep" / "mails"
    assert "digest.html" in run("template", str(folder))
    assert {one.name: one.read_bytes() for one in folder.iterdir()} == {
        one.name: one.read_bytes() for one in BUILT_IN.iterdir()
    }
    message.check_templates(Settings(follow_ups=FollowUps(templates=folder)))
    (folder / "digest.html").write_text("mine", "utf-8")
    with pytest.raises(InputError, match="is there already"):
        run("template", str(folder))
    assert (folder / "digest.html").read_text("utf-8") == "mine"
    with pytest.raises(InputError, match="cannot be written"):
        run("template", str(folder / "digest.html" / "x"))


@pytest.mark.parametrize("command", ["worker", "beat", "console"])
def test_no_process_starts_with_a_template_it_cannot_use(tmp_path, command):
    mails = tmp_path / "mails"
    mails.mkdir()
    (mails / "digest.txt").write_text("{{ heading }}\n{{ hading }}\n", "utf-8")
    (tmp_path / "avain.toml").write_text('language = "en"\n[follow_ups]\ntemplates = "mails"\n', "utf-8")
    environment = {"AVAIN_CONFIG": str(tmp_path / "avain.toml"), "AVAIN_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = lives().run([command], environment)
    assert done.returncode == 1
    said = " ".join(done.stderr.split())
    assert f"Template of e-mails {mails / 'digest.txt'}:2: there is no value hading. There are: count, footer," in said
    assert [one.name for one in tmp_path.iterdir()] in (["mails", "avain.toml"], ["avain.toml", "mails"]), (
        "nothing begun"
    )


def test_doctor_says_what_is_wrong(tmp_path):
    def said(folder: Path | None) -> list[tuple[str, str]]:
        with speaking("en"):
            return [
                (one.state, str(one.found))
                for one in templates(Ground(Settings(follow_ups=FollowUps(templates=folder))))
            ]

    assert said(None) == [("ok", "Avain's own")]
    (tmp_path / "digest.txt").write_bytes((BUILT_IN / "digest.txt").read_bytes())
    assert said(tmp_path) == [("ok", str(tmp_path))]
    (tmp_path / "digest.txt").write_bytes(b"\n\xff")
    ((state, found),) = said(tmp_path)
    assert (state, "digest.txt:2: is not UTF-8" in found) == ("broken", True)


def test_a_calendar_address_is_made_shown_and_ended(avain):  # noqa: F811 - the fixture
    worker = avain.followed.worker.external_id
    assert f"{worker} has no calendar address." in avain.run("reminder", "calendar", worker).stdout
    made = avain.json("reminder", "calendar", worker, "--new", "--as", "operator")
    path = urlsplit(made["address"]).path
    assert path.startswith("/calendar/")
    assert path.endswith(".ics")
    shown = avain.json("reminder", "calendar", worker)
    assert (shown["address"], shown["made"], shown["fetched"]) == (None, made["made"], None)
    assert "last fetched: not yet" in avain.run("reminder", "calendar", worker).stdout
    printed = avain.run("reminder", "calendar", worker, "--new").stdout
    assert printed.strip().endswith(".ics")
    assert avain.json("reminder", "calendar", worker, "--revoke")["made"] is None
    assert avain.value("SELECT count(*) FROM audit_event WHERE action LIKE 'calendar.%'") == 3
    with pytest.raises(InputError, match="There is no calendar address"):
        avain.run("reminder", "calendar", worker, "--revoke")
    with pytest.raises(InputError, match="Either"):
        avain.run("reminder", "calendar", worker, "--revoke", "--new")
    with pytest.raises((NotFound, InputError)):
        avain.run("reminder", "calendar", "W-none", "--new")
