"""What is known of the orders an invoice may bill: rows of the database, as values."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.orm import Session

from documents.invoice.values import Days


@dataclass(frozen=True)
class Ordered:
    """An order, held until the transaction ends."""

    id: int
    number: str
    client_reference: str
    provider_id: int
    state: str
    gross: Decimal


@dataclass(frozen=True)
class OrderedLine:
    """A line of an order, days both included, and what was billed of it so far, credit notes taken off."""

    id: int
    order_id: int
    line_number: int
    first: date
    last: date
    quantity: Decimal
    unit: str
    vat_rate: Decimal
    net: Decimal
    vat: Decimal
    gross: Decimal
    billed_net: Decimal
    billed_vat: Decimal
    billed_gross: Decimal


@dataclass(frozen=True)
class Billed:
    """What an invoice billed of one line of an order."""

    order_line_id: int
    quantity: Decimal | None
    net: Decimal
    vat: Decimal
    gross: Decimal


_COLUMNS = """
    purchase_order.id, purchase_order.number, purchase_order.client_reference, purchase_order.provider_id, purchase_order.state,
    (SELECT coalesce(sum(order_line.gross), 0) FROM order_line WHERE order_line.order_id = purchase_order.id) AS gross
"""

#: Rows in: a business id. Rows out: the provider's id, held until the transaction ends: two invoices of one seller are taken one after
#: the other, so that a number used twice is seen.
_SELLER = text("SELECT id FROM provider WHERE business_id = :business_id FOR NO KEY UPDATE")

#: Rows in: what may be numbers of orders, or our references on them. Rows out: those orders, held.
_NAMED = text(
    f"""
    SELECT {_COLUMNS} FROM purchase_order
    WHERE number = ANY(:names) OR client_reference = ANY(:names) ORDER BY id FOR NO KEY UPDATE
    """  # noqa: S608 - our own words
)

#: Rows in: a provider, the number of a contract, and days. Rows out: orders under that contract whose days hold those, held; at most two.
_BY_CONTRACT = text(
    f"""
    SELECT {_COLUMNS} FROM purchase_order JOIN contract ON contract.id = purchase_order.contract_id
    WHERE purchase_order.provider_id = :provider_id AND contract.number = :contract
      AND purchase_order.period @> daterange(:first, :last, '[]') AND purchase_order.state NOT IN ('cancelled', 'rejected')
    ORDER BY purchase_order.id LIMIT 2 FOR NO KEY UPDATE OF purchase_order
    """  # noqa: S608 - our own words
)

#: Rows in: a provider and the number of an invoice of it. Rows out: the orders it billed, held.
_CREDITED = text(
    f"""
    SELECT {_COLUMNS} FROM purchase_order
    WHERE id IN (
        SELECT order_line.order_id FROM invoice JOIN invoice_line ON invoice_line.invoice_id = invoice.id
        JOIN order_line ON order_line.id = invoice_line.order_line_id
        WHERE invoice.provider_id = :provider_id AND invoice.number = :number AND invoice.kind = 'invoice')
    ORDER BY id FOR NO KEY UPDATE
    """  # noqa: S608 - our own words
)

#: Rows in: a provider and the number of an invoice of it. Rows out: what it billed, by line of an order.
_CREDITED_LINES = text(
    """
    SELECT order_line_id, invoice_line.quantity, net, vat, gross FROM invoice_line JOIN invoice ON invoice.id = invoice_line.invoice_id
    WHERE invoice.provider_id = :provider_id AND invoice.number = :number AND invoice.kind = 'invoice' ORDER BY invoice_line.id
    """
)

#: Rows in: orders. Rows out: their lines, with what was billed of each.
_LINES = text(
    """
    SELECT order_line.id, order_id, line_number, lower(period) AS first, upper(period) - 1 AS last, order_line.quantity, unit, vat_rate,
           order_line.net, order_line.vat, order_line.gross, billed.net AS billed_net, billed.vat AS billed_vat, billed.gross AS billed_gross
    FROM order_line
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(sign * invoice_line.net), 0) AS net, coalesce(sum(sign * invoice_line.vat), 0) AS vat,
               coalesce(sum(sign * invoice_line.gross), 0) AS gross
        FROM invoice_line JOIN invoice ON invoice.id = invoice_line.invoice_id
        CROSS JOIN LATERAL (SELECT CASE invoice.kind WHEN 'credit' THEN -1 ELSE 1 END AS sign) AS signed
        WHERE invoice_line.order_line_id = order_line.id
    ) AS billed
    WHERE order_id = ANY(:orders) ORDER BY order_id, line_number
    """
)


def seller(session: Session, business_id: str | None) -> int | None:
    """The provider of that business id, held; None where there is none."""
    if business_id is None:
        return None
    found: int | None = session.execute(_SELLER, {"business_id": business_id}).scalar_one_or_none()
    return found


def orders_named(session: Session, names: Collection[str]) -> list[Ordered]:
    """The orders among these numbers and references of ours."""
    if not names:
        return []
    return [Ordered(**row) for row in session.execute(_NAMED, {"names": sorted(names)}).mappings()]


def orders_under(session: Session, provider_id: int, contract: str | None, period: Days | None) -> list[Ordered]:
    """Orders of the provider under a contract that hold these days: none, one, or two where there are several."""
    if contract is None or period is None:
        return []
    values = {"provider_id": provider_id, "contract": contract, "first": period.first, "last": period.last}
    return [Ordered(**row) for row in session.execute(_BY_CONTRACT, values).mappings()]


def orders_billed_by(session: Session, provider_id: int, number: str | None) -> list[Ordered]:
    """The orders that an invoice of the provider billed."""
    if number is None:
        return []
    values = {"provider_id": provider_id, "number": number}
    return [Ordered(**row) for row in session.execute(_CREDITED, values).mappings()]


def lines_billed_by(session: Session, provider_id: int, number: str) -> list[Billed]:
    """What an invoice of the provider billed."""
    rows = session.execute(_CREDITED_LINES, {"provider_id": provider_id, "number": number}).mappings()
    return [Billed(**row) for row in rows]


def lines_of(session: Session, orders: Collection[Ordered]) -> list[OrderedLine]:
    """The lines of orders, with what was billed of each."""
    found = session.execute(_LINES, {"orders": [one.id for one in orders]}).mappings()
    return [OrderedLine(**row) for row in found]
