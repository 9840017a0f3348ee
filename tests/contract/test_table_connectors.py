"""The contract of case connectors over rows: CSV in one file and in one for each entity, a workbook, the results of queries."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from connectors.cases.contract import CaseConnectorContract
from connectors.cases.profile import Profile
from connectors.cases.sql.cases import SqlCases
from connectors.cases.sql.wire import write_result
from connectors.cases.table.client import TableCases
from tests.support import tables


def profile(text: str, kind: Any = "table") -> Profile:
    with tempfile.TemporaryDirectory() as folder:
        return tables.profile(Path(folder), text, kind)


class TestOneCsvFile(CaseConnectorContract):
    """Case, decision and plan item side by side in a row."""

    connector = TableCases(profile(tables.profile_text()))

    def write(self, records: Sequence[dict[str, Any]]) -> dict[str, bytes]:
        return {"asiakkuudet.csv": tables.as_csv(tables.one_table(records))}


class TestCsvForEachEntity(CaseConnectorContract):
    """Decisions and plan items in files of their own, each row naming its case."""

    connector = TableCases(profile(tables.profile_text(own_files=True)))

    def write(self, records: Sequence[dict[str, Any]]) -> dict[str, bytes]:
        names = {"cases": "asiakkuudet.csv", "decisions": "paatokset.csv", "plan_items": "palvelut.csv"}
        return {names[group]: tables.as_csv(rows) for group, rows in tables.own_tables(records).items()}


class TestWorkbook(CaseConnectorContract):
    """One sheet of a workbook, below a title."""

    connector = TableCases(profile(tables.profile_text()))

    def write(self, records: Sequence[dict[str, Any]]) -> dict[str, bytes]:
        rows = [["Asiakkuudet 16.11.2026"], [], *tables.one_table(records)]
        return {"asiakkuudet.xlsx": tables.as_xlsx({"Ohje": [["Lue tämä"]], "Asiakkuudet": rows})}


class TestQueries(CaseConnectorContract):
    """What the transport of a view writes: a result for each query."""

    connector = SqlCases(profile(tables.profile_text(own_queries=True), "sql"))

    def write(self, records: Sequence[dict[str, Any]]) -> dict[str, bytes]:
        with tempfile.TemporaryDirectory() as folder:
            results = [
                write_result(Path(folder), f"{group}.ndjson", header, rows)
                for group, (header, *rows) in tables.own_tables(records).items()
            ]
            return {one.name: one.path.read_bytes() for one in results}
