"""Reading foreign XML by a profile, record by record: the slow way, which says what is wrong with a record."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, BinaryIO

from lxml import etree

from connectors.cases.base import Found
from connectors.cases.profile import FieldFaultError, FieldRule, GroupRule, Profile, read_part
from connectors.cases.record import FoundGone, parse_record, readable_id
from connectors.cases.xml.finding import Finder, steps_finder, xpath_finder
from connectors.rejection import Rejection
from core.errors import Message, RefusedInput
from documents import xml


class ForeignXml:
    """Reads records as one profile says. Identity is not read at all unless `keep_identity`."""

    def __init__(self, profile: Profile, *, keep_identity: bool) -> None:
        if profile.xml is None:
            raise ValueError("not a profile for XML")
        self._profile = profile if keep_identity else profile.without_identity()
        self._shape = profile.xml
        self._finders: dict[int, list[Finder]] = {}

    def read_file(self, file: BinaryIO) -> Iterator[Found]:
        """All records of a document, in its order; elements that are neither records nor words that one is gone are passed over."""
        shape = self._shape
        tags = {shape.record[-1], *((shape.gone[-1],) if shape.gone is not None else ())}
        for element in xml.stream(file, *tags, root=shape.root):
            found = self.read_element(element, str(element.sourceline))
            if found is not None:
                yield found

    def read_element(self, element: "etree._Element", position: str) -> Found | None:
        """A record, or word that one is gone; None for an element that only has such a name."""
        if _stands_at(element, self._shape.record):
            return self._case(element, position)
        if self._shape.gone is not None and _stands_at(element, self._shape.gone):
            return self._gone(element, position)
        return None

    def _case(self, element: "etree._Element", position: str) -> Found:
        profile = self._profile
        external_id = readable_id(self._first(element, profile.cases.rule("external_id")))
        field = ""
        try:
            record = read_part(profile.cases.fields, partial(self._texts, element))
            for name, group in (("decisions", profile.decisions), ("plan_items", profile.plan_items)):
                field = f"{name}."
                record[name] = self._parts(element, group) if group is not None else []
        except FieldFaultError as fault:
            return Rejection(position, f"{field}{fault.field}", external_id, fault.message)
        return parse_record(record, position)

    def _parts(self, element: "etree._Element", group: GroupRule) -> list[dict[str, object]]:
        each = group.each
        if each is None:
            return []
        if each.is_simple:
            found = [element]
            for step in each.steps:
                found = [child for one in found for child in one.iterchildren(step)]
        else:
            found = _elements(element, each.text, self._shape.namespaces)
        return [read_part(group.fields, partial(self._texts, one)) for one in found]

    def _gone(self, element: "etree._Element", position: str) -> Found:
        path = self._shape.gone_id
        texts = steps_finder(path.up, path.steps, path.attribute)(element) if path is not None else []
        external_id = readable_id(texts[0]) if texts else None
        if external_id is None:
            return Rejection(position, "external_id", None, Message("A value that must be there is missing."))
        return FoundGone(position, external_id)

    def _texts(self, element: "etree._Element", rule: FieldRule) -> list[str]:
        finders = self._finders.get(id(rule))
        if finders is None:
            finders = self._finders[id(rule)] = [
                steps_finder(path.up, path.steps, path.attribute)
                if path.is_simple
                else xpath_finder(path.text, self._shape.namespaces)
                for path in rule.paths
            ]
        return [text for find in finders for text in find(element)]

    def _first(self, element: "etree._Element", rule: FieldRule) -> str | None:
        texts = self._texts(element, rule)
        return texts[0] if texts else None


def _stands_at(element: "etree._Element", steps: tuple[str, ...]) -> bool:
    """Whether these steps lead from the root element to the element."""
    at: etree._Element | None = element
    for step in reversed(steps):
        if at is None or at.tag != step:
            return False
        at = at.getparent()
    return at is not None and at.getparent() is None


def _elements(element: "etree._Element", expression: str, namespaces: Mapping[str, str]) -> "list[etree._Element]":
    named = {name: uri for name, uri in namespaces.items() if name}
    found: Any = etree.XPath(expression, namespaces=named, smart_strings=False)(element)
    if not isinstance(found, list) or not all(isinstance(one, etree._Element) for one in found):  # noqa: SLF001
        raise RefusedInput("The path {path} of the profile does not lead to elements.", path=expression)
    return found
