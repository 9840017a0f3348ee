"""Price lists as files of every form, made by code: workbooks, ODS by hand, JSON."""

import io
import json
import zipfile
from collections.abc import Iterable, Sequence
from typing import Any
from xml.sax.saxutils import escape

from openpyxl import Workbook

_ODS = """<?xml version="1.0" encoding="UTF-8"?>
<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"
 office:version="1.2"><office:body><office:spreadsheet><table:table table:name="Hinnasto">{rows}</table:table>
</office:spreadsheet></office:body></office:document-content>"""
_MANIFEST = """<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">
<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>"""
_UNITS = {"h": "HUR", "krt": "C62", "km": "KMT"}


def xlsx(rows: Iterable[Sequence[Any]], *, name: str = "Hinnasto", merge: Sequence[str] = ()) -> bytes:
    """One sheet; `merge` are ranges of merged cells."""
    book, content = Workbook(), io.BytesIO()
    sheet = book.worksheets[0]
    sheet.title = name
    for row, cells in enumerate(rows, start=1):
        for column, value in enumerate(cells, start=1):
            cell = sheet.cell(row, column, value)
            if isinstance(value, str):
                cell.data_type = "s"  # openpyxl would make a formula of =1+1
    for one in merge:
        sheet.merge_cells(one)
    book.save(content)
    return content.getvalue()


def ods(rows: Iterable[Sequence[Any]]) -> bytes:
    """One sheet of texts, numbers and days."""
    body = "".join(f"<table:table-row>{''.join(map(_ods_cell, row))}</table:table-row>" for row in rows)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as package:
        package.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        package.writestr("META-INF/manifest.xml", _MANIFEST)
        package.writestr("content.xml", _ODS.format(rows=body))
    return content.getvalue()


def _ods_cell(value: Any) -> str:
    if value in (None, ""):
        return "<table:table-cell/>"
    if isinstance(value, int | float):
        return f'<table:table-cell office:value-type="float" office:value="{value}"><text:p>{value}</text:p></table:table-cell>'
    if not isinstance(value, str):
        return f'<table:table-cell office:value-type="date" office:date-value="{value.isoformat()}"><text:p>x</text:p></table:table-cell>'
    return f'<table:table-cell office:value-type="string"><text:p>{escape(value)}</text:p></table:table-cell>'


def json_list(table: Sequence[Sequence[str]], **over: Any) -> bytes:
    """The rows of the contract's table (tests/contract/price_reader.py) as a JSON price list."""
    names = ("service", "service_name", "unit", "price", "valid_from", "valid_to")
    prices = []
    for row in table[1:]:
        price = {name: value for name, value in zip(names, row, strict=False) if value}
        price["unit"] = _UNITS.get(price.get("unit", ""), "")
        price["price"] = price.get("price", "").replace(",", ".")
        for day in ("valid_from", "valid_to"):
            if day in price:
                price[day] = "-".join(part.zfill(2) for part in reversed(price[day].split(".")))
        prices.append(price)
    return json.dumps({"version": 1, "prices": prices, **over}).encode()
