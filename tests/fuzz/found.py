"""Documents that were faults once, by reader: made by code, read again by every run and in `test_found.py`."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

#: Reader → what was wrong, and the document.
_FOUND: Final[Mapping[str, Mapping[str, Callable[[], bytes]]]] = {}


def documents(reader: str) -> Sequence[bytes]:
    """All of a reader."""
    return [make() for make in _FOUND.get(reader, {}).values()]
