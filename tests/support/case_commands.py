"""Commands about sources and cases, run in this process, over a database of their own."""

import json
import os
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from cli import case, rejected, source
from tests.support.in_process import InProcess

TABLES = ("client_case", "client", "decision", "plan_item", "choice", "rejected_record", "case_staging")


class Avain:
    """Runs commands in this process."""

    def __init__(self, here: InProcess, exports: Path) -> None:
        self.here, self.exports = here, exports

    def run(self, *arguments: str) -> Result:
        app = {"source": source.app, "case": case.app, "rejected": rejected.app}[arguments[0]]
        result = CliRunner().invoke(app, [*arguments[1:]])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def json(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json").stdout)

    def put(self, content: bytes, name: str = "cases.xml") -> None:
        (self.exports / name).write_bytes(content)
        os.utime(self.exports / name, (0, 0))

    def value(self, sql: str) -> Any:
        return self.here.rows(sql)[0][0]

    def picture(self) -> dict[str, list[str]]:
        """Every row the sync writes, without ids of runs and moments."""
        hidden = "- 'id' - 'client_id' - 'case_id' - 'decision_id' - 'plan_item_id' - 'run_id' - 'synced_run_id' - 'recorded_at' - 'chosen_at' - 'gone_at' - 'settled_at'"
        return {
            name: [row[0] for row in self.here.rows(f"SELECT (to_jsonb({name}) {hidden})::text FROM {name} ORDER BY 1")]
            for name in TABLES
        }
