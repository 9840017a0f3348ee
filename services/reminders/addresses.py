"""Addresses that a mail server refused for good: nobody writes there until they change, or a person says that they are right after all.

What was to be told to such a person goes to whoever stands in (services/reminders/people.py), and that it is so stands where people look
(`avain doctor`, Today).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import InputError, Message, NotFound
from services import audit

#: Rows in: a worker and an address. Rows changed: the worker, if that is still the address.
_REFUSE = text(
    """
    UPDATE worker SET refused_email = email, refused_reason = CAST(:reason AS jsonb), refused_at = :now
    WHERE id = :id AND lower(email) = lower(:address)
    """
)

#: Rows out: active workers whose present address was refused.
_REFUSED = text(
    """
    SELECT id, external_id, name, email, refused_reason, refused_at FROM worker
    WHERE active AND email = refused_email ORDER BY refused_at DESC, id
    """
)

#: Rows in: workers. Rows out: those whose present address was refused; it no longer counts as such.
_CLEAR = text(
    """
    UPDATE worker SET refused_email = NULL, refused_reason = NULL, refused_at = NULL
    WHERE external_id = ANY(:ids) AND email = refused_email RETURNING external_id
    """
)


@dataclass(frozen=True)
class Refused:
    """A worker who cannot be written to: which address, why and since when."""

    worker_id: int
    external_id: str
    name: str
    email: str
    reason: Message
    at: datetime | None

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {"worker": self.external_id, "email": self.email, "reason": self.reason.text(), "at": self.at}


def usable(email: str | None, refused: str | None) -> bool:
    """Whether an address was not refused (`worker.refused_email`); that it is one at all is said by `connectors.mail.address_problem`."""
    return email is not None and email != refused


def refuse(session: Session, worker_id: int, address: str, reason: Message, now: datetime) -> bool:
    """Note that `address` was refused for good. False when the worker has another one by now."""
    values = {"id": worker_id, "address": address, "reason": json.dumps(reason.to_json()), "now": now}
    return bool(session.execute(_REFUSE, values).rowcount)  # type: ignore[attr-defined]


def refused(session: Session) -> list[Refused]:
    """Active workers whose address was refused, the latest first."""
    return [
        Refused(
            row.id, row.external_id, row.name, row.email, Message.from_json(row.refused_reason or {}), row.refused_at
        )
        for row in session.execute(_REFUSED)
    ]


def clear(session: Session, external_ids: Sequence[str], *, actor: str, now: datetime) -> list[str]:
    """A person says that the addresses of these workers are right: they are written to again. Audited.

    Raises NotFound for a worker there is not, InputError for one whose address was not refused; nothing is changed then.
    """
    known = set(
        session.execute(
            text("SELECT external_id FROM worker WHERE external_id = ANY(:ids)"), {"ids": list(external_ids)}
        ).scalars()
    )
    cleared = set(session.execute(_CLEAR, {"ids": list(external_ids)}).scalars())
    for one in dict.fromkeys(external_ids):
        if one not in known:
            raise NotFound("There is no worker {worker}.", worker=one)
        if one not in cleared:
            raise InputError("The address of worker {worker} was not refused.", worker=one)
        audit.record(session, actor, "worker.address_cleared", f"worker:{one}", now=now)
    return sorted(cleared)
