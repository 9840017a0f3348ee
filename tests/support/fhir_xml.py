"""FHIR resources as XML: what their JSON says, in the form of the other."""

from typing import Any

from lxml import etree

_SPACE = "http://hl7.org/fhir"


def as_xml(resource: dict[str, Any]) -> bytes:
    """A resource. Names stand in whatever order JSON had them: Avain does not care."""
    return bytes(etree.tostring(_resource(resource)))


def _resource(resource: dict[str, Any]) -> "etree._Element":
    root = etree.Element(f"{{{_SPACE}}}{resource['resourceType']}", nsmap={None: _SPACE})  # type: ignore[dict-item]
    _fill(root, resource)
    return root


def _fill(element: "etree._Element", value: dict[str, Any]) -> None:
    for name, several in value.items():
        for one in several if isinstance(several, list) else [several]:
            if name == "resourceType":
                continue
            if name == "url" and element.tag.endswith("xtension"):
                element.set("url", str(one))
                continue
            child = etree.SubElement(element, f"{{{_SPACE}}}{name}")
            if not isinstance(one, dict):
                child.set("value", str(one).lower() if isinstance(one, bool) else str(one))
            elif "resourceType" in one:
                child.append(_resource(one))
            else:
                _fill(child, one)
