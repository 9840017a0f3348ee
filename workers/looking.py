"""A person's look at a source: `avain source test`, `sample`, `plan`, `apply`.

It is done in the person's process, but under the rules every visit keeps: in the source's lane, so that one connection at a time asks it, at
its allowed hours, with a total deadline, and in its history.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from billiard.exceptions import SoftTimeLimitExceeded

from core.database import transaction
from core.errors import AvainError, InputError, Message, Transient
from core.settings import Settings
from services.gentleness import permit
from services.sources import Source
from services.visiting import configured_as
from services.work import KINDS, Claimed, call, claim, close
from workers.inline import time_limit
from workers.keeper import keeper
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
        said = Message("It took longer than the {seconds} seconds allowed.", seconds=int(limit))
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
