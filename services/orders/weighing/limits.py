"""How much somebody may approve: by the roles they have, known from who they sign as."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import Message
from core.i18n import N_
from core.order_settings import Limit, Orders

#: What stands before a worker's id in the name an act is recorded under: signed in, or said at the command line.
_WORKER = re.compile("^(worker|cli):")

#: Rows in: what a client information system calls a worker. Rows out: whether the worker leads a unit; none if nobody active is called so.
_LEADS = text(
    """
    SELECT EXISTS (SELECT FROM unit WHERE unit.supervisor_id = worker.id) FROM worker WHERE external_id = :worker AND active
    """
)


@dataclass(frozen=True)
class Bounds:
    """Euros committed on one decision: above `alone` the approver must not be who chose, above `at_most` it is not theirs to approve."""

    alone: Decimal
    at_most: Decimal | None


#: Of nobody in particular.
NO_BOUNDS = Bounds(Decimal("Infinity"), None)


def bounds(session: Session, settings: Orders, approver: str, roles: Collection[str] | None) -> Bounds:
    """The bounds of an approver: the widest of the roles that approve, the strictest of all where none is known.

    `roles` None: looked up by `approver` (`worker:<external id>`, or `cli:<external id>`).
    """
    known = {"worker": settings.limits.worker, "supervisor": settings.limits.supervisor}
    theirs = [known[role] for role in (_roles_of(session, approver) if roles is None else roles) if role in known]
    each = [_bounds(settings, limit) for limit in theirs or known.values()]
    choose = max if theirs else min
    most = [one.at_most for one in each]
    bounded = [limit for limit in most if limit is not None]
    unbounded = len(bounded) < len(most) if theirs else not bounded
    return Bounds(choose(one.alone for one in each), None if unbounded else choose(bounded))


def objection(bounds: Bounds, committed: Decimal, *, approver: str, choosers: Collection[str | None]) -> Message | None:
    """Why `committed` euros on a decision are not for this approver, or None."""
    if bounds.at_most is not None and committed > bounds.at_most:
        return Message(
            N_(
                "With {euros} committed on the decision it is above the {of_euros} that you may approve; ask somebody who may approve more."
            ),
            euros=str(committed),
            of_euros=str(bounds.at_most),
        )
    if committed > bounds.alone and _person(approver) in {_person(one) for one in choosers if one}:
        return Message(
            N_(
                "With {euros} committed on the decision, above the limit of {of_euros}, somebody else than who recorded the choice must approve."
            ),
            euros=str(committed),
            of_euros=str(bounds.alone),
        )
    return None


def _bounds(settings: Orders, limit: Limit) -> Bounds:
    return Bounds(settings.approval_limit if limit.alone is None else limit.alone, limit.at_most)


def _person(actor: str) -> str:
    """Who that is: somebody who chose in the console is nobody else at the command line."""
    return _WORKER.sub("", actor)


def _roles_of(session: Session, approver: str) -> set[str]:
    if not _WORKER.match(approver):
        return set()
    leads = session.execute(_LEADS, {"worker": _person(approver)}).scalar()
    return set() if leads is None else {"worker", "supervisor"} if leads else {"worker"}
