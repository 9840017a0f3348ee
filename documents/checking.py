"""Holds a document against all that is asked of its kind: the UBL schema, the Peppol rules and Avain's own.

Used where a document is about to be believed or sent, and by `avain order check`, which takes any file and finds out what it is.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Final

from lxml import etree

from core.errors import Message, RefusedInput
from core.i18n import N_
from core.logging import redact
from documents import xml
from documents.findings import Finding, fatal
from documents.peppol_rules import (
    CATALOGUE_ELEMENT,
    ORDER_ELEMENT,
    RESPONSE_ELEMENT,
    check_catalogue,
    check_order,
    check_response,
)
from documents.schemas import SCHEMA_RULE, check_schema

#: Largest file that is checked, bytes: a catalogue of some 15,000 lines.
CHECK_LIMIT: Final = 32 * xml.MEBIBYTE
#: So many objections are told when a file is refused.
_MOST_TOLD: Final = 3
#: And so much of what the schema says to one.
_LONGEST: Final = 300
#: A value of the document's that the schema's sentence quotes: with letters in it, it may be somebody's name.
_VALUE: Final = re.compile(r"(?:(?<=: )|(?<=[Tt]he value ))'[^']*[^\W\d_][^']*'(?= (?:is not|has a length))")

Rules = Callable[["etree._Element"], list[Finding]]  # noqa: SLF001 - lxml's public name


@dataclass(frozen=True)
class Kind:
    """A kind of document: its schema's name and its rules."""

    schema: str
    rules: Rules


KINDS: Final = {
    ORDER_ELEMENT: Kind("Order", check_order),
    RESPONSE_ELEMENT: Kind("OrderResponse", check_response),
    CATALOGUE_ELEMENT: Kind("Catalogue", check_catalogue),
}


@dataclass(frozen=True)
class Checked:
    """What a file is (`Order`, `OrderResponse`, `Catalogue`), its tree, and what was found, in document order."""

    kind: str
    tree: "etree._ElementTree"
    findings: list[Finding]


def check_file(data: bytes) -> Checked:
    """Check an order, an order response or a catalogue, told apart by the root element.

    Raises RefusedInput, one sentence, for anything else: no XML, an attack, more than CHECK_LIMIT, another document.
    """
    tree = xml.parse(data, limit=CHECK_LIMIT)
    root = tree.getroot()
    kind = KINDS.get(root.tag)
    if kind is None:
        name = etree.QName(root)
        raise RefusedInput(
            Message(
                N_("Orders, order responses and catalogues in UBL can be checked; this file is {found} ({namespace})."),
                found=name.localname[:100],
                namespace=(name.namespace or "–")[:200],
            )
        )
    return Checked(kind.schema, tree, [*check_schema(tree, kind.schema), *kind.rules(root)])


def refuse_faulty(root: "etree._Element", schema: str, rules: Rules) -> None:
    """Raises RefusedInput, naming the first rules and lines, if the schema or a fatal rule objects to the document."""
    faults = check_schema(root, schema) or fatal(rules(root))
    if not faults:
        return
    told = [_told(fault) for fault in faults[:_MOST_TOLD]]
    raise RefusedInput(
        Message(
            N_("The file breaks rules of its kind ({count} in all): {faults}"),
            count=len(faults),
            faults=reduce(lambda rest, one: Message("{one}; {rest}", one=one, rest=rest), reversed(told)),
        )
    )


def _told(fault: Finding) -> Message:
    """One objection. The schema's own sentences quote the document, and refusals are stored and mailed: so no identity codes, and no values but
    figures.
    """
    what = fault.text
    if fault.rule == SCHEMA_RULE:
        what = Message("{detail}", detail=redact(_VALUE.sub("'…'", what.text()))[:_LONGEST])
    return Message(N_("line {line}, {rule}: {what}"), line=fault.line, rule=fault.rule, what=what)
