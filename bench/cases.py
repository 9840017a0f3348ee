"""`make bench-cases`: how fast cases are read, beside the bare parser and beside dlt. Writes bench/results/cases.json.

In one run: a bare `lxml.iterparse` loop that only clears elements (best of three), a first load through a profile into an empty database,
the same file again, and the same load by dlt. Ratios are of records a second: 1.0 is as fast as the bare loop. Memory is the sum of the
resident memory of all client processes (the loading one and its parsing children), looked at twenty times a second.
"""

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import psutil
import psycopg
from lxml import etree
from sqlalchemy import make_url

from bench import figures
from bench.case_load import export
from core import embedded
from core.settings import ROOT

RESULTS: Final = Path(__file__).with_name("results") / "cases.json"


def main() -> int:
    """Measure; 0 when every figure is within its limit."""
    parser = argparse.ArgumentParser(prog="python -m bench.cases", description=__doc__)
    parser.add_argument("--cases", type=int, default=200_000)
    parser.add_argument("--million", action="store_true", help="show the memory at 1,000,000 cases too")
    parser.add_argument("--dlt", type=Path, metavar="PYTHON", help="an interpreter that has dlt")
    chosen = parser.parse_args()
    found: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    with figures.home() as home:
        found |= measure(home, chosen.cases, chosen.dlt)
        if chosen.million:
            file = generated(home, 1_000_000)
            loads = [load(home, file, "million", fresh=fresh) for fresh in (True, False)]
            found["peak_mb_1m"] = max(one["peak_mb"] for one in loads)
            found["seconds_1m"], found["unchanged_seconds_1m"] = (round(one["seconds"], 3) for one in loads)
    found["cases"] = chosen.cases
    return figures.tell(found, RESULTS, {})


def measure(home: Path, cases: int, dlt: Path | None) -> dict[str, Any]:
    """Everything but the million."""
    file = generated(home, cases)
    bare = min(bare_loop(file) for _ in range(3))
    records_only = min(bare_loop(file, tag=export.RECORD) for _ in range(3))
    first = load(home, file, "first")
    again = load(home, file, "first", fresh=False)
    assert (first["added"], again["unchanged"]) == (cases, cases), (first, again)
    found = {
        "bytes": file.stat().st_size,
        "bare_seconds": bare,
        "bare_records_only_seconds": records_only,
        "first_seconds": first["seconds"],
        "unchanged_seconds": again["seconds"],
        "ratio_bare": bare / first["seconds"],
        "ratio_bare_unchanged": bare / again["seconds"],
        "peak_mb": max(first["peak_mb"], again["peak_mb"]),
    }
    if dlt is not None:
        seconds = by_dlt(home, file, dlt)
        found |= {"dlt_seconds": seconds, "ratio_dlt": seconds / first["seconds"]}
    return {name: round(value, 3) if isinstance(value, float) else value for name, value in found.items()}


def generated(home: Path, cases: int) -> Path:
    """An export of so many cases."""
    file = home / f"cases-{cases}.xml"
    export.write(file, cases)
    return file


def bare_loop(file: Path, tag: str | None = None) -> float:
    """Seconds that parsing alone takes. With a `tag`, lxml hands out records only."""
    begun = time.perf_counter()
    for _, element in etree.iterparse(str(file), tag=tag):
        element.clear()
    return time.perf_counter() - begun


def load(home: Path, file: Path, name: str, *, fresh: bool = True) -> dict[str, Any]:
    """What one run of the source says, and the memory it took at most."""
    running = embedded.start(home / "var")
    profile = home / "vienti.toml"
    profile.write_text(export.PROFILE, "utf-8")
    database = database_url(running.database_owner_url, name)
    environment = {
        **os.environ, "AVAIN_HOME": str(home / "var"), "AVAIN_DATABASE_URL": database, "AVAIN_DATABASE_OWNER_URL": database,
        "AVAIN_REDIS_URL": running.redis_url,
    }  # fmt: skip
    if fresh:
        _new_database(running.database_owner_url, name)
        subprocess.run([sys.executable, "-m", "cli.main", "db", "upgrade"], env=environment, cwd=ROOT, check=True)
        _reference_data(database)
    command = [sys.executable, "-m", "bench.case_load.load", str(file), str(profile)]
    process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    peak = Peak(process.pid)
    said, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"the load failed ({process.returncode})")
    return {**json.loads(said), "peak_mb": round(peak.megabytes(), 1)}


class Peak:
    """The most resident memory a process and its children had together."""

    def __init__(self, pid: int) -> None:
        self._process, self._most = psutil.Process(pid), 0
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def megabytes(self) -> float:
        """Once the process has ended."""
        self._thread.join()
        return self._most / 1_000_000

    def _look(self) -> None:
        while True:
            try:
                family = [self._process, *self._process.children(recursive=True)]
                self._most = max(self._most, sum(one.memory_info().rss for one in family))
            except psutil.NoSuchProcess:
                if not self._process.is_running():
                    return
            if not self._process.is_running() or self._process.status() == psutil.STATUS_ZOMBIE:
                return
            time.sleep(0.05)


def by_dlt(home: Path, file: Path, interpreter: Path) -> float:
    """Seconds that dlt takes for the same load."""
    running = embedded.start(home / "var")
    _new_database(running.database_owner_url, "by_dlt")
    place = make_url(running.database_owner_url)
    # dlt wants a host and a password; the socket's folder is the one, and nobody asks for the other
    socket = quote(str(place.query["host"]), safe="")
    database = f"postgresql://{place.username}:unused@{socket}:{place.query['port']}/by_dlt"
    environment = {**os.environ, "DLT_DATA_DIR": str(home / "dlt"), "RUNTIME__DLTHUB_TELEMETRY": "false"}
    script = ROOT / "bench/case_load/by_dlt.py"
    done = subprocess.run(
        [str(interpreter), str(script), str(file), database],
        env=environment,
        cwd=home,
        stdout=subprocess.PIPE,
        check=True,
    )
    return float(json.loads(done.stdout.splitlines()[-1])["seconds"])


def database_url(owner_url: str, name: str) -> str:
    """The address of another database of the same server."""
    before, _, after = owner_url.partition("?")
    return f"{before.rpartition('/')[0]}/{name}?{after}"


def _new_database(owner_url: str, name: str) -> None:
    with psycopg.connect(owner_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name}")
        connection.execute(f"CREATE DATABASE {name}")


def _reference_data(database: str) -> None:
    with psycopg.connect(database.replace("+psycopg", "")) as connection:
        connection.execute(
            "INSERT INTO unit (code, name) SELECT 'U-' || n, 'Yksikkö ' || n FROM generate_series(1, %s) AS n",
            [export.UNITS],
        )
        connection.execute(
            "INSERT INTO worker (external_id, name, email, language, active, unit_id)"
            " SELECT 'W-' || n, 'Työntekijä ' || n, 'w' || n || '@avain.invalid', 'fi', true, (SELECT min(id) FROM unit)"
            " FROM generate_series(101, %s) AS n",
            [100 + export.WORKERS],
        )
        for code in export.SERVICES:
            connection.execute(
                "INSERT INTO service (code, name_fi, name_sv, name_en, unit) VALUES (%s, %s, %s, %s, 'C62')", [code] * 4
            )


if __name__ == "__main__":
    sys.exit(main())
