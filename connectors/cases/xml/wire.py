"""The shapes of `urn:avain:cases:1`: which attributes and elements a case has, and reading one into plain dictionaries.

The XSD says the same (a test holds them together); here a case that breaks the shape costs that case only, not the file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from connectors.rejection import quote
from core.errors import Message

if TYPE_CHECKING:
    from lxml import etree

NAMESPACE: Final = "urn:avain:cases:1"
ROOT: Final = f"{{{NAMESPACE}}}cases"
RECORD: Final = f"{{{NAMESPACE}}}case"
GONE: Final = f"{{{NAMESPACE}}}gone"
CLIENT: Final = f"{{{NAMESPACE}}}client"
IDENTITY: Final = f"{{{NAMESPACE}}}identity"


@dataclass(frozen=True)
class Shape:
    """An element: its attributes, whether it holds text, its children by local name, and which of them may be repeated."""

    attributes: frozenset[str] = frozenset()
    text: bool = False
    children: Mapping[str, "Shape"] = field(default_factory=dict)
    many: frozenset[str] = frozenset()


class ShapeError(ValueError):
    """A case that is not built the way the format says: the sentence and the path in the format's names."""

    def __init__(self, path: str, message: Message) -> None:
        self.path, self.message = path, message
        super().__init__(message.msgid)


def _with(*attributes: str) -> Shape:
    return Shape(frozenset(attributes))


_TEXT: Final = Shape(text=True)

ONLY_ID: Final = _with("id")
DECISION: Final = Shape(
    frozenset({"id", "number"}),
    children={
        **dict.fromkeys(("standDate", "decidedOn", "validFrom", "validTo", "grantedAmount"), _TEXT),
        "baseline": _with("service", "quantity", "unit"),
    },
)
PLAN_ITEM: Final = Shape(
    frozenset({"id", "decision", "service", "quantity", "unit", "start", "end", "provider"}),
    children={"followUp": _with("startWorkingDays", "intervalDays", "beforeEndDays", "planReviewMonths")},
)
CASE: Final = Shape(
    frozenset({"id", "status"}),
    children={
        "client": Shape(
            frozenset({"id", "nonDisclosure"}),
            children={"identity": Shape(children={"henkilotunnus": _TEXT, "name": _TEXT})},
        ),
        **dict.fromkeys(("responsibleWorker", "coWorker", "supervisor"), _with("id")),
        "unit": _with("code"),
        **dict.fromkeys(("assessmentDate", "planDate", "kykyviisariDate", "supportPerson", "goal"), _TEXT),
        "decision": DECISION,
        "planItem": PLAN_ITEM,
    },
    many=frozenset({"goal", "decision", "planItem"}),
)


def read(element: "etree._Element", shape: Shape, path: str) -> Any:
    """`element` as a dictionary of its attributes and children (text alone becomes a str, repeated children a list).

    Raises ShapeError for an attribute or child the shape does not have, one that comes twice, and text where none belongs.
    """
    if shape.text:
        if len(element) or element.attrib:
            raise ShapeError(path, Message("The element holds more than text."))
        return element.text or ""
    found: dict[str, Any] = {}
    for name, value in element.attrib.items():
        if name not in shape.attributes:
            raise ShapeError(path, Message("The attribute {name} is not part of the format.", name=quote(name)))
        found[str(name)] = value
    _refuse_stray_text(element, path)
    for child in element:
        name = str(child.tag).removeprefix(f"{{{NAMESPACE}}}")
        inner = shape.children.get(name)
        if inner is None:
            raise ShapeError(path, Message("The element {name} is not part of the format.", name=quote(name)))
        value = read(child, inner, f"{path}/{name}")
        if name in shape.many:
            found.setdefault(name, []).append(value)
        elif name in found:
            raise ShapeError(f"{path}/{name}", Message("The element is there more than once."))
        else:
            found[name] = value
    return found


def _refuse_stray_text(element: "etree._Element", path: str) -> None:
    if (element.text or "").strip() or any((child.tail or "").strip() for child in element):
        raise ShapeError(path, Message("There is text where only elements belong."))
