"""TOML as people write it, from settings to imports: the standard parser, whose every failure is of one kind here.

By itself it ends in a RecursionError or a plain ValueError for brackets in brackets and numbers of thousands of digits, which no caller expects.
"""

import re
import tomllib
from typing import Any, Final

#: A key of so many parts (`a.a.a…`), for whose every part the parser keeps all before it: 20,000 of them cost it more than 512 MB.
_ENDLESS_KEY: Final = re.compile(r"(?<![\w\"'-])(?:[\w\"'-]++[ \t]*+\.[ \t]*+){100}")


class TooMuchError(tomllib.TOMLDecodeError):
    """Brackets within brackets or parts of a key by the hundred, or a number of thousands of digits."""


def parse_toml(content: str) -> dict[str, Any]:
    """What a document says. Raises tomllib.TOMLDecodeError; core/reasons.py has the words for it."""
    if _ENDLESS_KEY.search(content):
        raise TooMuchError("a key of a hundred parts")
    try:
        return tomllib.loads(content)
    except tomllib.TOMLDecodeError:
        raise
    except (RecursionError, ValueError) as error:
        raise TooMuchError(str(error)) from error
