"""Finds in a text what would tell who a client is: a henkilötunnus, or the number of a case.

An order or what answers it must hold neither (DOMAIN "Privacy"): codes end up in fields meant for references, because a person or a source put them there.
"""

import re
from collections.abc import Iterator
from itertools import chain

from lxml import etree

from core.logging import redact
from documents.peppol_rules.reading import Document

#: Avain's own case numbers (DESIGN "Numbers people see").
_CASE_NUMBER = re.compile(r"(?<![0-9A-Za-z])HB-\d{4}-\d{6,}", re.IGNORECASE)


def tells_who(text: str) -> bool:
    """Whether `text` holds a case number, or what may not stand in a log either: a henkilötunnus whose check mark is right."""
    return _CASE_NUMBER.search(text) is not None or redact(text) != text


def telling_elements(document: Document) -> "Iterator[etree._Element]":
    """The elements whose text or attributes tell it."""
    said = {element.text or "" for element in document.elements}
    said.update(chain.from_iterable(map(str, element.values()) for element in document.elements))
    # Asked once of everything that is said, because it nearly always tells nothing and this is much faster.
    if not tells_who("\n".join(said)):
        return
    for element in document.elements:
        if any(map(tells_who, (element.text or "", *map(str, element.values())))):
            yield element
