"""TOML as it is read everywhere: what its reader stumbles over is a fault of the file, like any other."""

import tomllib
from typing import Any, Final

#: How the error of a file says that it is nested beyond reading, or has a number of thousands of digits; no sentence of tomllib is like it.
BEYOND_MEASURE: Final = "nested too deeply or a number too long"


def parse_toml(text: str) -> dict[str, Any]:
    """The tables of a document. Raises tomllib.TOMLDecodeError, see core.reasons.toml_reason."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except (RecursionError, ValueError) as error:
        raise tomllib.TOMLDecodeError(BEYOND_MEASURE) from error
