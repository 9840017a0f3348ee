"""Who asks for a copy, why, and what it may hold beside what every copy holds."""

from dataclasses import dataclass
from typing import Final

from core.errors import InputError
from models.family import FAMILY_VOICES
from services.reason import reason_of

VOICES: Final = FAMILY_VOICES


@dataclass(frozen=True)
class Asked:
    """`by`: whose request it is: what the others of the family said here is theirs. `identity`: with the name and the henkilötunnus, opened and
    recorded. `notes`: with workers' free words about follow-ups, which somebody has read first, for they may tell of others. `in_person`: it
    will be handed over in person, to somebody who has shown who they are. `only_this_case`: none of the client's other cases.
    """

    by: str
    reason: str
    identity: bool = False
    notes: bool = False
    in_person: bool = False
    only_this_case: bool = False


def checked(asked: Asked) -> Asked:
    """The request with its reason as it is kept. Raises InputError."""
    if asked.by not in VOICES:
        raise InputError("{value} is not allowed; allowed: {allowed}", value=asked.by, allowed=", ".join(VOICES))
    return Asked(asked.by, reason_of(asked.reason), asked.identity, asked.notes, asked.in_person, asked.only_this_case)
