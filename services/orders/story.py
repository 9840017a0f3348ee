"""One order in full: what it rests on, what has become of each line, what the provider answered, which papers went out.

A constant number of statements, however many lines, answers and attempts there are. `show` holds what commands print.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import Message, NotFound
from core.i18n import language
from services.access.cases import VISIBLE, visible_cases
from services.access.non_disclosure import HIDDEN
from services.access.people import Person
from services.labels import SERVICE_NAME


@dataclass(frozen=True)
class Order:
    """One order as its page tells it. Days are both included; money is euros.

    `replaces`: the cancelled order it was made for; `replaced_by`: the one that was made for this. `delivery`: whether its Work was given
    up, or waits for its turn. `has_mail`: it went out as an e-mail, so that it may hold a reply link.
    """

    id: int
    number: str
    case_number: str
    non_disclosure: bool
    decision_id: int
    decision: str
    decided_on: date | None
    contract: str | None
    provider: str
    business_id: str
    state: str
    channel: str
    profile: str
    first_day: date
    last_day: date
    issue_date: date
    client_reference: str
    total_net: Decimal
    total_vat: Decimal
    total_gross: Decimal
    document_sha256: str
    chosen_by: str
    approved_by: str
    approved_at: datetime
    approval_reason: str
    automatic: bool
    monthly: bool
    sent_at: datetime | None
    answered_at: datetime | None
    starts_on: date | None
    handed_over_at: datetime | None
    handed_over_by: str | None
    cancelled_at: datetime | None
    cancelled_by: str | None
    cancelled_why: str | None
    closed_at: datetime | None
    replaces: str | None
    replaced_by: str | None
    has_mail: bool
    placed_reference: str | None
    placed_at: datetime | None
    placed_by: str | None


@dataclass(frozen=True)
class Line:
    """One line as ordered, how much of it is said to be delivered (in the line's unit) and what was invoiced less credits (gross)."""

    line_number: int
    item: str
    service: str
    extra: str
    first_day: date
    last_day: date
    quantity: Decimal
    unit: str
    amount: Decimal
    base_quantity: Decimal
    vat_category: str
    vat_rate: Decimal
    net: Decimal
    vat: Decimal
    gross: Decimal
    delivered: Decimal | None
    invoiced: Decimal | None


@dataclass(frozen=True)
class Choice:
    """Whose choice of provider stood for a planned service when it was ordered: who chose, who wrote it down, when and why."""

    item: str
    chosen_by: str
    recorded_by: str
    chosen_at: datetime
    why: str


@dataclass(frozen=True)
class AnswerLine:
    """What an answer says of a line of the order; None where it leaves what was ordered. `service`: of that line, None: one it adds."""

    line_number: int | None
    service: str | None
    code: str
    quantity: Decimal | None
    unit: str | None
    amount: Decimal | None
    base_quantity: Decimal | None
    first_day: date | None
    last_day: date | None


@dataclass(frozen=True)
class Answer:
    """One answer to an order. `by_document`: it came as a file; else the provider gave it on the reply page."""

    id: int
    code: str
    external_id: str | None
    by_document: bool
    issued_on: date | None
    starts_on: date | None
    note: str
    state: str
    reason: Message | None
    answered_at: datetime
    settled_at: datetime | None
    settled_by: str | None
    lines: tuple[AnswerLine, ...]


@dataclass(frozen=True)
class Paper:
    """What went out beside the document: `pdf`, `mail` or `cancellation`; its fingerprint, and whether another took its place."""

    kind: str
    sha256: str
    recorded_at: datetime
    superseded_at: datetime | None


@dataclass(frozen=True)
class Billed:
    """An invoice, or a credit note, as far as it bills this order."""

    number: str
    kind: str
    issue_date: date
    match: str
    final: bool
    gross: Decimal


#: Rows in: a person and an order's number. Rows out: the order, if the person may see its case.
_ORDER: Final = text(
    f"""
    SELECT purchase_order.id, purchase_order.number, client_case.number AS case_number, {HIDDEN} AS non_disclosure, decision.id AS decision_id,
           coalesce(decision.number, decision.external_id) AS decision, decision.decided_on, contract.number AS contract,
           provider.name AS provider, provider.business_id, purchase_order.state, purchase_order.channel, purchase_order.profile,
           lower(purchase_order.period) AS first_day, upper(purchase_order.period) - 1 AS last_day, issue_date,
           purchase_order.client_reference, purchase_order.total_net, purchase_order.total_vat, purchase_order.total_gross,
           purchase_order.document_sha256, purchase_order.chosen_by, purchase_order.approved_by, purchase_order.approved_at,
           purchase_order.approval_reason, purchase_order.automatic, purchase_order.approval_id IS NOT NULL AS monthly,
           purchase_order.sent_at, answered_at, starts_on, handed_over_at, handed_over_by, cancelled_at, cancelled_by, purchase_order.closed_at,
           CASE WHEN purchase_order.state = 'cancelled' THEN (
               SELECT reason FROM audit_event WHERE subject = 'order:' || purchase_order.number AND action = 'order.cancelled'
               ORDER BY audit_event.id DESC LIMIT 1) END AS cancelled_why,
           (SELECT former.number FROM purchase_order AS former WHERE former.id = purchase_order.replaces_id) AS replaces,
           (SELECT later.number FROM purchase_order AS later WHERE later.replaces_id = purchase_order.id ORDER BY later.id DESC LIMIT 1) AS replaced_by,
           EXISTS (SELECT FROM order_paper WHERE order_id = purchase_order.id AND kind = 'mail') AS has_mail,
           placed_reference, placed_at, placed_by
    FROM purchase_order
    JOIN provider ON provider.id = purchase_order.provider_id
    JOIN decision ON decision.id = purchase_order.decision_id
    JOIN client_case ON client_case.id = decision.case_id
    JOIN client ON client.id = client_case.client_id
    LEFT JOIN contract ON contract.id = purchase_order.contract_id
    WHERE purchase_order.number = :number AND {VISIBLE}
    """  # noqa: S608 - our own words
)


#: Rows in: an order. Rows out: its lines, with what is said to be delivered now and what was billed.
_LINES: Final = text(
    f"""
    SELECT line_number, plan_item.external_id AS item, {SERVICE_NAME} AS service, order_line.extra, lower(order_line.period) AS first_day,
           upper(order_line.period) - 1 AS last_day, order_line.quantity, order_line.unit, amount, base_quantity, vat_category, vat_rate,
           net, vat, gross,
           (SELECT sum(delivered.quantity) FROM delivered WHERE order_line_id = order_line.id AND superseded_at IS NULL) AS delivered,
           (SELECT sum(CASE invoice.kind WHEN 'credit' THEN -invoice_line.gross ELSE invoice_line.gross END)
            FROM invoice_line JOIN invoice ON invoice.id = invoice_id WHERE order_line_id = order_line.id) AS invoiced
    FROM order_line
    JOIN plan_item ON plan_item.id = order_line.plan_item_id
    JOIN service ON service.id = plan_item.service_id
    WHERE order_line.order_id = :id ORDER BY line_number
    """  # noqa: S608 - our own words
)

#: Rows in: an order. Rows out: for each planned service in it, the choice that stood when it was approved.
_CHOICES: Final = text(
    """
    SELECT DISTINCT ON (plan_item.id) plan_item.external_id AS item, choice.chosen_by, choice.actor AS recorded_by, choice.chosen_at,
           choice.reason AS why
    FROM purchase_order
    JOIN order_line ON order_line.order_id = purchase_order.id
    JOIN plan_item ON plan_item.id = order_line.plan_item_id
    JOIN choice ON choice.plan_item_id = plan_item.id AND choice.provider_id = purchase_order.provider_id
               AND (choice.ended_at IS NULL OR choice.ended_at > purchase_order.approved_at)
    WHERE purchase_order.id = :id ORDER BY plan_item.id, choice.id
    """
)

#: Rows in: an order. Rows out: answers to it, the latest first.
_ANSWERS: Final = text(
    """
    SELECT id, code, external_id, incoming_id IS NOT NULL AS by_document, issued_on, starts_on, note, state, reason, answered_at, settled_at,
           settled_by
    FROM order_response WHERE order_id = :id ORDER BY id DESC
    """
)

#: Rows in: an order. Rows out: what its answers say line by line.
_ANSWER_LINES: Final = text(
    f"""
    SELECT response_id, order_response_line.line_number, {SERVICE_NAME} AS service, order_response_line.code, order_response_line.quantity,
           order_response_line.unit, order_response_line.amount, order_response_line.base_quantity,
           lower(order_response_line.period) AS first_day, upper(order_response_line.period) - 1 AS last_day
    FROM order_response_line
    JOIN order_response ON order_response.id = response_id
    LEFT JOIN order_line ON order_line.order_id = order_response.order_id AND order_line.line_number = order_response_line.line_number
    LEFT JOIN plan_item ON plan_item.id = order_line.plan_item_id
    LEFT JOIN service ON service.id = plan_item.service_id
    WHERE order_response.order_id = :id ORDER BY order_response_line.line_number NULLS LAST, order_response_line.id
    """  # noqa: S608 - our own words
)

#: Rows in: an order. Rows out: the papers made for it, in the order they were made.
_PAPERS: Final = text(
    "SELECT kind, sha256, recorded_at, superseded_at FROM order_paper WHERE order_id = :id ORDER BY id"
)

#: Rows in: an order. Rows out: what bills it, the latest first.
_BILLED: Final = text(
    """
    SELECT invoice.number, invoice.kind, invoice.issue_date, invoice.match, invoice.final, sum(invoice_line.gross) AS gross
    FROM invoice_line
    JOIN invoice ON invoice.id = invoice_line.invoice_id
    JOIN order_line ON order_line.id = invoice_line.order_line_id
    WHERE order_line.order_id = :id GROUP BY invoice.id ORDER BY invoice.id DESC
    """
)


def order_seen(session: Session, person: Person, number: str, today: date) -> Order:
    """The order of a number. Raises NotFound alike for one that does not exist and one of a case that the person may not see."""
    # a number that nobody can have is not asked for: PostgreSQL refuses some characters
    values = {**visible_cases(person, today), "number": number if number.isprintable() else ""}
    row = session.execute(_ORDER, values).mappings().one_or_none()
    if row is None:
        raise NotFound("There is no purchase order {order} that you can see.", order=number)
    return Order(**row)


def lines_of(session: Session, order_id: int) -> list[Line]:
    """Its lines in their order, services in the reader's language."""
    rows = session.execute(_LINES, {"id": order_id, "language": language()}).mappings()
    return [Line(**row) for row in rows]


def choices_of(session: Session, order_id: int) -> list[Choice]:
    """Who chose its provider for each planned service in it."""
    return [Choice(**row) for row in session.execute(_CHOICES, {"id": order_id}).mappings()]


def answers_of(session: Session, order_id: int) -> list[Answer]:
    """Every answer to it, the latest first, with what each says of the lines. Two queries."""
    lines: dict[int, list[AnswerLine]] = defaultdict(list)
    for row in session.execute(_ANSWER_LINES, {"id": order_id, "language": language()}).mappings():
        lines[row["response_id"]].append(AnswerLine(**_without(row, "response_id")))
    return [
        Answer(
            **_without(row, "reason"),
            reason=Message.from_json(row["reason"]) if row["reason"] else None,
            lines=tuple(lines[row["id"]]),
        )
        for row in session.execute(_ANSWERS, {"id": order_id}).mappings()
    ]


def papers_of(session: Session, order_id: int) -> list[Paper]:
    """What went out beside its document."""
    return [Paper(**row) for row in session.execute(_PAPERS, {"id": order_id}).mappings()]


def billed_on(session: Session, order_id: int) -> list[Billed]:
    """Invoices and credit notes of it, the latest first."""
    return [Billed(**row) for row in session.execute(_BILLED, {"id": order_id}).mappings()]


def _without(row: Any, name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}
