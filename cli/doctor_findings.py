"""What `avain doctor` found of one thing."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

State = Literal["ok", "warning", "broken"]


@dataclass(frozen=True)
class Finding:
    """One thing examined: what was found, and what to do about it (empty when nothing)."""

    name: str
    state: State
    found: str
    advice: str = ""

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)
