"""A purchase order on paper, for people: what the provider is asked for, in its own language, as an accessible PDF.

The electronic order (documents/order.py) says the same to machines. Equal values give equal bytes, so that an order that is sent once more is
the very same file.
"""

from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import DATERANGE
from sqlalchemy.orm import Session

from core.errors import InputError, NotFound
from core.i18n import HELSINKI, LANGUAGES, _, speaking
from core.order_settings import Orders, Terms
from core.settings import Organisation
from documents import pdf
from services.labels import SERVICE_NAME
from services.orders.approving.proposing import Draft
from services.orders.sending.paper_values import Buyer, Invoicing, Link, Paper, PaperLine, Seller
from services.orders.sending.paper_words import in_words
from services.orders.weighing.items import Item
from services.orders.weighing.lines import Share

#: Rows in: an order. Rows out: what its paper says once, in the words of the provider's language where there are some.
_ORDER = text(
    """
    SELECT purchase_order.number, issue_date, client_reference, purchase_order.period, provider.name, provider.business_id, provider.language,
           decision.number AS decision_number, decision.decided_on, contract.number AS contract,
           coalesce(contract.no_show_terms, '') AS no_show, coalesce(contract.cancellation_terms, '') AS cancellation,
           unit.name AS unit, unit.contact_email AS mail
    FROM purchase_order
    JOIN provider ON provider.id = purchase_order.provider_id
    JOIN decision ON decision.id = purchase_order.decision_id
    JOIN client_case ON client_case.id = decision.case_id
    LEFT JOIN unit ON unit.id = client_case.unit_id
    LEFT JOIN contract ON contract.id = purchase_order.contract_id
    WHERE purchase_order.id = :id
    """
).columns(period=DATERANGE)

#: Rows in: an order, and a language. Rows out: its lines, with the service as that language calls it.
_LINES = text(
    f"""
    SELECT line_number AS number, {SERVICE_NAME} AS service,
           order_line.extra, lower(order_line.period) AS first, upper(order_line.period) - 1 AS last, order_line.quantity, order_line.unit,
           order_line.amount AS price, order_line.base_quantity, price.vat_inclusive, order_line.vat_category, order_line.vat_rate,
           net, vat, gross
    FROM order_line
    JOIN plan_item ON plan_item.id = order_line.plan_item_id
    JOIN service ON service.id = plan_item.service_id
    JOIN price ON price.id = order_line.price_id
    WHERE order_line.order_id = :id ORDER BY line_number
    """  # noqa: S608 - our own words
)

#: Rows in: a contract. Rows out: its own terms, empty where the organisation's hold.
_TERMS = text("SELECT no_show_terms, cancellation_terms FROM contract WHERE id = :id")


def write_pdf(paper: Paper, language: str | None = None) -> bytes:
    """The paper as PDF/UA in `language` (fi, sv, en; None is the provider's, another is Finnish). Equal values give equal bytes.

    Asks no database, so it may be done with no transaction open. Raises Permanent if it cannot be set.
    """
    wanted = language or paper.language
    wanted = wanted if wanted in LANGUAGES else "fi"
    with speaking(wanted):
        # the day and not the moment, and nothing but the number as title: a file's properties are read by many
        created = datetime.combine(paper.issue_date, time(12), HELSINKI)
        title = paper.number or _("Purchase order, not approved yet")
        return pdf.render("order", in_words(paper), language=wanted, title=title, created=created)


def paper_of(
    session: Session,
    order_id: int,
    *,
    organisation: Organisation,
    orders: Orders,
    reply_link: Link | None = None,
    delivered_link: Link | None = None,
) -> Paper:
    """What is printed of a stored order; two queries. Names and terms are those of now. Raises NotFound."""
    row = session.execute(_ORDER, {"id": order_id}).one_or_none()
    if row is None:
        raise NotFound("There is no purchase order {order}.", order=str(order_id))
    lines = session.execute(_LINES, {"id": order_id, "language": row.language}).mappings()
    return Paper(
        number=row.number,
        issue_date=row.issue_date,
        buyer=Buyer(organisation.name, organisation.business_id, row.unit, row.mail),
        seller=Seller(row.name, row.business_id),
        decision_number=row.decision_number,
        decision_date=row.decided_on,
        contract=row.contract,
        client_reference=row.client_reference,
        first=row.period.lower,
        last=row.period.upper - timedelta(days=1),
        lines=tuple(PaperLine(**line) for line in lines),
        reply=reply_link,
        report=delivered_link,
        **_shared(organisation, orders, row.language, no_show=row.no_show, cancellation=row.cancellation),
    )


def paper_of_proposal(
    session: Session, draft: Draft, *, organisation: Organisation, orders: Orders, today: date
) -> Paper:
    """What would be printed of a draft if it were ordered today: without number, reference and links; one query.

    Raises InputError where no provider is chosen, or nothing of it could be ordered.
    """
    item, seller = draft.items[0], draft.seller
    if seller is None or not draft.parts or not draft.lines:
        raise InputError(draft.refused or "No provider has been chosen yet.")
    terms = session.execute(_TERMS, {"id": draft.parts[0].contract_id}).one_or_none()
    first, after = draft.parts[0].first_day, draft.parts[0].day_after
    for part in draft.parts:
        first, after = min(first, part.first_day), max(after, part.day_after)
    return Paper(
        number="",
        issue_date=today,
        buyer=Buyer(organisation.name, organisation.business_id, item.unit_name, item.unit_email),
        seller=Seller(seller.name, seller.business_id),
        decision_number=item.decision_number or "–",
        decision_date=item.decided_on,
        contract=draft.contract_number,
        client_reference="",
        first=first,
        last=after - timedelta(days=1),
        lines=tuple(_proposed(number, one, share) for number, (one, share) in enumerate(draft.lines, start=1)),
        **_shared(
            organisation,
            orders,
            seller.language,
            no_show=terms.no_show_terms if terms else "",
            cancellation=terms.cancellation_terms if terms else "",
        ),
    )


def _proposed(number: int, item: Item, share: Share) -> PaperLine:
    first, after = share.period.lower, share.period.upper
    if first is None or after is None:
        raise ValueError(item.reference)
    return PaperLine(
        number=number,
        service=item.service_name,
        extra=share.extra,
        first=first,
        last=after - timedelta(days=1),
        quantity=share.quantity,
        unit=share.unit,
        price=share.amount,
        base_quantity=share.base_quantity,
        vat_inclusive=share.vat_inclusive,
        vat_category=share.vat_category,
        vat_rate=share.vat_rate,
        net=share.net,
        vat=share.vat,
        gross=share.gross,
    )


def _shared(
    organisation: Organisation, orders: Orders, language: str, *, no_show: str, cancellation: str
) -> dict[str, Any]:
    """What the organisation says on every order to a provider; `no_show` and `cancellation` are the contract's own terms, if any."""
    address, operator = organisation.einvoice_address, organisation.einvoice_operator
    return {
        "invoicing": Invoicing(address, operator or "") if address else None,
        "no_show": no_show or _said(orders.no_show, language),
        "cancellation": cancellation or _said(orders.cancellation, language),
        "language": language,
    }


def _said(terms: Terms, language: str) -> str:
    """Terms in a language, else in Finnish: they hold in whatever language they were agreed."""
    said: str = getattr(terms, language, "")
    return said or terms.fi
