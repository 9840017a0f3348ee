"""The anchor file beside the chain: is it whole, and does every anchor agree with the seal it cites."""

from collections.abc import Iterator
from datetime import date
from itertools import dropwhile
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import Message
from services.audit_seals.anchoring import Anchor, anchors
from services.audit_seals.findings import Broken
from services.audit_seals.form import named

_SEAL = text("SELECT hash, event_id FROM audit_seal WHERE month = :month AND position = :position")
_RECORDED = text(
    """
    SELECT EXISTS (SELECT FROM audit_event WHERE action = 'audit.anchored_anew' AND subject = 'audit:anchors'
                   AND details ->> 'anchor' = CAST(:number AS text))
    """
)


class Anchors:
    """Anchors in the order of the chain, met by a walk along it. What stands before the last beginning anew is not compared."""

    def __init__(self, session: Session, file: Path, noted: int) -> None:
        """`noted`: so many the database knows of. Raises OSError when the file cannot be read."""
        self._session, self._file = session, file
        self.agreed = 0
        self.anew_at: str | None = None
        self._anew = 0
        self.broken = self._whole(noted)
        self._coming: Iterator[Anchor] = iter(())
        if self.broken is None and file.exists():
            self._coming = dropwhile(lambda one: one.number < self._anew, anchors(file))
        self._next = next(self._coming, None)

    def _whole(self, noted: int) -> Broken | None:
        """Whether every anchor that was written is there, looking at the file alone."""
        number, anew = 0, None
        try:
            for one in anchors(self._file):
                if one.number != number + 1 and not (one.anew and one.number > number):
                    lacks = Message(
                        "Anchor {number} is missing from the anchor file {path}, or was changed.",
                        number=number + 1,
                        path=str(self._file),
                    )
                    return Broken("anchor", lacks)
                number, anew = one.number, one if one.anew else anew
        except FileNotFoundError:
            if noted == 0:
                return None
            return Broken(
                "anchor",
                Message("The anchor file {path} is missing; {count} anchors were written to it.", path=str(self._file), count=noted),
            )  # fmt: skip
        if number < noted:
            shortened = Message(
                "The anchor file {path} was shortened: it ends with anchor {found}, but {count} were written.",
                path=str(self._file), found=number, count=noted,
            )  # fmt: skip
            return Broken("anchor", shortened)
        if anew is not None:
            self._anew, self.anew_at = anew.number, anew.written_at
            if not self._session.execute(_RECORDED, {"number": anew.number}).scalar_one():
                told = Message("Anchor {number} begins anew, but nobody recorded doing so.", number=anew.number)
                return Broken("anchor", told)
        return None

    def meet(self, month: date, position: int, seal_hash: bytes, event_id: int) -> Broken | None:
        """The walk has come to a seal that holds by itself: does an anchor say otherwise?"""
        self._forward(month, position)
        here = self._next
        if here is None or (here.month, here.position) != (month, position):
            return None
        if here.hash != seal_hash:
            return _differs(here, event_id)
        self.agreed += 1
        self._next = next(self._coming, None)
        return None

    def due(self, month: date, position: int) -> bool:
        """Whether there is an anchor of this seal, or of one before it."""
        return self._next is not None and (self._next.month, self._next.position) <= (month, position)

    def _forward(self, month: date, position: int) -> None:
        """Pass over the anchors of what is not walked."""
        while self._next is not None and (self._next.month, self._next.position) < (month, position):
            self._next = next(self._coming, None)

    def lacks(self, month: date, position: int) -> int | None:
        """Where the walk goes on to another month: a later place in `month` that was anchored, so that seals are missing."""
        self._forward(month, position + 1)
        return self._next.position if self._next is not None and self._next.month == month else None

    def says(self, month: date, position: int) -> bytes | None:
        """What was anchored of a seal the walk has come to."""
        self._forward(month, position)
        here = self._next
        return here.hash if here is not None and (here.month, here.position) == (month, position) else None

    def rest(self, last: date | None) -> Broken | None:
        """After the walk: anchors of seals that came meanwhile must find them; those of later months than `last` are left alone."""
        while self._next is not None and (last is None or self._next.month <= last):
            here = self._next
            seal: Any = self._session.execute(_SEAL, {"month": here.month, "position": here.position}).one_or_none()
            if seal is None:
                gone = Message(
                    "Seal {position} of {month} was anchored on {moment} and is not in the database: the end of the trail is missing.",
                    position=here.position, month=named(here.month), moment=here.written_at,
                )  # fmt: skip
                return Broken("missing", gone, None, here.month, here.position)
            if seal.hash != here.hash:
                return _differs(here, seal.event_id)
            self.agreed += 1
            self._next = next(self._coming, None)
        return None


def _differs(here: Anchor, event_id: int) -> Broken:
    message = Message(
        "The chain holds by itself, but anchor {number} of {moment} says otherwise at event {event}: it, or what was sealed before it, was"
        " written anew.",
        number=here.number, moment=here.written_at, event=event_id,
    )  # fmt: skip
    return Broken("anchor", message, event_id, here.month, here.position)
