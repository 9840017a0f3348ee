"""Price lists from outside, in whatever form: one folder per form, and this table of them.

A reader takes the bytes of one file and gives a `PriceDocument`; it knows nothing of our services, providers or database. Which form a
file has, its content says, not its name.
"""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Final

from connectors.prices.forms import Form, form_of
from connectors.prices.row import PriceDocument, Reading

#: Form → module and name of its reader(content, file_name=…, reading=…); imported when the first such list comes.
READERS: Final[dict[Form, tuple[str, str]]] = {
    "table": ("connectors.prices.table", "read_table"),
    "json": ("connectors.prices.json", "read_json"),
    "ubl_catalogue": ("connectors.prices.ubl_catalogue", "read_catalogue"),
}


def read_price_list(content: bytes, *, file_name: str, reading: Reading | None = None) -> PriceDocument:
    """Read one file to its end. Raises RefusedInput where nothing of it may be applied."""
    module, name = READERS[form_of(content)]
    reader: Callable[..., PriceDocument] = getattr(import_module(module), name)
    with _collecting_later():
        return reader(content, file_name=file_name, reading=reading or Reading())


@contextmanager
def _collecting_later() -> Iterator[None]:
    """A long list is made of nothing but values that stay; looking through them for rubbish again and again took a third of the time."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()
