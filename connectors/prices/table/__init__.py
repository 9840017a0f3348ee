"""Price lists as tables: CSV and workbooks, in the shapes small providers really send."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from hashlib import sha256
from itertools import chain, islice
from operator import attrgetter
from typing import Final

from connectors.prices.row import PriceDocument, Reading
from connectors.prices.table.client import Table, open_tables
from connectors.prices.table.letterhead import contract_of
from connectors.prices.table.lines import ListLine, spread
from connectors.prices.table.rows import Found, RowReader
from connectors.prices.table.wire import SEARCHED, Header, find_header, known_columns
from core.errors import RefusedInput
from documents.workbook import Cell

#: As many as a sheet of Excel has.
MOST_ROWS: Final = 1_048_576


def read_table(content: bytes, *, file_name: str, reading: Reading) -> PriceDocument:
    """A CSV file or workbook as price rows, in the file's order. Sheets without a price table (instructions) are passed over.

    Raises RefusedInput where the file as a whole cannot be understood: nothing of it may then be applied.
    """
    whole, homeless, contracts, unknown = Found(), list[ListLine](), list[str | None](), list[str]()
    for table in open_tables(content, reading.encoding, partial(known_columns, known=reading.columns)):
        header, contract, found = _read(table, reading)
        if header is None:
            continue
        contracts.append(contract)
        unknown += header.unknown
        if any(not row.extra for row in found.rows):
            made, refused = spread(found.lines, found.rows)
            found.rows += made
            found.rejections += refused
        else:
            homeless += found.lines
        whole.rows += found.rows
        whole.rejections += found.rejections
    if not contracts:
        raise RefusedInput(
            "No price table was found: there must be a row that names a service column (for example Palvelu or "
            "Palvelukoodi) and a price column (for example Hinta)."
        )
    made, refused = spread(homeless, whole.rows)
    rows, rejections = whole.rows + made, whole.rejections + refused
    if not rows and not rejections:
        raise RefusedInput("The price table is empty.")
    providers = set(map(attrgetter("provider"), rows))  # one row that names somebody else is a fault of that row
    numbers = set(contracts) - {None}
    return PriceDocument(
        file_name,
        sha256(content).hexdigest(),
        rows,
        rejections,
        business_id=providers.pop() if len(providers) == 1 else None,
        contract=numbers.pop() if len(numbers) == 1 else None,
        unknown_columns=list(dict.fromkeys(unknown)),
    )


def _bounded(rows: Iterable[Sequence[Cell]]) -> Iterator[Sequence[Cell]]:
    """The rows. A few megabytes of the shortest ones would fill a worker's memory. Raises RefusedInput."""
    coming = iter(rows)
    yield from islice(coming, MOST_ROWS)
    for _ in coming:
        raise RefusedInput("The price list has more than {count} rows.", count=MOST_ROWS)


def _read(table: Table, reading: Reading) -> tuple[Header | None, str | None, Found]:
    """One table: its header, what stands above it, and what its rows come to. Without a header nothing."""
    found, rows = Found(), _bounded(table.rows)
    beginning = list(islice(rows, SEARCHED + 1))
    header = find_header(beginning, reading.columns)
    if header is None:
        for _ in rows:  # to its end: a file that is cut or damaged further down is refused all the same
            pass
        return None, None, found
    reader = RowReader(header, table.place, found)
    prices = chain(beginning[header.row + 1 :], rows)
    (reader.read_typed if table.typed else reader.read)(prices, header.row + 2)
    return header, contract_of(beginning[: header.row]), found
