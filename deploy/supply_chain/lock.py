"""The locks, `requirements/*.txt`, as values: what is installed, in which version, with which hashes, and on whose account."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

_HASH: Final = re.compile(r"--hash=(\w+):([0-9a-f]+)")
_OURSELVES: Final = "avain (pyproject.toml)"


@dataclass(frozen=True)
class Locked:
    """One package of a lock. `hashes`: sha256 in hex of every file that may be installed for it. `condition`: where it is installed at all,
    as an environment marker ("" everywhere). `wanted_by`: names of the packages that need it; `direct`: Avain itself does.
    """

    name: str
    version: str
    hashes: tuple[str, ...]
    condition: str
    wanted_by: tuple[str, ...]
    direct: bool


def read(path: Path) -> list[Locked]:
    """All packages of one lock, in its order. Raises ValueError for anything in it but pinned, hashed packages."""
    found: list[Locked] = []
    for block in re.split(r"\n(?=\S)", path.read_text("utf-8").replace("\\\n", " ")):
        head, _, reasons = block.partition("# via")
        if not head.strip() or head.startswith("#"):
            continue
        found.append(_locked(head, reasons, path.name))
    return found


def _locked(head: str, reasons: str, where: str) -> Locked:
    written = head.split("--hash", maxsplit=1)[0].strip()
    try:
        requirement = Requirement(written)
    except InvalidRequirement as error:
        raise ValueError(f"{where}: {written} is no pinned package of a registry") from error
    pins = list(requirement.specifier)
    if requirement.url or len(pins) != 1 or pins[0].operator != "==" or "*" in pins[0].version:
        raise ValueError(f"{where}: {written} is not pinned to one version")
    hashes = _HASH.findall(head)
    if not hashes or any(kind != "sha256" or len(value) != 64 for kind, value in hashes):
        raise ValueError(f"{where}: {written} lacks its sha256")
    wanted_by = [one.strip(" #") for one in reasons.splitlines() if one.strip(" #")]
    return Locked(
        name=canonicalize_name(requirement.name),
        version=pins[0].version,
        hashes=tuple(sorted(value for _, value in hashes)),
        condition=str(requirement.marker or ""),
        wanted_by=tuple(sorted(canonicalize_name(one) for one in wanted_by if re.fullmatch(r"[\w.-]+", one))),
        direct=_OURSELVES in wanted_by,
    )
