"""The canonical case record, version 1: what Avain needs of a case, whatever system it came from.

Every connector maps its source to this and nothing else, so validation, staging and merging exist once. The JSON Schema
(docs/formats/case-record-1.schema.json) is made from these models. A record is valid or it is rejected as a whole, with one
sentence about its first fault; the sentence never quotes names or free text.
"""

import json
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from connectors.faults import FaultError, business_id
from connectors.rejection import Rejection, quote_code, quote_figure
from core.errors import InputError, Message
from core.i18n import N_
from core.identity import normalise_henkilotunnus
from core.logging import redact

VERSION: Final = 1
MAX_GOALS: Final = 3
_ISO_DAY: Final = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)
_FINNISH_DAY: Final = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", re.ASCII)
_DIGITS: Final = re.compile(r"[-+]?\d{1,20}(\.\d{1,10})?", re.ASCII)
_YEARS: Final = range(1900, 2200)
#: Of one planned service; each becomes a row as soon as a provider is chosen. A slip in a year would make a hundred thousand.
MOST_CHECKS: Final = 1_000
#: What is no text: NUL, which PostgreSQL does not take, and what a terminal obeys. XML and CSV cannot hold it, JSON and databases can.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0e-\x1f]")
_LONGEST_ID: Final = 64


def read_day(value: Any) -> Any:
    """A date from `2026-02-28` or `28.2.2026`; a date stays as it is. Raises FaultError, quoting what was found."""
    if isinstance(value, date):
        return value
    text = value.strip() if isinstance(value, str) else ""
    iso, finnish = _ISO_DAY.fullmatch(text), _FINNISH_DAY.fullmatch(text)
    parts = iso.groups() if iso else finnish.groups()[::-1] if finnish else None
    try:
        day = date(*map(int, parts)) if parts else None
    except ValueError:
        raise FaultError(Message("There is no such day as {value}.", value=quote_figure(text))) from None
    if day is None or day.year not in _YEARS:
        raise FaultError(
            Message("{value} is not a date; expected is a day such as 2026-11-16.", value=quote_figure(text))
        )
    return day


def read_end(value: Any) -> Any:
    """As `read_day`; 31.12.9999, which sources write for "until further notice", is no end: None."""
    if value is None or value == date.max:
        return None
    if isinstance(value, str) and value.strip() in {"9999-12-31", "31.12.9999"}:
        return None
    return read_day(value)


def read_number(value: Any) -> Any:
    """A Decimal from plain digits with a decimal point. Raises FaultError for anything else, also for NaN and infinity."""
    if isinstance(value, Decimal | int) and not isinstance(value, bool):
        number = Decimal(value)
    elif isinstance(value, str) and _DIGITS.fullmatch(value.strip()):
        number = Decimal(value.strip())
    else:
        number = Decimal("NaN")
    if not number.is_finite():
        raise FaultError(
            Message("{value} is not a number; expected are digits with a decimal point.", value=quote_figure(value))
        )
    return number


def _fits(decimals: int) -> Callable[[Decimal], Decimal]:
    """A check that a number is not negative, and fits NUMERIC(12, decimals) without rounding."""

    def check(value: Decimal) -> Decimal:
        if value < 0:
            raise FaultError(Message("{value} is negative.", value=quote_figure(value)))
        if value >= Decimal(10) ** (12 - decimals):
            raise FaultError(Message("{value} is larger than Avain can hold.", value=quote_figure(value)))
        if value != round(value, decimals):
            raise FaultError(
                Message("{value} has more than {decimals} decimals.", value=quote_figure(value), decimals=decimals)
            )
        return value

    return check


def _above_zero(value: Decimal) -> Decimal:
    if value == 0:
        raise FaultError(Message("The quantity is zero."))
    return value


def _no_control(value: str) -> str:
    if _CONTROL.search(value):
        raise FaultError(Message("The text holds a control character."))
    return value


def _harmless(value: str) -> str:
    """A text that is kept in clear, and may be shown or ordered with: nothing but text, and nobody's code."""
    if redact(_no_control(value)) != value:
        raise FaultError(Message("The text holds a henkilötunnus. It must be taken out in the source."))
    return value


def _source_id(value: str) -> str:
    if not _no_control(value).isprintable():
        raise FaultError(
            Message("An identifier holds a character that cannot be seen: it would look like another one.")
        )
    if redact(value) != value:
        raise FaultError(Message("An identifier is a henkilötunnus. The source must be set up to give another one."))
    return value


def _business_id(value: str) -> str:
    return business_id(value, quote_figure(value))


def _henkilotunnus(value: str) -> str:
    try:
        return normalise_henkilotunnus(value)
    except InputError as error:
        raise FaultError(error.message) from None


Day = Annotated[date, BeforeValidator(read_day)]
ExternalId = Annotated[str, Field(min_length=1, max_length=_LONGEST_ID, pattern=r"^\S+$"), AfterValidator(_source_id)]
Code = Annotated[str, Field(min_length=1, max_length=_LONGEST_ID, pattern=r"^\S+$"), AfterValidator(_source_id)]
LastDay = Annotated[date | None, BeforeValidator(read_end)]
Unit = Annotated[str, Field(pattern=r"^[A-Z0-9]{2,3}$", description="UN/ECE Rec 20, such as C62, HUR")]
BusinessId = Annotated[str, AfterValidator(_business_id)]
Quantity = Annotated[
    Decimal, BeforeValidator(read_number), AfterValidator(_fits(decimals=4)), AfterValidator(_above_zero)
]
Euros = Annotated[Decimal, BeforeValidator(read_number), AfterValidator(_fits(decimals=2))]
Days = Annotated[int, Field(ge=0, le=3650)]


class Part(BaseModel):
    """A part of a record: nothing unknown in it, nothing changed afterwards."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class IdentityPart(Part):
    """Who the client is. Dropped at the door unless the installation seals it (`privacy.identity`)."""

    henkilotunnus: Annotated[str, AfterValidator(_henkilotunnus)] | None = None
    name: Annotated[str, Field(max_length=200), AfterValidator(_no_control)] | None = None


class ClientPart(Part):
    """Whom the case is about, by the source's reference. `non_disclosure` is turvakielto."""

    external_id: ExternalId
    non_disclosure: bool = False
    identity: IdentityPart | None = None


class BaselinePart(Part):
    """The standard service that is replaced: its price makes the ceiling."""

    service: Code
    quantity: Quantity
    unit: Unit


class DecisionPart(Part):
    """The steering group's stand and the official decision: two facts, either may be missing yet."""

    external_id: ExternalId
    number: Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_harmless)] | None = None
    stand_date: Day | None = None
    decided_on: Day | None = None
    valid_from: Day | None = None
    valid_to: LastDay = None
    granted_amount: Euros | None = None
    baseline: BaselinePart | None = None

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise FaultError(
                Message(
                    "The decision ends ({end}) before it starts ({start}).",
                    start=self.valid_from.isoformat(),
                    end=self.valid_to.isoformat(),
                )
            )
        return self


class RhythmPart(Part):
    """How often a planned service is looked at, and the plan reviewed; what is missing comes from the organisation's settings."""

    start_working_days: Days | None = None
    interval_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    before_end_days: Days | None = None
    plan_review_months: Annotated[int, Field(ge=1, le=120)] | None = None


class PlanItemPart(Part):
    """A planned service under a decision: `quantity` units over the days from `start` to `end`, both included."""

    external_id: ExternalId
    decision: ExternalId
    service: Code
    quantity: Quantity
    unit: Unit
    start: Day
    end: Day
    provider: BusinessId | None = None
    follow_up: RhythmPart | None = None

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if self.end < self.start:
            raise FaultError(
                Message(
                    "The planned service ends ({end}) before it starts ({start}).",
                    start=self.start.isoformat(),
                    end=self.end.isoformat(),
                )
            )
        every = self.follow_up.interval_days if self.follow_up is not None else None
        if every is not None and (self.end - self.start).days > every * MOST_CHECKS:
            raise FaultError(
                Message(
                    "The planned service would be looked at more than {count} times over its days.", count=MOST_CHECKS
                )
            )
        return self


class CaseRecord(Part):
    """One case with its decisions and planned services, as the source knows it."""

    version: Literal[1] = 1
    external_id: ExternalId
    client: ClientPart
    responsible_worker: ExternalId
    co_worker: ExternalId | None = None
    supervisor: ExternalId | None = Field(default=None, description="of this case; where it says none, the unit's")
    unit: Code | None = None
    status: Literal["open", "closed"]
    assessment_date: Day | None = None
    plan_date: Day | None = None
    kykyviisari_date: Day | None = None
    support_person: bool = False
    goals: tuple[Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_harmless)], ...] = Field(
        default=(), max_length=MAX_GOALS
    )
    decisions: tuple[DecisionPart, ...] = ()
    plan_items: tuple[PlanItemPart, ...] = ()

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        decisions = [one.external_id for one in self.decisions]
        items = [one.external_id for one in self.plan_items]
        for ids in (decisions, items):
            twice = next((one for one in ids if ids.count(one) > 1), None)
            if twice is not None:
                raise FaultError(Message("{id} is there twice in the case.", id=quote_code(twice)))
        for item in self.plan_items:
            if item.decision not in decisions:
                raise FaultError(
                    Message(
                        "The planned service {item} belongs to decision {decision}, which the case does not have.",
                        item=quote_code(item.external_id),
                        decision=quote_code(item.decision),
                    )
                )
        return self


@dataclass(frozen=True)
class FoundRecord:
    """A valid record and where it stands in its file."""

    position: str
    record: CaseRecord


@dataclass(frozen=True)
class FoundGone:
    """Word of the source that a case is there no more, and where the word stands. Deltas need it; a snapshot just leaves the case out."""

    position: str
    external_id: str


#: What pydantic finds by itself, by the type of its error. Each may use what pydantic says about the limit.
_FOUND_BY_PYDANTIC: Final[Mapping[str, str]] = {
    "missing": N_("A value that must be there is missing."),
    "extra_forbidden": N_("There is a field that the record does not have."),
    "string_too_short": N_("The text is empty."),
    "string_too_long": N_("The text is longer than {max_length} characters."),
    "too_long": N_("There are more than {max_length}."),
    "string_pattern_mismatch": N_("{value} is not written the way it must be ({pattern})."),
    "literal_error": N_("{value} is not known; known are: {expected}"),
    "bool_parsing": N_("{value} is neither true nor false."),
    "int_parsing": N_("{value} is not a whole number."),
    "greater_than_equal": N_("{value} is smaller than {ge}."),
    "less_than_equal": N_("{value} is larger than {le}."),
}


@dataclass(frozen=True)
class Fault:
    """The first thing that is wrong with a record: where, as in `("plan_items", 2, "end")`, and the sentence."""

    location: tuple[int | str, ...]
    reason: Message

    @property
    def field(self) -> str | None:
        """`plan_items.end`: without the index, so that equal faults are counted as one."""
        return ".".join(part for part in self.location if isinstance(part, str)) or None


def validated(data: Mapping[str, Any]) -> CaseRecord | Fault:
    """The record in `data` (canonical names; texts or values), or what is wrong with it."""
    try:
        return CaseRecord.model_validate(data)
    except ValidationError as error:
        found = error.errors(include_url=False)[0]
    return Fault(found["loc"], _named(_reason(found), data, found["loc"]))


def parse_record(data: Mapping[str, Any], position: str) -> FoundRecord | Rejection:
    """The record in `data`, or why it is rejected, by its first fault."""
    record = validated(data)
    if isinstance(record, Fault):
        return Rejection(position, record.field, readable_id(data.get("external_id")), record.reason)
    return FoundRecord(position, record)


def readable_id(value: Any) -> str | None:
    """The record's id if it is one that may be kept: as long as any id may be, and no henkilötunnus."""
    text = value.strip() if isinstance(value, str) else ""
    plain = 0 < len(text) <= _LONGEST_ID and text.isprintable() and not any(map(str.isspace, text))
    return text if plain and redact(text) == text else None


def _named(reason: Message, data: Mapping[str, Any], location: tuple[int | str, ...]) -> Message:
    """The reason with the id of the decision or planned service that is wrong (`part`): what is equal of many is told as one all the same."""
    if len(location) < 2 or not isinstance(location[1], int):
        return reason
    part = data[str(location[0])][location[1]]
    named = readable_id(part.get("external_id")) if isinstance(part, Mapping) else None
    return reason if named is None else Message(reason.msgid, **reason.params, part=named)


def json_schema() -> str:
    """The JSON Schema of the record, as docs/formats/ holds it."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:avain:case-record:{VERSION}",
        **CaseRecord.model_json_schema(),
    }
    return json.dumps(schema, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _reason(found: Any) -> Message:
    context = found.get("ctx", {})
    fault = context.get("error")
    if isinstance(fault, FaultError):
        return fault.message
    msgid = _FOUND_BY_PYDANTIC.get(found["type"], N_("The value is not of the kind that is expected."))
    known = {"value": quote_code(found["input"]), **{name: str(value) for name, value in context.items()}}
    if found["type"] == "literal_error":  # pydantic says it in English: 'open' or 'closed'
        known["expected"] = ", ".join(re.findall("'([^']*)'", known["expected"]))
    return Message(msgid, **{name: value for name, value in known.items() if "{" + name + "}" in msgid})


if __name__ == "__main__":
    sys.stdout.write(json_schema())
