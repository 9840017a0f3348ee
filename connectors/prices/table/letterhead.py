"""What stands above a price table: whose list it is, and by what contract."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from stdnum.fi import ytunnus

from documents.workbook import Cell

_BUSINESS_ID: Final = re.compile(r"(?<![\d-])(\d{7}-\d)(?![\d-])")
_CONTRACT: Final = re.compile(
    r"(?:sopimusnumero|sopimuksen\s+numero|sopimusnro|sopimus\s*nro|avtalsnummer|avtal\s*nr|contract\s+(?:number|no))\b\.?\s*:?\s*(?P<number>\S{2,64})?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Letterhead:
    """The one business id above a table, and the contract's number; None where there is none, or more than one."""

    business_id: str | None = None
    contract: str | None = None


def read_letterhead(rows: Sequence[Sequence[Cell]]) -> Letterhead:
    """Look through the rows above a header. A number in the cell beside its label counts too."""
    cells = [" ".join(str(cell).split()) for row in rows for cell in row if cell is not None and str(cell).strip()]
    ids = {found for cell in cells for found in _BUSINESS_ID.findall(cell) if ytunnus.is_valid(found)}
    contracts: set[str] = set()
    for cell, beside in zip(cells, [*cells[1:], ""], strict=False):
        if label := _CONTRACT.search(cell):
            contracts |= {label["number"] or beside} - {""}
    return Letterhead(ids.pop() if len(ids) == 1 else None, contracts.pop() if len(contracts) == 1 else None)
