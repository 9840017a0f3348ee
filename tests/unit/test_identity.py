"""Sealing, blind index, record hash, henkilötunnus, and the mode that keeps no identity."""

import base64
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConfigurationError, InputError
from core.identity import (
    KeyRing,
    RecordHasher,
    Sealer,
    SealError,
    drop_identity,
    fingerprint,
    normalise_henkilotunnus,
    parse_index_keys,
    parse_key,
)

OLD, NEW, INDEX = (bytes([number]) * 32 for number in (1, 2, 3))
PLACE: dict[str, Any] = {"table": "client", "row": 7, "column": "sealed_identity"}
ANNA = {"henkilotunnus": "100190-999P", "name": "Anna Esimerkki"}
SECRET = "a secret of the record hash, 32 characters or more"
CENTURY_MARKS = "+-YXWVUABCDEF"

json_objects = st.dictionaries(
    st.text(),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    ),
)


def encoded(*keys: tuple[str, bytes]) -> str:
    return ",".join(f"{key_id}:{base64.b64encode(key).decode()}" for key_id, key in keys)


def sealer(*keys: tuple[str, bytes], index: bytes = INDEX) -> Sealer:
    return Sealer(KeyRing.parse(encoded(*(keys or (("2026", NEW),)))), index)


def check_mark(digits: str) -> str:
    return "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(digits) % 31]


@given(json_objects, st.integers(min_value=0))
def test_what_is_sealed_comes_back_in_its_place(identity: dict[str, Any], row: int) -> None:
    box = sealer()
    blob = box.seal(identity, table="client", row=row, column="sealed_identity")
    assert box.unseal(blob, table="client", row=row, column="sealed_identity") == identity


def test_a_seal_shows_nothing_and_differs_each_time() -> None:
    box = sealer()
    one, two = box.seal(ANNA, **PLACE), box.seal(ANNA, **PLACE)
    assert one != two
    assert b"Anna" not in one
    assert b"100190" not in one


@pytest.mark.parametrize(
    "moved", [{"table": "worker"}, {"row": 8}, {"column": "note"}, {"table": "clien", "row": "t7"}]
)
def test_a_blob_moved_elsewhere_cannot_be_opened(moved: dict[str, Any]) -> None:
    box = sealer()
    blob = box.seal(ANNA, **PLACE)
    with pytest.raises(SealError):
        box.unseal(blob, **{**PLACE, **moved})


def test_every_changed_bit_is_noticed() -> None:
    box = sealer()
    blob = box.seal(ANNA, **PLACE)
    for position in range(len(blob)):
        changed = bytearray(blob)
        changed[position] ^= 1
        with pytest.raises((SealError, ConfigurationError)):
            box.unseal(bytes(changed), **PLACE)


def test_every_cut_is_noticed() -> None:
    box = sealer()
    blob = box.seal(ANNA, **PLACE)
    for length in range(len(blob)):
        with pytest.raises((SealError, ConfigurationError)):
            box.unseal(blob[:length], **PLACE)


def test_another_key_under_the_same_id_does_not_open() -> None:
    blob = sealer(("2026", OLD)).seal(ANNA, **PLACE)
    with pytest.raises(SealError) as error:
        sealer(("2026", NEW)).unseal(blob, **PLACE)
    assert "client.sealed_identity 7" in error.value.message.text("en")
    assert "Anna" not in str(error.value)


def test_old_keys_still_open_and_new_seals_use_the_first() -> None:
    before = sealer(("2025", OLD))
    after = sealer(("2026", NEW), ("2025", OLD))
    blob = before.seal(ANNA, **PLACE)
    assert not after.is_current(blob)
    renewed = after.seal(after.unseal(blob, **PLACE), **PLACE)
    assert after.is_current(renewed)
    assert sealer(("2026", NEW)).unseal(renewed, **PLACE) == ANNA
    with pytest.raises(ConfigurationError) as error:
        sealer(("2026", NEW)).unseal(blob, **PLACE)
    assert "2025" in error.value.message.text("en")


def test_the_key_id_is_part_of_what_is_bound() -> None:
    """Relabelling a blob with another id of the same key must not go through either."""
    box = sealer(("a", NEW), ("b", NEW))
    blob = box.seal(ANNA, **PLACE)
    with pytest.raises(SealError):
        box.unseal(blob.replace(b"\x01a", b"\x01b", 1), **PLACE)


@pytest.mark.parametrize("place", [{"table": "a:b"}, {"column": ""}, {"row": "1:2"}])
def test_a_place_with_two_readings_is_a_mistake_in_the_program(place: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="colons"):
        sealer().seal(ANNA, **{**PLACE, **place})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "key 1"),
        ("2026", "key 1"),
        (encoded(("2026", NEW)) + ",", "key 2"),
        ("ä:" + base64.b64encode(NEW).decode(), "key 1"),
        (encoded(("2026", NEW), ("2026", OLD)), "twice"),
        ("2026:c2hvcnQ=", "(2026) must be base64 of 32 bytes"),
        ("2026:not base64!", "(2026) must be base64 of 32 bytes"),
        ("2026:", "(2026) must be base64 of 32 bytes"),
    ],
)
def test_a_key_ring_that_cannot_be_used_is_explained_without_quoting_keys(text: str, says: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        KeyRing.parse(text)
    sentence = error.value.message.text("en")
    assert says in sentence
    assert "AVAIN_SEAL_KEYS" in sentence
    assert "not base64!" not in sentence


def test_a_key_ring_does_not_print_its_keys() -> None:
    ring = KeyRing.parse(f" {encoded(('2026', NEW))} , {encoded(('2025', OLD))} ")
    assert (ring.current, list(ring.keys)) == ("2026", ["2026", "2025"])
    assert repr(NEW) not in repr(ring)


def test_a_key_may_be_url_safe_base64() -> None:
    key = b"\xfb\xff" * 16
    assert (
        parse_key(base64.urlsafe_b64encode(key).decode(), setting="X")
        == parse_key(base64.b64encode(key).decode(), setting="X")
        == key
    )


def test_the_index_key_is_a_key_of_its_own() -> None:
    for index in (NEW, b"short"):
        with pytest.raises(ConfigurationError):
            sealer(index=index)


def test_the_blind_index_finds_a_person_however_written() -> None:
    box = sealer()
    index = box.blind_index("100190-999P")
    assert len(index) == 32
    assert box.blind_index(" 100190-999p ") == index
    assert box.blind_index("100190Y999P") != index
    assert sealer(index=OLD).blind_index("100190-999P") != index
    assert sealer(("x", OLD)).blind_index("100190-999P") == index
    assert (
        box.blind_index("Maija", kind="name")
        == box.blind_index("maija ", kind="name")
        != box.blind_index("maija", kind="other")
    )
    with pytest.raises(InputError):
        box.blind_index("100190-999X")


def test_of_several_index_keys_one_indexes_and_it_must_be_said_which() -> None:
    ring = KeyRing.parse(encoded(("2026", NEW)))
    box = Sealer(ring, INDEX, OLD)
    assert box.index_prints == (fingerprint(INDEX), fingerprint(OLD))
    with pytest.raises(ValueError, match="which one is in force"):
        box.blind_index("100190-999P")
    for key in (INDEX, OLD):
        assert box.indexing(fingerprint(key)).blind_index("100190-999P") == Sealer(ring, key).blind_index("100190-999P")
    with pytest.raises(ConfigurationError, match="index key that this process does not have"):
        box.indexing(fingerprint(NEW))


def test_index_keys_are_written_with_commas_and_none_twice() -> None:
    one, other = (base64.b64encode(key).decode() for key in (INDEX, OLD))
    assert parse_index_keys(one) == (INDEX,)
    assert parse_index_keys(f"{one}, {other}") == (INDEX, OLD)
    for wrong, says in ((f"{one},{one}", "twice"), (f"{one},", "base64 of 32 bytes")):
        with pytest.raises(ConfigurationError, match=says) as error:
            parse_index_keys(wrong)
        assert one not in str(error.value)


@pytest.mark.parametrize("mark", CENTURY_MARKS)
def test_every_century_mark_is_known(mark: str) -> None:
    digits = "010100999"
    number = f"010100{mark}999{check_mark(digits)}"
    assert normalise_henkilotunnus(f" {number.lower()}\n") == number


@pytest.mark.parametrize(
    "value", ["", "100190-999X", "310290-9990", "100190G999P", "100190999P", "1001٩0-999P", "x", "100190-999PP"]
)
def test_a_wrong_henkilotunnus_is_refused_without_quoting_it(value: str) -> None:
    with pytest.raises(InputError) as error:
        normalise_henkilotunnus(value)
    assert not value or value == "x" or value not in error.value.message.text("en")


def test_dropped_identity_is_gone_at_every_depth_and_the_record_stays() -> None:
    record = {
        "id": 1,
        "hetu": "100190-999P",
        "client": {"name": "Anna", "ref": "a"},
        "family": [{"name": "Eero", "age": 9}, "x"],
        "pair": ({"hetu": 1},),
    }
    assert drop_identity(record, {"hetu", "name"}) == {
        "id": 1,
        "client": {"ref": "a"},
        "family": [{"age": 9}, "x"],
        "pair": [{}],
    }
    assert record["hetu"] == "100190-999P"


RECORD: dict[str, Any] = {
    "id": "a1",
    "day": date(2026, 1, 1),
    "at": datetime(2026, 1, 1, 8),  # noqa: DTZ001 - as a source writes it
    "quantity": Decimal("12.50"),
    "uuid": UUID(int=5),
    "lines": [{"n": 1, "x": None, "yes": True}],
}


def test_the_record_hash_depends_on_values_and_key_only() -> None:
    hasher = RecordHasher(SECRET)
    digest = hasher.digest(RECORD)
    assert len(digest) == 32
    assert hasher.digest(dict(reversed(RECORD.items()))) == digest
    assert hasher.digest({**RECORD, "quantity": Decimal("12.5")}) == digest
    assert RecordHasher(SECRET + "!").digest(RECORD) != digest


@pytest.mark.parametrize(
    "change",
    [
        {"id": "a2"},
        {"quantity": Decimal("12.51")},
        {"day": date(2026, 1, 2)},
        {"more": None},
        {"lines": []},
        {"quantity": "12.5"},
    ],
)
def test_the_record_hash_sees_every_change(change: dict[str, Any]) -> None:
    hasher = RecordHasher(SECRET)
    assert hasher.digest({**RECORD, **change}) != hasher.digest(RECORD)


def test_what_has_no_one_written_form_is_not_hashed() -> None:
    with pytest.raises(TypeError, match="float"):
        RecordHasher(SECRET).digest({"price": 0.1})


def test_a_short_hash_key_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="32"):
        RecordHasher("short")
