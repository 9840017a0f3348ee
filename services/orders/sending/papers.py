"""What goes out with an order, made once and kept: a repeat is the same letter with the same PDF, byte for byte.

The letter is made and stored in the transaction that commits to sending, before its first byte leaves. It stays what it is as long as it
goes to the same address; for another address it is written anew with new links, and the former links open no more.
"""

import email
import email.policy
import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from connectors import mail
from core.clock import local_date
from core.errors import Message, Permanent
from core.i18n import N_
from core.keys import link_secret
from core.settings import Settings
from services.orders.sending import letters, reply_links
from services.orders.sending.paper import paper_of, write_pdf
from services.orders.sending.paper_values import Link

#: Rows in: an order, a kind of paper. Rows out: the one in force.
_PRESENT = text("SELECT content FROM order_paper WHERE order_id = :id AND kind = :kind AND superseded_at IS NULL")
#: Rows in: an order, kinds of paper. Rows changed: those in force, which are so no more.
_SUPERSEDE = text(
    """
    UPDATE order_paper SET superseded_at = :now WHERE order_id = :id AND kind = ANY(:kinds) AND superseded_at IS NULL
    """
)
_KEEP = text("INSERT INTO order_paper (order_id, kind, content, sha256) VALUES (:id, :kind, :content, :sha256)")
#: Rows in: an order. Rows out: the epoch its links have from now on.
_NEW_LINKS = text("UPDATE purchase_order SET link_epoch = link_epoch + 1 WHERE id = :id RETURNING link_epoch")

_NOT_KEPT = N_(
    "It is not known whether the provider received {order}: it was being sent while Avain was upgraded. Ask the provider, then: avain order resend {order}, or cancel it."
)


@dataclass(frozen=True)
class Posted:
    """A letter as it goes out, and to whom."""

    recipient: str
    message: bytes


def order_mail(session: Session, order: Any, *, settings: Settings, now: datetime) -> Posted:
    """The letter of an order, whose row is held: the one kept, or a new one that is kept from now on.

    `order`: a row of services/orders/sending/delivery.py. A letter whose fate is in doubt is repeated to whom it went, whatever the address is now.
    Raises Permanent without an address, or where a version that kept no letters was sending it: a new letter would not be its repeat.
    """
    kept = _kept(session, order.id, "mail")
    if kept is None and order.was == "sending":
        raise Permanent(Message(_NOT_KEPT, order=order.number))
    if kept is not None and (order.was == "sending" or kept.recipient == order.email):
        return kept
    recipient = _checked(order.email)
    epoch = order.link_epoch
    if kept is not None:
        session.execute(_SUPERSEDE, {"id": order.id, "kinds": ["pdf", "mail"], "now": now})
        epoch = session.execute(_NEW_LINKS, {"id": order.id}).scalar_one()
    pdf, message = write(session, order, recipient, epoch=epoch, settings=settings, now=now)
    keep(session, order.id, "pdf", pdf)
    keep(session, order.id, "mail", message)
    return Posted(recipient, message)


def write(
    session: Session, order: Any, recipient: str, *, epoch: int, settings: Settings, now: datetime
) -> tuple[bytes, bytes]:
    """An order's PDF and the letter that carries it; kept by nobody yet."""
    reply, report = links(order.number, order.last_day, epoch=epoch, settings=settings, now=now)
    paper = paper_of(
        session,
        order.id,
        organisation=settings.organisation,
        orders=settings.orders,
        reply_link=reply,
        delivered_link=report,
    )
    pdf = write_pdf(paper)
    wants_xml = order.channel_settings.get("attach_xml")
    letter = letters.order_letter(
        _occasion(order, recipient, order.approved_at, settings),
        pdf=pdf,
        attach_xml=settings.orders.attach_xml if wants_xml is None else bool(wants_xml),
        epoch=epoch,
        reply=reply,
        report=report,
    )
    return pdf, mail.compose(letter)


def cancellation_mail(session: Session, order: Any, *, settings: Settings) -> Posted:
    """The letter that cancels an order: the one kept, or a new one that is kept from now on. Raises Permanent without an address."""
    kept = _kept(session, order.id, "cancellation")
    if kept is not None:
        return kept
    recipient = _checked(order.email)
    message = mail.compose(letters.cancellation_letter(_occasion(order, recipient, order.cancelled_at, settings)))
    keep(session, order.id, "cancellation", message)
    return Posted(recipient, message)


def links(number: str, last_day: Any, *, epoch: int, settings: Settings, now: datetime) -> tuple[Link, Link]:
    """Where an order is answered and where it is told what was delivered: so many days from now, and from its `last_day` on."""
    secret, base = link_secret(settings), settings.follow_ups.base_url
    open_for = timedelta(days=settings.orders.reply_link_days)
    answered_by = local_date(now) + open_for
    told_by = max(last_day + open_for, answered_by)
    return (
        Link(reply_links.link(secret, base, number, "reply", expires=answered_by, epoch=epoch), answered_by),
        Link(reply_links.link(secret, base, number, "delivered", expires=told_by, epoch=epoch), told_by),
    )


def keep(session: Session, order_id: int, kind: str, content: bytes) -> None:
    """Keep a paper as the one in force; there must be none of its kind."""
    values = {"id": order_id, "kind": kind, "content": content, "sha256": hashlib.sha256(content).hexdigest()}
    session.execute(_KEEP, values)


def _occasion(order: Any, recipient: str, written_at: datetime, settings: Settings) -> letters.Occasion:
    return letters.Occasion(
        number=order.number,
        document=order.document,
        organisation=settings.organisation.name,
        sender=settings.mail.sender,
        recipient=recipient,
        language=order.language,
        written_at=written_at,
    )


def _kept(session: Session, order_id: int, kind: str) -> Posted | None:
    content = session.execute(_PRESENT, {"id": order_id, "kind": kind}).scalar()
    if content is None:
        return None
    message = bytes(content)
    head = email.message_from_bytes(message.partition(b"\r\n\r\n")[0], policy=email.policy.default)
    return Posted(str(head["To"]), message)


def _checked(address: str | None) -> str:
    problem = mail.address_problem(address)
    if problem is not None or address is None:
        raise Permanent(problem or "There is no e-mail address.")
    return address
