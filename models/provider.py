"""Service providers: who they are, how an order reaches them, on what contract, with what VAT per service."""

from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.base import DateRange, json_object, key_part, period, primary_key, rate, reference, text


class Provider(SQLModel, table=True):
    """A provider. `order_period`: whole or monthly, None as the organisation orders. `channel` names how orders go out (`email`, `file`, …), `channel_settings` what that channel needs."""

    __tablename__ = "provider"

    id: int = primary_key()
    business_id: str = text(unique=True)
    name: str = text()
    endpoint_scheme: str | None = text(nullable=True)
    endpoint_id: str | None = text(nullable=True)
    country: str = text(default="FI")
    email: str | None = text(nullable=True)
    language: str = text(default="fi")
    channel: str = text(default="email")
    channel_settings: dict[str, Any] = json_object()
    facts: dict[str, Any] = json_object()
    active: bool = Field(default=True, sa_column_kwargs={"server_default": "true"})
    order_period: str | None = text(nullable=True)


class Contract(SQLModel, table=True):
    """A contract with a provider. `price_rule`: `{"kind": "fixed", "until": …}`, `{"kind": "percent", "percent": …, "from": …}` or `{"kind": "free"}`."""

    __tablename__ = "contract"
    __table_args__ = (UniqueConstraint("provider_id", "number"),)

    id: int = primary_key()
    provider_id: int = reference("provider.id", index=False)
    number: str = text()
    valid: DateRange = period()
    price_rule: dict[str, Any] = json_object()
    no_show_terms: str = Field(default="", sa_type=Text, sa_column_kwargs={"server_default": ""})
    cancellation_terms: str = Field(default="", sa_type=Text, sa_column_kwargs={"server_default": ""})


class ProviderService(SQLModel, table=True):
    """What a provider offers of our services: its own code for it and the VAT, with the basis the exemption rests on."""

    __tablename__ = "provider_service"
    __table_args__ = (
        CheckConstraint("vat_rate >= 0 AND vat_rate < 1", name="vat_rate"),
        CheckConstraint("vat_category <> 'E' OR vat_rate = 0", name="exempt_is_zero"),
    )

    provider_id: int = key_part("provider.id")
    service_id: int = key_part("service.id", index=True)
    provider_code: str | None = text(nullable=True)
    vat_category: str = text(default="E")
    vat_rate: Decimal = rate()
    vat_basis: str = text(default="")
