"""Which case connectors there are, and making the one of a source.

To add one: a folder beside xml/ and a line in `_OWN`, or a package of its own with an entry point in the group `avain.connectors`
(docs/add-a-connector.md).
"""

import difflib
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final, Literal

from connectors.cases.base import CaseConnector, IdentityMode
from connectors.cases.fhir.cases import FhirCases
from connectors.cases.fhir.client import FhirTransport
from connectors.cases.profile import Profile, load_profile
from connectors.cases.sql.cases import SqlCases
from connectors.cases.sql.client import SqlViews
from connectors.cases.table.client import TableCases
from connectors.cases.xml.client import XmlCases
from connectors.transports.base import Transport
from connectors.transports.registry import transport
from core.errors import ConfigurationError
from core.source_settings import CaseSource

ENTRY_POINTS: Final = "avain.connectors"


def _xml(source: CaseSource, folder: Path) -> CaseConnector:
    return XmlCases(None if source.profile is None else load_profile(folder / source.profile, "xml"))


def _table(source: CaseSource, folder: Path) -> CaseConnector:
    return TableCases(_profile(source, folder, "table"))


def _sql(source: CaseSource, folder: Path) -> CaseConnector:
    return SqlCases(_profile(source, folder, "sql"))


def _profile(source: CaseSource, folder: Path, kind: Literal["table", "sql"]) -> Profile:
    if source.profile is None:
        raise ConfigurationError("A table or view needs a profile that says which column is what.")
    return load_profile(folder / source.profile, kind)


def _fhir(source: CaseSource, folder: Path) -> CaseConnector:  # noqa: ARG001
    return FhirCases(source.fhir.reading if source.fhir is not None else None)


#: Makes a connector for a source; paths in the settings are relative to the folder.
Maker = Callable[[CaseSource, Path], CaseConnector]
_OWN: Final[dict[str, Maker]] = {"xml": _xml, "table": _table, "fhir": _fhir, "sql": _sql}


def case_connector(source: CaseSource, folder: Path = Path()) -> CaseConnector:
    """The connector of a source: Avain's own, else one that an installed package brings.

    Raises ConfigurationError when there is none, when the package's is not a connector, or when the profile cannot be used.
    """
    kind = source.kind
    if kind in _OWN:
        return _OWN[kind](source, folder)
    brought = {one.name: one for one in entry_points(group=ENTRY_POINTS)}
    if kind not in brought:
        known = sorted({*_OWN, *brought})
        near = difflib.get_close_matches(kind, known, n=1)
        raise ConfigurationError(
            "There is no connector {kind} for cases. Known: {known}", kind=kind, known=", ".join(near or known)
        )
    made = brought[kind].load()(source, folder)
    if not isinstance(made, CaseConnector):
        raise ConfigurationError(
            "The entry point {kind} of {group} is not a case connector.", kind=kind, group=ENTRY_POINTS
        )
    return made


def case_transport(source: CaseSource, folder: Path = Path(), *, identity: IdentityMode = "none") -> Transport:
    """How what a source holds comes in. With `identity="none"` who clients are stays at the source, where it can.

    Raises ConfigurationError when the profile of a database cannot be used.
    """
    if source.files is not None:
        return transport(source.files)
    if source.sql is not None:
        profile = _profile(source, folder, "sql")
        return SqlViews(source.sql, profile if identity == "sealed" else profile.without_identity())
    if source.fhir is not None:
        return FhirTransport(source.fhir, keep_identity=identity == "sealed")
    raise ConfigurationError("There is no connector {kind} for cases. Known: {known}", kind=source.kind, known="")
