"""What is noted about a follow-up: answers from fixed lists (DOMAIN "Follow-up"), the day and reference of a Kykyviisari, a rating.

Free text about a family belongs in the client information system; here it is kept only where identity is sealed (acknowledging.py).
"""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from typing import Final

from core.errors import InputError, Message
from core.i18n import N_, _
from core.logging import CHECK_MARKS, redact
from models.follow_up import RECORDED_KINDS
from services.follow_ups.words import KINDS

_DEGREES: Final = ("yes", "partly", "no")

#: What is answered from a list, and the answers there are.
FINDINGS: Final[dict[str, tuple[str, ...]]] = {
    "runs_as_agreed": _DEGREES,
    "supports_goals": _DEGREES,
    "new_ways_in_daily_use": _DEGREES,
    "family_present": ("yes", "no"),
    "end_result": ("need_met", "continues", "heavier_service"),
}
#: Kykyviisari: the day and a reference, never its questions.
KYKYVIISARI: Final = ("kykyviisari_date", "kykyviisari_reference")
RATED_BY: Final = ("child", "parent", "adult")
RATINGS: Final = (1, 2, 3, 4, 5)

_OF_SERVICE: Final = ("runs_as_agreed", "supports_goals", "new_ways_in_daily_use", "family_present", *KYKYVIISARI)
#: What can be noted of each kind; of the others that they are done is all there is to say.
NOTED: Final[dict[str, tuple[str, ...]]] = {
    "start": _OF_SERVICE,
    "interval": _OF_SERVICE,
    "before_end": _OF_SERVICE,
    "final": (*_OF_SERVICE, "end_result"),
    "plan_review": ("supports_goals", "new_ways_in_daily_use", "family_present", *KYKYVIISARI),
}
#: Kinds in which a service is rated.
RATED: Final = frozenset({"start", "interval", "before_end", "final"})
#: Kinds whose outcome belongs in the client's record.
RECORDED: Final = RECORDED_KINDS

QUESTIONS: Final = {
    "runs_as_agreed": N_("Does the service run as agreed?"),
    "supports_goals": N_("Does it support the agreed goals?"),
    "new_ways_in_daily_use": N_("Are tools and new ways in daily use?"),
    "family_present": N_("Was the family present?"),
    "end_result": N_("How did it end?"),
    "kykyviisari_date": N_("Day of the Kykyviisari"),
    "kykyviisari_reference": N_("Reference of the Kykyviisari"),
}
_ANSWERS: Final = {
    "yes": N_("yes"),
    "partly": N_("partly"),
    "no": N_("no"),
    "need_met": N_("the need is met"),
    "continues": N_("the service continues"),
    "heavier_service": N_("a heavier service is needed"),
}
_RATERS: Final = {"child": N_("the child"), "parent": N_("a parent"), "adult": N_("an adult")}

_REFERENCE: Final = re.compile(r"[\w./-]{1,40}")
_SIGNS: Final = frozenset("0123456789-_./")
#: Day, month and year, a century mark or none, the individual number and the check mark; wherever they begin.
_HENKILOTUNNUS_WITHIN: Final = re.compile(
    r"(?=((?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])\d\d)[A-FU-Y]?(\d{3})([0-9A-Y]))", re.ASCII
)
_EARLIEST: Final = date(2000, 1, 1)


def answer_label(answer: str) -> str:
    """An answer in the reader's language."""
    return _(_ANSWERS.get(answer, answer))


def rater_label(rated_by: str) -> str:
    """Who gave a rating, in the reader's language."""
    return _(_RATERS.get(rated_by, rated_by))


def checked(
    kind: str, rating: int | None, rated_by: str | None, findings: Mapping[str, str], today: date
) -> dict[str, str]:
    """The findings as they are kept. Raises InputError for what cannot be noted of this kind, and for values there are not."""
    _check_rating(kind, rating, rated_by)
    kept = {name: answer.strip() for name, answer in findings.items() if answer.strip()}
    for name, answer in kept.items():
        _check_finding(kind, name, answer)
    if kept.get("kykyviisari_reference") and not kept.get("kykyviisari_date"):
        raise InputError("The reference of a Kykyviisari goes with its day.")
    if "kykyviisari_date" in kept:
        kept["kykyviisari_date"] = _kykyviisari_day(kept["kykyviisari_date"], today)
    return kept


def _check_rating(kind: str, rating: int | None, rated_by: str | None) -> None:
    if (rating is None) != (rated_by is None):
        raise InputError("A rating goes with who gave it, and the other way round.")
    if rating is None:
        return
    if rating not in RATINGS:
        raise InputError("A rating is a whole number from 1 to 5, not {rating}.", rating=rating)
    if rated_by not in RATED_BY:
        raise InputError(
            "{value} cannot give a rating; these can: {allowed}", value=rated_by, allowed=", ".join(RATED_BY)
        )
    if kind not in RATED:
        raise InputError("{kind}: no service is rated here.", kind=Message(KINDS[kind]))


def _check_finding(kind: str, name: str, answer: str) -> None:
    if name not in FINDINGS and name not in KYKYVIISARI:
        allowed = ", ".join((*FINDINGS, *KYKYVIISARI))
        raise InputError("{name} cannot be noted; these can: {allowed}", name=name, allowed=allowed)
    if name not in NOTED.get(kind, ()):
        if name == "end_result":
            raise InputError("How it ended is noted at the final evaluation only.")
        raise InputError("{kind}: {name} is not noted here.", kind=Message(KINDS[kind]), name=name)
    if name in FINDINGS and answer not in FINDINGS[name]:
        allowed = ", ".join(FINDINGS[name])
        raise InputError("{name} has no answer {value}; allowed: {allowed}", name=name, value=answer, allowed=allowed)
    if name == "kykyviisari_reference":
        if redact(answer) != answer or _hides_henkilotunnus(answer):
            raise InputError("That holds a henkilötunnus. Leave it out.")
        if not _REFERENCE.fullmatch(answer) or not all(one in _SIGNS or one.isalpha() for one in answer):
            raise InputError("A reference is at most 40 letters, digits and - _ . / without spaces.")


def _hides_henkilotunnus(reference: str) -> bool:
    """Whether a reference holds a henkilötunnus once the signs that a reference may have between its parts are gone."""
    squeezed = re.sub(r"[-_./]", "", unicodedata.normalize("NFKC", reference)).upper()
    return any(
        CHECK_MARKS[int(found[1] + found[2]) % len(CHECK_MARKS)] == found[3]
        for found in _HENKILOTUNNUS_WITHIN.finditer(squeezed)
    )


def _kykyviisari_day(answer: str, today: date) -> str:
    try:
        day = date.fromisoformat(answer)
    except ValueError:
        raise InputError("The day of a Kykyviisari is written as 2026-11-21.") from None
    if day > today:
        raise InputError("A Kykyviisari is noted after it was done, not before.")
    if day < _EARLIEST:
        raise InputError("The day of a Kykyviisari cannot be before the year 2000.")
    return day.isoformat()
