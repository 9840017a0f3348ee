"""Every `avain` command: those that only tell, which the planted day runs and searches, and why the others are not run there."""

from collections.abc import Callable, Iterable
from typing import Final

Known = dict[str, list[str]]
Arguments = Callable[[Known], Iterable[tuple[str, ...]]]


def _once(*words: str) -> Arguments:
    return lambda _known: [words]


def _each(what: str, *words: str) -> Arguments:
    return lambda known: [(one, *words) for one in known[what]]


#: Commands that tell something, and what they are asked.
READING: Final[dict[str, Arguments]] = {
    "doctor": _once(),
    "db status": _once(),
    "config show": _once(),
    "config schema": _once(),
    "source list": _once(),
    "source history": _each("source"),
    "source plan": _each("source"),
    "source test": _each("source"),
    "source sample": _each("source", "--fake"),  # without, it writes records as they are, and says so
    "provider list": _once(),
    "service list": _once(),
    "worker list": _once(),
    "console sessions": _once(),
    "price list": _once(),
    "price held": _once(),
    "price show": _each("price_list"),
    "price mail list": _once(),
    "case list": _once(),
    "case show": _each("case"),
    "compare": lambda known: [("--case", one) for one in known["case"]],
    "budget show": _each("case"),
    "budget explain": _each("case"),
    "family list": _each("case"),
    "family proposals": _once(),
    "family wishes": _each("case"),
    "order list": _once(),
    "order show": _each("order"),
    "order waiting": _once(),
    "order proposals": _once(),
    "incoming list": _once(),
    "incoming show": _each("incoming_document"),
    "reminder due": _once("--days", "90"),
    "reminder text": _each("follow_up"),
    "unit show": _once("U-1"),
    "run list": _once(),
    "run show": _each("run"),
    "invoice list": _once(),
    "invoice show": _each("invoice"),
    "rejected list": _once(),
    "rejected show": _each("rejected_record"),
    "schedule list": _once(),
    "schedule next": _once(),
    "audit show": lambda known: [(f"case:{one}",) for one in known["case"]],
    "audit verify": _once(),
    "keys status": _once(),
    "retention report": _once("--list", "50"),
    "retention find": _once("lifecare-vienti", "LC-1001"),
    "effects status": _once(),
    "effects list": _once(),
}

_ACTS: Final = "acts; what it says is what is kept, which other commands tell"
_SERVES: Final = "a process that serves: its log is searched"
_WRITES: Final = "writes a file that is meant for who asked"
#: Commands that the search does not run, and why.
PASSED_OVER: Final[dict[str, str]] = {
    **dict.fromkeys(("up", "down", "beat", "worker", "console", "alive", "demo"), _SERVES),
    **dict.fromkeys(
        ("init", "db backup", "db restore", "order preview", "order check", "budget statement", "unit report", "source template",
         "reminder template", "reminder calendar", "price columns", "case export"),
        _WRITES,
    ),
    **dict.fromkeys(
        ("db upgrade", "source run", "source apply", "source approve", "source discard", "source rollback", "provider import",
         "provider test-order", "service import", "worker import", "worker away", "worker back", "worker address-ok", "console link",
         "console revoke", "price approve", "price discard", "price reply", "price mail assign", "price mail discard", "case choose",
         "budget recompute", "budget rebase", "family link", "family revoke", "family confirm", "family decline", "family noted",
         "order approve", "order decline", "order settle", "order send", "order resend", "order cancel", "order handover", "order placed",
         "order respond", "incoming apply", "incoming discard", "reminder send", "reminder ack", "reminder snooze", "reminder handover",
         "reminder written", "run retry", "run ack", "invoice assign", "invoice accept", "invoice discard", "rejected discard",
         "rejected retry", "schedule pause", "schedule resume", "schedule trigger", "schedule set", "schedule reset", "audit purge",
         "audit anchor-anew", "effects pause", "effects release", "effects sent", "case hold", "case unhold", "retention run", "keys rotate"),
        _ACTS,
    ),
}  # fmt: skip
