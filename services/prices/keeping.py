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
        """What `price_list.plan` holds: `held` (Messages), `effect`, `substance` readable, the plan itself packed."""
        packed = zlib.compress(json.dumps(self.plan.to_json(), separators=(",", ":")).encode(), level=3)
        return {
            "version": _VERSION,
            "held": self.plan.held,
            "effect": self.effect,
            "rests_on": self.basis.to_json() if self.basis else None,
            "substance": substance(self.plan),
            "packed": base64.b64encode(packed).decode("ascii"),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Kept":
        """Read back what `to_json` wrote; what was written before there was a version is the plan alone."""
        if "packed" not in data:
            return cls(Plan.from_json(data), None)
        plan = Plan.from_json(json.loads(zlib.decompress(base64.b64decode(data["packed"]))))
        rests_on = data.get("rests_on")
        return cls(plan, Basis.from_json(rests_on) if rests_on else None, data.get("effect"))


def fingerprint(data: dict[str, Any]) -> str:
    """Of what `price_list.plan` holds: says of a plan that was shown whether it still is the one that waits."""
    packed = data.get("packed") or json.dumps(data, sort_keys=True)
    return hashlib.sha256(packed.encode()).hexdigest()[:32]


def substance(plan: Plan) -> str:
    """What a plan comes to, whatever day it was made: two plans of the same substance differ only in what begins or ends "today"."""
    said = plan.to_json()
    day = said.pop("day", None)
    written = json.dumps(said, sort_keys=True, separators=(",", ":"))
    if day is not None:
        written = written.replace(f'"{day}"', '"today"')
    return hashlib.sha256(written.encode()).hexdigest()
