"""A price list that came with an e-mail: whether it can be read, and whose it says it is.

Whose it is stands in the file's own words: a business id stated as such, in a column of its rows, or in a letterhead above the table.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from stdnum.fi import ytunnus

from connectors.prices import read_price_list
from connectors.prices.row import PriceDocument, Reading
from connectors.transports.base import SourceFile
from connectors.transports.spooling import incoming, plain_name
from core.errors import AvainError, Message
from documents.delimited import WORKBOOKS
from documents.received_mail import Attached
from documents.workbook import stream_workbook

#: A letterhead stands within so many rows, or bytes of text.
_TOP_ROWS: Final = 30
_TOP_BYTES: Final = 8192
#: 1234567-1, or FI12345671 as a VAT number.
_BUSINESS_ID: Final = re.compile(r"(?<![\w-])(?:FI[ -]?)?(\d{6,7}-?\d)(?![\w-])", re.IGNORECASE)


@dataclass(frozen=True)
class MailedList:
    """An attachment that may be a price list, as a file of the spool. `reason` None: it can be read. `stated` are business ids (1234567-1) it says it is of,
    `near` those that stand above its table, which may be anybody's.
    """

    file: SourceFile
    reason: Message | None
    stated: frozenset[str] = frozenset()
    near: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """As people know it."""
        return self.file.name


def open_list(attached: Attached, spool: Path, *, reading: Reading, own: Collection[str] = ()) -> MailedList:
    """Copy an attachment to `spool`, read it to its end and see whose it is. `own` are our business ids: a letterhead may name its customer."""
    content = attached.content
    with incoming(spool, plain_name(attached.name)) as copy:
        copy.write(content)
        file = copy.finish()
    try:
        document = read_price_list(content, file_name=file.name, reading=reading)
        ours = {as_business_id(one) for one in own}
        stated = frozenset(_stated(document) - ours)
        return MailedList(file, None, stated, frozenset(set() if stated else _near(file.path) - ours))
    except AvainError as refused:
        return MailedList(file, refused.message)


def as_business_id(text: str) -> str:
    """A business id as it is kept: 1234567-1; '' for what is none."""
    found = _BUSINESS_ID.fullmatch(text.strip())
    return str(ytunnus.format(found[1])) if found and ytunnus.is_valid(found[1]) else ""


def _stated(document: PriceDocument) -> set[str]:
    said = {document.business_id or "", *(row.provider or "" for row in document.rows)}
    return {found for one in said if (found := as_business_id(one))}


def _near(file: Path) -> set[str]:
    with file.open("rb") as content:
        start = content.read(_TOP_BYTES)
    top = _top_of_workbook(file) if start.startswith(WORKBOOKS) else start.decode("ascii", "replace")
    return {found for one in _BUSINESS_ID.finditer(top) if (found := as_business_id(one[0]))}


def _top_of_workbook(file: Path) -> str:
    with file.open("rb") as content:
        sheets = stream_workbook(content)
        return "\n".join(str(cell) for _, rows in sheets for row in islice(rows, _TOP_ROWS) for cell in row if cell)
