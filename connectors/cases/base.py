"""What a case connector is, and which there are.

A connector turns one file (or answer) of a source into canonical records and rejections, in the source's order. It returns values,
never table rows, and knows nothing of what is in the database. To add one: a folder beside xml/ and a line in `_OWN`, or a package of
its own with an entry point in the group `avain.connectors`.
"""

import difflib
from collections.abc import Iterator
from functools import lru_cache
from importlib.metadata import entry_points
from typing import BinaryIO, Final, Literal, Protocol, runtime_checkable

from connectors.cases.record import FoundRecord
from connectors.cases.xml.client import XmlCases
from connectors.rejection import Rejection
from core.errors import ConfigurationError

IdentityMode = Literal["none", "sealed"]
ENTRY_POINTS: Final = "avain.connectors"


@runtime_checkable
class CaseConnector(Protocol):
    """Reads cases. One instance serves all sources of its kind, so it keeps no state."""

    def read(self, file: BinaryIO, *, identity: IdentityMode) -> Iterator[FoundRecord | Rejection]:
        """Records and rejections in the order of `file`, with constant memory.

        With `identity="none"` the fields of `CaseRecord.client.identity` are dropped before anything looks at them. Raises
        RefusedInput for a file that is malformed, cut short or an attack, possibly only at its end: apply nothing before that.
        """
        ...


_OWN: Final[dict[str, CaseConnector]] = {"xml": XmlCases()}


@lru_cache(maxsize=32)
def case_connector(kind: str) -> CaseConnector:
    """The connector of a kind: Avain's own, else one that an installed package brings.

    Raises ConfigurationError when there is none, or when the package's is not a connector.
    """
    if kind in _OWN:
        return _OWN[kind]
    brought = {one.name: one for one in entry_points(group=ENTRY_POINTS)}
    if kind not in brought:
        known = sorted({*_OWN, *brought})
        near = difflib.get_close_matches(kind, known, n=1)
        raise ConfigurationError(
            "There is no connector {kind} for cases. Known: {known}", kind=kind, known=", ".join(near or known)
        )
    made = brought[kind].load()()
    if not isinstance(made, CaseConnector):
        raise ConfigurationError(
            "The entry point {kind} of {group} is not a case connector.", kind=kind, group=ENTRY_POINTS
        )
    return made
