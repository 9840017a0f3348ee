"""What the official rules accept in a catalogue although its prices cannot be told from it (`AVAIN-T19-…`). All of it is fatal.

connectors/prices/ubl_catalogue/ leaves out the same lines when it reads a catalogue, and says so line by line.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from lxml import etree

from core.i18n import N_
from documents.peppol_rules.identifiers import is_date, malformed_addresses
from documents.peppol_rules.model import CAC, CBC
from documents.peppol_rules.reading import Document, Objection, text_at
from documents.peppol_rules.rulebook import RuleBook

CATALOGUE_GAPS: Final = RuleBook(
    "AVAIN-T19-",
    fatal={
        "DOCUMENT": N_("The document is not a UBL catalogue."),
        "ADDRESS": N_("An address of scheme 0216 must be 0037 and the eight digits of a business id."),
        "LINE-ACTION": N_("The line asks for a change, but the catalogue is not an update."),
        "DUPLICATE-ITEM": N_("The same item stands on more than one line."),
        "OVERLAP": N_("The line has two prices for the same thing on the same days."),
    },
)
#: Line actions that contradict the header's.
_CONTRADICTIONS: Final = {"Replace": {"Update", "Delete"}, "Add": {"Delete"}}
_LINE: Final = CAC + "CatalogueLine"
_PRICED: Final = CAC + "RequiredItemLocationQuantity"


def check_catalogue_gaps(document: Document) -> Iterator[Objection]:
    """Avain's own objections to the catalogue."""
    root = document.root
    for endpoint in malformed_addresses(document):
        yield CATALOGUE_GAPS.broken("ADDRESS", endpoint)
    whole = _days(root, f"{CAC}ValidityPeriod", ("", "9999-12-31"))
    contradictions = _CONTRADICTIONS.get(text_at(root, f"{CBC}ActionCode") or "Replace", set())
    lines = root.findall(_LINE)
    items = [_item(line) for line in lines]
    seen = Counter(filter(None, items))
    for line, item in zip(lines, items, strict=True):
        if text_at(line, f"{CBC}ActionCode") in contradictions:
            yield CATALOGUE_GAPS.broken("LINE-ACTION", line)
        if seen[item] > 1:
            yield CATALOGUE_GAPS.broken("DUPLICATE-ITEM", line)
        if _overlaps(line, _days(line, f"{CAC}LineValidityPeriod", whole)):
            yield CATALOGUE_GAPS.broken("OVERLAP", line)


def _item(line: "etree._Element") -> str:
    """What a line is about: the seller's id of the item, else the standard one."""
    ids = (text_at(line, f"{CAC}Item/{CAC}{name}ItemIdentification/{CBC}ID") for name in ("Sellers", "Standard"))
    return next(filter(None, ids), "").casefold()


def _overlaps(line: "etree._Element", outer: tuple[str, str]) -> bool:
    seen: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    unit = text_at(line, f"{CBC}OrderableUnit")
    for priced in line.iterchildren(_PRICED):
        base = priced.find(f"{CAC}Price/{CBC}BaseQuantity")
        key = (
            unit if base is None else base.get("unitCode", unit),
            _plain(base) or "1",
            _plain(priced.find(f"{CBC}MinimumQuantity")) or "0",
            " ".join(
                " ".join(map(str, place.itertext()))
                for place in priced.iterchildren(f"{CAC}ApplicableTerritoryAddress")
            ),
        )
        first, last = _days(priced, f"{CAC}Price/{CAC}ValidityPeriod", outer)
        others = seen.setdefault(key, [])
        if any(first <= other_last and other_first <= last for other_first, other_last in others):
            return True
        others.append((first, last))
    return False


def _days(element: "etree._Element", path: str, outer: tuple[str, str]) -> tuple[str, str]:
    """First and last day of the period at `path` as YYYY-MM-DD (they compare as texts), those of `outer` where it has none."""
    start, end = (text_at(element, f"{path}/{CBC}{name}") for name in ("StartDate", "EndDate"))
    return (start if is_date(start) else outer[0]), (end if is_date(end) else outer[1])


def _plain(quantity: "etree._Element | None") -> str:
    """A quantity without zeros at its end, so that 1.0 is 1."""
    text = "" if quantity is None else (quantity.text or "").strip()
    return text.rstrip("0").rstrip(".") if "." in text else text
