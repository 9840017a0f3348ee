"""The JSON door: JSON from outside as the plainest reading of it (RFC 8259, and RFC 7493 on names), or a sentence that says why not.

Python's own reader takes more than JSON, and stumbles over some of what is JSON: NaN and Infinity pass, of two equal names in an object the last
one wins, while deep nesting, numbers of thousands of digits and exponents beyond all measure raise whatever they happen to raise.
"""

import json
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NoReturn

from core.errors import Message
from core.i18n import N_

_NUMBER: Final = N_("The JSON file holds a number that cannot be read.")


class NotPlainJsonError(ValueError):
    """Why a text is not read; `message` quotes nothing of it but NaN's name."""

    def __init__(self, message: Message) -> None:
        super().__init__(message.msgid)
        self.message = message


def decimal_number(digits: str) -> Decimal:
    """A number as it is written. Raises NotPlainJsonError for an exponent that Decimal cannot hold."""
    try:
        return Decimal(digits)
    except InvalidOperation as error:
        raise NotPlainJsonError(Message(_NUMBER)) from error


def read(
    content: bytes | str, *, whole: Callable[[str], Any] = int, fraction: Callable[[str], Any] = decimal_number
) -> Any:
    """The value of a JSON document. `whole` and `fraction` make the numbers. Raises NotPlainJsonError."""
    try:
        return json.loads(
            content, parse_int=whole, parse_float=fraction, parse_constant=_no_number, object_pairs_hook=_once
        )
    except NotPlainJsonError:
        raise
    except RecursionError as error:
        raise NotPlainJsonError(Message("The JSON file is nested too deeply.")) from error
    except UnicodeDecodeError as error:
        raise NotPlainJsonError(Message("The JSON file is not UTF-8 text.")) from error
    except json.JSONDecodeError as error:
        raise NotPlainJsonError(
            Message(
                "The JSON file is not well-formed or was cut short, line {line} ({detail})",
                line=error.lineno,
                detail=error.msg,
            )
        ) from error
    except ValueError as error:  # a whole number of thousands of digits
        raise NotPlainJsonError(Message(_NUMBER)) from error


def read_object(content: bytes) -> dict[str, Any]:
    """The object that an answer of another system is; an empty one for anything else."""
    try:
        found = read(content, fraction=float)
    except NotPlainJsonError:
        return {}
    return found if isinstance(found, dict) else {}


def _no_number(name: str) -> NoReturn:
    raise NotPlainJsonError(Message("The JSON file holds {value}, which is no number.", value=name))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotPlainJsonError(Message("The JSON file holds an object with the same name twice."))
    return found
