"""The JSON price list, version 1: its shape as models, from which docs/formats/price-list-1.schema.json is made.

Strict, for it is written by programs: a field nobody knows, a text where a number belongs, a word for a unit are errors of the program, and
the sooner it hears of them the better.
"""

import json
import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, model_validator

from connectors.faults import FaultError, business_id
from connectors.prices.amounts import plain, read_price, shown
from connectors.prices.units import read_unit
from core.errors import Message

VERSION: Final = 1
#: Prices in one list.
MOST_PRICES: Final = 250_000
_PRICE: Final = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,20})?")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def _number(value: Any) -> Decimal:
    """A JSON number, or its digits as a text with a decimal point."""
    if isinstance(value, Decimal | int) and not isinstance(value, bool):
        return Decimal(value)
    if isinstance(value, str) and _PRICE.fullmatch(value):
        return Decimal(value)
    raise FaultError(Message("{value} is not a number; expected are digits with a decimal point.", value=shown(value)))


def _price(value: Any) -> Decimal:
    try:
        number = _number(value)
    except FaultError:
        raise FaultError(
            Message("{value} is not a price. Write it as a number, for example 60.00.", value=shown(value))
        ) from None
    read = read_price(number)
    if isinstance(read, Message):
        raise FaultError(read)
    return read.amount


def _quantity(value: Any) -> Decimal:
    number = _number(value)
    if not 0 <= number <= 1_000_000 or number != round(number, 4):
        raise FaultError(
            Message("The quantity {value} must not be negative, with at most four decimals.", value=shown(value))
        )
    return plain(number)


def _above_zero(value: Decimal) -> Decimal:
    if value == 0:
        raise FaultError(Message("The quantity is zero."))
    return value


def _rate(value: Any) -> Decimal:
    number = _number(value)
    if not 0 <= number < 1 or number != round(number, 4):
        raise FaultError(
            Message("{value} is not a VAT rate. Write it as a fraction, such as 0.255.", value=shown(value))
        )
    return plain(number)


def _unit(value: str) -> str:
    found = read_unit(value) if value.isupper() or value.isdigit() or re.fullmatch("[A-Z0-9]{2,3}", value) else None
    if found is None or found != (value, Decimal(1)):
        raise FaultError(
            Message(
                "The unit {value} is not a code of UN/ECE Rec 20 that is known here, such as C62 or HUR.",
                value=shown(value),
            )
        )
    return value


def _business_id(value: str) -> str:
    return business_id(value, shown(value))


def _day(value: Any) -> date:
    try:
        if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise FaultError(Message("{value} is not a date; expected is a day such as 2026-11-16.", value=shown(value)))


def _plain(value: str) -> str:
    if _CONTROL.search(value):
        raise FaultError(Message("The text holds a control character."))
    return " ".join(value.split())


def _as_written(pattern: str, **over: Any) -> Any:
    """How a number shows in the JSON Schema: as a number, or as a text of digits."""
    return Field(json_schema_extra=lambda schema: _replace(schema, pattern, over))


def _replace(schema: dict[str, Any], pattern: str, over: dict[str, Any]) -> None:
    kept = {name: schema[name] for name in ("description", "default") if name in schema}
    schema.clear()
    schema.update(anyOf=[{"type": "number", **over}, {"type": "string", "pattern": pattern}], **kept)


Text = Annotated[str, Field(min_length=1, max_length=200, strict=True), AfterValidator(_plain)]
Code = Annotated[str, Field(min_length=1, max_length=200, strict=True), AfterValidator(_plain)]
Unit = Annotated[
    str,
    Field(
        strict=True, pattern="^[A-Z0-9]{2,3}$", description="UN/ECE Rec 20: C62 (visit), HUR, DAY, WEE, MON, KMT, LS"
    ),
    AfterValidator(_unit),
]
Euros = Annotated[Decimal, BeforeValidator(_price), _as_written(r"^[0-9]{1,8}(\.[0-9]{1,4})?$", exclusiveMinimum=0)]
Quantity = Annotated[Decimal, BeforeValidator(_quantity), _as_written(r"^[0-9]{1,7}(\.[0-9]{1,4})?$", minimum=0)]
Positive = Annotated[
    Decimal,
    BeforeValidator(_quantity),
    AfterValidator(_above_zero),
    _as_written(r"^[0-9]{1,7}(\.[0-9]{1,4})?$", exclusiveMinimum=0),
]
Rate = Annotated[Decimal, BeforeValidator(_rate), _as_written(r"^0(\.[0-9]{1,4})?$", minimum=0, exclusiveMaximum=1)]
Day = Annotated[date, BeforeValidator(_day)]
BusinessId = Annotated[str, Field(strict=True, description="Y-tunnus, such as 1234567-1"), AfterValidator(_business_id)]


class Part(BaseModel):
    """A part of a list: nothing unknown in it, nothing changed afterwards."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Vat(Part):
    """The VAT of a price. `rate` is a fraction (0.255); `inclusive`: whether the price includes it."""

    category: Literal["S", "Z", "E", "AE", "K", "G", "O"] | None = Field(default=None, description="UN/ECE 5305")
    rate: Rate | None = None
    inclusive: StrictBool | None = None

    @model_validator(mode="after")
    def _exempt_is_zero(self) -> Self:
        if self.category == "E" and self.rate:
            raise FaultError(Message("Category E is exempt from VAT; its rate is 0."))
        return self


class PriceItem(Part):
    """One price: `price` euros per `base_quantity` units. Without `valid_from` from when the list is applied; `valid_to` is the last day."""

    service: Code | None = Field(default=None, description="the provider's code, our code or the service's name")
    service_name: Text | None = None
    unit: Unit
    price: Euros
    base_quantity: Positive = Field(default=Decimal(1), description="0.75 HUR is 45 minutes")
    minimum_quantity: Quantity = Decimal(0)
    time_class: Literal["weekday", "evening", "night", "saturday", "sunday"] = "weekday"
    extra: Literal["travel", "no_show"] | None = Field(
        default=None, description="what comes beside the service; without `service`, beside every service of the list"
    )
    territory: Text | None = None
    vat: Vat | None = None
    valid_from: Day | None = None
    valid_to: Day | None = None

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if self.service is None and self.extra is None:
            raise FaultError(Message("The service is missing."))
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise FaultError(
                Message(
                    "The price would end ({last}) before it begins ({first}).",
                    first=self.valid_from.isoformat(),
                    last=self.valid_to.isoformat(),
                )
            )
        return self


class RemovedItem(Part):
    """A service that is offered no more; with `unit` only its prices per that unit."""

    service: Code
    unit: Unit | None = None


class Envelope(Part):
    """What a list says of itself. Without `complete` it states everything, and what it leaves out has vanished."""

    version: Literal[1]
    currency: Literal["EUR"] = "EUR"
    business_id: BusinessId | None = None
    contract: Annotated[str, Field(min_length=1, max_length=64, strict=True), AfterValidator(_plain)] | None = None
    complete: StrictBool = True
    removals: tuple[RemovedItem, ...] = Field(
        default=(), max_length=MOST_PRICES, description="only of a list that is not complete"
    )

    @model_validator(mode="after")
    def _only_changes_remove(self) -> Self:
        if self.complete and self.removals:
            raise FaultError(Message("A complete list removes by leaving out; removals need: complete = false."))
        return self


class PriceListFile(Envelope):
    """A price list in JSON, UTF-8."""

    prices: tuple[PriceItem, ...] = Field(max_length=MOST_PRICES)


def json_schema() -> str:
    """The JSON Schema of a list, as docs/formats/price-list-1.schema.json holds it."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:avain:price-list:{VERSION}",
        **PriceListFile.model_json_schema(mode="validation"),
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
