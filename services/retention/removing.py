"""Removing what is over its time: batch by batch, each a transaction of its own that is recorded in the audit trail by class and number.

Cases and vouchers go through two functions of the database's owner (migration 0035), which look once more at what may never go: the
application itself may delete none of these rows.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Self

from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from core.errors import Message, Transient
from core.faults import fault_point
from core.identity import RecordHasher
from services import audit
from services.retention import finding
from services.retention.rules import CLASSES, DOCUMENTS, MAILS, VOUCHERS, Rules

#: Cases in one transaction: while it runs, nobody else writes cases.
BATCH: Final = 200
#: The database gave up waiting for a lock.
_LOCKED: Final = "55P03"
_WAIT_SECONDS: Final = 600.0

_REMOVE_CASES: Final = text("SELECT retention_remove_cases(CAST(:ids AS bigint[]), CAST(:references AS bytea[]), :key)")
_REMOVE_VOUCHERS: Final = text("SELECT retention_remove_vouchers(CAST(:ids AS bigint[]), :today)")
_EMPTY_DOCUMENTS: Final = text("SELECT retention_empty_documents(CAST(:ids AS bigint[]))")
_DELETE_MAILS: Final = text("DELETE FROM digest WHERE id = ANY(CAST(:ids AS bigint[]))")


@dataclass
class Removed:
    """What went: of each class how many (cases, decisions, files, e-mails), and of each table how many rows."""

    classes: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)

    def __iadd__(self, other: "Removed") -> Self:
        self.classes += other.classes
        self.rows += other.rows
        return self

    @property
    def counts(self) -> dict[str, int]:
        """As a Run keeps them: every class, also of which nothing went."""
        return {name: self.classes[name] for name in CLASSES}


class Sweep:
    """One way through everything that is over its time. `most`: so many cases, decisions, files and e-mails at most, of each; the rest
    is for the next time: whatever is wrong with a setting or a clock, somebody can see it before everything is gone.
    """

    def __init__(self, rules: Rules, hasher: RecordHasher, *, most: int, actor: str) -> None:
        self._rules, self._hasher, self._actor = rules, hasher, actor
        self._left = dict.fromkeys(("cases", VOUCHERS, DOCUMENTS, MAILS), most)

    def batch(self, session: Session, now: datetime) -> Removed | None:
        """Remove a batch in the caller's transaction. None: nothing is left to be removed. Raises Transient while others write cases."""
        steps: dict[str, Callable[[Session, int], Removed]] = {
            "cases": self._cases, VOUCHERS: self._vouchers, DOCUMENTS: self._documents, MAILS: self._mails,
        }  # fmt: skip
        for name, step in steps.items():
            limit = min(BATCH, self._left[name])
            if not limit:
                continue
            with _when_free():
                removed = step(session, limit)
            count = sum(removed.classes.values())
            self._left[name] = self._left[name] - count if count == limit else 0
            if count:
                self._record(session, removed, now)
                fault_point("retention.removed")
                return removed
        return None

    def _cases(self, session: Session, limit: int) -> Removed:
        due = session.execute(finding.DUE_CASES, {**self._rules.values, "limit": limit}).mappings().all()
        if not due:
            return Removed()
        references = [self._hasher.reference(row["source"], row["external_id"]) for row in due]
        rows = session.execute(
            _REMOVE_CASES, {"ids": [row["id"] for row in due], "references": references, "key": self._hasher.key_id}
        ).scalar_one()
        return Removed(Counter(row["class"] for row in due), Counter(rows))

    def _vouchers(self, session: Session, limit: int) -> Removed:
        ids = list(session.scalars(finding.DUE_VOUCHERS, {**self._rules.values, "limit": limit}))
        if not ids:
            return Removed()
        rows = session.execute(_REMOVE_VOUCHERS, {"ids": ids, "today": self._rules.today}).scalar_one()
        return Removed(Counter({VOUCHERS: len(ids)}), Counter(rows))

    def _documents(self, session: Session, limit: int) -> Removed:
        ids = list(session.scalars(finding.DUE_DOCUMENTS, {**self._rules.values, "limit": limit}))
        count = session.execute(_EMPTY_DOCUMENTS, {"ids": ids}).scalar_one() if ids else 0
        return Removed(Counter({DOCUMENTS: count}), Counter(incoming_document=count))

    def _mails(self, session: Session, limit: int) -> Removed:
        ids = list(session.scalars(finding.DUE_MAILS, {**self._rules.values, "limit": limit}))
        if ids:
            session.execute(_DELETE_MAILS, {"ids": ids})
        return Removed(Counter({MAILS: len(ids)}), Counter(digest=len(ids)))

    def _record(self, session: Session, removed: Removed, now: datetime) -> None:
        """What class went, and how many: never who."""
        events = [
            audit.Event(
                self._actor,
                "retention.removed",
                f"retention:{name}",
                details={"count": count, "before": self._rules.before(name).isoformat()},
            )
            for name, count in removed.classes.items()
            if count
        ]
        audit.record_many(session, events, now=now)


@contextmanager
def _when_free() -> Iterator[None]:
    """Somebody who writes cases just now is waited for some seconds only: behind us all others would wait as well."""
    try:
        yield
    except OperationalError as error:
        cause: Any = error.orig
        if getattr(cause, "sqlstate", None) != _LOCKED:
            raise
        raise Transient(
            Message("Cases are being written just now; it is tried again."), retry_after=_WAIT_SECONDS
        ) from error
