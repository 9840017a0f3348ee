"""What people read for a unit's figures."""

from collections.abc import Mapping
from datetime import date
from typing import Final

from babel.dates import format_date

from core.errors import Message
from core.i18n import N_, _, language, money
from services.oversight.figures import Euros
from services.oversight.results import OTHER

QUESTIONS: Final[Mapping[str, str]] = {
    "end_result": N_("How it ended"),
    "runs_as_agreed": N_("The service ran as agreed"),
    "supports_goals": N_("It supported the agreed goals"),
    "new_ways_in_daily_use": N_("New ways and tools are in daily use"),
    "family_present": N_("The family was present"),
}
ANSWERS: Final[Mapping[str, str]] = {
    "need_met": N_("the need was met"),
    "continues": N_("continues"),
    "heavier_service": N_("a heavier service is needed"),
    "yes": N_("yes"),
    "partly": N_("partly"),
    "no": N_("no"),
    OTHER: N_("another answer or none"),
}
#: By services/oversight/figures.py: Euros.judged.
_NEUTRAL: Final[Mapping[str, str]] = {
    "below": N_(
        "Cost-neutral: in the months that are told the alternatives cost {cost}, which is {difference} less than the {ceiling} that"
        " was granted for them."
    ),
    "within": N_(
        "Cost-neutral within the tolerance of {tolerance} %: in the months that are told the alternatives cost {cost}, which is"
        " {difference} more than the {ceiling} that was granted for them."
    ),
    "over": N_(
        "Not cost-neutral: in the months that are told the alternatives cost {cost}, which is {difference} more than the {ceiling} that"
        " was granted for them, and the tolerance is {tolerance} %."
    ),
}
_UNTOLD: Final = N_("No month of this period can be told: each is of fewer than five cases, or was not counted yet.")
_EQUAL: Final = N_(
    "Cost-neutral: in the months that are told the alternatives cost {cost}, exactly what was granted for them."
)


def neutral(euros: Euros) -> Message:
    """Whether the alternatives are cost-neutral, as a sentence."""
    if not euros.told:
        return Message(_UNTOLD)
    values = {
        "cost": money(euros.cost),
        "ceiling": money(euros.ceiling),
        "difference": money(abs(euros.difference)),
        "tolerance": f"{(euros.tolerance * 100).normalize():f}",
    }
    return Message(_EQUAL if euros.difference == 0 else _NEUTRAL[euros.judged], **values)


def month(first: date) -> str:
    """A month as the reader's language writes it: 11/2026."""
    return format_date(first, "M/y", locale=language())


def months(first: date, last: date) -> str:
    """Months from one to another, both included."""
    return month(first) if first == last else f"{month(first)}–{month(last)}"


def service_or_others(name: str | None) -> str:
    """A service; those that few cases had stand together."""
    return _("Other services") if name is None else name or _("All that are told")


def provider_or_others(name: str | None) -> str:
    """A provider; those that few cases had stand together."""
    return _("Other providers") if name is None else name


def question(code: str) -> str:
    """What was asked at the end."""
    return _(QUESTIONS[code])


def answer(code: str) -> str:
    """What was answered."""
    return _(ANSWERS.get(code, code))
