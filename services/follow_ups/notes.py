"""Free words about a follow-up. They may tell of anybody, so they are kept only where identity is sealed, and as it is: bound to their row."""

from typing import Final

from core.errors import ConfigurationError, InputError
from core.identity import Sealer, SealError
from models.follow_up import FollowUp
from services.follow_ups.findings import NOTED

LONGEST_NOTE: Final = 4_000


def seal_note(follow_up: FollowUp, note: str, sealer: Sealer | None) -> bytes | None:
    """The words as they are kept; None for none. Raises InputError where nothing can be sealed, or nothing is noted."""
    said = note.strip()
    if not said:
        return None
    if sealer is None:
        raise InputError("Free text is kept only where identity is sealed. Write it in the client information system.")
    if follow_up.kind not in NOTED:
        raise InputError("Nothing is noted about this; write it in the client information system.")
    if len(said) > LONGEST_NOTE:
        raise InputError("Say it shorter, in at most {count} characters.", count=LONGEST_NOTE)
    return sealer.seal({"note": said}, table="follow_up", row=follow_up.id, column="sealed_note")


def open_note(follow_up: FollowUp, sealer: Sealer | None) -> str:
    """The words that were kept, or ''. Raises InputError where they cannot be opened."""
    if follow_up.sealed_note is None:
        return ""
    try:
        blob = bytes(follow_up.sealed_note)
        opened = (
            None if sealer is None else sealer.unseal(blob, table="follow_up", row=follow_up.id, column="sealed_note")
        )
    except (SealError, ConfigurationError):
        opened = None
    if opened is None:
        raise InputError(
            "What was noted cannot be opened here: the key is missing, or what was sealed has been changed. Tell those who look after Avain."
        )
    return str(opened.get("note", ""))
