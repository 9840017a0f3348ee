"""An installation from a wheelhouse, on a machine without a network: `make test-offline` fetches the wheels, these tests install them."""

import json
import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from packaging.markers import Marker

from core.settings import ROOT
from deploy.supply_chain import lock

NOWHERE = "http://127.0.0.1:1"
#: A process of nobody's sees no network at all where the machine lets us say so; elsewhere all ways out lead nowhere.
WALLED = ["unshare", "--map-root-user", "--net"]
PLAIN = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "AVAIN_LANGUAGE": "en",
    "PIP_INDEX_URL": NOWHERE,
    "UV_INDEX_URL": NOWHERE,
    **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), NOWHERE),
}


def wall() -> list[str]:
    can = (
        shutil.which(WALLED[0]) and subprocess.run([*WALLED, "true"], capture_output=True, check=False).returncode == 0
    )
    return WALLED if can else []


def install(target: Path, wheelhouse: Path) -> subprocess.CompletedProcess[str]:
    command = [*wall(), str(ROOT / "deploy" / "install-offline.sh"), str(target), str(wheelhouse)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=PLAIN, timeout=900)


@pytest.fixture(scope="module")
def wheelhouse() -> Path:
    assert "WHEELHOUSE" in os.environ, "run: make test-offline"
    return Path(os.environ["WHEELHOUSE"])


@pytest.fixture(scope="module")
def avain(wheelhouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("opt") / "avain"
    done = install(target, wheelhouse)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


def run(avain: Path, *words: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [avain, *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**PLAIN, **environment},
        timeout=300,
    )


def test_just_what_the_lock_says_is_installed(avain: Path):
    asked = "import importlib.metadata as m, json; print(json.dumps({d.name: d.version for d in m.distributions()}))"
    done = subprocess.run([avain.parent / "python", "-c", asked], capture_output=True, text=True, check=True, env=PLAIN)
    found = {(re.sub(r"[-_.]+", "-", name.lower()), version) for name, version in json.loads(done.stdout).items()}
    locked = lock.read(ROOT / "requirements" / "production.txt")
    assert found == {(one.name, one.version) for one in locked if not one.condition or Marker(one.condition).evaluate()}


def test_it_works_and_brings_no_servers_of_its_own(avain: Path, tmp_path: Path):
    schema = run(avain, "config", "schema", folder=tmp_path)
    assert json.loads(schema.stdout)["title"] == "Settings"
    bare = run(avain, "up", folder=tmp_path, AVAIN_HOME=str(tmp_path))
    assert bare.returncode != 0
    assert 'install the "embedded" extra' in bare.stderr
    production = run(avain, "up", folder=tmp_path, AVAIN_ENVIRONMENT="production")
    assert production.returncode != 0
    assert "production mode needs AVAIN_DATABASE_URL" in production.stderr


def test_it_speaks_finnish(avain: Path, tmp_path: Path):
    assert "Sosiaalihuollon" in run(avain, "--help", folder=tmp_path, AVAIN_LANGUAGE="fi").stdout


def test_only_wheels_with_the_hashes_of_the_lock_are_there(wheelhouse: Path):
    assert {path.suffix for path in wheelhouse.iterdir()} == {".whl"}
    wanted = {
        one.name
        for name in ("bootstrap", "production")
        for one in lock.read(ROOT / "requirements" / f"{name}.txt")
        if not one.condition or Marker(one.condition).evaluate()
    }
    there = {re.sub(r"[-_.]+", "-", path.name.split("-")[0].lower()) for path in wheelhouse.iterdir()}
    assert there == wanted


def test_a_wheel_that_somebody_changed_is_refused(wheelhouse: Path, tmp_path: Path):
    changed = tmp_path / "wheelhouse"
    changed.mkdir()
    for path in wheelhouse.iterdir():
        (changed / path.name).symlink_to(path)
    victim = next(changed.glob("itsdangerous-*.whl"))
    content = victim.read_bytes()
    victim.unlink()
    victim.write_bytes(content)
    with zipfile.ZipFile(victim, "a") as wheel:
        wheel.writestr("itsdangerous/more.py", "print('not in the lock')")
    done = install(tmp_path / "avain", changed)
    assert done.returncode != 0
    assert "hash" in done.stderr.lower()
    assert not (tmp_path / "avain" / "bin" / "avain").exists()
