"""Price lists that are uploaded in the browser."""

import io

from openpyxl import Workbook


def workbook(column: str, *, support: str, music: str) -> bytes:
    """A list of Kaveripaja whose price column has a title that nobody knows."""
    book, content = Workbook(), io.BytesIO()
    sheet = book.worksheets[0]
    sheet.title = "Hinnasto"
    sheet.append(("Palvelukoodi", "Yksikkö", column, "Voimassa alkaen", "Voimassa asti"))
    sheet.append(("TUKIHENKILO", "tunti", float(support), "1.1.2026", "31.12.2027"))
    sheet.append(("MUSIIKKIPAJA", "tunti", float(music), "1.1.2026", "31.12.2027"))
    book.save(content)
    return content.getvalue()
