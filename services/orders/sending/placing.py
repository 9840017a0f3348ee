"""Orders that are placed outside Avain (channel `external`): the worker is asked to, and writes down that it was done.

Nothing leaves this machine by that channel, so without this nobody would place them at all.
"""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import InputError, Message, NotFound
from core.i18n import N_
from documents.peppol_rules import personal
from services import audit
from services.orders.news import tell_worker

EXTERNAL: Final = "external"
#: While it is in one of these, it can be said that it was placed.
PLACEABLE: Final = ("sent", "received", "accepted", "changed")
_LONGEST: Final = 64

_ASKED: Final = N_(
    "Place purchase order {order} outside Avain, and write down that you have: avain order placed {order}"
)

#: Rows in: a number. Rows out: the order, held until the transaction ends.
_ORDER: Final = text(
    "SELECT id, state, channel, placed_at FROM purchase_order WHERE number = :number FOR NO KEY UPDATE"
)
#: Rows in: an order. Rows changed: it, placed.
_PLACED: Final = text(
    "UPDATE purchase_order SET placed_reference = :reference, placed_at = :now, placed_by = :actor WHERE id = :id"
)


def ask(session: Session, order_id: int, number: str) -> None:
    """Have the responsible worker hear that an order is to be placed, once."""
    tell_worker(session, order_id, "order_to_place", "approved", Message(_ASKED, order=number))


def placed(session: Session, number: str, *, reference: str, actor: str, now: datetime) -> None:
    """Write down that an order was placed elsewhere, and by what `reference` it is known there (may be empty: by telephone).

    Saying it again corrects the reference. Raises NotFound, or InputError when the order goes out by Avain itself, or has not been approved for
    placing, or has ended, or when the reference could tell who the client is.
    """
    order: Any = session.execute(_ORDER, {"number": number if number.isprintable() else ""}).one_or_none()
    if order is None:
        raise NotFound("There is no purchase order {order}.", order=number)
    if order.channel != EXTERNAL:
        raise InputError("{order} goes out by Avain itself; nobody places it elsewhere.", order=number)
    if order.state not in PLACEABLE:
        raise InputError("{order} is not waiting to be placed elsewhere.", order=number)
    reference = reference.strip()
    if len(reference) > _LONGEST or not reference.isprintable():
        raise InputError("The reference has at most {most} characters, on one line.", most=_LONGEST)
    if personal.tells_who(reference):
        raise InputError("The reference holds a personal identity code or a case number; leave it out.")
    session.execute(_PLACED, {"id": order.id, "reference": reference or None, "now": now, "actor": actor})
    audit.record(session, actor, "order.placed", f"order:{number}", now=now, again=order.placed_at is not None)
