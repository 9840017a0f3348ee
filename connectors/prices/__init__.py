"""Price lists from outside, in whatever form: one folder per form, and this table of them.

A reader takes the bytes of one file and gives a `PriceDocument`; it knows nothing of our services, providers or database. Which form a
file has, its content says, not its name.
"""

from collections.abc import Callable
from typing import Final

from connectors.prices.row import PriceDocument, Reading
from connectors.prices.table import read_table

#: Form → reader(content, file_name=…, reading=…).
READERS: Final[dict[str, Callable[..., PriceDocument]]] = {"table": read_table}


def read_price_list(content: bytes, *, file_name: str, reading: Reading | None = None) -> PriceDocument:
    """Read one file to its end. Raises RefusedInput where nothing of it may be applied."""
    return READERS[_form(content)](content, file_name=file_name, reading=reading or Reading())


def _form(_content: bytes) -> str:
    return "table"
