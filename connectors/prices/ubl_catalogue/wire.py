"""How a Peppol catalogue (T19) is written: names of elements, and how texts, addresses and parties are taken from the tree.

The tree is walked child by child, not asked by XPath: a catalogue has tens of thousands of lines.
"""

from typing import Final

from lxml import etree

from connectors.prices.ubl_catalogue.values import Unfit
from core.errors import Message
from documents.business_ids import business_id
from documents.peppol_rules.model import CAC, CBC

ACTION: Final = CBC + "ActionCode"
CONTRACT: Final = CAC + "ReferencedContract"
CUSTOMIZATION: Final = CBC + "CustomizationID"
ID: Final = CBC + "ID"
LINE: Final = CAC + "CatalogueLine"
SELLER: Final = CAC + "SellerSupplierParty"
PROVIDER: Final = CAC + "ProviderParty"
VALIDITY: Final = CAC + "ValidityPeriod"
START: Final = CBC + "StartDate"
END: Final = CBC + "EndDate"

ITEM: Final = CAC + "Item"
LINE_VALIDITY: Final = CAC + "LineValidityPeriod"
PRICED: Final = CAC + "RequiredItemLocationQuantity"
UNIT: Final = CBC + "OrderableUnit"

NAME: Final = CBC + "Name"
SELLERS_ID: Final = CAC + "SellersItemIdentification"
STANDARD_ID: Final = CAC + "StandardItemIdentification"
TAX: Final = CAC + "ClassifiedTaxCategory"
RATE: Final = CBC + "Percent"

MINIMUM: Final = CBC + "MinimumQuantity"
TERRITORY: Final = CAC + "ApplicableTerritoryAddress"
PRICE: Final = CAC + "Price"
AMOUNT: Final = CBC + "PriceAmount"
BASE: Final = CBC + "BaseQuantity"
FACTOR: Final = CBC + "OrderableUnitFactorRate"
PRICE_TYPE: Final = CBC + "PriceType"
#: What T19 has where prices stand; anything else (an allowance, a tax) would change the price.
IN_PRICED: Final = frozenset({CBC + "LeadTimeMeasure", MINIMUM, CBC + "MaximumQuantity", TERRITORY, PRICE})
IN_PRICE: Final = frozenset({AMOUNT, BASE, PRICE_TYPE, FACTOR, VALIDITY})
IN_PERIOD: Final = frozenset({START, END})
IN_TAX: Final = frozenset({ID, RATE})

_COUNTRY: Final = CAC + "Country"
_CITY: Final = CBC + "CityName"
_POSTAL_CODE: Final = CBC + "PostalZone"
_IDENTIFIERS: Final = (
    f"{CAC}PartyLegalEntity/{CBC}CompanyID",
    f"{CAC}PartyIdentification/{CBC}ID",
    f"{CBC}EndpointID",
)


def text_of(element: "etree._Element | None") -> str:
    """What an element says, on one line; '' if it is not there."""
    if element is None:
        return ""
    return " ".join((element.text or "").split())


def said_by(element: "etree._Element | None") -> str | None:
    """What an element says, on one line; None if it is not there."""
    return None if element is None else " ".join((element.text or "").split())


def child_of(element: "etree._Element", tag: str) -> "etree._Element | None":
    """The first child of that name. For elements of few children `find` is slower."""
    for child in element:
        if child.tag == tag:
            return child
    return None


def parts_of(
    element: "etree._Element", known: frozenset[str], field: str, *, many: str | None = None
) -> "dict[str, etree._Element]":
    """The children of an element in which only `known` ones may stand, once each but for `many`. Raises Unfit for any other."""
    parts = {str(part.tag): part for part in element}
    if not known.issuperset(parts):
        name = etree.QName(next(tag for tag in parts if tag not in known)).localname
        raise Unfit(field, Message("{element} must not be used in this Peppol document.", element=name))
    if len(parts) != len(element):
        for part in element:
            if parts[str(part.tag)] is not part and part.tag != many:
                raise twice(field, part)
    return parts


def twice(field: str, element: "etree._Element") -> Unfit:
    """The objection to a second element of a kind where only one may stand: it is not known which one counts."""
    return Unfit(field, Message("{element} stands there twice.", element=etree.QName(element).localname))


def territory_of(address: "etree._Element") -> str:
    """An address on one line, as much as is stated of it. The whole of Finland is no restriction: ''."""
    country, city, postal_code = "", "", ""
    lines = []
    for part in address:
        if part.tag == _CITY:
            city = text_of(part)
        elif part.tag == _POSTAL_CODE:
            postal_code = text_of(part)
        else:
            words = " ".join(" ".join(map(str, part.itertext())).split())
            if part.tag == _COUNTRY:
                country = words
            else:
                lines.append(words)
    lines += [f"{postal_code} {city}".strip(), "" if country == "FI" else country]
    return ", ".join(filter(None, lines))


def party_in(element: "etree._Element") -> "etree._Element":
    """The party of a supplier; a catalogue's provider is one itself."""
    inner = element.find(CAC + "Party")
    return element if inner is None else inner


def business_id_of(party: "etree._Element") -> str | None:
    """The business id (Y-tunnus) a party is known by, `1234567-1`, its check digit right; None if it names none."""
    for path in _IDENTIFIERS:
        for identifier in party.iterfind(path):
            found = business_id(text_of(identifier), identifier.get("schemeID"))
            if found:
                return found
    return None


def is_identified(party: "etree._Element") -> bool:
    """Whether the party has an identifier of any kind."""
    return any(party.find(path) is not None for path in _IDENTIFIERS)
