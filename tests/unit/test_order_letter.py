"""The e-mail that carries an order, byte for byte: what it says, and that nothing else can get into it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from syrupy.assertion import SnapshotAssertion

from connectors import mail
from connectors.channels.base import Delivery, Destination
from connectors.channels.email import EmailChannel
from core.settings import Mail, Organisation

CHANNEL = EmailChannel(Mail(sender="avain@county.invalid"), Organisation())
DELIVERY = Delivery(
    order_id=1,
    number="T-2026-000001",
    document="<Order>ä</Order>\n".encode(),
    sha256="unused",
    channel="email",
    destination=Destination("9999999-2", "tilaukset@esimerkki.invalid", "en"),
    approved_at=datetime(2026, 11, 16, 4, 0, tzinfo=UTC),
)


def composed(delivery: Delivery) -> str:
    recipient = delivery.destination.email
    assert recipient is not None
    return mail.compose(CHANNEL.letter(delivery, recipient)).decode("ascii")


def test_the_letter_as_it_travels(snapshot: SnapshotAssertion) -> None:
    assert composed(DELIVERY) == snapshot


@pytest.mark.parametrize("language", ["fi", "sv", "en", "xx"])
def test_every_language_says_who_orders_and_under_what_number(language: str) -> None:
    letter = CHANNEL.letter(
        replace(DELIVERY, destination=replace(DELIVERY.destination, language=language)), "a@b.invalid"
    )
    assert letter.subject == DELIVERY.number
    assert DELIVERY.number in letter.text
    assert Organisation().name in letter.text
    assert "{" not in letter.text


def test_another_document_is_another_message() -> None:
    changed = CHANNEL.letter(replace(DELIVERY, document=b"<Order/>"), "a@b.invalid")
    assert changed.message_id != CHANNEL.letter(DELIVERY, "a@b.invalid").message_id
