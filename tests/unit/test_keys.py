"""Keys of an installation: configured ones are used, a hash key nobody configured is made once."""

import base64
from pathlib import Path
from typing import Any

import pytest

from core.keys import fingerprints, record_hasher, sealer
from core.settings import Privacy, Settings

RECORD = {"external_id": "LC-1"}


@pytest.fixture(autouse=True)
def _own_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' common home, which the environment names, is not the one that is meant here."""
    monkeypatch.delenv("AVAIN_HOME", raising=False)


def test_a_configured_hash_key_decides_the_hash(tmp_path: Path) -> None:
    one, other = (record_hasher(Settings(home=tmp_path, hash_key=letter * 32)).digest(RECORD) for letter in "ab")
    assert one != other
    assert list(tmp_path.iterdir()) == []


def test_without_one_a_key_is_made_once_and_kept_to_its_owner(tmp_path: Path) -> None:
    first = record_hasher(Settings(home=tmp_path / "new")).digest(RECORD)
    key = tmp_path / "new/hash.key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in key.parent.iterdir()] == ["hash.key"]
    assert record_hasher(Settings(home=tmp_path / "new")).digest(RECORD) == first
    assert record_hasher(Settings(home=tmp_path / "other")).digest(RECORD) != first


def test_identity_is_sealed_only_where_it_is_wanted(tmp_path: Path) -> None:
    seal, index = (base64.b64encode(letter * 32).decode() for letter in (b"s", b"i"))
    keys: dict[str, Any] = {"seal_keys": f"k1:{seal}", "index_key": index}
    assert sealer(Settings(home=tmp_path, **keys)) is None
    made = sealer(Settings(home=tmp_path, privacy=Privacy(identity="sealed"), **keys))
    assert made is not None
    assert made.is_current(made.seal({"name": "Aino"}, table="client", row="1", column="sealed_identity"))


def test_keys_are_known_again_by_what_does_not_tell_them(tmp_path: Path) -> None:
    seal, index, hash_key = base64.b64encode(b"s" * 32).decode(), base64.b64encode(b"i" * 32).decode(), "h" * 32
    configured = Settings(home=tmp_path, hash_key=hash_key, seal_keys=f"k2:{index},k1:{seal}", index_key=index)
    known = fingerprints(configured)
    assert list(known) == ["AVAIN_HASH_KEY", "AVAIN_SEAL_KEYS (k2)", "AVAIN_SEAL_KEYS (k1)", "AVAIN_INDEX_KEY"]
    assert {len(one) for one in known.values()} == {16}
    assert len(set(known.values())) == 3, "the same key is known by the same, whatever it is for"
    assert not {one for one in known.values() if one in (seal, index, hash_key)}
    assert fingerprints(Settings(home=tmp_path, hash_key=hash_key)) == {"AVAIN_HASH_KEY": known["AVAIN_HASH_KEY"]}


def test_of_several_index_keys_each_is_known_by_itself(tmp_path: Path) -> None:
    one, other = (base64.b64encode(letter * 32).decode() for letter in (b"i", b"j"))
    both = fingerprints(Settings(home=tmp_path, hash_key="h" * 32, index_key=f"{one},{other}"))
    alone = fingerprints(Settings(home=tmp_path, hash_key="h" * 32, index_key=one))
    assert {alone["AVAIN_INDEX_KEY"]} < {value for name, value in both.items() if name.startswith("AVAIN_INDEX_KEY")}
    assert len(both) == 3
