"""Invoices that name no order we know: nobody's case, so no worker hears of them, and somebody has to find out whose they are."""

from sqlalchemy.orm import Session

from services.today.rows import Section, first_of, section

#: Rows out: invoices that wait and stand with no order, the longest first.
_UNPLACED = first_of(
    """
    SELECT incoming_document.id, number, sender, provider.name AS provider, reason, incoming_document.recorded_at
    FROM incoming_document LEFT JOIN provider ON provider.id = provider_id
    WHERE state = 'held' AND kind = 'invoice' AND order_id IS NULL ORDER BY incoming_document.id LIMIT :counted
    """
)


def unplaced_invoices(session: Session, *, everything: frozenset[str]) -> dict[str, Section]:
    """The section of supervisors and price managers. One statement, which reads what waits and nothing else."""
    return {"invoices": section(session, _UNPLACED, {}, everything="invoices" in everything)}
