"""What a check of a business document found, in one shape for every rule set.

XSD, Schematron and Avain's own rules all answer with `Finding`s, so a caller shows, stores and counts them alike.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, cast

from lxml import etree

from core.errors import Message

Severity = Literal["fatal", "warning"]
_PREFIX = re.compile(r"/[^/:\[]+:")
_STEP = re.compile(r"/(?:Q\{(?P<space>[^}]*)\})?(?P<name>[^/\[(@]+)\[(?P<position>\d+)\]")


@dataclass(frozen=True)
class Finding:
    """One objection to a document: the rule's id, how grave it is, and where.

    `line` is the line of the source, 0 where it is not known; `location` is a path of element names such as
    `/Order/OrderLine[2]/LineItem/Price`. Rule, line and location may be logged; `text` may quote a value of the document.
    """

    line: int
    location: str
    rule: str
    severity: Severity
    text: Message


def found(element: "etree._Element", rule: str, severity: Severity, text: Message) -> Finding:
    """The objection of `rule` to `element`."""
    line = cast("int | None", element.sourceline)
    return Finding(line=line or 0, location=location(element), rule=rule, severity=severity, text=text)


def fatal(findings: Iterable[Finding]) -> list[Finding]:
    """Those for which a receiver would refuse the document."""
    return [finding for finding in findings if finding.severity == "fatal"]


def location(element: "etree._Element") -> str:
    """The path of `element` by local names; a position is stated where there are several of the same name."""
    tree = element.getroottree()
    path = tree.getpath(element)
    if "*" in path[2:]:  # libxml2 does not name what is in the default namespace, as the root of most documents is
        return _counted(element)
    rest = path[2:].partition("/")
    return _PREFIX.sub("/", f"/{etree.QName(tree.getroot()).localname}{rest[1]}{rest[2]}")


def _counted(element: "etree._Element") -> str:
    """The same, counted here: as slow as there are siblings."""
    steps: list[str] = []
    current: etree._Element | None = element
    while current is not None:
        step, tag = etree.QName(current).localname, str(current.tag)
        before = sum(1 for _ in current.itersiblings(tag, preceding=True))
        alone = not before and next(current.itersiblings(tag), None) is None
        steps.append(step if alone else f"{step}[{before + 1}]")
        current = current.getparent()
    return "/" + "/".join(reversed(steps))


def element_at(root: "etree._Element", path: str) -> "etree._Element":
    """The element that XPath's `path()` function names (`/Q{namespace}Order[1]/…`); of an attribute or text, its owner."""
    current = root
    for step in list(_STEP.finditer(path))[1:]:  # the first names the root
        name, space = step["name"], step["space"]
        alike = current.findall(f"{{{space}}}{name}" if space else name)
        current = alike[int(step["position"]) - 1]
    return current
