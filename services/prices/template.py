"""What a provider is asked to price: the services agreed with it, by the codes it knows them by."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from connectors.prices.template import TemplateService

#: Rows in: a provider. Rows out: its services with names, its own codes for them, and the VAT that is agreed.
_SERVICES = text(
    """
    SELECT coalesce(provider_code, code) AS code, name_fi, name_sv, language, offered.vat_category, offered.vat_rate
    FROM provider_service AS offered
    JOIN service ON service.id = offered.service_id
    JOIN provider ON provider.id = offered.provider_id
    WHERE provider_id = :id
    """
)


def services_of(session: Session, provider_id: int) -> list[TemplateService]:
    """The services of a provider in the order of their names, in the provider's language."""
    rows = session.execute(_SERVICES, {"id": provider_id}).all()
    named = [
        TemplateService(
            row.code,
            (row.name_sv if row.language == "sv" else None) or row.name_fi,
            row.vat_category,
            f"{(row.vat_rate * 100).normalize():f}".replace(".", ","),
        )
        for row in rows
    ]
    return sorted(named, key=lambda one: one.name.casefold())
