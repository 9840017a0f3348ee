"""The bill of materials: valid by the standard's schema, the same each time, and just what the lock says."""

import json

from core.settings import ROOT
from deploy.supply_chain import lock
from deploy.supply_chain.sbom import bill_of_materials


def test_it_is_made_of_the_lock_alone_and_always_the_same():
    written = bill_of_materials()
    assert written == bill_of_materials()
    told = json.loads(written)
    locked = {one.name: one for one in lock.read(ROOT / "requirements" / "production.txt")}
    packages = {one["name"]: one for one in told["components"] if one["type"] == "library"}
    assert packages.keys() == locked.keys()
    for name, one in locked.items():
        assert packages[name]["version"] == one.version
        assert packages[name]["purl"] == f"pkg:pypi/{name}@{one.version}"
        assert [each["content"] for each in packages[name]["hashes"]] == list(one.hashes)
    images = {one["name"] for one in told["components"] if one["type"] == "container"}
    assert images == {"postgres", "redis", "python", "axllent/mailpit"}
    assert "timestamp" not in told["metadata"]


def test_it_says_who_needs_what():
    told = json.loads(bill_of_materials())
    needs = {one["ref"]: set(one.get("dependsOn", ())) for one in told["dependencies"]}
    names = {one["bom-ref"] for one in told["components"]}
    celery, kombu = (next(one for one in names if one.startswith(f"pkg:pypi/{name}@")) for name in ("celery", "kombu"))
    assert celery in needs["avain"]
    assert kombu in needs[celery]
    assert kombu not in needs["avain"]
    assert set().union(*needs.values()) == names, "nothing is there on nobody's account"


def test_another_lock_has_another_serial_number(tmp_path):
    (tmp_path / "requirements").mkdir()
    for name in ("pyproject.toml", "Dockerfile", "docker-compose.yml", "requirements/production.txt"):
        (tmp_path / name).write_text((ROOT / name).read_text("utf-8"), "utf-8")
    same = json.loads(bill_of_materials(tmp_path))
    assert same == json.loads(bill_of_materials())
    changed = tmp_path / "requirements" / "production.txt"
    changed.write_text(changed.read_text("utf-8").replace("lxml==", "lxml==9", 1), "utf-8")
    assert json.loads(bill_of_materials(tmp_path))["serialNumber"] != same["serialNumber"]
