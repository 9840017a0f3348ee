"""`make bench-console`: how long the console takes for each of its pages. Writes bench/results/console.json.

A county of 200,000 cases and 600,000 planned services (bench/budget_load/world.py), its budgets calculated, with all that gathers beside
them in a year (bench/console_load/world.py). One console process, as `avain console` starts it; one browser after another's click, 200 of
each page, over cases, people, providers and runs drawn at random with a fixed seed. What is measured is the time from the request to the
last byte of the answer, over the machine's own network, with sessions, row access, the audit event and the commit.

median_ms, p95_ms: of the slowest page each. Every page of the console must be named in bench/console_load/pages.py; what makes a document
(PDF) rather than a page is told apart from the pages and has no limit. Signing in, which one address may try
only so often, is left out, and so is the local user of a trial, who sees every role's sections of every page at once.
"""

import argparse
import http.client
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final

from bench import figures
from bench.broker_faults.rig import Process, wait
from bench.budget_load import world as budget_world
from bench.budgets import Bench
from bench.console_load import world
from bench.console_load.pages import DOCUMENTS, LIMITED, PAGES, Visitor, addresses
from console.app import create_app
from core.settings import ROOT, Settings
from services import price_uploads
from services.follow_ups.ratings import count_ratings
from services.oversight.counting import count_units

RESULTS: Final = Path(__file__).with_name("results") / "console.json"
LIMITS: Final = {"median_ms": 100.0, "p95_ms": 300.0}
_COUNTY: Final = "bench_template"
_WARM: Final = 10
#: How `avain source run` ends when what it read waits for a person.
_HELD: Final = 1


def main() -> int:
    """Measure; 0 when every page is within the limits."""
    parser = argparse.ArgumentParser(prog="python -m bench.console", description=__doc__)
    parser.add_argument("--cases", type=int, default=200_000)
    parser.add_argument("--requests", type=int, default=200, help="clicks on each page")
    parser.add_argument("--only", default="", metavar="TEXT", help="pages whose address holds this; writes nothing")
    parser.add_argument("--json", type=Path, default=RESULTS, metavar="FILE", help="where the figures go")
    chosen = parser.parse_args()
    with figures.home() as home:
        found = County(home, chosen.cases).clicked_through(chosen.requests, chosen.only)
    return figures.tell(
        found, None if chosen.only else chosen.json, {name: ("<", limit) for name, limit in LIMITS.items()}
    )


class County(Bench):
    """The bench of budgets' county with calculated budgets and a year of everything else."""

    def __init__(self, home: Path, cases: int) -> None:
        super().__init__(home, cases)
        self.recomputed_all(_COUNTY, changed=cases)
        with self.connection(_COUNTY) as connection:
            world.fill(connection, cases, datetime.now(UTC).date())
        self.settle(_COUNTY)
        self.bring_lists()
        with self.session(_COUNTY) as session:  # the night's
            count_ratings(session)
            begun = time.perf_counter()
            count_units(session, datetime.now(UTC).date())
            self.count_units_s = round(time.perf_counter() - begun, 1)
        self.settle(_COUNTY)

    def bring_lists(self) -> None:
        """Lists that wait for a person, read as any other by `avain source run`; files that were brought to the console."""
        for business_id in self.dearer:
            words = [sys.executable, "-m", "cli.main", "source", "run", f"kallis-{business_id}", "--inline"]
            done = subprocess.run(words, cwd=ROOT, env=self.environment(), check=False, capture_output=True, text=True)
            assert done.returncode == _HELD, done.stdout + done.stderr
        with self.session(_COUNTY) as session:
            for n in range(20):
                price_uploads.bring(
                    session, f"Palvelukoodi;Hinta\nS-1;{n},50\n".encode(), file_name=f"hinnasto-{n}.csv", chosen=None,
                    actor="bench", limit=1000, now=datetime.now(UTC),
                )  # fmt: skip

    def clicked_through(self, requests: int, only: str) -> dict[str, Any]:
        """Milliseconds of every page."""
        drawn = random.Random(20261122)
        with self.connection(_COUNTY) as connection:
            know = addresses(connection)
        told: dict[str, dict[str, float]] = {}
        with self.console() as (port, settings):
            rules = {rule.path for rule in create_app(settings).state.rules if rule.method == "GET"}
            unknown = rules - PAGES.keys() - DOCUMENTS.keys() - LIMITED
            assert not unknown, f"how are these opened? bench/console_load/pages.py: {sorted(unknown)}"
            visitors = {who: self.visitors(who) for who in {who for who, _ in (PAGES | DOCUMENTS).values()}}
            for path, (who, make) in sorted((PAGES | DOCUMENTS).items()):
                if only not in path:
                    continue
                clicks = requests if path in PAGES else min(requests, 20)
                warm = min(_WARM, clicks)
                taken = clicked(
                    port, [(one := drawn.choice(visitors[who]), make(know, drawn, one)) for _ in range(clicks + warm)]
                )[warm:]
                told[path] = {
                    "median_ms": round(median(taken), 1),
                    "p95_ms": round(quantiles(taken, n=20)[-1], 1) if len(taken) > 1 else round(taken[0], 1),
                }
                print(f"{path:50} {told[path]}", file=sys.stderr)
        pages = {path: one for path, one in told.items() if path in PAGES}
        return {
            "cases": self.budgets,
            "items": budget_world.ITEMS_EACH * self.budgets,
            "requests_each": requests,
            "count_units_s": self.count_units_s,
            "pages": pages,
            "documents": {path: one for path, one in told.items() if path in DOCUMENTS},
            "median_ms": max(one["median_ms"] for one in pages.values()),
            "p95_ms": max(one["p95_ms"] for one in pages.values()),
            "slowest": max(pages, key=lambda path: pages[path]["median_ms"]),
        }

    @contextmanager
    def console(self) -> Iterator[tuple[int, Settings]]:
        """A console process over the county: its port and settings."""
        port = free_port()
        environment = self.environment() | {"AVAIN_CONSOLE__PORT": str(port)}
        process = Process([sys.executable, "-m", "cli.main", "console"], environment, self.home / "console.log")
        settings = Settings(
            database_url=self.app_url(_COUNTY), redis_url=self.running.redis_url, console={"port": port}
        )
        try:
            assert wait(lambda: answers(port), 60) is not None, process.last_words()
            yield port, settings
        finally:
            process.kill_group()

    def environment(self) -> dict[str, str]:
        """What a command of the county is told."""
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("AVAIN_")},
            "AVAIN_DATABASE_URL": self.app_url(_COUNTY),
            "AVAIN_REDIS_URL": self.running.redis_url,
            "AVAIN_HOME": str(self.home),
            "AVAIN_CONFIG": str(self.configuration()),
            "AVAIN_HASH_KEY": "only-for-the-bench-0123456789abcdef-only-for-the-bench",
            "AVAIN_LANGUAGE": "fi",
        }

    def configuration(self) -> Path:
        """An avain.toml with the sources the county has heard from."""
        file = self.home / "avain.toml"
        cases = [f'[sources.cases.vienti-{n}]\npath = "{self.home}/in/{n}/*.xml"\nmode = "snapshot"' for n in range(12)]
        mails = f'[sources.prices.posti]\nkind = "mail"\npath = "{self.home}/mail"'
        lists = [
            f'[sources.prices.kallis-{one}]\nprovider = "{one}"\npath = "{self.home}/lists/{one}.csv"'
            for one in self.dearer
        ]
        file.write_text("\n".join([*cases, mails, *lists, "[family]", "enabled = true"]) + "\n", "utf-8")
        return file

    @cached_property
    def dearer(self) -> list[str]:
        """Providers whose lists wait for a person."""
        with self.connection(_COUNTY) as connection:
            return world.dearer_lists(connection, self.home / "lists", 5 if self.budgets >= 100_000 else 1)

    def visitors(self, who: str) -> list[Visitor]:
        """Fifty people of a role who are signed in."""
        with self.session(_COUNTY) as session:
            return Visitor.signed_in(session, who, 50)


def free_port() -> int:
    """A port nobody listens at."""
    import socket  # noqa: PLC0415

    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def answers(port: int) -> bool:
    """Whether the console says that it lives."""
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False


def clicked(port: int, clicks: list[tuple[Visitor, str]]) -> list[float]:
    """Milliseconds of each click, one after another over one connection. Every answer must be a page."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    taken: list[float] = []
    for visitor, path in clicks:
        begun = time.perf_counter()
        connection.request("GET", path, headers={"Cookie": visitor.cookie, "Accept": "text/html"})
        answer = connection.getresponse()
        body = answer.read()
        taken.append((time.perf_counter() - begun) * 1000)
        assert answer.status == 200, f"{path} for {visitor}: {answer.status}\n{body[:2000].decode(errors='replace')}"
    connection.close()
    return taken


if __name__ == "__main__":
    sys.exit(main())
