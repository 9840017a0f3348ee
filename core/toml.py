"""TOML as people write it, from settings to imports: the standard parser, whose every failure is of one kind here.

By itself it ends in a RecursionError or a plain ValueError for brackets in brackets and numbers of thousands of digits, which no caller expects.
"""

import tomllib
from typing import Any


class TooMuchError(tomllib.TOMLDecodeError):
    """Brackets within brackets by the hundred, or a number of thousands of digits."""


def parse_toml(content: str) -> dict[str, Any]:
    """What a document says. Raises tomllib.TOMLDecodeError; core/reasons.py has the words for it."""
    try:
        return tomllib.loads(content)
    except tomllib.TOMLDecodeError:
        raise
    except (RecursionError, ValueError) as error:
        raise TooMuchError(str(error)) from error
