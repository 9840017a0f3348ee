"""The letters that providers get by e-mail: an order, that an order is cancelled, and a test of the way there.

Unprotected e-mail may not show that somebody is a client (DOMAIN "Privacy"): the subject is the order's number, the text names the
organisation and the order, nothing else. Pure: the same values give the same letter.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from connectors import mail
from core.i18n import _, day, speaking
from services.orders.sending.paper_values import Link

_PDF: Final = "application/pdf"
_XML: Final = "application/xml"


@dataclass(frozen=True)
class Occasion:
    """What every letter rests on: the order it is about, who writes to whom, in which language, and the date it bears."""

    number: str
    document: bytes
    organisation: str
    sender: str
    recipient: str
    language: str
    written_at: datetime


def order_letter(
    about: Occasion, *, pdf: bytes, attach_xml: bool, epoch: int, reply: Link, report: Link
) -> mail.Letter:
    """The letter an order goes out with. `epoch`: of the order's links; another one is another letter, under a Message-ID of its own."""
    with speaking(about.language):
        said = [
            _("{organisation} places purchase order {number} with you. The order is attached as a PDF.").format(
                organisation=about.organisation, number=about.number
            ),
            _(
                "Please answer by this link: accept and say when you begin, propose a change, or say that you have no room. It opens without signing in until {date}:"
            ).format(date=day(reply.expires))
            + f"\n{reply.url}",
            _("Tell by this link what was delivered, until {date}:").format(date=day(report.expires))
            + f"\n{report.url}",
            _(
                "Please quote the order number on the invoice. If you receive the same order number twice, it is one and the same order."
            ),
        ]
        attached = [mail.Attachment(f"{about.number}.pdf", _PDF, pdf)]
        if attach_xml:
            said.insert(1, _("The same order is attached as XML (UBL 2.1, Peppol BIS Order) for your system."))
            attached.append(_as_xml(about))
        return _letter(about, said, mark=f"/{epoch}", attached=attached)


def cancellation_letter(about: Occasion) -> mail.Letter:
    """The letter that takes an order back. It does not say why: a reason may tell of a client."""
    with speaking(about.language):
        said = [
            _("{organisation} cancels purchase order {number}.").format(
                organisation=about.organisation, number=about.number
            ),
            _(
                "Please do not begin or go on with what it asks for. If something was delivered already, tell whoever ordered."
            ),
        ]
        return _letter(about, said, mark="/cancelled")


def trial_letter(about: Occasion, *, attach_xml: bool) -> mail.Letter:
    """A letter that only tries the way to a provider; clearly no order."""
    with speaking(about.language):
        said = [
            _("This is a test. {organisation} tries whether purchase orders reach you; nothing is ordered.").format(
                organisation=about.organisation
            ),
            _(
                "Nobody has to answer. A real order has a number that begins with T and a year, and is attached as a PDF."
            ),
        ]
        return _letter(about, said, mark="", attached=[_as_xml(about)] if attach_xml else [])


def _as_xml(about: Occasion) -> mail.Attachment:
    return mail.Attachment(f"{about.number}.xml", _XML, about.document)


def _letter(
    about: Occasion, said: Sequence[str], *, mark: str, attached: Sequence[mail.Attachment] = ()
) -> mail.Letter:
    """`mark` tells letters about one document apart."""
    words = [
        _("Hello,"),
        *said,
        _("Do not send any information about a client by e-mail."),
        _("This message was sent automatically.") + "\n",
    ]
    return mail.Letter(
        sender=about.sender,
        recipient=about.recipient,
        subject=about.number,
        text="\n\n".join(words),
        message_id=mail.message_id(about.number, about.document + mark.encode(), about.sender),
        written_at=about.written_at,
        attachments=tuple(attached),
    )
