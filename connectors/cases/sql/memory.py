"""How far a view was read: the latest value of its delta column, kept as JSON between visits."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from core.errors import ConfigurationError

_KINDS: Final[dict[str, tuple[type, Any]]] = {
    "moment": (datetime, datetime.fromisoformat),
    "day": (date, date.fromisoformat),
    "whole": (int, int),
    "number": (Decimal, Decimal),
    "real": (float, float),
    "text": (str, str),
    "bytes": (bytes, bytes.fromhex),
}


class LatestSeen:
    """The latest value of a column over the rows of a visit and of all before it."""

    def __init__(self, memory: Mapping[str, Any], column: str | None) -> None:
        kept = memory.get("latest")
        # Another column than last time has its own values; what is remembered says nothing about them.
        known = kept is not None and memory.get("column") == column and kept["kind"] in _KINDS
        self.value: Any = _KINDS[kept["kind"]][1](kept["value"]) if kept is not None and known else None
        self._column = column

    def see(self, value: Any) -> None:
        """Take note of a row's value; rows without one are always read. Raises ConfigurationError for what has no order."""
        if value is None:
            return
        if _kind(value) is None:
            raise ConfigurationError(
                "The column {column} cannot tell what is new: its values have no order.",
                column=self._column,
            )
        try:
            later = self.value is None or self.value < value
        except TypeError:  # the column has become another kind since: what is remembered says nothing about it
            later = True
        self.value = value if later else self.value

    def since(self, overlap: timedelta) -> Any:
        """From where the next delta reads: what was seen last once more, and moments by `overlap` earlier. None: everything."""
        return self.value - overlap if isinstance(self.value, datetime) else self.value

    def memory(self) -> dict[str, Any]:
        """What to keep."""
        if self.value is None:
            return {}
        return {"column": self._column, "latest": {"kind": _kind(self.value), "value": _text(self.value)}}


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.hex()
    return value.isoformat() if isinstance(value, date) else str(value)


def _kind(value: Any) -> str | None:
    if isinstance(value, bool):
        return None
    return next((name for name, (kind, _) in _KINDS.items() if isinstance(value, kind)), None)
