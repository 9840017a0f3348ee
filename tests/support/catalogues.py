"""Peppol catalogues (T19) for tests, written as texts so that they can be wrong in any way. Everything in them is invented."""

from xml.sax.saxutils import escape, quoteattr

import pytest

from connectors.prices.row import Reading
from connectors.prices.ubl_catalogue import read_catalogue
from core.errors import RefusedInput

HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<Catalogue xmlns="urn:oasis:names:specification:ubl:schema:xsd:Catalogue-2"
    xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
    xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
  <cbc:CustomizationID>urn:fdc:peppol.eu:poacc:trns:catalogue:3</cbc:CustomizationID>
  <cbc:ProfileID>urn:fdc:peppol.eu:poacc:bis:catalogue_wo_response:3</cbc:ProfileID>
  <cbc:ID>HINNASTO-2026</cbc:ID>
"""
PROVIDER = """<cac:ProviderParty>
    <cbc:EndpointID schemeID="0216">003701234562</cbc:EndpointID>
    <cac:PartyLegalEntity><cbc:RegistrationName>Valmennus ja Tuki Oy</cbc:RegistrationName></cac:PartyLegalEntity>
  </cac:ProviderParty>"""
RECEIVER = """<cac:ReceiverParty>
    <cbc:EndpointID schemeID="0216">003712345671</cbc:EndpointID>
    <cac:PartyLegalEntity><cbc:RegistrationName>Esimerkin hyvinvointialue</cbc:RegistrationName></cac:PartyLegalEntity>
  </cac:ReceiverParty>"""


def value(name, text, **attributes):
    """A value element; '' where there is none."""
    if text is None:
        return ""
    said = "".join(f" {key}={quoteattr(str(one))}" for key, one in attributes.items() if one is not None)
    return f"<cbc:{name}{said}>{escape(str(text))}</cbc:{name}>"


def group(name, *parts):
    """An aggregate element; '' where it would hold nothing."""
    inner = "".join(parts)
    return f"<cac:{name}>{inner}</cac:{name}>" if inner else ""


def period(name, start, end):
    return group(name, value("StartDate", start), value("EndDate", end))


def territory(city, country="FI"):
    return group(
        "ApplicableTerritoryAddress",
        value("CityName", city),
        group("Country", value("IdentificationCode", country)),
    )


def price(amount="60.00", *, currency="EUR", base=None, unit="HUR", start=None, end=None, minimum=None, minimum_unit="HUR", more="", inside="", factor=None, kind=None):  # fmt: skip
    """One RequiredItemLocationQuantity; `more` stands beside the price (territories), `inside` in it."""
    return group(
        "RequiredItemLocationQuantity",
        value("MinimumQuantity", minimum, unitCode=minimum_unit),
        more,
        group(
            "Price",
            value("PriceAmount", amount, currencyID=currency),
            value("BaseQuantity", base, unitCode=unit),
            value("PriceType", kind),
            value("OrderableUnitFactorRate", factor),
            period("ValidityPeriod", start, end),
            inside,
        ),
    )


def vat(category="E", percent="0"):
    return group(
        "ClassifiedTaxCategory",
        value("ID", category),
        value("Percent", percent),
        group("TaxScheme", value("ID", "VAT")),
    )


def line(item="ADHD-01", *prices, action=None, number="1", unit="HUR", start=None, end=None, name="ADHD-valmennus", standard=None, tax="", more=""):  # fmt: skip
    """A catalogue line; without `prices` it has none."""
    return group(
        "CatalogueLine",
        value("ID", number),
        value("ActionCode", action),
        value("OrderableUnit", unit),
        period("LineValidityPeriod", start, end),
        more,
        *prices,
        group(
            "Item",
            value("Name", name),
            group("SellersItemIdentification", value("ID", item)),
            group("StandardItemIdentification", value("ID", standard, schemeID="0160")),
            tax,
        ),
    )


def catalogue(*lines, action=None, start="2026-01-01", end="2026-12-31", contract="HVA-2026-77", provider=PROVIDER, seller="", more=""):  # fmt: skip
    """A catalogue with these lines, as bytes."""
    body = (
        value("ActionCode", action),
        value("IssueDate", "2025-11-01"),
        period("ValidityPeriod", start, end),
        group("ReferencedContract", value("ID", contract)),
        more,
        provider,
        RECEIVER,
        seller,
        *lines,
    )
    return (HEAD + "\n".join(filter(None, body)) + "\n</Catalogue>\n").encode()


def read(*lines, **header):
    return read_catalogue(catalogue(*lines, **header), file_name="hinnasto.xml", reading=Reading())


def rows(*lines, **header):
    document = read(*lines, **header)
    assert document.rejections == []
    return document.rows


def why(*lines, **header):
    """(position, field, item, reason) of what was left out; nothing was taken."""
    document = read(*lines, **header)
    assert document.rows == document.removals == []
    return [(one.position, one.field, one.external_id, one.reason.text("en")) for one in document.rejections]


def refused(content):
    with pytest.raises(RefusedInput) as refusal:
        read_catalogue(content, file_name="hinnasto.xml", reading=Reading())
    return refusal.value.message.text("en")
