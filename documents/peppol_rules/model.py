"""The data model of a Peppol document, and the rules that follow from it.

Peppol publishes for every transaction which elements exist, which are mandatory and which draw on a code list, and numbers them in
document order, attributes included. From that one outline come most of the official rules, ids and all: rule `PEPPOL-T01-B03702` is
the second objection that element 37 can raise. So an outline is kept, not four hundred checks.

An outline has one element or attribute a line, deeper ones indented by two blanks:

    Name        may be there            Name!       must be there
    Name:list   draws on a code list    @name       an attribute; `!` and `:list` as above
    &block      the lines of a named block, at this place
    +2          two numbers are taken by attributes without a rule

Elements with children of their own are aggregates (`cac:`), the others values (`cbc:`).
"""

import re
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from lxml import etree

from core.errors import Message
from documents.peppol_rules.reading import Objection, normalized

CAC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2}"
CBC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2}"
#: Where the UBL schema itself allows nothing else, the rules do not say so again.
_CLOSED_BY_SCHEMA = {"PartyIdentification", "PartyName", "AddressLine", "ItemComparison", "Dimension"}
_LINE = re.compile(r"(?P<indent> *)(?P<kind>[@&+]?)(?P<name>\w+)(?P<must>!?)(?::(?P<codes>\w+))?")


@dataclass
class Node:
    """An element or attribute of the outline. `number` is Peppol's; `codes` names its list, empty if it has none."""

    name: str
    number: int = 0
    must: bool = False
    codes: str = ""
    children: list["Node"] = field(default_factory=list)
    attributes: list["Node"] = field(default_factory=list)

    @cached_property
    def tag(self) -> str:
        return (CAC if self.children else CBC) + self.name

    @cached_property
    def known(self) -> dict[str, "Node"]:
        """Its children by tag."""
        return {child.tag: child for child in self.children}

    @cached_property
    def needed(self) -> frozenset[str]:
        """The tags of the children that must be there."""
        return frozenset(child.tag for child in self.children if child.must)

    @cached_property
    def is_free(self) -> bool:
        """Whether nothing is asked of it."""
        return not (self.children or self.codes or self.asked)

    @cached_property
    def asked(self) -> list["Node"]:
        """Its attributes that have a rule."""
        return [attribute for attribute in self.attributes if attribute.must or attribute.codes]


@dataclass(frozen=True)
class CodeList:
    """Which values are allowed, as a set or a question, and what the list is called."""

    title: str
    allowed: Container[str] | Callable[[str], bool]

    def has(self, code: str) -> bool:
        return self.allowed(code) if callable(self.allowed) else code in self.allowed


def read_outline(root: str, outline: str, blocks: Mapping[str, str]) -> Node:
    """The tree that `outline` describes, numbered from 1 for the root."""
    top = Node(root)
    path = [top]
    for text in _expanded(outline, blocks):
        line = _LINE.fullmatch(text)
        if line is None:
            raise ValueError(f"not a line of an outline: {text!r}")
        depth = len(line["indent"]) // 2
        del path[depth + 1 :]
        if line["kind"] == "+":
            path[-1].attributes.extend(Node("") for _ in range(int(line["name"])))
            continue
        node = Node(line["name"], must=bool(line["must"]), codes=line["codes"] or "")
        if line["kind"] == "@":
            path[-1].attributes.append(node)
        else:
            path[-1].children.append(node)
            path.append(node)
    for number, node in enumerate(_in_order(top), start=1):
        node.number = number
    return top


def _expanded(outline: str, blocks: Mapping[str, str], indent: str = "") -> Iterator[str]:
    for text in filter(None, (line.rstrip() for line in outline.splitlines())):
        bare = text.lstrip()
        if bare.startswith("&"):
            yield from _expanded(blocks[bare[1:]], blocks, indent + text[: -len(bare)])
        else:
            yield indent + text


def _in_order(node: Node) -> Iterator[Node]:
    yield node
    yield from node.attributes
    for child in node.children:
        yield from _in_order(child)


def _elements(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _elements(child)


class DocumentModel:
    """The rules of one outline; `prefix` begins their ids (`PEPPOL-T01-B`)."""

    def __init__(self, prefix: str, root: Node, lists: Mapping[str, CodeList]) -> None:
        self._prefix = prefix
        self._root = root
        self._lists = lists

    def check(self, root: "etree._Element") -> Iterator[Objection]:
        """Every objection to the document whose root element is `root`."""
        waiting = [(root, self._root)]
        while waiting:
            element, node = waiting.pop()
            inside = list(element) if node.children else []
            if not self._is_faultless(element, node, inside):
                for place, text in enumerate(self._objections(element, node), start=1):
                    if text:
                        yield self._objection_to(node, place, element, text)
            for child in inside:
                known = node.known.get(child.tag)
                if known is None:
                    if self._is_closed(node) and isinstance(child.tag, str):  # else a comment
                        yield self._stranger(node, child)
                elif not known.is_free:
                    waiting.append((child, known))

    def rule_ids(self) -> frozenset[str]:
        """The ids of all rules the outline stands for."""
        return frozenset(
            self._id(node, place) for node in _elements(self._root) for place in range(1, self._rules_of(node) + 1)
        )

    def _id(self, node: Node, place: int) -> str:
        return f"{self._prefix}{node.number:03d}{place:02d}"

    def _rules_of(self, node: Node) -> int:
        """How many objections `node` can raise: missing children, its code, its attributes, what does not belong."""
        attributes = sum(attribute.must + bool(attribute.codes) for attribute in node.attributes)
        return (
            sum(child.must for child in node.children)
            + bool(node.codes)
            + attributes
            + self._extra(node)
            + self._is_closed(node)
        )

    def _extra(self, node: Node) -> int:
        return int(node is self._root)  # a schema location, which only the root can have

    @staticmethod
    def _is_closed(node: Node) -> bool:
        return bool(node.children) and node.name not in _CLOSED_BY_SCHEMA

    def _is_faultless(self, element: "etree._Element", node: Node, inside: "list[etree._Element]") -> bool:
        """Whether `_objections` would have none: asked first, because it nearly always has none and this is faster."""
        if node.needed and not node.needed.issubset([child.tag for child in inside]):
            return False
        if node.codes and not self._lists[node.codes].has(normalized(element.text)):
            return False
        for attribute in node.asked:
            value = element.get(attribute.name)
            if attribute.must if value is None else attribute.codes and not self._lists[attribute.codes].has(value):
                return False
        return node is not self._root or not names_schema(element)

    def _objections(self, element: "etree._Element", node: Node) -> Iterator[Message | None]:
        """One answer for each rule of `node` in Peppol's order, None where it is kept; all but the one about strangers."""
        for child in node.children:
            if child.must:
                absent = element.find(child.tag) is None
                yield Message("{element} is missing.", element=child.name) if absent else None
        if node.codes:
            yield self._code_objection(node, node.codes, normalized(element.text))
        for attribute in node.asked:
            value = element.get(attribute.name)
            if attribute.must:
                yield Message("Attribute {attribute} is missing.", attribute=attribute.name) if value is None else None
            if attribute.codes:
                yield None if value is None else self._code_objection(node, attribute.codes, value)
        if node is self._root:
            yield Message("A Peppol document must not name its schema's location.") if names_schema(element) else None

    def _stranger(self, node: Node, child: "etree._Element") -> Objection:
        """The objection to a child that the outline does not have; it is the last rule of its parent."""
        text = Message("{element} must not be used in this Peppol document.", element=etree.QName(child).localname)
        return self._objection_to(node, self._rules_of(node), child, text)

    def _code_objection(self, node: Node, name: str, code: str) -> Message | None:
        codes = self._lists[name]
        if codes.has(code):
            return None
        return Message("{element}: the code is not in the list {list}.", element=node.name, list=codes.title)

    def _objection_to(self, node: Node, place: int, element: "etree._Element", text: Message) -> Objection:
        return Objection(element, self._id(node, place), "fatal", text)


def names_schema(root: "etree._Element") -> bool:
    """Whether the document says where its schema lies, which would make a naive receiver fetch it."""
    return any(etree.QName(name).localname == "schemaLocation" for name in root.attrib)
