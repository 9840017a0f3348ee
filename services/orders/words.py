"""What people read for the codes of orders: answers, papers, proposals, invoices, documents that came in. A code without words stays as it is."""

from typing import Final

from core.i18n import N_, _

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
_PROPOSALS: Final = {
    "changed": N_("the plan has changed"),
    "ended": N_("the planned service has ended"),
    "decision": N_("the decision no longer holds, or the service rests on another"),
    "case": N_("the case is closed or gone"),
    "provider": N_("another provider is chosen"),
}
_OUTCOMES: Final = {
    "cancelled": N_("cancelled"),
    "kept": N_("kept as it is"),
    "gone": N_("settled by itself"),
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


def proposal_name(kind: str) -> str:
    """Why an order should be taken back: `the plan has changed`."""
    return _(_PROPOSALS.get(kind, kind))


def outcome_of_proposal(outcome: str) -> str:
    """How a proposal was settled: `kept as it is`."""
    return _(_OUTCOMES.get(outcome, outcome))


def match_name(match: str) -> str:
    """How an invoice fits its orders: `more than was ordered`."""
    return _(_MATCHES.get(match, match))


def invoice_name(kind: str) -> str:
    """`invoice` or `credit note`."""
    return _(_INVOICES.get(kind, kind))


def incoming_name(kind: str) -> str:
    """What a document that came in is: `answer to an order`."""
    return _(_INCOMING.get(kind, kind))
