r"""TOML as people write it, from settings to imports: the standard parser, whose every failure is of one kind here.

By itself it ends in a RecursionError or a plain ValueError for brackets in brackets and numbers of thousands of digits, which no caller expects;
and `"\u0000"` becomes a character that neither PostgreSQL nor XML can keep.
"""

import re
import tomllib
from typing import Any, Final

#: A key of so many parts (`a.a.a…`), for whose every part the parser keeps all before it: 20,000 of them cost it more than 512 MB.
_ENDLESS_KEY: Final = re.compile(r"(?<![\w\"'-])(?:[\w\"'-]++[ \t]*+\.[ \t]*+){100}")


#: What stands in a text by its number only, and in no text that anybody reads: control characters (but tabs and ends of lines), no characters.
_UNFIT: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


class UnfitTextError(tomllib.TOMLDecodeError):
    """A text, or a key, with a control character."""


class TooMuchError(tomllib.TOMLDecodeError):
    """Brackets within brackets or parts of a key by the hundred, or a number of thousands of digits."""


def parse_toml(content: str) -> dict[str, Any]:
    """What a document says. Raises tomllib.TOMLDecodeError; core/reasons.py has the words for it."""
    if _ENDLESS_KEY.search(content):
        raise TooMuchError("a key of a hundred parts")
    try:
        found = tomllib.loads(content)
    except tomllib.TOMLDecodeError:
        raise
    except (RecursionError, ValueError) as error:
        raise TooMuchError(str(error)) from error
    if "\\" in content and not _fit(found):  # it cannot stand there but by its number
        raise UnfitTextError("a control character")
    return found


def _fit(value: Any) -> bool:
    if isinstance(value, str):
        return _UNFIT.search(value) is None
    if isinstance(value, dict):
        return all(map(_fit, value)) and all(map(_fit, value.values()))
    return not isinstance(value, list) or all(map(_fit, value))
