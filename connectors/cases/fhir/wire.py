"""FHIR's own forms: answers in JSON and XML as one plain shape, and the few elements of them that Avain looks at.

The shape is FHIR's JSON with every number as text and no promise about lists: XML cannot tell a list of one from a single element, so
`many` reads both. What Avain does not look at (names, addresses, texts) is dropped by `slim` before anything is written down.
"""

import re
from collections.abc import Callable, Container, Iterable, Iterator
from datetime import MAXYEAR, MINYEAR, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from core.errors import Message, RefusedInput
from documents import plain_json, xml

if TYPE_CHECKING:
    from lxml import etree

#: `{"resourceType": …, "id": …, …}`
Resource = dict[str, Any]
#: Type and id.
Key = tuple[str, str]

HENKILOTUNNUS: Final = "urn:oid:1.2.246.21"
_NAMESPACE: Final = "{http://hl7.org/fhir}"
_KEY: Final = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?", re.ASCII)
_KIND: Final = re.compile(r"[A-Z][A-Za-z]{0,63}", re.ASCII)
_ID: Final = re.compile(r"[A-Za-z0-9\-.]{1,64}", re.ASCII)
#: The standard's way to name the episode in a resource that has no element for it.
EPISODE_EXTENSION: Final = "http://hl7.org/fhir/StructureDefinition/workflow-episodeOfCare"


def parse(data: bytes, content_type: str) -> Resource:
    """A resource from the bytes of an answer. Raises RefusedInput for anything else, in words that quote nothing of it."""
    is_xml = "xml" in content_type.lower()
    found = _from_xml(data) if is_xml else _from_json(data)
    if not isinstance(found, dict) or not isinstance(found.get("resourceType"), str):
        raise RefusedInput(Message("The answer is not a FHIR resource."))
    return found


def _from_json(data: bytes) -> Any:
    try:
        return plain_json.read(data, whole=str, fraction=str)
    except plain_json.NotPlainJsonError as error:
        raise RefusedInput(Message("The answer is not JSON, or it was cut short.")) from error


def _from_xml(data: bytes) -> Any:
    root = xml.parse(data).getroot()
    return _resource(root) if root.tag.startswith(_NAMESPACE) else None


def _resource(element: "etree._Element") -> Resource:
    return {"resourceType": _name(element), **_children(element)}


def _children(element: "etree._Element") -> Resource:
    found: Resource = {"url": element.get("url")} if element.get("url") is not None else {}
    for child in element:
        if not child.tag.startswith(_NAMESPACE):  # the narrative's XHTML
            continue
        name, value = _name(child), _value(child)
        if name not in found:
            found[name] = value
        elif isinstance(found[name], list):
            found[name].append(value)
        else:
            found[name] = [found[name], value]
    return found


def _value(element: "etree._Element") -> Any:
    """The value of a primitive; else the children, or the resource that is the only child (of `resource`, `contained`)."""
    value = element.get("value")
    if value is not None:
        return str(value)
    first = element[0] if len(element) else None
    if first is not None and _name(first)[:1].isupper():
        return _resource(first)
    return _children(element)


def _name(element: "etree._Element") -> str:
    return element.tag.removeprefix(_NAMESPACE)


def many(value: Any) -> list[Any]:
    """A list, whether none, one or several were written."""
    return [] if value is None else value if isinstance(value, list) else [value]


def parts(value: Any, *path: str) -> list[Any]:
    """Everything at `path`, through lists and single elements alike; what is not an element is passed over."""
    found = many(value)
    for name in path:
        found = [inner for one in found if isinstance(one, dict) for inner in many(one.get(name))]
    return found


def text(value: Any, *path: str) -> str | None:
    """The first text at `path`; JSON's true and false as XML writes them."""
    for one in parts(value, *path):
        if isinstance(one, bool):
            return "true" if one else "false"
        if isinstance(one, str) and one.strip():
            return one.strip()
    return None


def moment(value: str | None) -> datetime | None:
    """A FHIR instant or dateTime with a zone; None for anything else, also for a year so early or late that no zone could be reckoned with."""
    try:
        found = datetime.fromisoformat(value or "")
    except ValueError:
        return None
    return found if found.tzinfo and MINYEAR < found.year < MAXYEAR else None


def key_of(resource: Resource) -> Key:
    """Type and id of a resource. Raises RefusedInput for one without an id as R4 allows it."""
    kind = resource.get("resourceType")
    if not isinstance(kind, str) or not _KIND.fullmatch(kind):
        raise RefusedInput(Message("The answer holds a resource without a valid id."))
    return kind, valid_id(resource.get("id"))


def valid_id(found: Any) -> str:
    """An id as R4 allows it. Raises RefusedInput for anything else."""
    if not isinstance(found, str) or not _ID.fullmatch(found):
        raise RefusedInput(Message("The answer holds a resource without a valid id."))
    return found


def pointed_at(reference: str, bases: Iterable[str] = ()) -> Key | None:
    """What a literal reference points at on this server (`Type/id`, or a URL under one of `bases`); None if elsewhere."""
    for base in bases:
        reference = reference.removeprefix(f"{base}/")
    found = _KEY.fullmatch(reference)
    return (found[1], found[2]) if found else None


def targets(resource: Any, *path: str, kinds: Container[str], bases: Iterable[str] = ()) -> list[Key]:
    """What the references at `path` point at on this server, of these types, in their order. A slim resource needs no `bases`."""
    literal = (text(one, "reference") for one in parts(resource, *path))
    keys = (pointed_at(one, bases) for one in literal if one is not None)
    return [key for key in keys if key is not None and key[0] in kinds]


def named_episodes(resource: Any) -> list[Key]:
    """The episodes a care plan says it belongs to."""
    extensions = [one for one in parts(resource, "extension") if text(one, "url") == EPISODE_EXTENSION]
    kinds = ("EpisodeOfCare",)
    return targets(resource, "supportingInfo", kinds=kinds) + targets(extensions, "valueReference", kinds=kinds)


_Shape = dict[str, Any]
_LEAF: Final[_Shape] = {}
_CODING: Final[_Shape] = {"system": _LEAF, "code": _LEAF}
_CONCEPT: Final[_Shape] = {"coding": _CODING}
_IDENTIFIER: Final[_Shape] = {"system": _LEAF, "value": _LEAF}
_REFERENCE: Final[_Shape] = {"reference": _LEAF, "identifier": _IDENTIFIER}
_PERIOD: Final[_Shape] = {"start": _LEAF, "end": _LEAF}
_QUANTITY: Final[_Shape] = {"value": _LEAF, "system": _LEAF, "code": _LEAF}
_VALUES: Final[_Shape] = {
    "url": _LEAF,
    **dict.fromkeys(("valueDate", "valueDateTime", "valueBoolean", "valueDecimal", "valueInteger", "valueCode"), _LEAF),
    "valueMoney": {"value": _LEAF, "currency": _LEAF},
    "valueQuantity": _QUANTITY,
    "valueCodeableConcept": _CONCEPT,
    "valueReference": _REFERENCE,
}
_EXTENSION: Final[_Shape] = {**_VALUES, "extension": _VALUES}
_HEAD: Final[_Shape] = {"resourceType": _LEAF, "id": _LEAF}
_GOAL: Final[_Shape] = {"lifecycleStatus": _LEAF, "description": {"text": _LEAF}}
_KEPT: Final[dict[str, _Shape]] = {
    "EpisodeOfCare": {
        "status": _LEAF, "patient": _REFERENCE, "careManager": _REFERENCE, "managingOrganization": _REFERENCE, "team": _REFERENCE,
        "extension": _EXTENSION,
    },
    "CarePlan": {
        "status": _LEAF, "subject": _REFERENCE, "identifier": _IDENTIFIER, "created": _LEAF, "period": _PERIOD, "supportingInfo": _REFERENCE,
        "careTeam": _REFERENCE, "goal": _REFERENCE, "extension": _EXTENSION, "contained": {**_HEAD, **_GOAL},
    },
    "ServiceRequest": {
        "status": _LEAF, "subject": _REFERENCE, "basedOn": _REFERENCE, "code": _CONCEPT, "quantityQuantity": _QUANTITY,
        "occurrencePeriod": _PERIOD, "occurrenceTiming": {"repeat": {"boundsPeriod": _PERIOD}}, "performer": _REFERENCE,
        "extension": _EXTENSION,
    },
    "Patient": {"meta": {"security": _CODING}},
    "CareTeam": {"status": _LEAF, "participant": {"member": _REFERENCE}},
    "Goal": _GOAL,
    "Practitioner": {"identifier": _IDENTIFIER},
    "PractitionerRole": {"identifier": _IDENTIFIER, "practitioner": _REFERENCE},
    "Organization": {"identifier": _IDENTIFIER},
}  # fmt: skip
_WHO: Final[_Shape] = {"identifier": _IDENTIFIER, "name": dict.fromkeys(("use", "text", "given", "family"), _LEAF)}


def slim(resource: Resource, *, keep_identity: bool, bases: Iterable[str] = ()) -> Resource:
    """What Avain looks at of a resource, and nothing else; references to this server become `Type/id`.

    A henkilötunnus and a name stay with `keep_identity` only, and only those of a Patient. Raises as `key_of`.
    """
    kind, _ = key_of(resource)
    is_client = kind == "Patient"
    shape = {**_HEAD, **_KEPT.get(kind, {}), **(_WHO if is_client and keep_identity else {})}

    def unwanted(identifier: Any) -> bool:
        return (text(identifier, "system") == HENKILOTUNNUS) is not is_client

    found: Resource = _pruned(resource, shape, lambda reference: _shortened(reference, bases))
    if "contained" in found:
        found["contained"] = [one for one in many(found["contained"]) if text(one, "resourceType") == "Goal"]
    if "identifier" in found:
        found["identifier"] = [one for one in many(found["identifier"]) if not unwanted(one)]
    return found


def _shortened(reference: str, bases: Iterable[str]) -> str:
    key = pointed_at(reference, bases)
    return "/".join(key) if key else reference


def _pruned(value: Any, shape: _Shape, shorten: Callable[[str], str]) -> Any:
    if isinstance(value, list):  # FHIR has no lists of lists, and a thousand in each other are an attack
        return [_pruned(one, shape, shorten) for one in value if not isinstance(one, list)]
    if not shape:
        return value if isinstance(value, str | bool) else None
    if not isinstance(value, dict):
        return None
    kept = {name: _pruned(value[name], inner, shorten) for name, inner in shape.items() if name in value}
    if shape is _REFERENCE and isinstance(kept.get("reference"), str):
        kept["reference"] = shorten(kept["reference"])
    return kept


#: What is read beside the three main types, and where the references to it stand.
_FOLLOWED: Final[dict[str, tuple[tuple[tuple[str, ...], frozenset[str]], ...]]] = {
    "EpisodeOfCare": (
        (("patient",), frozenset({"Patient"})),
        (("careManager",), frozenset({"Practitioner", "PractitionerRole"})),
        (("extension", "valueReference"), frozenset({"Practitioner", "PractitionerRole"})),
        (("managingOrganization",), frozenset({"Organization"})),
        (("team",), frozenset({"CareTeam"})),
    ),
    "CarePlan": ((("goal",), frozenset({"Goal"})), (("careTeam",), frozenset({"CareTeam"}))),
    "ServiceRequest": ((("performer",), frozenset({"Organization"})),),
    "CareTeam": ((("participant", "member"), frozenset({"Practitioner", "PractitionerRole"})),),
    "PractitionerRole": ((("practitioner",), frozenset({"Practitioner"})),),
}


def followed(resource: Resource) -> Iterator[Key]:
    """The resources without which a slim resource cannot be understood."""
    for path, kinds in _FOLLOWED.get(resource["resourceType"], ()):
        yield from targets(resource, *path, kinds=kinds)


def base_of(url: str) -> str:
    """A server's address in the form in which others are compared with it. Raises ValueError for what is not an address."""
    address = urlsplit(url)
    return f"{address.scheme}://{address.netloc.lower()}{address.path.rstrip('/')}"
