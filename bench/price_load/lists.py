"""Generated price lists and the reference data they rest on. Everything in them is invented."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psycopg
from openpyxl import Workbook

PROVIDER: Final = "9900001-8"
SERVICES: Final = 1_000
TIME_CLASSES: Final = {
    "arki": "weekday",
    "ilta": "evening",
    "yö": "night",
    "lauantai": "saturday",
    "sunnuntai": "sunday",
}
UNITS: Final = {"h": "HUR", "käynti": "C62"}
HEADER: Final = ("Palvelukoodi", "Yksikkö", "Aikaluokka", "Alue", "Hinta", "Voimassa alkaen")


def rows(count: int, *, cents: int = 0) -> Iterator[tuple[str, str, str, str, str, str]]:
    """So many rows, each of another price key; `cents` moves every price."""
    classes = list(TIME_CLASSES)
    for n in range(count):
        price = 4_000 + n % 900 * 5 + cents
        yield (
            f"P-{n % SERVICES}", "h" if n % 2 else "käynti", classes[n // SERVICES % 5], f"Alue {n // (5 * SERVICES)}",
            f"{price // 100},{price % 100:02}", "1.1.2026",
        )  # fmt: skip


def write_csv(path: Path, count: int, *, cents: int = 0) -> Path:
    """A list as a provider's spreadsheet program saves it."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(HEADER)
        writer.writerows(rows(count, cents=cents))
    return path


def write_xlsx(path: Path, count: int) -> Path:
    """The same as a workbook: prices are numbers there."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Hinnasto")
    sheet.append(HEADER)
    for *words, price, first in rows(count):
        sheet.append([*words, float(price.replace(",", ".")), first])
    book.save(path)
    return path


_CATALOGUE: Final = """<?xml version="1.0" encoding="UTF-8"?>
<Catalogue xmlns="{ubl}Catalogue-2" xmlns:cac="{ubl}CommonAggregateComponents-2" xmlns:cbc="{ubl}CommonBasicComponents-2">
<cbc:CustomizationID>urn:fdc:peppol.eu:poacc:trns:catalogue:3</cbc:CustomizationID>
<cbc:ProfileID>urn:fdc:peppol.eu:poacc:bis:catalogue_wo_response:3</cbc:ProfileID><cbc:ID>HINNASTO-2026</cbc:ID>
<cbc:IssueDate>2025-11-01</cbc:IssueDate>
<cac:ValidityPeriod><cbc:StartDate>2026-01-01</cbc:StartDate><cbc:EndDate>2026-12-31</cbc:EndDate></cac:ValidityPeriod>
<cac:ReferencedContract><cbc:ID>S-1</cbc:ID></cac:ReferencedContract>
<cac:ProviderParty><cbc:EndpointID schemeID="0216">0037{digits}</cbc:EndpointID><cac:PartyLegalEntity><cbc:RegistrationName>Esimerkki Oy (keksitty)</cbc:RegistrationName></cac:PartyLegalEntity></cac:ProviderParty>
<cac:ReceiverParty><cbc:EndpointID schemeID="0216">003712345671</cbc:EndpointID><cac:PartyLegalEntity><cbc:RegistrationName>Esimerkin hyvinvointialue (keksitty)</cbc:RegistrationName></cac:PartyLegalEntity></cac:ReceiverParty>
"""
_LINE: Final = """<cac:CatalogueLine><cbc:ID>{number}</cbc:ID><cbc:OrderableUnit>{unit}</cbc:OrderableUnit><cac:RequiredItemLocationQuantity><cac:Price><cbc:PriceAmount currencyID="EUR">{price}</cbc:PriceAmount><cbc:BaseQuantity unitCode="{unit}">1</cbc:BaseQuantity><cac:ValidityPeriod><cbc:StartDate>2026-01-01</cbc:StartDate><cbc:EndDate>2026-12-31</cbc:EndDate></cac:ValidityPeriod></cac:Price></cac:RequiredItemLocationQuantity><cac:Item><cbc:Name>Palvelu {number}</cbc:Name><cac:SellersItemIdentification><cbc:ID>T-{number}</cbc:ID></cac:SellersItemIdentification><cac:ClassifiedTaxCategory><cbc:ID>E</cbc:ID><cbc:Percent>0</cbc:Percent><cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme></cac:ClassifiedTaxCategory></cac:Item></cac:CatalogueLine>
"""


def write_t19(path: Path, lines: int) -> Path:
    """A Peppol catalogue of so many items, each with one price."""
    with path.open("w", encoding="utf-8") as file:
        file.write(
            _CATALOGUE.format(ubl="urn:oasis:names:specification:ubl:schema:xsd:", digits=PROVIDER.replace("-", ""))
        )
        for n in range(lines):
            price = 4_000 + n % 900 * 5
            unit = "HUR" if n % 2 else "C62"
            file.write(_LINE.format(number=n, unit=unit, price=f"{price // 100}.{price % 100:02}"))
        file.write("</Catalogue>\n")
    return path


def fill_items(connection: "psycopg.Connection[tuple[object, ...]]", lines: int) -> None:
    """A service for every item of a catalogue, all of them agreed."""
    connection.execute(
        "INSERT INTO service (code, name_fi, name_sv, name_en, unit) SELECT 'T-' || n, 'Palvelu T ' || n, '', '', 'HUR'"
        " FROM generate_series(0, %s) AS n",
        [lines - 1],
    )
    connection.execute(
        "INSERT INTO provider_service (provider_id, service_id, vat_category, vat_rate, vat_basis)"
        " SELECT provider.id, service.id, 'E', 0, 'Soteri (keksitty)' FROM provider, service WHERE code LIKE 'T-%'"
    )


def fill(connection: "psycopg.Connection[tuple[object, ...]]") -> None:
    """The services and the provider that agreed on all of them; its contract allows any rise."""
    connection.execute(
        "INSERT INTO service (code, name_fi, name_sv, name_en, unit) SELECT 'P-' || n, 'Palvelu ' || n, '', '', 'HUR'"
        " FROM generate_series(0, %s) AS n",
        [SERVICES - 1],
    )
    connection.execute(
        "INSERT INTO provider (business_id, name, country, language, channel, channel_settings, facts, active)"
        " VALUES (%s, 'Esimerkki Oy (keksitty)', 'FI', 'fi', 'email', '{}', '{}', true)",
        [PROVIDER],
    )
    connection.execute(
        "INSERT INTO provider_service (provider_id, service_id, vat_category, vat_rate, vat_basis)"
        " SELECT provider.id, service.id, 'E', 0, 'Soteri (keksitty)' FROM provider, service"
    )
    connection.execute(
        "INSERT INTO contract (provider_id, number, valid, price_rule)"
        " SELECT id, 'S-1', '[2026-01-01,2028-01-01)', '{\"kind\": \"free\"}' FROM provider"
    )
    connection.execute(
        "INSERT INTO work (kind, key, queue, arguments) VALUES ('import_prices', 'bench', 'prices', '{}')"
    )
    connection.execute(
        "INSERT INTO run (work_id, kind, attempt, token, host, counts)"
        " SELECT id, kind, 1, gen_random_uuid(), 'bench', '{}' FROM work"
    )
