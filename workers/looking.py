"""A person's look at a source: `avain source test`, `sample`, `plan`, `apply`, and the look a page asks for.

A command does it in the person's process, for a page a worker does, and both under the rules every visit keeps: in the source's lane, so
that one connection at a time asks it, at its allowed hours, with a total deadline, and in its history.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from billiard.exceptions import SoftTimeLimitExceeded

from core.clock import business_now
from core.database import transaction
from core.errors import AvainError, InputError, LeaseLost, NotFound, Transient
from core.settings import Settings
from services.gentleness import permit
from services.looked import LOOKED_AT, Found, keep, look_into, meanings
from services.sources import Source, transport_of
from services.visiting import bring, configured_as, task
from services.work import KINDS, Claimed, call, claim, close
from services.work.lease import took_too_long
from workers.fetching import seconds_for, source_of, turn_at
from workers.keeper import keeper
from workers.limits import time_limit
from workers.task import Lease
from workers.tick import expire

_KIND = "look_at_source"
#: The limit comes before the lease ends, so that a slow look can still say so itself.
_LAST_WORDS_SECONDS = 5.0


@contextmanager
def looking_at(source: Source, configured: Settings, *, now: bool = False) -> Iterator[None]:
    """Hold the source for the length of the block; `now`: at whatever hour, and also while it is left alone.

    Raises Postponed when it is not to be asked now, InputError when it is being read, Transient when the look took too long.
    """
    expire()
    claimed = _claim(source, configured, now=now)
    outcome, said = "refused", None
    limit = KINDS[_KIND].deadline
    try:
        with keeper().holding(claimed), time_limit(limit - _LAST_WORDS_SECONDS):
            yield
        outcome = "succeeded"
    except SoftTimeLimitExceeded:
        said = took_too_long(_KIND)
        raise Transient(said) from None
    except AvainError as error:
        said = error.message
        raise
    finally:
        with transaction() as session:
            close(session, claimed, outcome, message=said)


def _claim(source: Source, configured: Settings, *, now: bool) -> Claimed:
    with transaction() as session:
        if not now:
            permit(session, source.lane, configured_as(configured, source).gentle)
        work_id = call(session, _KIND, f"{_KIND}:{source.name}:{uuid4()}", lane=source.lane, source=source.name)
        claimed = claim(session, work_id) if work_id is not None else None
        if claimed is None:
            raise InputError(
                "The source {source} is being read right now. Try again when it has ended.", source=source.name
            )
        return claimed


def look(lease: Lease) -> None:
    """Look at the first records of the source in `lease.arguments` and keep what was found. A person waits for it: it is tried once, and
    what went wrong is said. Raises Postponed when the source is not to be asked now.
    """
    source = source_of(lease)
    with lease.transaction() as session:
        if not lease.arguments.get("now"):
            permit(session, source.lane, configured_as(lease.settings, source).gentle)
    own = lease.settings.home.absolute() / "spool" / source.name
    own.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with TemporaryDirectory(dir=own, prefix="look-") as folder:
            names, found = _look(lease, source, Path(folder))
    except LeaseLost:
        raise
    except (AvainError, SoftTimeLimitExceeded) as error:
        late = took_too_long(_KIND)
        with lease.closing() as closing:
            closing.report("refused", message=error.message if isinstance(error, AvainError) else late)
        return
    with lease.closing() as closing:
        keep(closing.session, source.name, lease.run_id, found)
        closing.report(counts={"read": found.read, "rejected": found.read - found.valid, "files": names})


def _look(lease: Lease, source: Source, folder: Path) -> tuple[int, Found]:
    with lease.transaction() as session:
        columns = meanings(session, lease.settings, source)
        asked = task(
            session, lease.settings, source, folder, business_now(session), seconds=seconds_for(_KIND), anew=True, most=LOOKED_AT, turns=turn_at
        )  # fmt: skip
    transport = transport_of(lease.settings.sources, source, identity=lease.settings.privacy.identity)
    names = transport.look()
    brought = bring(transport, asked)
    if not brought.files:
        raise NotFound(brought.nothing)
    return len(names), look_into(lease.settings, source, names, brought.files, columns)
