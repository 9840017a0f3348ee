"""The merge: what a run staged is compared with what is known, judged as a whole, and applied or held."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from connectors.transports.base import SourceFile
from core.clock import local_date
from core.errors import InputError, Message
from core.faults import fault_point
from core.identity import RecordHasher
from core.source_settings import CaseSource
from services import notices, numbers
from services.budgets import dirty
from services.case_sync import comparing, tables
from services.case_sync.applying import APPLY, NEW_CASES
from services.case_sync.conflicts import find_replaced, tell_of_conflicts
from services.case_sync.unknown import reject_duplicates, reject_unknown, report_unreachable
from services.rejected import settle_earlier
from services.retention.removed import leave_out_removed
from services.work import call_again
from services.work.holding import overtake


@dataclass(frozen=True)
class SyncResult:
    """What came of a run, in cases (read and rejected: records). `state`: succeeded, partly (some rejected), held, refused.

    Of one file, read = added + changed + unchanged + rejected. `conflicts` are planned services for which the source names another
    provider than people chose. A held run's figures say what would have been done. `reason` says why
    it is held or refused, `file` which file was refused.
    """

    state: str
    read: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    gone: int = 0
    rejected: int = 0
    conflicts: int = 0
    reason: Message | None = None
    file: str | None = None

    @property
    def counts(self) -> dict[str, int]:
        """The figures alone, as a Run keeps them."""
        return {name: value for name, value in asdict(self).items() if isinstance(value, int)}


def merge(
    session: Session,
    run_id: int,
    source: str,
    settings: CaseSource,
    now: datetime,
    *,
    read: int,
    files: Sequence[SourceFile],
    hasher: RecordHasher,
    agreed: Mapping[str, int] | None = None,
    late: tuple[str, str] | None = None,
) -> SyncResult:
    """Bring the cases of `source` in line with what the run's tables hold, by a number of statements that does not grow with them.

    In snapshot mode cases missing from it are marked gone (they come back when they reappear); a case that is there but rejected is
    not missing, and when a rejected record has no readable id, none is. A delta says itself which are gone. A run that passes a guard
    (`max_gone`, `max_rejected`) is held: nothing is applied, what it would apply stays staged. So is one that would change known cases by
    a file (`late`) that stands before one that was applied. When a person approves that later, it is
    merged again with the figures it was held with (`agreed`). Closed cases that were removed here (`hasher` knows them again) count as unchanged. Raises InputError when by now something else would be done.
    """
    names = {"run_id": run_id, "source": source}
    tables.analyse(session)
    session.execute(comparing.COMPARE, names)
    leave_out_removed(session, source, hasher)
    session.execute(text("ANALYZE sync_case"))
    reject_duplicates(session, run_id, source, files)
    reject_unknown(session, run_id, source, files)
    report_unreachable(session, run_id, source, files)
    if settings.mode == "snapshot" and not session.execute(comparing.NAMELESS, names).scalar_one():
        session.execute(comparing.FIND_GONE, names)
    result = _judge(session, names, settings, read=read, late=late)
    if agreed is not None:
        _insist(session, names, result, agreed)
        result = replace(result, state="succeeded", reason=None, read=agreed["read"])
    if result.state == "held":
        tables.hold(session, run_id)
        fault_point("sync.held")
        return result
    _apply(session, names, settings, now, result)
    conflicts = tell_of_conflicts(session)
    fault_point("sync.merged")
    return replace(result, state="partly" if result.rejected else "succeeded", conflicts=conflicts)


def _judge(
    session: Session, names: dict[str, Any], settings: CaseSource, *, read: int, late: tuple[str, str] | None
) -> SyncResult:
    """The figures, and whether they pass the guards of the source."""
    found = session.execute(comparing.COUNTS, names).one()
    states: dict[str, int] = found.states
    result = SyncResult(
        read=read,
        added=states.get("new", 0),
        changed=states.get("changed", 0),
        unchanged=states.get("unchanged", 0),
        gone=states.get("gone", 0),
        rejected=found.rejected,
        state="succeeded",
    )
    if result.gone > settings.max_gone * found.known:
        reason = Message(
            "{gone} of {known} cases are missing; more than the agreed share of {limit} must be approved.",
            gone=result.gone,
            known=found.known,
            limit=_percent(settings.max_gone),
        )
    elif result.rejected > settings.max_rejected * result.read:
        reason = Message(
            "{rejected} of {read} records were rejected; more than the agreed share of {limit} must be approved.",
            rejected=result.rejected,
            read=result.read,
            limit=_percent(settings.max_rejected),
        )
    elif late is not None and (result.changed or result.gone):
        reason = Message(
            "{late} came after {applied} was applied, and would change cases by what may be older. Approve it, take the file away "
            'at the source, or set late_files = "apply" where the names of files give no order.',
            late=late[0],
            applied=late[1],
        )
    else:
        return result
    return replace(result, state="held", reason=reason)


def _insist(session: Session, names: dict[str, Any], result: SyncResult, agreed: Mapping[str, int]) -> None:
    """Make sure that what would be done is what a person saw: the same figures, and no case touched by a later run."""
    moved = session.execute(comparing.MOVED, names).scalar_one()
    if moved or any(result.counts[name] != agreed.get(name) for name in ("added", "changed", "unchanged", "gone")):
        raise InputError(
            "What run {run} would do is not what it was held for: cases or codes have changed since. Read the source again: {command}",
            run=names["run_id"],
            command=f"avain source run {names['source']}",
        )


def _apply(session: Session, names: dict[str, Any], settings: CaseSource, now: datetime, result: SyncResult) -> None:
    """Write the difference; then settle what earlier runs rejected, and call for what follows from it."""
    touched = result.added or result.changed or result.gone
    values = {**names, "now": now}
    if touched:
        replaced = find_replaced(session, names["run_id"])
        start = numbers.take_range(session, "HB", local_date(now).year, result.added)
        for statement in APPLY:
            session.execute(statement, {**values, **vars(start)} if statement is NEW_CASES else values)
        notices.tell(session, replaced)
    if settings.mode == "snapshot":
        settle_earlier(session, names["source"], names["run_id"], now)
    else:
        session.execute(comparing.SETTLE_READ, values)
    tables.forget_earlier(session, names["source"], names["run_id"])
    overtake(session, "sync_cases", names["source"], names["run_id"])
    if touched:
        dirty.mark_run(session, "cases", names["run_id"])
        call_again(session, "plan_follow_ups", "plan_follow_ups")
        call_again(session, "watch_orders", "watch_orders")


def _percent(share: Decimal) -> str:
    """`5 %` of 0.05, for a sentence."""
    return f"{(share * 100).normalize():f} %"
