"""What stands above a price table: by what contract it is. Whose business id stands there may be the customer's, so it says nothing."""

import re
from collections.abc import Sequence
from typing import Final

from documents.workbook import Cell

_CONTRACT: Final = re.compile(
    r"(?:sopimusnumero|sopimuksen\s+numero|sopimusnro|sopimus\s*nro|avtalsnummer|avtal\s*nr|contract\s+(?:number|no))\b\.?\s*:?\s*(?P<number>\S{2,64})?",
    re.IGNORECASE,
)


def contract_of(rows: Sequence[Sequence[Cell]]) -> str | None:
    """The contract's number in the rows above a header, in its label's cell or the one beside; None for none, or more than one."""
    cells = [" ".join(str(cell).split()) for row in rows for cell in row if cell is not None and str(cell).strip()]
    found: set[str] = set()
    for cell, beside in zip(cells, [*cells[1:], ""], strict=False):
        if label := _CONTRACT.search(cell):
            found |= {label["number"] or beside[:64]} - {""}
    return found.pop() if len(found) == 1 else None
