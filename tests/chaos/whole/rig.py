"""A whole installation that lives through a world's day: servers of its own, two workers and two beats as real processes, kept running.

The business clock is moved from slot to slot. At each the conductor may begin faults; the rig then waits until everything that is due is done
or given up. What waits for a later attempt need not wait that long: as soon as the faults of a stage are over, machine time that
would only pass is left out.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Protocol

import redis
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError

from core import embedded
from core.embedded import Embedded
from core.redis import redis_client_url
from core.settings import ROOT
from tests.chaos.whole import processes
from tests.chaos.whole.installed import install, show
from tests.chaos.whole.outside import Outside, outside
from tests.chaos.whole.processes import Kept, Supervisor
from tests.chaos.whole.stages import Stage, stages
from tests.chaos.whole.wire import Wire
from tests.chaos.whole.world import World
from tests.support.lives import lives
from workers.groups import GROUPS

#: Both workers serve every queue, with so many children each.
_CHILDREN: Final = 4
#: SIGTERM must be obeyed within this.
STOP_SECONDS: Final = 30.0
#: A stage that takes longer is stuck.
STUCK_SECONDS: Final = 400.0
_LOOK_SECONDS: Final = 0.1
#: Between two times in which waiting is left out: an attempt that fails again is one of few.
_HASTEN_SECONDS: Final = 3.0

_UNDONE: Final = text("SELECT count(*) FROM work WHERE done_at IS NULL AND dead_at IS NULL")
#: Rows in: a stage. Rows out: whether its slot has come, or a later one of its job, if nobody was there to call for it in time.
_SLOT: Final = text("SELECT EXISTS (SELECT FROM work WHERE key >= :key AND starts_with(key, :name || '@'))")
#: Rows in: none. Rows changed: Work that waits for a later attempt: it is due.
_HASTEN: Final = text(
    "UPDATE work SET next_at = clock_timestamp() WHERE done_at IS NULL AND dead_at IS NULL AND token IS NULL AND next_at > clock_timestamp()"
)
#: Rows changed: attempts that failed, by which a source is left alone: they were an hour ago.
_LONG_AGO: Final = text(
    "UPDATE run SET started_at = started_at - interval '1 hour', finished_at = finished_at - interval '1 hour'"
    " WHERE outcome IN ('retry', 'failed') AND finished_at > clock_timestamp() - interval '1 hour'"
)
#: Within this time whoever was started last has all its children and has said so.
_COMPLETE_SECONDS: Final = 30.0
_SIGNS: Final = "SELECT pid FROM heartbeat WHERE seen_at > clock_timestamp() - interval '15 seconds'"
_NOW: Final = text("SELECT offset_seconds FROM business_clock")
_MOVE: Final = text("UPDATE business_clock SET offset_seconds = :seconds")


class Conductor(Protocol):
    """Who injects faults: told of each stage when its slot has come. `idle`: no fault is under way."""

    def begin(self, stage: str) -> None: ...
    @property
    def idle(self) -> bool: ...


class Quiet:
    """Nothing happens."""

    idle = True

    def begin(self, stage: str) -> None:
        """Nothing."""


class StuckError(AssertionError):
    """A stage did not end."""


class Rig:
    """The installation. Made by `rig`."""

    def __init__(
        self, world: World, home: Path, servers: Path, *, running: Embedded, outside: Outside, wire: Wire
    ) -> None:
        self.world, self.home, self.servers, self.outside, self.wire = world, home, servers, outside, wire
        self.orders_folder = home / "orders"
        self.orders_folder.mkdir()
        self.settings = install(world, outside, home)
        self.stages = stages(world)
        self.STAGES: tuple[str, ...] = tuple(stage.name for stage in self.stages if not stage.repeated)
        self._running = running
        self.engine = self._engine()
        self._supervisor = Supervisor()
        groups = [word for group in GROUPS for word in ("--group", group)]
        self.workers = [self._kept(f"worker-{n}", "worker", *groups, "--concurrency", str(_CHILDREN)) for n in (1, 2)]
        self.beats = [self._kept(f"beat-{n}", "beat") for n in (1, 2)]
        #: The key of the Work with which the present stage begins.
        self.awaited = ""
        #: Seconds each stage took.
        self.took: dict[str, float] = {}
        #: What was not well with processes at the end of the day, as sentences.
        self.ailing: list[str] = []
        #: Processes that did not end in time when they were asked to.
        self.unstoppable: list[str] = []

    def env(self, **more: str) -> dict[str, str]:
        """The environment of the installation's processes and commands."""
        # the last would have each process compile all of us anew
        foreign = ("AVAIN_", "FAULT_", "PYTHONDONTWRITEBYTECODE")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        return {
            **kept,
            "AVAIN_CONFIG": str(self.settings),
            "AVAIN_DATABASE_URL": self._running.database_url,
            "AVAIN_DATABASE_OWNER_URL": self._running.database_owner_url,
            "AVAIN_REDIS_URL": self.wire.url,
            "AVAIN_HOME": str(self.home),
            "AVAIN_HASH_KEY": "only-for-tests-0123456789abcdef-only-for-tests",
            "AVAIN_TEST_CLOCK": "1",
            "AVAIN_TEST_FAULTS": "1",
            "AVAIN_LANGUAGE": "en",
            "AVAIN_LOG_LEVEL": "WARNING",
            "FAULT_ORDERS": str(self.orders_folder),
            **more,
        }

    @property
    def processes(self) -> list[Kept]:
        """Workers and beats."""
        return [*self.workers, *self.beats]

    def redis(self) -> "redis.Redis":
        """A client of Valkey that does not go by the wire."""
        return redis.Redis.from_url(redis_client_url(self._running.redis_url), socket_timeout=10)

    def avain(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """A command, to its end."""
        if processes.FORKED:
            return lives().run(words, self.env(AVAIN_LOG_LEVEL="ERROR"), timeout=180)
        return subprocess.run(
            [sys.executable, "-m", "cli.main", *words],
            cwd=ROOT, env=self.env(AVAIN_LOG_LEVEL="ERROR"), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=180,
        )  # fmt: skip

    def rows(self, sql: str, **values: object) -> list[Any]:
        """Rows of a query, in a transaction of its own."""
        with self.engine.connect() as connection:
            return list(connection.execute(text(sql), values).all())

    def business_now(self) -> datetime:
        """What the business clock shows."""
        with self.engine.connect() as connection:
            return datetime.now(UTC) + timedelta(seconds=float(connection.execute(_NOW).scalar_one()))

    def move_clock(self, to: datetime) -> None:
        """Set the business clock."""
        with self.engine.begin() as connection:
            connection.execute(_MOVE, {"seconds": (to - datetime.now(UTC)).total_seconds()})

    def start(self) -> None:
        """Start workers and beats."""
        for one in self.processes:
            one.start()

    def start_beats(self) -> None:
        """Have beats run."""
        for one in self.beats:
            one.start()

    def stop_beats(self) -> None:
        """SIGKILL the beats, and leave them down."""
        for one in self.beats:
            one.kill()

    @contextmanager
    def third_beat(self) -> Iterator[Kept]:
        """One beat more."""
        one = self._kept("beat-3", "beat")
        one.start()
        try:
            yield one
        finally:
            one.kill()

    def eve(self) -> None:
        """Live through the evening before the day."""
        show(self.world, self.outside, on_the_day=False)
        done = subprocess.run(
            [sys.executable, "-m", "tests.chaos.whole.eve", str(self.home), self.world.evening.isoformat()],
            cwd=ROOT, env=self.env(PYTHONPATH=str(ROOT)), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=600,
        )  # fmt: skip
        if done.returncode:
            raise AssertionError(f"the evening before did not end well\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
        show(self.world, self.outside, on_the_day=True)

    def live(self, conductor: Conductor | None = None, after_stage: "Callable[[Rig], None]" = lambda _: None) -> None:
        """Live through the day; `after_stage` is called when all that a stage brought is done or given up. Raises StuckError."""
        conductor = conductor or Quiet()
        self.start()
        for stage in self.stages:
            began = time.monotonic()
            self.awaited = stage.key
            if self._patiently(self.business_now) < stage.at:
                self._patiently(lambda at=stage.at + timedelta(seconds=1): self.move_clock(at))
            if not stage.repeated:
                conductor.begin(stage.name)
            self.settle(conductor, stage)
            after_stage(self)
            self.took[f"{stage.name}{' again' if stage.repeated else ''}"] = round(time.monotonic() - began, 2)

    def settle(self, conductor: Conductor | None = None, stage: Stage | None = None) -> None:
        """Wait until faults are over and everything due is done or given up. Raises StuckError."""
        conductor = conductor or Quiet()
        began = hastened = time.monotonic()
        while True:
            try:
                with self.engine.connect() as connection:
                    come = (
                        stage is None or connection.execute(_SLOT, {"key": stage.key, "name": stage.name}).scalar_one()
                    )
                    undone = connection.execute(_UNDONE).scalar_one()
                if come and not undone and conductor.idle:
                    return
                if conductor.idle and time.monotonic() - hastened > _HASTEN_SECONDS:
                    hastened = time.monotonic()
                    with self.engine.begin() as connection:
                        connection.execute(_LONG_AGO)
                        connection.execute(_HASTEN)
            except DBAPIError:
                pass  # the database is away
            if time.monotonic() - began > STUCK_SECONDS:
                raise StuckError(f"{stage.name if stage else 'the end'} did not end within {STUCK_SECONDS:.0f} s")
            time.sleep(_LOOK_SECONDS)

    def look_at_processes(self) -> None:
        """Note which of them do not live, or have lost a child for good."""
        until = time.monotonic() + _COMPLETE_SECONDS
        while (found := self._incomplete()) and time.monotonic() < until:
            time.sleep(_LOOK_SECONDS)
        self.ailing += found

    def _incomplete(self) -> list[str]:
        signs = {row.pid for row in self.rows(_SIGNS)}
        found = [f"{one.name} gives no sign of life" for one in self.processes if one.pid not in signs]
        found += [f"{one.name} has {n} children" for one in self.workers if (n := len(one.children())) != _CHILDREN]
        return found

    def stop_one(self, one: Kept) -> None:
        """Ask one process to stop."""
        if not one.stop(STOP_SECONDS):
            self.unstoppable.append(one.name)

    def stop(self) -> None:
        """Ask all processes to stop, as an operator does; who does not in time is noted."""
        with ThreadPoolExecutor(len(self.processes)) as beside:
            list(beside.map(self.stop_one, self.processes))

    def close(self) -> None:
        """End everything."""
        self._supervisor.end()
        self.engine.dispose()

    def _patiently(self, act: Any) -> Any:
        """Do something at the database, which may be away for a while."""
        until = time.monotonic() + STUCK_SECONDS
        while True:
            try:
                return act()
            except DBAPIError:
                if time.monotonic() > until:
                    raise
                time.sleep(_LOOK_SECONDS)

    def _engine(self) -> Engine:
        """The owner's, for tests look everywhere. Connections die here, so each is tried before it is used."""
        return create_engine(self._running.database_owner_url, pool_pre_ping=True)

    def _kept(self, name: str, *command: str) -> Kept:
        return self._supervisor.keep(Kept(name, command, self.env(), self.home / f"{name}.log"))


@contextmanager
def rig(world: World, *, keep_home: Path | None = None) -> Iterator[Rig]:
    """An installation for a world, on the evening before. Afterwards nothing of it runs; `keep_home` gets its logs."""
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="avain-chaos-", dir=_roomy()))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        home, servers = folder / "home", folder / "servers"
        home.mkdir()
        servers.mkdir()
        stack.callback(embedded.remove, servers)
        running = embedded.start(servers, durable=False)
        others = stack.enter_context(outside(folder / "outside"))
        wire = Wire(Path(redis_client_url(running.redis_url).removeprefix("unix://").partition("?")[0]))
        stack.callback(wire.close)
        made = Rig(world, home, servers, running=running, outside=others, wire=wire)
        if keep_home is not None:
            stack.callback(_keep_logs, home, keep_home)
        stack.callback(made.close)
        made.eve()
        yield made


def _keep_logs(home: Path, to: Path) -> None:
    to.mkdir(parents=True, exist_ok=True)
    for log in home.glob("*.log"):
        shutil.copy(log, to)


def _roomy() -> str | None:
    """In memory, where there is some."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK | os.X_OK) else None
