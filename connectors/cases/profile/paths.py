"""Paths into XML. Nearly all are child steps with an attribute at the end, which are walked; the rest is XPath, five times slower."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from lxml import etree

from core.errors import Message

_XML_NAMESPACE: Final = "http://www.w3.org/XML/1998/namespace"
_NAME: Final = re.compile(r"(?:([^\W\d][\w.\-]*):)?([^\W\d][\w.\-]*)")


class PathError(ValueError):
    """A path that cannot be followed; the sentence says why."""

    def __init__(self, message: Message) -> None:
        self.message = message
        super().__init__(message.msgid)


@dataclass(frozen=True)
class XmlPath:
    """A path from an element: `up` so many parents, then `steps` down by child names, then an `attribute`, else the element's text.

    Names are in Clark notation. Where `is_simple` is False, `text` is an XPath 1.0 expression and the rest is empty.
    """

    text: str
    up: int = 0
    steps: tuple[str, ...] = ()
    attribute: str | None = None
    is_simple: bool = True


def parse_path(text: str, namespaces: Mapping[str, str]) -> XmlPath:
    """Understand a path. The namespace under the empty prefix is that of elements without one. Raises PathError."""
    parts = text.strip().split("/")
    attribute = parts.pop()[1:] if parts[-1].startswith("@") else None
    up = next((count for count, part in enumerate(parts) if part != ".."), len(parts))
    parts = parts[1 if parts[:1] == ["."] else up :]
    names = [*parts, *([attribute] if attribute is not None else [])]
    if not text.strip():
        raise PathError(Message("The path is empty."))
    if not all(_NAME.fullmatch(name) for name in names):
        return XmlPath(_checked(text.strip(), namespaces), is_simple=False)
    steps = tuple(clark(name, namespaces) for name in parts)
    return XmlPath(text.strip(), up, steps, None if attribute is None else clark(attribute, namespaces, element=False))


def parse_steps(text: str, namespaces: Mapping[str, str]) -> tuple[str, ...]:
    """A path of child steps alone, at least one. Raises PathError."""
    path = parse_path(text, namespaces)
    if not path.is_simple or path.attribute is not None or path.up or not path.steps:
        raise PathError(Message("The path must be names of elements with / between them."))
    return path.steps


def clark(name: str, namespaces: Mapping[str, str], *, element: bool = True) -> str:
    """`s:Tila` as `{urn:saga}Tila`. Raises PathError for an unknown prefix and for what is no name."""
    found = _NAME.fullmatch(name)
    if found is None:
        raise PathError(Message("{value} is not a name of an element.", value=name))
    prefix, local = found.groups()
    if prefix is None:  # attributes without a prefix are in no namespace
        uri = namespaces.get("") if element else None
    elif prefix == "xml":
        uri = _XML_NAMESPACE
    elif prefix not in namespaces:
        raise PathError(_unknown_prefix(prefix, namespaces))
    else:
        uri = namespaces[prefix]
    return f"{{{uri}}}{local}" if uri else local


def _checked(text: str, namespaces: Mapping[str, str]) -> str:
    named = {prefix: uri for prefix, uri in namespaces.items() if prefix}
    try:
        etree.XPath(text, namespaces=named, smart_strings=False)(etree.Element("none"))
    except etree.XPathError as error:
        raise PathError(Message("{value} is not a path ({detail}).", value=text, detail=str(error))) from error
    return text


def _unknown_prefix(prefix: str, namespaces: Mapping[str, str]) -> Message:
    known = ", ".join(sorted(one for one in namespaces if one)) or "–"
    return Message("The prefix {prefix} is not in [xml.namespaces]; there are: {known}", prefix=prefix, known=known)
