"""Invoices and credit notes of providers: bytes to values, from Peppol BIS Billing 3 (UBL) and Finvoice 3.0.

Finvoice travels behind a SOAP envelope: two XML documents, one after the other, in one file. The envelope is about the transport and is
left alone; several invoices in one file are refused, since a file is one document here.
"""

import re
from typing import Final

from core.errors import RefusedInput
from documents import xml
from documents.invoice.finvoice import ROOT as FINVOICE
from documents.invoice.finvoice import read_finvoice
from documents.invoice.peppol import ROOTS, read_peppol
from documents.invoice.reading import LIMIT, name_of
from documents.invoice.values import Invoice

__all__ = ["Invoice", "is_invoice", "read_invoice"]

_DECLARATION: Final = re.compile(rb"<\?xml(?=[ \t\r\n])")
_ROOT: Final = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)")
_FINVOICE: Final = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?Finvoice[ \t\r\n>]")
#: The root element stands within so many bytes.
_BEGINNING: Final = 64 * 1024


def is_invoice(content: bytes) -> bool:
    """Whether a file looks like an invoice or credit note of a form that is read here. UTF-16 is no form of theirs."""
    root = _root(content)
    return root in {b"Invoice", b"CreditNote", b"Finvoice"} or (root == b"Envelope" and bool(_FINVOICE.search(content)))


def read_invoice(content: bytes) -> Invoice:
    """The values of an invoice or a credit note.

    Raises RefusedInput for what is none, breaks its form, holds several, or is an attack (documents/xml.py).
    """
    if len(content) > LIMIT:
        raise RefusedInput("The XML file is larger than {limit} bytes.", limit=LIMIT)
    tree = xml.parse(_without_envelope(content), limit=LIMIT)
    root = tree.getroot()
    if root.tag in ROOTS:
        return read_peppol(tree)
    if name_of(root) == FINVOICE:
        return read_finvoice(tree)
    raise RefusedInput("The file is no invoice: neither Peppol BIS Billing 3 nor Finvoice.")


def _without_envelope(content: bytes) -> bytes:
    """The one document behind an envelope, where there is one. Raises RefusedInput for several."""
    starts = [0, *(found.start() for found in _DECLARATION.finditer(content) if found.start())]
    if len(starts) == 1:
        return content
    parts = [content[start:end] for start, end in zip(starts, [*starts[1:], len(content)], strict=True)]
    invoices = [part for part in parts if _root(part) != b"Envelope"]
    if len(invoices) > 1:
        raise RefusedInput("The file holds {count} invoices. Each must come in a file of its own.", count=len(invoices))
    return invoices[0] if invoices else content


def _root(content: bytes) -> bytes:
    """The name of the first element, without its prefix; b"" where there is none. What stands before it is passed over, once."""
    position, end = (3 if content.startswith(b"\xef\xbb\xbf") else 0), min(len(content), _BEGINNING)
    while position < end:
        if content[position : position + 1].isspace():
            position += 1
            continue
        closing = {b"<?": b"?>", b"<!": b"-->" if content.startswith(b"<!--", position) else b">"}.get(
            content[position : position + 2]
        )
        if closing is None:
            found = _ROOT.match(content, position)
            return found[1] if found else b""
        position = content.find(closing, position, end)
        if position < 0:
            return b""
        position += len(closing)
    return b""
