"""What every bench does beside measuring: a place for its servers, the file its figures go to, and whether they are within their limits."""

import json
import operator
import os
import platform
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from core import embedded

#: By figure: how it must be to what.
Limits = Mapping[str, tuple[str, float]]

_WITHIN: Final = {"<": operator.lt, "<=": operator.le, ">=": operator.ge}


@contextmanager
def home() -> Iterator[Path]:
    """A folder for servers of the bench's own; they and it are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="avain-bench-") as folder:
        made = Path(folder)
        made.chmod(0o755)  # the servers run as another account
        try:
            yield made
        finally:
            embedded.remove(made / "var")


def tell(found: Mapping[str, Any], file: Path | None, limits: Limits) -> int:
    """Print the figures, keep them in `file`, and answer the exit code: 0 when every figure is within its limit, 1 otherwise."""
    told = {name: round(value, 4) if isinstance(value, float) else value for name, value in found.items()}
    told["machine"] = f"{os.cpu_count()} cores, Python {platform.python_version()}"
    written = json.dumps(told, indent=1, sort_keys=True)
    if file is not None:
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"{written}\n")
    print(written)
    return 1 if beyond(told, limits) else 0


def beyond(found: Mapping[str, Any], limits: Limits) -> list[str]:
    """The figures that were measured and are not within their limits."""
    return [name for name, (how, limit) in limits.items() if name in found and not _WITHIN[how](found[name], limit)]
