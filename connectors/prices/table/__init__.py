"""Price lists as tables: CSV and workbooks, in the shapes small providers really send."""

from hashlib import sha256

from connectors.prices.row import PriceDocument, PriceRow, Reading
from connectors.prices.table.client import open_tables
from connectors.prices.table.mapping import to_price
from connectors.prices.table.wire import find_header, known_columns
from connectors.rejection import Rejection
from core.errors import RefusedInput


def read_table(content: bytes, *, file_name: str, reading: Reading) -> PriceDocument:
    """A CSV file or workbook as price rows, in the file's order. Sheets without a price table (instructions) are passed over.

    Raises RefusedInput where the file as a whole cannot be understood: nothing of it may then be applied.
    """
    rows: list[PriceRow] = []
    rejections: list[Rejection] = []
    found = False
    sheets = open_tables(content, reading.encoding, known_columns)
    for sheet in sheets:
        header = find_header(sheet.rows)
        if header is None:
            continue
        found = True
        place = f"{sheet.name}:" if len(sheets) > 1 else ""
        for number, cells in enumerate(sheet.rows[header.row + 1 :], start=header.row + 2):
            if all(cell is None or str(cell).strip() == "" for cell in cells):
                continue
            result = to_price(cells, header, f"{place}{number}")
            (rows if isinstance(result, PriceRow) else rejections).append(result)  # type: ignore[arg-type]
    if not found:
        raise RefusedInput(
            "No price table was found: there must be a row that names a service column (for example Palvelu or "
            "Palvelukoodi) and a price column (for example Hinta)."
        )
    if not rows and not rejections:
        raise RefusedInput("The price table is empty.")
    return PriceDocument(file_name, sha256(content).hexdigest(), rows, rejections)
