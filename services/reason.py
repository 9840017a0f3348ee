"""Why somebody does something that is recorded: the same few rules wherever it is asked for."""

from typing import Final

from core.errors import InputError
from core.logging import redact

LONGEST_REASON: Final = 500


def reason_of(typed: str) -> str:
    """The reason as it is kept, on one line. Raises InputError where nothing is said, too much, or a henkilötunnus."""
    reason = " ".join(typed.split())
    if not reason:
        raise InputError("A reason is needed; it is kept in the audit trail.")
    if len(reason) > LONGEST_REASON:
        raise InputError("Say it shorter, in at most {count} characters.", count=LONGEST_REASON)
    if redact(reason) != reason:
        raise InputError("That holds a henkilötunnus. Leave it out.")
    return reason
