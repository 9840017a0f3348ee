"""Identity at rest: sealed or not kept at all.

Avain does not need to know who a client is. With `privacy.identity = "none"` the identity fields of a record are dropped in
the connector (`drop_identity`). With `"sealed"` they become one AES-256-GCM blob per client, bound to its table, row and column, so that a
blob copied to another row cannot be opened there; people are found again by a keyed blind index under a separate key.
The hash that tells a changed record from an unchanged one is keyed too: a plain hash of a henkilötunnus is found by trying them all.
"""

import base64
import binascii
import hashlib
import hmac
import json
import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from stdnum.exceptions import ValidationError
from stdnum.fi import hetu

from core.errors import AvainError, ConfigurationError, InputError

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12  # NIST SP 800-38D 8.2: 96 bits; random ones are good for 2**32 seals under one key
_FORMAT: Final = 1
_KEY_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")
_LEAST_SECRET: Final = 32


class SealError(AvainError):
    """Sealed data that cannot be opened here: tampered with, moved, of another key, or cut."""


@dataclass(frozen=True)
class KeyRing:
    """Sealing keys by id. New seals use `current`; the others only open what they sealed."""

    current: str
    keys: Mapping[str, bytes] = field(repr=False)

    @classmethod
    def parse(cls, text: str, *, setting: str = "AVAIN_SEAL_KEYS") -> "KeyRing":
        """Read `id:base64` of 32 bytes, comma separated, the current key first.

        Raises ConfigurationError naming `setting` and the key's place; the key itself is never quoted.
        """
        keys: dict[str, bytes] = {}
        for place, part in enumerate((part.strip() for part in text.split(",")), start=1):
            key_id, colon, encoded = part.partition(":")
            if not colon or not _KEY_ID.fullmatch(key_id):
                raise ConfigurationError(
                    "{setting}: key {place} must be written id:base64, the id of letters, digits, _ and -.",
                    setting=setting,
                    place=place,
                )
            if key_id in keys:
                raise ConfigurationError("{setting}: the key id {key} is there twice.", setting=setting, key=key_id)
            keys[key_id] = parse_key(encoded, setting=f"{setting} ({key_id})")
        return cls(next(iter(keys)), keys)


def parse_key(text: str, *, setting: str) -> bytes:
    """32 bytes from base64 (ordinary or URL-safe). Raises ConfigurationError naming `setting`, never quoting the key."""
    try:
        key = base64.b64decode(text.strip().replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise ConfigurationError(
            "{setting} must be base64 of {count} bytes, for example from: openssl rand -base64 32",
            setting=setting,
            count=KEY_BYTES,
        )
    return key


def fingerprint(key: bytes) -> str:
    """By which a key is known again by whoever has it: 64 bits derived from it (RFC 5869), in hex. They do not tell the key."""
    return HKDF(SHA256(), 8, salt=None, info=b"avain key fingerprint").derive(key).hex()


def parse_index_keys(text: str, *, setting: str = "AVAIN_INDEX_KEY") -> tuple[bytes, ...]:
    """One key, or several with commas between them while one takes the place of another: the new one first.

    Raises ConfigurationError naming `setting`, never quoting a key.
    """
    keys = tuple(parse_key(part, setting=setting) for part in text.split(","))
    if len(set(keys)) < len(keys):
        raise ConfigurationError("{setting}: the same key is there twice.", setting=setting)
    return keys


class Sealer:
    """Seals one JSON object per place in the database, and opens it there only.

    A seal is `1 | length of key id | key id | nonce (12) | AES-256-GCM ciphertext and tag`; associated data is `table:row:column:key id`.
    Of several index keys one is in force in the database (services/sealing/indexing.py): `indexing` says which, before anything is indexed.
    """

    def __init__(self, ring: KeyRing, *index_keys: bytes, indexes_by: bytes | None = None) -> None:
        for one in index_keys:
            if len(one) != KEY_BYTES or any(hmac.compare_digest(one, key) for key in ring.keys.values()):
                raise ConfigurationError("AVAIN_INDEX_KEY must be a key of its own, not one of AVAIN_SEAL_KEYS.")
        self._ring = ring
        self._index_keys = {fingerprint(one): one for one in index_keys}
        self._index_key = index_keys[0] if len(index_keys) == 1 else indexes_by
        self._ciphers = {key_id: AESGCM(key) for key_id, key in ring.keys.items()}

    @property
    def current(self) -> str:
        """The id of the key that seals."""
        return self._ring.current

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The ids of all keys that open, the one that seals first or not."""
        return tuple(self._ring.keys)

    @property
    def index_prints(self) -> tuple[str, ...]:
        """What the index keys are known by, the newest first."""
        return tuple(self._index_keys)

    def indexing(self, print_: str) -> "Sealer":
        """The same, indexing by the key of this fingerprint. Raises ConfigurationError where it is not among AVAIN_INDEX_KEY."""
        key = self._index_keys.get(print_)
        if key is None:
            raise ConfigurationError(
                "People are found again by an index key that this process does not have: set AVAIN_INDEX_KEY to the one that was in force,"
                " and start the process anew (docs/keys.md)."
            )
        return Sealer(self._ring, *self._index_keys.values(), indexes_by=key)

    def seal(self, identity: Mapping[str, Any], *, table: str, row: object, column: str) -> bytes:
        """The blob for `identity` (values JSON can carry) in this place. Two seals of the same value differ."""
        key_id = self._ring.current
        nonce = os.urandom(_NONCE_BYTES)
        payload = json.dumps(identity, ensure_ascii=False, separators=(",", ":")).encode()
        sealed = self._ciphers[key_id].encrypt(nonce, payload, _place(table, row, column, key_id))
        return bytes((_FORMAT, len(key_id))) + key_id.encode() + nonce + sealed

    def unseal(self, blob: bytes, *, table: str, row: object, column: str) -> dict[str, Any]:
        """What was sealed in this place.

        Raises ConfigurationError if its key is not in the ring, SealError if it was changed, cut or sealed for another place or key.
        """
        key_id, nonce, sealed = _take_apart(blob)
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise ConfigurationError(
                "Sealed identity needs the key {key}, which is not in AVAIN_SEAL_KEYS.", key=key_id
            )
        try:
            payload = cipher.decrypt(nonce, sealed, _place(table, row, column, key_id))
        except InvalidTag:
            raise SealError(
                "The sealed identity in {place} cannot be opened: it was changed, moved from another row, or sealed with another key.",
                place=f"{table}.{column} {row}",
            ) from None
        identity: dict[str, Any] = json.loads(payload)
        return identity

    def is_current(self, blob: bytes) -> bool:
        """Whether the blob is sealed with the current key; if not, key rotation unseals and seals it again."""
        return _take_apart(blob)[0] == self._ring.current

    def blind_index(self, value: str, *, kind: str = "henkilotunnus") -> bytes:
        """32 bytes equal for equal values of one `kind`, telling nothing without the key.

        A henkilötunnus is normalised and must be valid (InputError); of anything else, surrounding space and case do not count.
        """
        if self._index_key is None:
            raise ValueError("of several index keys it must be said which one is in force")
        normal = normalise_henkilotunnus(value) if kind == "henkilotunnus" else value.strip().casefold()
        return hmac.digest(self._index_key, f"{kind}:{normal}".encode(), "sha256")


def key_of(blob: bytes) -> str:
    """The id of the key it is sealed with. Raises SealError for what is no seal."""
    return _take_apart(blob)[0]


def client_row(source: str, external_id: str) -> str:
    """How the row of a client is named where its identity is sealed: ids of the database are not known yet then."""
    return f"{quote(source, safe='')}/{quote(external_id, safe='')}"


def wish_row(case_id: int, place: str) -> str:
    """What a family's words are sealed for: moved to another case, with or without the rest of their row, they are not opened there."""
    return f"{case_id}/{place}"


def _place(table: str, row: object, column: str, key_id: str) -> bytes:
    parts = (table, str(row), column, key_id)
    if any(":" in part or not part for part in parts):
        raise ValueError("a place in the database is named without colons")  # else two places could have one name
    return ":".join(parts).encode()


def _take_apart(blob: bytes) -> tuple[str, bytes, bytes]:
    """`(key id, nonce, ciphertext)`."""
    head = 2 + blob[1] if len(blob) > 2 else 0
    if not head or blob[0] != _FORMAT or len(blob) < head + _NONCE_BYTES:
        raise SealError("The sealed identity is not in a form this version of Avain knows, or it was cut.")
    return blob[2:head].decode("ascii", "replace"), blob[head : head + _NONCE_BYTES], blob[head + _NONCE_BYTES :]


def normalise_henkilotunnus(value: str) -> str:
    """The henkilötunnus in capitals without space around it; all century marks are known and kept, as they distinguish people.

    Temporary ones (individual number 900-999) are accepted. Raises InputError, which does not quote the value, if the
    form, the date or the check mark is wrong.
    """
    try:
        normal: str = hetu.validate(value, allow_temporary=True)
    except ValidationError:
        normal = ""
    if not normal.isascii() or not normal:  # stdnum's pattern takes any script's digits
        raise InputError("The henkilötunnus is not valid: its form, date or check mark is wrong.")
    return normal


def drop_identity(record: Mapping[str, Any], fields: Collection[str]) -> dict[str, Any]:
    """A copy of `record` without the named fields, at whatever depth they stand in objects and lists."""
    return {name: _without(value, fields) for name, value in record.items() if name not in fields}


def _without(value: Any, fields: Collection[str]) -> Any:
    if isinstance(value, Mapping):
        return drop_identity(value, fields)
    if isinstance(value, list | tuple):
        return [_without(item, fields) for item in value]
    return value


class RecordHasher:
    """Keyed BLAKE2b over a record, to tell whether the source changed it. Its secret is its own: it seals nothing."""

    def __init__(self, secret: str) -> None:
        """Raises ConfigurationError if `secret` is shorter than 32 characters."""
        if len(secret) < _LEAST_SECRET:
            raise ConfigurationError("AVAIN_HASH_KEY must have at least {count} characters.", count=_LEAST_SECRET)
        self._key = hashlib.blake2b(secret.encode()).digest()

    def key_for(self, reading: str) -> bytes:
        """The key of hashes over records as their source writes them. `reading` says how they are read: read another way, none is known."""
        return hashlib.blake2b(reading.encode(), key=self._key, person=b"raw record").digest()

    @property
    def key_id(self) -> str:
        """By which the key is known again where its digests are kept, and nothing of it found."""
        return hashlib.blake2b(key=self._key, digest_size=8, person=b"key id").hexdigest()

    def reference(self, source: str, external_id: str) -> bytes:
        """32 bytes by which what a source calls something is known again, and not found by whoever reads them without the key."""
        named = json.dumps([source, external_id], ensure_ascii=False).encode("utf-8", "surrogatepass")
        return hashlib.blake2b(named, key=self._key, digest_size=32, person=b"reference").digest()

    def digest(self, record: Mapping[str, Any]) -> bytes:
        """32 bytes. The order of keys, and zeros at the end of a Decimal, do not count. Raises TypeError for values without one written form (float)."""
        canonical = json.dumps(_canonical(record), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.blake2b(canonical.encode("utf-8", "surrogatepass"), key=self._key, digest_size=32).digest()


def _canonical(value: Any) -> Any:
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, Mapping):
        return {str(name): _canonical(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_canonical(item) for item in value]
    if isinstance(value, Decimal):
        return {"decimal": format(value.normalize() + 0, "f")}
    if isinstance(value, date):  # and datetime
        return {"date": value.isoformat()}
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no canonical form")
