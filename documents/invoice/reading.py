"""What both forms of invoices are read with: texts, numbers, days; each says in a sentence what cannot be read, and quotes nothing else."""

from datetime import date
from decimal import Decimal
from typing import Final

from lxml import etree

from core.errors import RefusedInput
from core.logging import redact
from documents.invoice.values import Days

#: Largest invoice, bytes: a picture of it may be enclosed.
LIMIT: Final = 16 * 1024 * 1024
#: Most lines of an invoice.
MOST_LINES: Final = 10_000
_LONGEST_NUMBER: Final = 60


def text_of(element: "etree._Element | None") -> str:
    """What an element says, on one line; '' if it is not there."""
    return "" if element is None else " ".join((element.text or "").split())


def name_of(element: "etree._Element") -> str:
    """An element's name without its namespace."""
    return etree.QName(element).localname


def invoice_number(text: str) -> str:
    """The number of a document. Raises RefusedInput where there is none, or none that may be kept."""
    if not text:
        raise RefusedInput("The invoice has no number.")
    if len(text) > _LONGEST_NUMBER or not text.isprintable() or redact(text) != text:
        raise RefusedInput(
            "The number of the invoice is too long, cannot be printed, or looks like a personal identity code."
        )
    return text


def period_of(first: date | None, last: date | None) -> Days | None:
    """The days from `first` to `last`; None where not both are told, or in the wrong order: then nothing can be concluded from them."""
    return Days(first, last) if first and last and first <= last else None


def unreadable(element: "etree._Element", line: int | None = None) -> RefusedInput:
    """The refusal of a document for an element that holds something else than it must. What it holds is not told: it may be anything."""
    name = name_of(element)
    if line is None:
        return RefusedInput("{element} of the invoice cannot be read.", element=name)
    return RefusedInput("{element} on line {line} of the invoice cannot be read.", element=name, line=line)


def plain(value: Decimal) -> Decimal:
    """A number without zeros behind: equal numbers are written alike."""
    return Decimal(f"{value.normalize():f}")
