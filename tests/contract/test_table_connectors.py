"""The contract of case connectors over tables: in one file, a file for each entity, a workbook."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from connectors.cases.contract import CaseConnectorContract
from connectors.cases.table.client import TableCases
from tests.support import tables


def connector(text: str) -> TableCases:
    with tempfile.TemporaryDirectory() as folder:
        return TableCases(tables.profile(Path(folder), text))


class TestOneCsvFile(CaseConnectorContract):
    """Case, decision and plan item side by side in a row."""

    connector = connector(tables.profile_text())

    def write(self, records: Sequence[dict[str, Any]]) -> dict[str, bytes]:
        return {"asiakkuudet.csv": tables.as_csv(tables.one_table(records))}


class TestCsvForEachEntity(CaseConnectorContract):
    """Decisions and plan items in files of their own, each row naming its case."""

    connector = connector(tables.profile_text(own_files=True))

    def write(self, records: Sequence[dict[str, Any]]) -> dict[str, bytes]:
        names = {"cases": "asiakkuudet.csv", "decisions": "paatokset.csv", "plan_items": "palvelut.csv"}
        return {names[group]: tables.as_csv(rows) for group, rows in tables.own_tables(records).items()}


class TestWorkbook(CaseConnectorContract):
    """One sheet of a workbook, below a title."""

    connector = connector(tables.profile_text())

    def write(self, records: Sequence[dict[str, Any]]) -> dict[str, bytes]:
        rows = [["Asiakkuudet 16.11.2026"], [], *tables.one_table(records)]
        return {"asiakkuudet.xlsx": tables.as_xlsx({"Ohje": [["Lue tämä"]], "Asiakkuudet": rows})}
