"""The settings of purchase orders: who may approve what, how much is ordered at once, and when somebody is reminded."""

from decimal import Decimal
from pathlib import Path
from typing import Literal

from pydantic import Field

from core.channel_settings import Connection, ConnectionName
from core.setting_groups import Group


class Limit(Group):
    """How much somebody of a role may approve, euros committed on one decision."""

    alone: Decimal | None = Field(
        default=None, ge=0, description="above it the approver must not be who chose; else approval_limit"
    )
    at_most: Decimal | None = Field(default=None, ge=0, description="above it this role cannot approve at all")


class Limits(Group):
    """Limits of the roles that approve. Whose role is not known is bound by the strictest of them."""

    worker: Limit = Field(default=Limit(), description="of responsible workers")
    supervisor: Limit = Field(default=Limit(), description="of who leads a unit")


class Terms(Group):
    """A text of the organisation's terms, in the provider's language; a contract may have its own."""

    fi: str = Field(default="", description="in Finnish")
    sv: str = Field(default="", description="in Swedish")
    en: str = Field(default="", description="in English")


class Orders(Group):
    """Who may approve what, how much one order holds, and when somebody is reminded."""

    approval_limit: Decimal = Field(
        default=Decimal("5000.00"), ge=0, description="euros; above it the approver must not be who chose"
    )
    limits: Limits = Field(default=Limits(), description="how much each role may approve")
    automatic: bool = Field(default=False, description="approve by itself what nothing speaks against")
    automatic_up_to: Decimal = Field(
        default=Decimal("1000.00"), ge=0, description="euros committed on the decision that are approved by themselves"
    )
    period: Literal["whole", "monthly"] = Field(
        default="whole", description="one order for the whole service, or one a month; a provider may have its own"
    )
    ahead_days: int = Field(default=14, ge=0, le=365, description="a month is ordered so many days before it begins")
    answer_working_days: int = Field(
        default=5, ge=1, description="an order without an answer for so long is told to the worker"
    )
    hand_over_days: int = Field(
        default=3, ge=1, description="so many days after acceptance the worker is reminded of the contact details"
    )
    reply_link_days: int = Field(
        default=60, ge=1, le=730, description="how long the reply link in an order's e-mail opens"
    )
    attach_xml: bool = Field(default=True, description="orders by e-mail carry the XML beside the PDF")
    no_show: Terms = Field(default=Terms(), description="what is owed when a family does not come")
    cancellation: Terms = Field(default=Terms(), description="what is owed when a meeting is called off")
    outbox: Path = Field(default=Path("outbox"), description="folder for orders by file; relative to home")
    connections: dict[ConnectionName, Connection] = Field(
        default_factory=dict, description="servers that take orders, by a name that providers' channel settings use"
    )
