"""Whether an installation made from a copy has the keys of the one it was copied from: the keys themselves are never in a copy.

With another hash key no link that was sent out opens any more and every record of a source counts as changed once; with other keys of identity
nobody learns who a client is. So what the keys are known by (core/keys.py, not the keys) is remembered in the database.
"""

import json
from collections.abc import Mapping
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

_NAME: Final = "keys"
#: Of several index keys each stands for itself, in whatever order.
_INDEX: Final = "AVAIN_INDEX_KEY"


def remember(session: Session, fingerprints: Mapping[str, str]) -> None:
    """Keep what the present keys are known by. Written only where it has changed."""
    session.execute(
        text(
            "INSERT INTO remembered (name, value) VALUES (:name, :value) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
            " WHERE remembered.value <> excluded.value"
        ),
        {"name": _NAME, "value": json.dumps(dict(fingerprints), sort_keys=True)},
    )


def differing(session: Session, fingerprints: Mapping[str, str]) -> list[str] | None:
    """The settings that hold another key than when the copy was made, or none; None where nothing was remembered."""
    kept = session.execute(text("SELECT value FROM remembered WHERE name = :name"), {"name": _NAME}).scalar()
    if kept is None:
        return None
    indexes = {one for name, one in fingerprints.items() if name.startswith(_INDEX)}
    return sorted(
        name
        for name, one in json.loads(kept).items()
        if (one not in indexes if name.startswith(_INDEX) else fingerprints.get(name) != one)
    )
