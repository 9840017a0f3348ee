"""The peer: the shortest hand-written code that reads a list and writes it into the same tables. No validation, no plan, no history."""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

import psycopg
from lxml import etree
from python_calamine import CalamineWorkbook

from bench.price_load.lists import PROVIDER, TIME_CLASSES, UNITS


def load(dsn: str, file: Path) -> None:
    """A CSV file, workbook or catalogue into `price_key` and `price`."""
    with psycopg.connect(dsn) as connection:
        services: dict[str, int] = dict(connection.execute("SELECT code, id FROM service").fetchall())
        (provider,) = connection.execute("SELECT id FROM provider WHERE business_id = %s", [PROVIDER]).fetchone() or (
            0,
        )
        (source,) = connection.execute(
            "INSERT INTO price_source (name, kind, provider_id) VALUES ('by-hand', 'provider', %s) RETURNING id",
            [provider],
        ).fetchone() or (0,)
        (price_list,) = connection.execute(
            "INSERT INTO price_list (source_id, run_id, file_name, sha256, state, counts)"
            " SELECT %s, min(id), %s, '', 'applied', '{}' FROM run RETURNING id",
            [source, file.name],
        ).fetchone() or (0,)
        connection.execute(
            "CREATE TEMPORARY TABLE said (service_id bigint, unit text, time_class text, territory text, amount numeric(12, 4), first date)"
            " ON COMMIT DROP"
        )
        with connection.cursor().copy("COPY said FROM STDIN") as copy:
            for code, unit, time_class, territory, price, first in table(file):
                day, month, year = first.split(".")
                amount = str(price).replace(",", ".")
                copy.write_row(
                    (services[code], UNITS[unit], TIME_CLASSES[time_class], territory, amount, f"{year}-{month}-{day}")
                )
        connection.execute(
            "INSERT INTO price_key (provider_id, service_id, unit, base_quantity, time_class, minimum_quantity, territory, extra)"
            " SELECT %s, service_id, unit, 1, time_class, 0, territory, '' FROM said",
            [provider],
        )
        connection.execute(
            "INSERT INTO price (price_key_id, valid, amount, vat_category, vat_rate, vat_inclusive, price_list_id, position)"
            " SELECT id, daterange(first, NULL), amount, 'E', 0, false, %s, '' FROM said"
            " JOIN price_key USING (service_id, unit, time_class, territory) WHERE provider_id = %s",
            [price_list, provider],
        )


def table(file: Path) -> Iterable[list[str]]:
    """The rows below the header, or of a catalogue."""
    if file.suffix == ".xml":
        return items(file)
    if file.suffix == ".xlsx":
        return CalamineWorkbook.from_path(str(file)).get_sheet_by_index(0).to_python()[1:]  # type: ignore[return-value]
    with file.open(encoding="utf-8", newline="") as text:
        return list(csv.reader(text, delimiter=";"))[1:]


def items(file: Path) -> Iterator[list[str]]:
    """The lines of a catalogue as such rows."""
    cac, cbc = (
        f"{{urn:oasis:names:specification:ubl:schema:xsd:Common{name}Components-2}}" for name in ("Aggregate", "Basic")
    )
    code = f"{cac}Item/{cac}SellersItemIdentification/{cbc}ID"
    price = f"{cac}RequiredItemLocationQuantity/{cac}Price"
    for _, line in etree.iterparse(str(file), tag=f"{cac}CatalogueLine"):
        first = line.findtext(f"{price}/{cac}ValidityPeriod/{cbc}StartDate").split("-")
        unit = "h" if line.findtext(f"{cbc}OrderableUnit") == "HUR" else "käynti"
        yield [
            line.findtext(code),
            unit,
            "arki",
            "",
            line.findtext(f"{price}/{cbc}PriceAmount"),
            ".".join(reversed(first)),
        ]
        line.clear()
