"""A document as the rules look at it: its elements gathered once, by name, and their texts as the official rules read them."""

import re
from collections import defaultdict
from decimal import Decimal
from typing import Final, NamedTuple

from lxml import etree

from core.errors import Message
from documents.findings import Severity

_NUMBER: Final = re.compile(r"\s*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)\s*", re.ASCII)
#: What XML counts as blank; Python's own list is longer.
BLANKS: Final = " \t\r\n"
_RUNS_OF_BLANKS: Final = re.compile(f"[{BLANKS}]+")


class Objection(NamedTuple):
    """What a rule objects to. Where that is in the file, is found out for those that are told (documents/findings.py): it takes time."""

    element: "etree._Element"
    rule: str
    severity: Severity
    text: Message


class Document:
    """The elements of one document. Every group of rules asks for those it is about, so the tree is walked once."""

    def __init__(self, root: "etree._Element") -> None:
        self.root = root
        self.elements = list(root.iter("*"))
        self._named: defaultdict[str, list[etree._Element]] = defaultdict(list)
        for element in self.elements:
            self._named[element.tag].append(element)

    def named(self, tag: str) -> "list[etree._Element]":
        """All elements of this name (`{namespace}name`), in document order."""
        return self._named.get(tag, [])


def first(element: "etree._Element", tag: str) -> "etree._Element | None":
    """The first child of this name: what `find` answers, in half the time."""
    return next(element.iterchildren(tag), None)


def normalized(text: str | None) -> str:
    """As XPath's `normalize-space`: blanks at the ends gone, those between words one each. Only blanks of XML are blanks."""
    if not text or text.isalnum():  # a code, mostly
        return text or ""
    return _RUNS_OF_BLANKS.sub(" ", text).strip(" ")


def text_of(element: "etree._Element") -> str:
    """The element's own text, normalized."""
    return normalized(element.text)


def text_at(element: "etree._Element", path: str) -> str:
    """The normalized text of the first element at `path`; empty if there is none."""
    return normalized(element.findtext(path))


def decimal_of(text: str | None) -> Decimal | None:
    """The number a text holds, as XML Schema writes decimals; None for what is missing or no number."""
    return Decimal(text.strip()) if text and _NUMBER.fullmatch(text) else None
