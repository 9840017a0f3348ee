"""What people read for the codes that the database keeps; a code without words is shown as it is. JSON keeps the codes."""

from collections.abc import Mapping
from typing import Any, Final

from core.errors import Message
from core.i18n import N_, _

#: SQL: what a row of `service` is called in `:language`, in Finnish where it has no name there.
SERVICE_NAME: Final = "coalesce(nullif(CASE :language WHEN 'sv' THEN service.name_sv WHEN 'en' THEN service.name_en END, ''), service.name_fi)"

_CHANNELS: Final = {
    "email": N_("e-mail"),
    "sftp": N_("SFTP"),
    "https": N_("HTTPS"),
    "file": N_("file"),
    "external": N_("another system"),
}

_STATUSES: Final = {"open": N_("open"), "closed": N_("closed"), "gone": N_("gone")}
#: Who chose a provider.
_CHOOSERS: Final = {
    "child": N_("child"),
    "parent": N_("parent"),
    "adult": N_("adult client"),
    "worker": N_("responsible worker"),
    "source": N_("source system"),
}

_KINDS: Final = {
    "fetch_cases": N_("fetching cases"),
    "sync_cases": N_("synchronising cases"),
    "put_away_files": N_("putting read files away"),
    "look_at_source": N_("looking at a source"),
    "fetch_prices": N_("fetching prices"),
    "import_prices": N_("importing prices"),
    "read_price_mail": N_("reading e-mails with prices"),
    "read_price_upload": N_("reading an uploaded price list"),
    "fetch_incoming": N_("fetching what came in about orders"),
    "read_incoming": N_("reading what came in about orders"),
    "fetch_absences": N_("fetching absences"),
    "read_absences": N_("reading absences"),
    "fetch_bounces": N_("fetching reminders that came back"),
    "read_bounces": N_("reading reminders that came back"),
    "watch_prices": N_("looking for prices that are missing or will end"),
    "send_letter": N_("sending a letter to the price manager or the operator"),
    "recompute_budgets": N_("calculating budgets"),
    "plan_statements": N_("choosing whose statements to make"),
    "write_statements": N_("writing statements"),
    "generate_orders": N_("ordering what is due"),
    "watch_orders": N_("watching over orders"),
    "seal_audit": N_("sealing the audit trail"),
    "verify_audit": N_("verifying the audit trail"),
    "check_consistency": N_("checking that what is kept agrees with itself"),
    "retention": N_("removing what was kept long enough"),
    "deliver_order": N_("delivering an order"),
    "tell_cancelled": N_("telling a provider that an order is cancelled"),
    "send_test_order": N_("trying the way to a provider"),
    "plan_follow_ups": N_("planning follow-ups"),
    "count_units": N_("counting for supervisors"),
    "daily_reminders": N_("composing reminders"),
    "send_digest": N_("sending reminders"),
    "nightly_prices": N_("asking for prices by night"),
    "nightly_cases": N_("asking for cases by night"),
    "ask_incoming": N_("asking for what came in about orders"),
    "ask_absences": N_("asking for absences"),
    "ask_bounces": N_("asking for reminders that came back"),
    "reseal": N_("sealing anew"),
    "tidy_family": N_("removing old words of families"),
    "poison": N_("an unreadable message in the queue"),
}

_COUNTS: Final = {
    "read": N_("read"),
    "added": N_("added"),
    "changed": N_("changed"),
    "unchanged": N_("unchanged"),
    "gone": N_("gone"),
    "rejected": N_("rejected"),
    "ended": N_("ended"),
    "restored": N_("brought back"),
    "missing": N_("missing"),
    "conflicts": N_("conflicts"),
    "files": N_("files"),
    "bytes": N_("bytes"),
    "requests": N_("requests"),
    "rows": N_("rows"),
    "messages": N_("messages"),
    "recomputed": N_("calculated"),
    "unpriced": N_("without a price"),
    "over": N_("over the ceiling"),
    "items": N_("planned services"),
    "moved": N_("moved"),
    "dropped": N_("dropped"),
    "mails": N_("e-mails"),
    "bounced": N_("came back"),
    "known": N_("known before"),
    "delayed": N_("still tried"),
    "others": N_("others"),
    "taken": N_("taken"),
    "waiting": N_("waiting"),
    "applied": N_("applied"),
    "held": N_("held"),
    "refused": N_("refused"),
    "repeated": N_("said before"),
    "alarms": N_("alarms"),
    "announced": N_("announced"),
    "escalated": N_("escalated"),
    "news": N_("news"),
    "cases": N_("cases"),
    "written": N_("written"),
    "skipped": N_("skipped"),
    "failed": N_("failed"),
    "sealed": N_("sealed"),
    "resealed": N_("sealed anew"),
    "indexed": N_("indexed anew"),
    "passed_over": N_("left for the next time"),
    "unopened": N_("could not be opened"),
    "anchored": N_("anchored"),
    "verified": N_("verified"),
    "broken": N_("broken"),
    "examined": N_("examined"),
    "left_out": N_("left out"),
    "non_disclosure": N_("left out: non-disclosure"),
    "without_budget": N_("without a live budget"),
    "unreachable": N_("unreachable"),
    "ordered": N_("ordered"),
    "proposed": N_("proposed"),
    "closed": N_("closed"),
    "unanswered": N_("unanswered"),
    "reminded": N_("reminded"),
    "overtaken": N_("overtaken"),
    "removed": N_("removed"),
    "due": N_("over their time"),
    "family": N_("families' cases removed"),
    "working_age": N_("working-age cases removed"),
    "vouchers": N_("decisions whose vouchers were removed"),
    "documents": N_("files emptied"),
}

#: How each outcome of a Run reads.
_OUTCOMES: Final = {
    "succeeded": N_("succeeded"),
    "partly": N_("done in part"),
    "retry": N_("to be tried again"),
    "failed": N_("failed for good"),
    "lost": N_("lost: the process died"),
    "held": N_("held for a person"),
    "refused": N_("refused"),
    "nothing_to_do": N_("nothing to do"),
    "postponed": N_("put off"),
}

#: Fields of a case record and of a price row; a field within another is said with both, from the outside in.
_FIELDS: Final = {
    "external_id": N_("identifier"),
    "client": N_("client"),
    "non_disclosure": N_("non-disclosure"),
    "identity": N_("identity"),
    "henkilotunnus": N_("personal identity code"),
    "name": N_("name"),
    "responsible_worker": N_("responsible worker"),
    "co_worker": N_("co-worker"),
    "worker": N_("worker"),
    "deputy": N_("deputy"),
    "first": N_("first day"),
    "last": N_("last day"),
    "supervisor": N_("supervisor"),
    "unit": N_("unit"),
    "status": N_("status"),
    "decisions": N_("decision"),
    "decision": N_("decision"),
    "number": N_("reference number"),
    "stand_date": N_("stand date"),
    "decided_on": N_("day of the decision"),
    "assessment_date": N_("day of the assessment"),
    "plan_date": N_("day of the plan"),
    "kykyviisari_date": N_("day of the Abilitator"),
    "support_person": N_("support person"),
    "goals": N_("goals"),
    "granted_amount": N_("granted amount"),
    "baseline": N_("replaced service"),
    "plan_items": N_("planned service"),
    "service": N_("service"),
    "service_name": N_("name of the service"),
    "quantity": N_("quantity"),
    "start": N_("first day"),
    "end": N_("last day"),
    "valid_from": N_("first day"),
    "valid_to": N_("last day"),
    "provider": N_("provider"),
    "follow_up": N_("follow-up"),
    "start_working_days": N_("working days to the first look"),
    "interval_days": N_("days between looks"),
    "before_end_days": N_("days before the end"),
    "plan_review_months": N_("months between reviews of the plan"),
    "version": N_("version"),
    "price": N_("price"),
    "currency": N_("currency"),
    "base_quantity": N_("base quantity"),
    "minimum_quantity": N_("minimum quantity"),
    "time_class": N_("time of day or week"),
    "territory": N_("territory"),
    "vat_category": N_("VAT category"),
    "vat_rate": N_("VAT rate"),
    "vat_inclusive": N_("VAT included"),
    "vat": N_("VAT"),
    "category": N_("category"),
    "rate": N_("rate"),
    "inclusive": N_("included"),
    "extra": N_("extra charge"),
}


def channel_name(channel: str) -> str:
    """How orders go out: `e-mail`."""
    return _(_CHANNELS.get(channel, channel))


def status_name(status: str, *, gone: bool = False) -> str:
    """How it stands with a case: `open`; `gone` when its source no longer has it."""
    return _(_STATUSES["gone"]) if gone else _(_STATUSES.get(status, status))


def chooser_name(chosen_by: str) -> str:
    """Whose choice it was: `parent`."""
    return _(_CHOOSERS.get(chosen_by, chosen_by))


def kind_name(kind: str) -> str:
    """A kind of work: `importing prices`."""
    return _(_KINDS.get(kind, kind))


def kind_message(kind: str) -> Message:
    """A kind of work, to be said within another sentence: the reader's language is not known yet."""
    return Message(_KINDS.get(kind, kind))


def outcome_name(outcome: str | None, attempt: int = 1) -> str:
    """What a Run came to, in the reader's words; that it took more than one attempt is a word of its own."""
    if outcome == "succeeded" and attempt > 1:
        return _("succeeded on retry")
    return _(_OUTCOMES.get(outcome, outcome)) if outcome else _("under way")


#: Roles in the console.
_ROLES: Final = {
    "worker": N_("worker"),
    "supervisor": N_("supervisor"),
    "price_manager": N_("price manager"),
    "operator": N_("operator"),
    "auditor": N_("auditor"),
}


def role_name(role: str) -> str:
    """What a person may be in Avain: `price_manager`."""
    return _(_ROLES.get(role, role))


def count_name(name: str) -> str:
    """A figure of a Run: `read`."""
    return _(_COUNTS.get(name, name))


def counts_in_words(counts: Mapping[str, Any]) -> str:
    """The figures of a Run: `read 12, added 3`, in one order, whichever order the database keeps them in."""
    places = list(_COUNTS)
    known = sorted((name for name in counts if name in _COUNTS), key=places.index)
    return ", ".join(f"{count_name(name)} {counts[name]}" for name in dict.fromkeys([*known, *counts]))


def field_name(field: str | None, reason: Message | None = None) -> str:
    """Where in a record: `planned service: last day` for `plan_items.end`; `planned service I-1: last day` where the reason tells which."""
    names = [_(_FIELDS.get(part, part)) for part in (field or "").split(".")]
    which = None if reason is None else reason.params.get("part")
    return ": ".join([names[0] if which is None else f"{names[0]} {which}", *names[1:]])
