"""Whether a restored installation has the keys of the copied one, also while one key takes the place of another."""

import base64
from pathlib import Path

from sqlalchemy.orm import Session

from core.keys import fingerprints
from core.settings import Settings
from services.backup.keys import differing, remember

SEAL, OLD, NEW = (base64.b64encode(letter * 32).decode() for letter in (b"s", b"i", b"j"))


def known(tmp_path: Path, index: str) -> dict[str, str]:
    return fingerprints(Settings(home=tmp_path, hash_key="h" * 40, seal_keys=f"k1:{SEAL}", index_key=index))


def test_an_index_key_is_known_again_beside_others(session: Session, tmp_path: Path) -> None:
    remember(session, known(tmp_path, OLD))
    assert differing(session, known(tmp_path, OLD)) == []
    assert differing(session, known(tmp_path, f"{NEW},{OLD}")) == []
    assert differing(session, known(tmp_path, NEW)) == ["AVAIN_INDEX_KEY"]
    remember(session, known(tmp_path, f"{NEW},{OLD}"))
    assert differing(session, known(tmp_path, f"{OLD},{NEW}")) == []
    assert len(differing(session, known(tmp_path, OLD)) or []) == 1
