"""Hostile documents by the form they have. Each is made from a valid document of the reader that is attacked, so that it gets as far as it can."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

#: Makes the document from a valid one; also given the URL of a file that nobody may read.
Make = Callable[[bytes, str], bytes]


@dataclass(frozen=True)
class Attack:
    """`says`: a pattern that the refusal's English sentence has; None where it may also be read, since that does no harm."""

    make: Make
    says: str | None = None


Attacks = Mapping[str, Attack]
