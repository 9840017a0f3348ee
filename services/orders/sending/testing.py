"""A test of the way to a provider: a document that is clearly no order goes through the real channel, and the other side's answer is kept.

Its number begins with TESTI and is no order's: nothing is ordered by it, counted or waited for. Whoever asks sees in the Run what came of it.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, cast

from sqlalchemy import text
from sqlalchemy.orm import Session

from connectors import mail
from connectors.channels import registry
from connectors.channels.base import Delivery, Destination
from core.channel_settings import Connections
from core.clock import local_date
from core.errors import InputError, Message, NotFound, Permanent
from core.i18n import HELSINKI, N_
from core.money import ZERO
from core.settings import Settings
from documents import order as ubl
from documents.ubl_order import write_checked
from services import audit, work
from services.effects import must_be_allowed
from services.orders.sending import letters

#: In every language at once: whoever or whatever opens it shall see it.
_NOT_AN_ORDER: Final = "TESTI – EI TILAUS / TEST – INGEN BESTÄLLNING / TEST – NOT AN ORDER"
_NONE: Final = "TESTI-EI-TILAUS"

#: Rows in: a business id, or an id. Rows out: the provider.
_PROVIDER = text(
    """
    SELECT id, name, business_id, email, language, country, channel, channel_settings, endpoint_scheme, endpoint_id
    FROM provider WHERE business_id = :business_id OR id = :id
    """
)
#: Rows in: Work. Rows out: its latest Run.
_CAME = text("SELECT id, outcome, message, reply FROM run WHERE work_id = :id ORDER BY id DESC LIMIT 1")


@dataclass(frozen=True)
class Tried:
    """A test that was called for: its number, by which channel, and the Work that does it."""

    number: str
    channel: str
    work_id: int


@dataclass(frozen=True)
class Came:
    """What came of a test: its Run, how that ended (None: not yet), and the other side's answer or what went wrong."""

    run_id: int | None
    outcome: str | None
    said: str


def what_came(session: Session, work_id: int) -> Came:
    """What has come of a test so far."""
    run = session.execute(_CAME, {"id": work_id}).one_or_none()
    if run is None:
        return Came(None, None, "")
    return Came(run.id, run.outcome, Message.from_json(run.message).text() if run.message else run.reply or "")


def call_test(session: Session, business_id: str, *, connections: Connections, actor: str, now: datetime) -> Tried:
    """Call for a test document to be sent to a provider the way its orders go. Two in one second are one.

    Raises NotFound, or InputError where orders cannot reach the provider, or nothing would leave this installation, now or ever.
    """
    must_be_allowed(session, "send_test_order")
    provider = session.execute(_PROVIDER, {"business_id": business_id, "id": None}).one_or_none()
    if provider is None:
        raise NotFound("There is no provider {business_id}.", business_id=business_id)
    if provider.channel == "external":
        raise InputError(
            "Orders to {provider} are placed outside Avain; there is no way to be tried.", provider=provider.name
        )
    problem = registry.problem(provider.channel, _destination(provider), connections)
    if problem is not None:
        raise InputError(
            N_("Orders cannot reach {provider}: {problem}"), provider=provider.name, problem=problem.text()
        )
    number = f"TESTI-{now.astimezone(HELSINKI):%Y%m%d-%H%M%S}"
    work_id = work.call_again(
        session, "send_test_order", f"send_test_order:{business_id}:{number}", subject_id=provider.id, number=number,
    )  # fmt: skip
    audit.record(session, actor, "provider.tried", f"provider:{business_id}", now=now, number=number)
    return Tried(number, provider.channel, work_id)


def trial_delivery(session: Session, provider_id: int, number: str, *, settings: Settings, now: datetime) -> Delivery:
    """The test document on its way to a provider. Raises Permanent when the provider is gone."""
    provider = session.execute(_PROVIDER, {"business_id": None, "id": provider_id}).one_or_none()
    if provider is None:
        raise Permanent("There is no such provider any more.")
    profile = "ordering" if provider.channel_settings.get("profile") == "ordering" else "order_only"
    document = _document(provider, number, profile, settings, now)
    letter = None
    if provider.channel == "email":
        wants_xml = provider.channel_settings.get("attach_xml")
        letter = mail.compose(
            letters.trial_letter(
                letters.Occasion(
                    number=number,
                    document=document,
                    organisation=settings.organisation.name,
                    sender=settings.mail.sender,
                    recipient=provider.email or "",
                    language=provider.language,
                    written_at=now,
                ),
                attach_xml=settings.orders.attach_xml if wants_xml is None else bool(wants_xml),
            )
        )
    return Delivery(
        order_id=0,
        number=number,
        document=document,
        sha256=hashlib.sha256(document).hexdigest(),
        channel=provider.channel,
        destination=_destination(provider),
        approved_at=now,
        mail=letter,
        recipient=provider.email,
        profile=profile,
    )


def _destination(provider: Any) -> Destination:
    return Destination(
        provider.business_id,
        provider.email,
        provider.language,
        provider.channel_settings,
        provider.endpoint_scheme,
        provider.endpoint_id,
    )


def _document(provider: Any, number: str, profile: str, settings: Settings, now: datetime) -> bytes:
    """One line of one piece for nothing. It keeps every rule an order keeps, so that no machine stumbles over it."""
    buyer, today = settings.organisation, local_date(now)
    return write_checked(
        ubl.Order(
            number=number,
            issue_date=today,
            buyer=ubl.Party(
                name=buyer.name,
                endpoint=buyer.endpoint_id,
                endpoint_scheme=buyer.endpoint_scheme,
                business_id=buyer.business_id,
                country=buyer.country,
            ),
            seller=ubl.Party(
                name=provider.name,
                endpoint=provider.endpoint_id or "0037" + provider.business_id.replace("-", ""),
                endpoint_scheme=(provider.endpoint_scheme if provider.endpoint_id else None) or "0216",
                business_id=provider.business_id,
                country=provider.country,
            ),
            lines=(
                ubl.OrderLine(
                    id="1",
                    quantity=Decimal(1),
                    unit_code="C62",
                    net_price=ZERO,
                    net_amount=ZERO,
                    item_name=_NOT_AN_ORDER,
                    item_id=_NONE,
                    period=ubl.Period(today, today),
                ),
            ),
            client_reference=_NONE,
            decision_number=_NONE,
            profile=cast("ubl.Profile", profile),
            period=ubl.Period(today, today),
            valid_until=today,
        )
    )
