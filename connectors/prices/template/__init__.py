"""The file a provider can fill in, as a workbook or CSV, which Avain's reader reads back without anybody configuring anything.

Titles are Finnish and Swedish at once, and known to the reader by their first part. The workbook offers what may stand in a cell, and
explains itself on a sheet of its own in each language; instructions are no price table, so the reader passes over them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from connectors.prices.template.csv import write_csv
from connectors.prices.template.xlsx import write_xlsx

Format = Literal["xlsx", "csv"]


@dataclass(frozen=True)
class TemplateService:
    """A service to be priced: the provider's code for it or ours, its name, and the VAT that is agreed (rate as a fraction's per cent text)."""

    code: str
    name: str
    vat_category: str = ""
    vat_rate: str = ""


#: The titles of the columns, in the file's order.
TITLES: Final = (
    "Palvelukoodi / Servicekod",
    "Palvelu / Tjänst",
    "Yksikkö / Enhet",
    "Hinta / Pris (€)",
    "Aikaluokka / Tidsklass",
    "Lisämaksu / Tillägg",
    "Vähimmäismäärä / Minsta mängd",
    "ALV-luokka / Momskategori",
    "ALV % / Moms %",
    "Sisältää ALV / Inkl. moms",
    "Voimassa alkaen / Giltig från",
    "Voimassa asti / Giltig till",
    "Y-tunnus / FO-nummer",
)
#: Title → what may stand under it, as a list to choose from.
CHOICES: Final = {
    TITLES[2]: ("käynti", "h", "45 min", "vrk", "vko", "kk", "urakka", "km"),
    TITLES[4]: ("arki", "ilta", "yö", "lauantai", "sunnuntai"),
    TITLES[5]: ("matkakorvaus", "peruuttamaton käynti"),
    TITLES[7]: ("E", "S", "Z", "AE", "O"),
    TITLES[9]: ("kyllä", "ei"),
}


def write_template(form: Format, services: Iterable[TemplateService] = (), *, business_id: str = "") -> bytes:
    """The file: a row for each service, with its price left open. Without services an empty table."""
    rows = [_row(one, business_id) for one in services]
    return write_xlsx(TITLES, rows, CHOICES) if form == "xlsx" else write_csv([TITLES, *rows])


def _row(service: TemplateService, business_id: str) -> Sequence[str]:
    cells = dict.fromkeys(TITLES, "")
    cells |= {
        TITLES[0]: service.code,
        TITLES[1]: service.name,
        TITLES[4]: "arki",
        TITLES[7]: service.vat_category,
        TITLES[8]: service.vat_rate,
        TITLES[12]: business_id,
    }
    return list(cells.values())
