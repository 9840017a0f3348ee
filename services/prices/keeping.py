"""A plan that waits, as its list keeps it: packed, because a plan of 200,000 prices is some 60 MB of JSON, beside what is asked of it often."""

import base64
import hashlib
import json
import zlib
from dataclasses import dataclass
from typing import Any, Final

from core.errors import Message
from core.i18n import N_
from services.prices.basis import Basis
from services.prices.values import Plan

_VERSION: Final = 1
#: So many lines of a plan make a package.
LINES: Final = 100
#: The signs of lines, in the order people look at them.
SIGNS: Final = ("~", "+", "-")
_STATES: Final = {
    "applied": N_("applied"),
    "held": N_("waits for a person"),
    "discarded": N_("discarded"),
    "refused": N_("refused"),
    "rolled_back": N_("rolled back"),
    "rollback": N_("the undoing of another list"),
}


def state_in_words(state: str) -> Message:
    """A list's state (models/price.py) as people read it."""
    return Message(_STATES[state])


@dataclass(frozen=True)
class Kept:
    """A plan, what it rests on, and the effect that was shown with it (effect.py), if it was calculated."""

    plan: Plan
    basis: Basis | None
    effect: dict[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """What `price_list.plan` holds: `held` (Messages), `effect`, `substance` readable, the plan itself packed; its lines once more, in
        packages of LINES by their sign, so that a page of them can be shown without unpacking 200,000.
        """
        said = self.plan.to_json()
        packed = _packed(said)
        return {
            "version": _VERSION,
            "held": self.plan.held,
            "effect": self.effect,
            "rests_on": self.basis.to_json() if self.basis else None,
            "substance": substance(self.plan),
            "packed": packed,
            "fingerprint": _digest(packed),
            "lines": _shelves(said["changes"]),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Kept":
        """Read back what `to_json` wrote; what was written before there was a version is the plan alone."""
        if "packed" not in data:
            return cls(Plan.from_json(data), None)
        plan = Plan.from_json(unpacked(data["packed"]))
        rests_on = data.get("rests_on")
        return cls(plan, Basis.from_json(rests_on) if rests_on else None, data.get("effect"))


def fingerprint(data: dict[str, Any]) -> str:
    """Of what `price_list.plan` holds: says of a plan that was shown whether it still is the one that waits."""
    return str(data.get("fingerprint") or _digest(data.get("packed") or json.dumps(data, sort_keys=True)))


def unpacked(packed: str) -> Any:
    """What was packed."""
    return json.loads(zlib.decompress(base64.b64decode(packed)))


def _packed(said: Any) -> str:
    return base64.b64encode(zlib.compress(json.dumps(said, separators=(",", ":")).encode(), level=3)).decode("ascii")


def _digest(packed: str) -> str:
    return hashlib.sha256(packed.encode()).hexdigest()[:32]


def _shelves(changes: list[dict[str, Any]]) -> dict[str, Any]:
    shelves = {}
    for sign in SIGNS:
        lines = [one for one in changes if one["sign"] == sign]
        packages = [_packed(lines[at : at + LINES]) for at in range(0, len(lines), LINES)]
        shelves[sign] = {"count": len(lines), "packages": packages}
    return shelves


def substance(plan: Plan) -> str:
    """What a plan comes to, whatever day it was made: two plans of the same substance differ only in what begins or ends "today"."""
    said = plan.to_json()
    day = said.pop("day", None)
    written = json.dumps(said, sort_keys=True, separators=(",", ":"))
    if day is not None:
        written = written.replace(f'"{day}"', '"today"')
    return hashlib.sha256(written.encode()).hexdigest()
