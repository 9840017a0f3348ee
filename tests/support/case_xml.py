"""Cases of `urn:avain:cases:1`, made by code: short records for tests that care about one thing."""

from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from connectors.cases.xml.client import XmlCases
from connectors.transports.base import SourceFile, Visit
from connectors.transports.local import LocalFiles
from core.source_settings import CaseSource


def item(id_: str = "I-1", **over: Any) -> str:
    """A planned service of decision D-1."""
    values = {
        "id": id_, "decision": "D-1", "service": "NEPSY", "quantity": "10", "unit": "C62", "start": "2026-11-23", "end": "2027-02-22",
        **over,
    }  # fmt: skip
    return f"<planItem {_attributes(values)}/>"


def decision(
    id_: str = "D-1", basis: str = '<baseline service="PERHETYO" quantity="12" unit="C62"/>', **over: str
) -> str:
    """A decision of November 2026; `over` replaces its number and elements."""
    values = {"decidedOn": "2026-11-09", **over}
    number = values.pop("number", f"P-{id_}")
    elements = "".join(f"<{name}>{value}</{name}>" for name, value in values.items())
    return f'<decision id="{id_}" number="{number}">{elements}{basis}</decision>'


def case(
    id_: str, *parts: str, worker: str = "W-101", status: str = "open", client: str | None = None, more: str = ""
) -> str:
    """A case with one decision and one item unless other `parts` are given."""
    inside = "".join(parts or (decision(), item()))
    return (
        f'<case id={quoteattr(id_)} status="{status}"><client id="{client or "K-" + id_}"/>'
        f'<responsibleWorker id="{worker}"/>{more}{inside}</case>'
    )


def export(*cases: str) -> bytes:
    """A file of cases, one a line."""
    return ('<cases xmlns="urn:avain:cases:1">\n' + "\n".join(cases) + "\n</cases>").encode()


def spooled(directory: Path, *contents: bytes) -> list[SourceFile]:
    """The contents as fetched files 1.xml, 2.xml, …"""
    source = directory / "export"
    source.mkdir(exist_ok=True)
    for old in source.iterdir():
        old.unlink()
    for number, content in enumerate(contents, start=1):
        (source / f"{number}.xml").write_bytes(content)
    return list(LocalFiles(f"{source}/*.xml", settled_after=0).fetch(Visit(directory / "spool")).files)


def _attributes(values: dict[str, Any]) -> str:
    return " ".join(f"{name}={quoteattr(str(value))}" for name, value in values.items() if value is not None)


def brought(source: CaseSource, folder: Path) -> XmlCases:
    """What an installed package would bring."""
    return XmlCases()


def not_a_connector(source: CaseSource, folder: Path) -> str:
    """What a broken package would bring."""
    return f"{source.kind} in {folder}"
