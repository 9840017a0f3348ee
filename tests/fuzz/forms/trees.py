"""XML: elements lost, doubled, moved, renamed and wrapped, words where others stood, and what only the text of a document can hold."""

import copy
import re
from random import Random
from typing import Any, Final

from lxml import etree

from tests.fuzz.forms import Form, plain

_DEEPEST: Final = 300
_NAMES: Final = ("x", "ID", "Note", "Amount", "case", "goal", "id", "value", "extension", "InvoiceRow", "CatalogueLine")
_SPACES: Final = ("", "{urn:x}", "{urn:avain:cases:1}", "{http://hl7.org/fhir}", "{http://www.w3.org/2001/XInclude}")
_HEADS: Final = (
    '<?xml version="1.0"?>', '<?xml version="1.1"?>', '<?xml version="1.0" encoding="utf-16"?>', '<?xml version="1.0" encoding="ISO-8859-15"?>',
    '<?xml version="1.0" encoding="x"?>', '<?xml version="1.0" standalone="no"?>', '<!DOCTYPE x [<!ENTITY x "y">]>', '<!DOCTYPE x SYSTEM "http://127.0.0.1/x">',
    '<?xml-stylesheet href="http://127.0.0.1/x"?>', "<!---->", "<!-- -- -->", "\ufeff", "\n\n",
)  # fmt: skip
_INSIDE: Final = (
    "<!-- x -->", "<?x y?>", "<![CDATA[<x>]]>", "&lt;", "&#0;", "&#xD800;", "&x;", "]]>", "<x/>", "</x>", "<x", "<x a='1' a='2'/>", "<p:x/>", "<x xmlns='urn:x'/>",
    "<x xmlns:xi='http://www.w3.org/2001/XInclude'><xi:include href='/etc/hostname' parse='text'/></x>", "\x00", "\x0b",
)  # fmt: skip
_ENCODINGS: Final = ("utf-8", "utf-16", "utf-16-le", "latin-1", "cp1252", "utf-32", "utf-8-sig", "utf-7")
_TAG: Final = re.compile(r"<[^<>]*>")


def tree_changed(dice: Random, content: bytes) -> bytes:
    """The document with its tree changed in one place."""
    root = _parsed(content)
    elements = list(root.iter("*"))
    one = dice.choice(elements)
    parent = one.getparent()
    match dice.randint(0, 9):
        case 0 if parent is not None:
            parent.remove(one)
        case 1 if parent is not None:
            for _ in range(dice.choice((1, 2, 40))):
                one.addnext(copy.deepcopy(one))
        case 2 if parent is not None:
            dice.choice(
                elements[:1] + [other for other in elements if one not in (other, *other.iterancestors())]
            ).append(one)
        case 3:
            one.tag = dice.choice(elements).tag if dice.random() < 0.7 else dice.choice(_SPACES) + dice.choice(_NAMES)
        case 4:
            for _ in range(dice.choice((1, 5, _DEEPEST))):
                inner = etree.SubElement(one, dice.choice(elements).tag)
                one = inner
        case 5 if one.attrib:
            del one.attrib[dice.choice(sorted(map(str, one.attrib)))]
        case 6:
            for number in range(dice.choice((1, 3, 300))):
                one.set(f"x{number}", "1")
        case 7 if one.attrib:
            _set(one, dice.choice(sorted(map(str, one.attrib))), plain.word(dice))
        case 8 if one.attrib:
            other = dice.choice(elements)
            _set(other, dice.choice(sorted(map(str, one.attrib))), plain.word(dice))
        case _:
            leaves = [leaf for leaf in elements if not len(leaf)] or elements
            _write(dice.choice(leaves), plain.word(dice))
    encoding: Any = dice.choice(("utf-8", "utf-8", "utf-16", "ISO-8859-15"))
    return bytes(etree.tostring(root, encoding=encoding, xml_declaration=True))


def values_changed(dice: Random, content: bytes) -> bytes:
    """Texts and attributes given other words, or each other's, in several places."""
    root = _parsed(content)
    leaves = [leaf for leaf in root.iter("*") if not len(leaf)]
    for _ in range(dice.randint(1, 5)):
        leaf = dice.choice(leaves)
        said = dice.choice(leaves).text or "" if dice.random() < 0.3 else plain.word(dice)
        if leaf.attrib and dice.random() < 0.5:
            _set(leaf, dice.choice(sorted(map(str, leaf.attrib))), said)
        else:
            _write(leaf, said)
    return bytes(etree.tostring(root))


def text_changed(dice: Random, content: bytes) -> bytes:
    """What no tree holds: another head, another encoding than the head says, things between tags that are no elements."""
    text = content.decode("utf-8")
    match dice.randint(0, 3):
        case 0:
            text = (
                dice.choice(_HEADS) + text.partition("?>")[2]
                if text.startswith("<?xml")
                else dice.choice(_HEADS) + text
            )
        case 1:
            return text.encode(dice.choice(_ENCODINGS), "replace")
        case 2:
            tags = list(_TAG.finditer(text))
            at = dice.choice(tags).end() if tags else 0
            text = text[:at] + dice.choice(_INSIDE) + text[at:]
        case _:
            tags = list(_TAG.finditer(text))
            if tags:
                tag = dice.choice(tags)
                text = (
                    text[: tag.start()]
                    + dice.choice(("", tag[0] * 2, "</" + tag[0][1:], tag[0][:-1] + "/>"))
                    + text[tag.end() :]
                )
    return text.encode("utf-8", "surrogatepass")


def composed(dice: Random) -> bytes:
    """A small document of odd names."""
    root = etree.Element(dice.choice(_SPACES) + dice.choice(_NAMES))
    one = root
    for _ in range(dice.randint(0, 12)):
        one = etree.SubElement(dice.choice((root, one)), dice.choice(_SPACES) + dice.choice(_NAMES))
        _write(one, plain.word(dice))
        _set(one, dice.choice(_NAMES), plain.word(dice))
    return bytes(etree.tostring(root))


def _parsed(content: bytes) -> "etree._Element":
    try:
        return etree.fromstring(
            content, etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
        )
    except etree.XMLSyntaxError as error:
        raise ValueError from error


def _write(element: "etree._Element", text: str) -> None:
    try:
        element.text = text
    except ValueError:  # not for XML
        element.text = "x"


def _set(element: "etree._Element", name: str, text: str) -> None:
    try:
        element.set(name, text)
    except ValueError:
        element.set(name, "x")


XML: Final = Form((tree_changed, values_changed, values_changed, text_changed), composed)
