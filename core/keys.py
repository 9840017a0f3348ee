"""The installation's secrets as the objects that use them.

Outside production a hash key nobody configured is made once and kept under `home`, so that a first look needs no set-up.
Production brings its own (core/settings.py).
"""

import secrets
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from core.identity import KEY_BYTES, KeyRing, RecordHasher, Sealer, fingerprint, parse_index_keys
from core.settings import Settings

#: The id of the key that is derived for what families write: an id that no key of the organisation can have, for its point.
DERIVED: Final = "avain.wishes"


def record_hasher(configured: Settings) -> RecordHasher:
    """The hasher that tells changed records from unchanged ones. With another key every record counts as changed once."""
    return RecordHasher(_hash_key(configured))


def link_secret(configured: Settings) -> bytes:
    """32 bytes that sign links (services/orders/sending/reply_links.py), derived from the hash key (RFC 5869): with another, no link opens any more."""
    return _derived(configured, b"avain signed links")


def family_code_key(configured: Settings) -> bytes:
    """32 bytes that digest the codes of families' links (services/family/links.py): without them, codes in the database cannot be tried."""
    return _derived(configured, b"avain family codes")


def wish_sealer(configured: Settings) -> Sealer:
    """What seals the words of families: with the seal keys where there are any, else with a key derived from the hash key (RFC 5869). It
    opens what either of them has sealed, so that turning sealing on or off loses no words.
    """
    own = configured.seal_keys is not None and configured.privacy.identity != "none"
    ring = KeyRing.parse(configured.seal_keys.get_secret_value()) if configured.seal_keys is not None else None
    keys = {**(ring.keys if ring is not None else {}), DERIVED: _derived(configured, b"avain family wishes")}
    current = ring.current if own and ring is not None else DERIVED
    return Sealer(KeyRing(current, keys), _derived(configured, b"avain family wishes: index"))


def fingerprints(configured: Settings) -> dict[str, str]:
    """By which an installation knows its keys again without keeping them: 64 bits derived from each (RFC 5869), by the setting's name.

    Each key of the ring stands for itself, under its id; of several index keys each under its own fingerprint. Where nothing is sealed there
    is one, of the hash key.
    """
    prints = {"AVAIN_HASH_KEY": fingerprint(_hash_key(configured).encode())}
    if configured.seal_keys is not None:
        ring = KeyRing.parse(configured.seal_keys.get_secret_value())
        prints |= {f"AVAIN_SEAL_KEYS ({key_id})": fingerprint(key) for key_id, key in ring.keys.items()}
    if configured.index_key is not None:
        known = [fingerprint(one) for one in parse_index_keys(configured.index_key.get_secret_value())]
        prints |= {"AVAIN_INDEX_KEY" if len(known) == 1 else f"AVAIN_INDEX_KEY ({one})": one for one in known}
    return prints


def _derived(configured: Settings, info: bytes) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=info).derive(_hash_key(configured).encode())


def _hash_key(configured: Settings) -> str:
    if configured.hash_key is not None:
        return configured.hash_key.get_secret_value()
    path = configured.home / "hash.key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        made = path.with_name(f".hash.key-{secrets.token_hex(8)}")
        made.touch(mode=0o600)
        made.write_text(secrets.token_hex(32), "ascii")
        try:
            path.hardlink_to(made)  # unlike a rename it never replaces the key another process made first
        except FileExistsError:
            pass
        finally:
            made.unlink()
    return path.read_text("ascii")


def sealer(configured: Settings) -> Sealer | None:
    """What seals identity, or None where `privacy.identity` is `none`."""
    return None if configured.privacy.identity == "none" else opener(configured)


def opener(configured: Settings) -> Sealer | None:
    """What opens identity that was sealed, also where none is kept any more; None where there are no keys."""
    if configured.seal_keys is None or configured.index_key is None:
        return None
    return Sealer(
        KeyRing.parse(configured.seal_keys.get_secret_value()),
        *parse_index_keys(configured.index_key.get_secret_value()),
    )
