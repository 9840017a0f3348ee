"""What people read for the kinds of follow-ups. They tell no more than that something is to be looked at: mails carry them."""

from typing import Final

from core.i18n import N_, _

KINDS: Final = {
    "start": N_("Start check"),
    "interval": N_("Follow-up"),
    "before_end": N_("Check before the end"),
    "final": N_("Final evaluation"),
    "plan_review": N_("Review of the plan"),
    "approval": N_("Approval waiting"),
    "order_unanswered": N_("Order without an answer"),
    "hand_over": N_("Hand-over of contact details open"),
}
#: Kinds in which something is waited for that somebody else does: they begin on the day from which it is waited for.
AWAITED: Final = frozenset({"approval", "order_unanswered", "hand_over"})
STATES: Final = {
    "open": N_("open"),
    "snoozed": N_("put off"),
    "acknowledged": N_("acknowledged"),
    "not_needed": N_("not needed"),
    "dropped": N_("no longer applies"),
}
_ACTS: Final = {
    "acknowledged": N_("Acknowledged"),
    "snoozed": N_("Put off"),
    "handed_over": N_("Handed over to a colleague"),
    "not_needed": N_("Found not to be needed"),
    "written_down": N_("Written down in the client information system"),
    "corrected": N_("Corrected"),
}


def kind_label(kind: str) -> str:
    """A follow-up's kind in the present reader's language."""
    return _(KINDS[kind])


def state_label(state: str) -> str:
    """How it stands with a follow-up, in the present reader's language."""
    return _(STATES.get(state, state))


def act_label(act: str) -> str:
    """What somebody did about a follow-up, in the present reader's language."""
    return _(_ACTS.get(act, act))
