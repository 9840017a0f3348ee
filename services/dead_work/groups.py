"""Given-up work nobody has let rest, in groups: one kind, one sentence (without its values). 7,000 equal failures are one line.

Counted from one index (models/work.py), so that a hundred thousand cost no more than a page may. What was shown is named by how many
it was, until when they failed, and a mark over their ids: who acts on it acts on exactly that (services/dead_work/acting.py).
"""

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from string import Formatter
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import InputError, Message, NotFound

#: A message nobody could read: there is nothing to do again.
POISON: Final = "poison"
_SAMPLES: Final = 5

# The latest run of a work is asked for as `max(run.id + 0)`: as `max(run.id)` it is looked for backwards through all runs there are, and
# the run of what died long ago is far down.

#: Rows in: kinds, or none for all. Rows out: one a group, the largest first, with the last errors of its newest and their latest runs.
_GROUPS = text(
    """
    WITH counted AS MATERIALIZED (
        SELECT kind, dead_reason, count(*) AS count, min(dead_at) AS since, max(dead_at) AS last, bit_xor(id) AS mark
        FROM work
        WHERE dead_at IS NOT NULL AND acknowledged IS NULL
          AND (CAST(:kinds AS text[]) IS NULL OR kind = ANY(CAST(:kinds AS text[])))
        GROUP BY kind, dead_reason
    )
    SELECT counted.*, newest.errors, newest.runs
    FROM counted CROSS JOIN LATERAL (
        SELECT jsonb_agg(last_error ORDER BY id DESC) AS errors, array_agg(run_id ORDER BY id DESC) AS runs
        FROM (
            SELECT id, last_error, (SELECT max(run.id + 0) FROM run WHERE run.work_id = work.id) AS run_id
            FROM work
            WHERE dead_at IS NOT NULL AND acknowledged IS NULL
              AND work.kind = counted.kind AND work.dead_reason = counted.dead_reason
            ORDER BY id DESC LIMIT :samples
        ) AS few
    ) AS newest
    ORDER BY count DESC, last DESC, kind, dead_reason
    """
)

#: Rows in: a group and the id before which the list goes on. Rows out: its works, newest first, each with its latest run.
_MEMBERS = text(
    """
    SELECT work.id, work.arguments ->> 'source' AS source, work.dead_at, work.last_error,
           (SELECT max(run.id + 0) FROM run WHERE run.work_id = work.id) AS run_id
    FROM work
    WHERE dead_at IS NOT NULL AND acknowledged IS NULL AND kind = :kind AND dead_reason = :reason AND id < :before
    ORDER BY id DESC LIMIT :limit
    """
)


@dataclass(frozen=True)
class Shown:
    """What somebody was shown: how many works, the moment the last of them died, and the exclusive-or of their ids."""

    count: int
    last: datetime
    mark: int

    def __str__(self) -> str:
        return f"{self.count}/{self.last.isoformat()}/{self.mark}"

    @classmethod
    def read(cls, written: str) -> "Shown":
        """Read back from a form. Raises InputError."""
        try:
            count, last, mark = written.split("/")
            shown = cls(int(count), datetime.fromisoformat(last), int(mark))
        except ValueError as error:
            raise InputError("Open the page anew: it is not known what it showed.") from error
        if shown.last.tzinfo is None or not 0 <= shown.count < 2**31 or not -(2**63) <= shown.mark < 2**63:
            raise InputError("Open the page anew: it is not known what it showed.")
        return shown


@dataclass(frozen=True)
class Group:
    """Equal failures. `reason`: the sentence without values; `samples`: whole sentences, each once; `runs`: of up to five, newest first."""

    kind: str
    reason: str
    count: int
    since: datetime
    last: datetime
    mark: int
    samples: list[Message]
    runs: list[int]

    @property
    def code(self) -> str:
        """What the group is called in addresses and commands: `import_prices-3fa81c2d`."""
        return f"{self.kind}-{hashlib.sha256(self.reason.encode()).hexdigest()[:8]}"

    @property
    def sentence(self) -> Message | None:
        """The reason without its values; None: none is known."""
        return without_values(Message(self.reason)) if self.reason else None

    @property
    def may_be_retried(self) -> bool:
        """Whether there is anything to do again."""
        return self.kind != POISON

    @property
    def shown(self) -> Shown:
        """What a form about it carries."""
        return Shown(self.count, self.last, self.mark)


@dataclass(frozen=True)
class Dead:
    """One given-up work: `id` is the Work's, `run_id` its latest run's."""

    id: int
    run_id: int | None
    source: str | None
    died_at: datetime
    reason: Message | None


@dataclass(frozen=True)
class Chosen:
    """What is acted on: one group, or (without a `reason`) all of these kinds; `kinds` None: of every kind."""

    kinds: frozenset[str] | None
    reason: str | None = None
    #: How the set is called in the audit trail: a group's code, or `all`.
    name: str = field(default="all")

    @classmethod
    def of(cls, group: Group) -> "Chosen":
        """A whole group."""
        return cls(frozenset({group.kind}), group.reason, group.code)


def groups(session: Session, kinds: Collection[str] | None = None) -> list[Group]:
    """All groups (of some kinds), the largest first. One statement."""
    values = {"kinds": None if kinds is None else sorted(kinds), "samples": _SAMPLES}
    return [_group(row) for row in session.execute(_GROUPS, values)]


def group_named(session: Session, code: str) -> Group:
    """The group of this code. Raises NotFound, also when it is empty by now."""
    kind = code.rpartition("-")[0]
    for one in groups(session, [kind]):
        if one.code == code:
            return one
    raise NotFound(
        "There is no group {group} of dead work: all of it was tried again or let rest, or it never was.", group=code
    )


def members(session: Session, group: Group, *, before: int | None = None, limit: int = 50) -> list[Dead]:
    """Single works of a group, newest first, before the one with the id `before`."""
    values = {"kind": group.kind, "reason": group.reason, "before": before or 2**63 - 1, "limit": limit}
    return [
        Dead(row.id, row.run_id, row.source, row.dead_at, Message.from_json(row.last_error) if row.last_error else None)
        for row in session.execute(_MEMBERS, values)
    ]


def everything(shown: Iterable[Group]) -> Shown | None:
    """Several groups together, as a form about all of them carries it; None: there is nothing."""
    each = list(shown)
    if not each:
        return None
    return Shown(
        sum(one.count for one in each),
        max(one.last for one in each),
        reduce(lambda mark, one: mark ^ one.mark, each, 0),
    )


def without_values(reason: Message) -> Message:
    """A sentence in which each value is an ellipsis: nothing of it can name anybody."""
    names = {name.partition(".")[0].partition("[")[0] for _, name, _, _ in Formatter().parse(reason.msgid) if name}
    return Message(reason.msgid, **dict.fromkeys(sorted(names), "…"))


def _group(row: Any) -> Group:
    samples: list[Message] = []
    for error in row.errors:
        sentence = Message.from_json(error) if error else None
        if sentence is not None and sentence not in samples:
            samples.append(sentence)
    runs = [one for one in row.runs if one is not None]
    return Group(row.kind, row.dead_reason, row.count, row.since, row.last, row.mark, samples, runs)
