"""Anchors: the head of the chain, written to a file outside the database after every sealing, so that whoever could write the whole database
anew is found out. One line of JSON an anchor, numbered; the file is only ever appended to.

First the seals are committed, then the line is forced to disk, then the database notes that it is there. A process that dies in between
leaves a line too few, which the next sealing writes, or half a line, which it passes over, or a line the database has not noted, which it notes.
"""

import errno
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.clock import business_now
from core.errors import InputError, Permanent, Transient
from core.faults import fault_point
from core.files import sync
from core.reasons import os_reason
from services import audit

_STATE = text("SELECT anchors, anchored_month, anchored_position FROM audit_sealing FOR UPDATE")
_HEAD = text("SELECT month, position, hash FROM audit_seal ORDER BY month DESC, position DESC LIMIT 1")
_HASH = text("SELECT hash FROM audit_seal WHERE month = :month AND position = :position")
_NOTE = text("UPDATE audit_sealing SET anchors = :number, anchored_month = :month, anchored_position = :position")
#: The end of the file that is read to find its last line; a line is a fraction of it.
_TAIL: Final = 4096


class DatabaseBehindError(Permanent):
    """Anchors were written that the database knows nothing of: it was set back to an earlier point."""


@dataclass(frozen=True)
class Anchor:
    """A line of the anchor file: the hash of the seal at `position` in `month`. `anew` begins where what stands before counts no more."""

    number: int
    month: date
    position: int
    hash: bytes
    written_at: str
    anew: bool = False

    def line(self) -> str:
        """As it stands in the file."""
        said: dict[str, Any] = {"anchor": self.number, "month": f"{self.month:%Y-%m}", "position": self.position}
        said |= {"hash": self.hash.hex(), "written_at": self.written_at} | ({"anew": True} if self.anew else {})
        return json.dumps(said)


def anchors(file: Path) -> Iterator[Anchor]:
    """The anchors of a file, one at a time; lines that are none (half a line of a process that died) are passed over. Raises OSError."""
    with file.open("rb") as lines:
        for line in lines:
            found = _read(line)
            if found is not None:
                yield found


def anchor(session: Session, file: Path, *, moment: datetime) -> int:
    """Write the head of the chain to the file, if it is not there yet; the number of lines written (0 or 1).

    Raises Permanent when the file does not end where the database says it does, DatabaseBehindError if it goes further: nothing is written then.
    """
    # a row lock over the write: two sealers must not both append; the file is local, and nobody else wants this row
    state = session.execute(_STATE).one()
    last = _last(file)
    number = last.number if last is not None else 0
    if last is not None and number == state.anchors + 1 and _stands(session, last):
        _note(session, last)  # written by a process that died before it could say so
    elif number != state.anchors:
        raise (DatabaseBehindError if number > state.anchors else Permanent)(
            "The anchor file {path} ends with anchor {found}, but {noted} were written. If it was lost, or the database was restored from"
            " a copy: avain audit anchor-anew",
            path=str(file), found=number, noted=state.anchors,
        )  # fmt: skip
    head = session.execute(_HEAD).one_or_none()
    if head is None or (last is not None and (last.month, last.position) == (head.month, head.position)):
        return 0
    _append(session, file, Anchor(number + 1, head.month, head.position, head.hash, _written(moment)))
    return 1


def ends_as_noted(session: Session, file: Path) -> bool:
    """Whether the file ends with the anchor that the database knows as the last: not where one of them is older than the other. Raises OSError."""
    noted = session.execute(text("SELECT anchors FROM audit_sealing")).scalar_one_or_none()
    last = _last(file)
    return noted == (0 if last is None else last.number)


def anchor_anew(session: Session, file: Path, *, actor: str, reason: str, moment: datetime) -> Anchor:
    """Begin anew after the file was lost or the database was restored: the chain as it is now counts from here, which is recorded.

    Raises InputError when nothing was sealed yet, or without a reason.
    """
    state = session.execute(_STATE).one()
    head = session.execute(_HEAD).one_or_none()
    if head is None:
        raise InputError("Nothing was sealed yet, so there is nothing to anchor.")
    if not reason.strip():
        raise InputError("Say why the audit trail is anchored anew.")
    last = _last(file)
    number = max(state.anchors, last.number if last is not None else 0) + 1
    begun = Anchor(number, head.month, head.position, head.hash, _written(moment), anew=True)
    audit.record(
        session, actor, "audit.anchored_anew", "audit:anchors", now=business_now(session), reason=reason.strip(),
        anchor=number, month=f"{head.month:%Y-%m}", position=head.position,
    )  # fmt: skip
    _append(session, file, begun)
    return begun


def _append(session: Session, file: Path, made: Anchor) -> None:
    try:
        _write(file, made)
    except OSError as error:
        raise Transient(
            "The anchor file {path} cannot be written: {error}", path=str(file), error=os_reason(error)
        ) from error
    fault_point("audit.anchored")
    _note(session, made)


def _write(file: Path, made: Anchor) -> None:
    """Append a line and force it to disk."""
    file.parent.mkdir(parents=True, exist_ok=True)
    is_new = not file.exists()
    fault_point("audit.anchoring")
    handle = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o640)
    try:
        size = os.fstat(handle).st_size
        begun = size > 0 and os.pread(handle, 1, size - 1) != b"\n"  # half a line: its rest never comes
        line = f"{chr(10) if begun else ''}{made.line()}\n".encode("ascii")
        if os.write(handle, line) != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(handle)
    finally:
        os.close(handle)
    if is_new:
        sync(file.parent)


def _note(session: Session, made: Anchor) -> None:
    session.execute(_NOTE, {"number": made.number, "month": made.month, "position": made.position})


def _stands(session: Session, found: Anchor) -> bool:
    given = {"month": found.month, "position": found.position}
    return bool(session.execute(_HASH, given).scalar_one_or_none() == found.hash)


def _last(file: Path) -> Anchor | None:
    """The last anchor of the file; None when there is no file, or none in it."""
    try:
        handle = os.open(file, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        size = os.fstat(handle).st_size
        end = os.pread(handle, _TAIL, max(0, size - _TAIL))
    finally:
        os.close(handle)
    return next((found for line in reversed(end.splitlines()) if (found := _read(line)) is not None), None)


def _read(line: bytes) -> Anchor | None:
    if len(line) > _TAIL // 4:
        return None
    try:
        said = json.loads(line)
        month = date.fromisoformat(f"{said['month']}-01")
        return Anchor(
            int(said["anchor"]), month, int(said["position"]), bytes.fromhex(said["hash"]), str(said["written_at"]), bool(said.get("anew")),
        )  # fmt: skip
    except (ValueError, KeyError, TypeError):
        return None


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
