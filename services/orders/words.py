"""What people read for the codes of orders: answers, papers, proposals, invoices, documents that came in. A code without words stays as it is."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from core.i18n import N_, _, day
from core.units import amount

#: How the state of an order is marked: with its word and with a colour.
TONES: Final = {"accepted": "good", "changed": "care", "rejected": "bad", "failed": "bad"}

#: What an order asks of somebody (services/today/orders.py), and how that is marked.
ASKING: Final = {
    "failed": (N_("not delivered"), "bad"),
    "rejected": (N_("rejected: choose anew"), "bad"),
    "changed": (N_("changes proposed"), "care"),
    "held": (N_("an answer to be judged"), "care"),
    "proposal": (N_("no longer as planned"), "care"),
    "hand_over": (N_("contact details to be handed over"), "care"),
    "unanswered": (N_("no answer"), "care"),
}

_ANSWERS: Final = {
    "AB": N_("received, to be answered"),
    "AP": N_("accepted"),
    "RE": N_("no capacity"),
    "CA": N_("accepted with changes"),
}
_ANSWER_LINES: Final = {
    "1": N_("added"),
    "3": N_("changed"),
    "5": N_("as ordered"),
    "7": N_("rejected"),
    "42": N_("already delivered"),
}
_SETTLED: Final = {
    "applied": N_("taken into account"),
    "held": N_("waits for a person"),
    "refused": N_("refused"),
    "repeated": N_("came before"),
    "discarded": N_("discarded"),
}
_PAPERS: Final = {
    "pdf": N_("order for people (PDF)"),
    "mail": N_("letter to the provider"),
    "cancellation": N_("letter that takes the order back"),
}
_MATCHES: Final = {
    "matched": N_("as ordered"),
    "partly": N_("a part of what was ordered"),
    "over_price": N_("more than was ordered"),
}
_INVOICES: Final = {"invoice": N_("invoice"), "credit": N_("credit note")}
_INCOMING: Final = {
    "response": N_("answer to an order"),
    "invoice": N_("invoice"),
    "delivered": N_("delivered quantities"),
    "unknown": N_("unknown document"),
}


def answer_name(code: str) -> str:
    """What a provider answered: `accepted with changes`."""
    return _(_ANSWERS.get(code, code))


def answer_line_name(code: str) -> str:
    """What an answer says of a line: `as ordered`."""
    return _(_ANSWER_LINES.get(code, code))


def settled_name(state: str) -> str:
    """What became of an answer or of a document that came in: `waits for a person`."""
    return _(_SETTLED.get(state, state))


def paper_name(kind: str) -> str:
    """What went out beside an order's document: `letter to the provider`."""
    return _(_PAPERS.get(kind, kind))


def match_name(match: str) -> str:
    """How an invoice fits its orders: `more than was ordered`."""
    return _(_MATCHES.get(match, match))


def invoice_name(kind: str) -> str:
    """`invoice` or `credit note`."""
    return _(_INVOICES.get(kind, kind))


def incoming_name(kind: str) -> str:
    """What a document that came in is: `answer to an order`."""
    return _(_INCOMING.get(kind, kind))


def differences(details: Mapping[str, Any], services: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """What an order rests on beside what is planned now, where the two differ: what it is about, then, now. `services`: names by code."""
    then, now = details.get("then", {}), details.get("now", {})
    told = [
        (_("Service"), *(services.get(one.get("service"), one.get("service")) for one in (then, now))),
        (_("Quantity"), *(_amount(one) for one in (then, now))),
        (_("Period"), *(_period(one) for one in (then, now))),
        (_("Provider"), *(one.get("provider") for one in (then, now))),
        (_("Decision"), *(one.get("decision") for one in (then, now))),
    ]
    return [(name, str(was or "–"), str(is_ or "–")) for name, was, is_ in told if was != is_]


def _amount(told: Mapping[str, Any]) -> str | None:
    return amount(Decimal(told["quantity"]), told.get("unit")) if told.get("quantity") else None


def _period(told: Mapping[str, Any]) -> str | None:
    if not told.get("first_day") or not told.get("last_day"):
        return None
    return f"{day(date.fromisoformat(told['first_day']))}–{day(date.fromisoformat(told['last_day']))}"
