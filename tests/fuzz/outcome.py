"""What came of one document: it was read, or refused with an error of ours, or there is a fault.

What was read counts only if it can be kept and told: PostgreSQL takes no NUL and no half characters, a number with a million digits is no
number, and every sentence must stand in every language.
"""

import dataclasses
import json
import math
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from core.errors import AvainError, Message
from core.i18n import LANGUAGES
from core.settings import ROOT

#: `read` and `refused` are right; all others are faults.
KINDS: Final = ("read", "refused", "crash", "unfit", "memory", "slow", "hang")
FAULTS: Final = KINDS[2:]
#: Digits before or after the point of any number that is kept.
_MOST_DIGITS: Final = 40
_LARGEST: Final = 2**63
_LONGEST_SENTENCE: Final = 1_000_000


class UnfitError(Exception):
    """A value or sentence that could not be kept or told."""


@dataclass(frozen=True)
class Outcome:
    """`kind` of KINDS; of a fault `what` it was and where in our code, so that equal ones are counted as one."""

    kind: str
    what: str = ""


def outcome_of(read: Any, content: bytes, folder: Path) -> Outcome:
    """Read a document and judge what comes. `folder` is the reader's to write in."""
    try:
        try:
            judge(read(content, folder))
        except AvainError as refused:
            judge(refused.message)
            return Outcome("refused")
    except MemoryError as error:
        return Outcome("memory", _where(error))
    except UnfitError as error:
        return Outcome("unfit", str(error))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
        return Outcome("crash", _where(error))
    return Outcome("read")


def judge(found: Any) -> None:
    """Look at all that was read. Raises UnfitError."""
    waiting, seen = [("", found)], set[int]()
    while waiting:
        path, value = waiting.pop()
        if value is None or isinstance(value, bool | bytes | Path):
            continue
        if isinstance(value, str):
            _text(path, value)
        elif isinstance(value, int | float | Decimal):
            _number(path, value)
        elif isinstance(value, Message):
            _sentence(path, value)
        elif id(value) not in seen:
            seen.add(id(value))
            waiting += _inside(path, value)


def _inside(path: str, value: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(value, BaseModel):
        return [(f"{path}.{name}", one) for name, one in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [(f"{path}.{one.name}", getattr(value, one.name)) for one in dataclasses.fields(value)]
    if isinstance(value, Mapping):
        return [(f"{path}.*", one) for pair in value.items() for one in pair]
    if isinstance(value, list | tuple | set | frozenset):
        return [(f"{path}[]", one) for one in value]
    return []  # days and the like: what they are is certain


def _text(path: str, value: str) -> None:
    if "\0" in value:
        raise UnfitError(f"NUL in {path or 'the text'}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise UnfitError(f"half a character in {path or 'the text'}") from None


def _number(path: str, value: float | Decimal) -> None:
    if isinstance(value, int):
        if not -_LARGEST <= value < _LARGEST:
            raise UnfitError(f"a whole number beyond 64 bits in {path}")
    elif not math.isfinite(value):
        raise UnfitError(f"no number in {path}")
    elif isinstance(value, Decimal):
        exponent = value.as_tuple().exponent
        if not isinstance(exponent, int) or abs(exponent) > _MOST_DIGITS or value.adjusted() > _MOST_DIGITS:
            raise UnfitError(f"too many digits in {path}")


def _sentence(path: str, message: Message) -> None:
    kept = message.to_json()
    _text(f"{path} ({message.msgid})", json.dumps(kept, ensure_ascii=False).replace("\\u0000", "\0"))
    for language in LANGUAGES:
        said = Message.from_json(kept).text(language)
        _text(f"{path} ({message.msgid})", said)
        if len(said) > _LONGEST_SENTENCE:
            raise UnfitError(f"an endless sentence: {message.msgid}")


def _where(error: BaseException) -> str:
    """The error's kind and the innermost place in our own code, not in that of the harness."""
    frames = [
        Path(frame.filename).relative_to(ROOT).as_posix() + f":{frame.lineno}"
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(ROOT) and ".venv" not in frame.filename
    ]
    return f"{type(error).__name__} at {frames[-1] if frames else '?'}"
