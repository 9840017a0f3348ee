"""Price lists as JSON (docs/formats/price-list-1.schema.json): the form for providers whose program can write what it is told.

A list that is not a list is refused as a whole; a price in it that is none is rejected alone, at its JSON path.
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from connectors.faults import FaultError
from connectors.prices.amounts import shown
from connectors.prices.json.wire import MOST_PRICES, Envelope, PriceItem
from connectors.prices.row import PriceDocument, PriceRow, Reading, Removal
from connectors.rejection import Rejection
from core.errors import Message, RefusedInput
from core.i18n import N_
from documents import plain_json

LARGEST_FILE: Final = 64 * 1024 * 1024
_LONGEST_NAME: Final = 200

#: What pydantic finds by itself, by the type of its error.
_FOUND: Final[Mapping[str, str]] = {
    "missing": N_("A value that must be there is missing."),
    "extra_forbidden": N_("There is a field that a price list does not have."),
    "string_too_short": N_("The text is empty."),
    "string_too_long": N_("The text is longer than {max_length} characters."),
    "string_type": N_("{value} is not a text."),
    "too_long": N_("There are more than {max_length}."),
    "string_pattern_mismatch": N_("{value} is not written the way it must be ({pattern})."),
    "literal_error": N_("{value} is not known; known are: {expected}"),
    "bool_type": N_("{value} is neither true nor false."),
}
_PRICE: Final = TypeAdapter(PriceItem)


def read_json(content: bytes, *, file_name: str, reading: Reading) -> PriceDocument:  # noqa: ARG001 - JSON is UTF-8, its fields are ours
    """A JSON price list as rows; positions are JSON paths (`$.prices[3]`).

    Raises RefusedInput where it is no JSON, no price list, or of another version: nothing of it may then be applied.
    """
    if len(content) > LARGEST_FILE:
        raise RefusedInput(
            "The file has {size} bytes; at most {limit} are accepted.", size=len(content), limit=LARGEST_FILE
        )
    try:
        whole = plain_json.read(content)
    except plain_json.NotPlainJsonError as error:
        raise RefusedInput(error.message) from error
    if not isinstance(whole, dict) or not isinstance(whole.get("prices"), list):
        raise RefusedInput(
            'A JSON price list is an object with a list "prices". See docs/formats/price-list-1.schema.json.'
        )
    prices = whole.pop("prices")
    if len(prices) > MOST_PRICES:
        raise RefusedInput(
            "The list has {count} prices; at most {limit} are accepted.", count=len(prices), limit=MOST_PRICES
        )
    if not prices and not whole.get("removals"):
        raise RefusedInput("The price table is empty.")
    try:
        envelope = Envelope.model_validate(whole)
    except ValidationError as error:
        path, reason = _first(error)
        raise RefusedInput(
            "The price list is not as it must be at {path}: {reason}", path=path, reason=reason
        ) from None
    rows, rejections = _rows(prices)
    removals = [Removal(one.service, f"$.removals[{at}]", one.unit) for at, one in enumerate(envelope.removals)]
    return PriceDocument(
        file_name, sha256(content).hexdigest(), rows, rejections, complete=envelope.complete, removals=removals,
        business_id=envelope.business_id, contract=envelope.contract,
    )  # fmt: skip


def _rows(prices: Iterable[Any]) -> tuple[list[PriceRow], list[Rejection]]:
    rows: list[PriceRow] = []
    rejections: list[Rejection] = []
    for at, one in enumerate(prices):
        position = f"$.prices[{at}]"
        try:
            rows.append(_row(_PRICE.validate_python(one), position))
        except ValidationError as error:
            path, reason = _first(error, position)
            field = path.removeprefix(position).lstrip(".") or None
            service = one.get("service") if isinstance(one, dict) else None
            rejections.append(Rejection(path, field, _readable(service), reason))
    return rows, rejections


def _readable(service: Any) -> str | None:
    """What a rejected price says it is of, if that is a text that may be kept."""
    return service if isinstance(service, str) and len(service) <= _LONGEST_NAME and service.isprintable() else None


def _row(price: PriceItem, position: str) -> PriceRow:
    vat = price.vat
    rate = vat.rate if vat else None
    return PriceRow(
        service=price.service or "",
        service_name=price.service_name or "",
        unit=price.unit,
        amount=price.price,
        position=position,
        base_quantity=price.base_quantity,
        vat_category=(vat.category if vat else None) or ("E" if rate == 0 else None),
        vat_rate=rate,
        vat_inclusive=vat.inclusive if vat else None,
        time_class=price.time_class,
        minimum_quantity=price.minimum_quantity,
        territory=price.territory or "",
        extra=price.extra or "",
        valid_from=price.valid_from,
        valid_to=price.valid_to,
    )


def _first(error: ValidationError, root: str = "$") -> tuple[str, Message]:
    """The path and sentence of the first thing that is wrong."""
    found = error.errors(include_url=False)[0]
    path = root + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in found["loc"])
    fault = found.get("ctx", {}).get("error")
    if isinstance(fault, FaultError):
        return path, fault.message
    told = {name: value for name, value in found.get("ctx", {}).items() if isinstance(value, str | int)}
    sentence = _FOUND.get(found["type"], N_("{value} cannot be understood here."))
    return path, Message(sentence, value=shown(found["input"]), **told)
