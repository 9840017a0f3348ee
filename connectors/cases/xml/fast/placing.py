"""Where the fields of a record stand in its element, as a tree to walk, each with the variable its text is put into."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from connectors.cases.profile import FieldRule, GroupRule
from connectors.cases.xml.fast.shapes import Target

_GOALS: Final = ("goals",)


class NotCompilableError(Exception):
    """The profile asks for what only the slow way can do."""


@dataclass
class Node:
    """What is wanted of an element: attributes and text into variables, children, and whether a decision or item begins here."""

    attributes: dict[str, str] = field(default_factory=dict)
    text: str | None = None
    goal: bool = False
    group: str | None = None
    children: dict[str, "Node"] = field(default_factory=dict)

    def at(self, steps: tuple[str, ...]) -> "Node":
        """The node to which child steps lead, made where it is missing. Raises NotCompilableError inside a decision or item."""
        node = self
        for step in steps:
            refuse_if(node.group is not None)
            node = node.children.setdefault(step, Node())
        return node


@dataclass(frozen=True)
class Places:
    """The tree of one group; the variable of each field that has a text; and the fields whose paths are no child steps (`far`)."""

    root: Node
    raw: dict[Target, str]
    far: dict[str, FieldRule]


def place(group: GroupRule, names: Iterator[str]) -> Places:
    """Find the fields of a group their places. Raises NotCompilableError."""
    places = Places(Node(), {}, {})
    for rule in group.fields:
        refuse_if(rule.is_identity)
        if rule.constant is not None:
            continue
        if rule.target == _GOALS:
            _place_goals(places.root, rule)
            continue
        variable = places.raw[rule.target] = next(names)
        path = rule.paths[0]
        if not path.is_simple or path.up:
            places.far[variable] = rule
        elif path.attribute is None:
            node = places.root.at(path.steps)
            refuse_if(node.text is not None or not path.steps)
            node.text = variable
        else:
            node = places.root.at(path.steps)
            refuse_if(path.attribute in node.attributes)
            node.attributes[path.attribute] = variable
    return places


def place_group(root: Node, group: GroupRule, name: str) -> None:
    """Note where the decisions or planned services of a case begin. Raises NotCompilableError."""
    each = group.each
    if each is None or not each.is_simple or each.up or not each.steps:
        raise NotCompilableError
    node = root.at(each.steps)
    refuse_if(node.group is not None or node.text is not None or bool(node.children or node.attributes))
    node.group = name


def refuse_if(condition: bool) -> None:  # noqa: FBT001 - reads as an assertion
    """Raise NotCompilableError if so."""
    if condition:
        raise NotCompilableError


def _place_goals(root: Node, rule: FieldRule) -> None:
    refuse_if(len(rule.paths) != 1)
    path = rule.paths[0]
    refuse_if(
        not path.is_simple or path.attribute is not None or bool(path.up or rule.split or rule.codes or rule.default)
    )
    node = root.at(path.steps)
    refuse_if(node.text is not None)
    node.goal = True
