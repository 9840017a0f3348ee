"""Purchase orders: whether the bytes that were sent are the bytes that were stored, and whether an order's figures and days agree with its lines."""

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import TextClause, text

from core.errors import Message
from core.i18n import N_
from services.consistency.findings import NAMED, Looked, Sort, Thing, names
from services.consistency.scope import Scope

#: So many documents are hashed by one statement.
_CHUNK: Final = 2_000

_KEEP: Final = N_(
    "Keep the database as it is, and find out who changed it: rows like these are never changed by Avain. The last backup holds what they were."
)
DOCUMENT: Final = Sort(
    "order_document", N_("Purchase orders whose document is not what was approved and sent, by its sha256"), _KEEP
)
PAPER: Final = Sort(
    "order_paper", N_("Letters and papers of orders that are not what was made, by their sha256"), _KEEP
)
UPLOAD: Final = Sort(
    "price_upload",
    N_("Price lists that people brought whose bytes are not what they were, by their sha256"),
    N_("Have them brought again; until then nothing of them is applied."),
)
TOTAL: Final = Sort("order_total", N_("Purchase orders whose lines do not add up to their total"), _KEEP)
UNCOVERED: Final = Sort(
    "order_coverage",
    N_("Purchase orders with a line on days that the order does not hold, so that they could be ordered twice"),
    _KEEP,
)
TWICE: Final = Sort(
    "ordered_twice",
    N_("Planned services of which some days are ordered twice"),
    N_("Cancel one of the two orders: avain order cancel NUMBER --reason …"),
)
HOLDS: Final = Sort(
    "order_holds",
    N_("Purchase orders that hold days they should not hold any more, or do not hold those they should"),
    N_("Look at one: avain order show NUMBER. Tell whoever looks after Avain."),
)

#: Rows in: where to go on, and how many. Rows out: one: how many were hashed, the last id, and the names of those that are not what they were.
_HASHED: Final = """
    SELECT count(*) AS counted, max(id) AS last, array_agg(name ORDER BY id) FILTER (WHERE encode(sha256(bytes), 'hex') <> digest) AS names
    FROM ({rows}) AS stored
"""
_HASHING: Final = {
    DOCUMENT: """
        SELECT id, number AS name, document AS bytes, document_sha256 AS digest FROM purchase_order WHERE id > :after ORDER BY id LIMIT :count
    """,
    PAPER: """
        SELECT order_paper.id, number || '/' || kind AS name, content AS bytes, sha256 AS digest
        FROM order_paper JOIN purchase_order ON purchase_order.id = order_id WHERE order_paper.id > :after ORDER BY order_paper.id LIMIT :count
    """,
    UPLOAD: """
        SELECT id, file_name || '/' || id AS name, content AS bytes, sha256 AS digest
        FROM price_upload WHERE content IS NOT NULL AND id > :after ORDER BY id LIMIT :count
    """,
}

#: Rows out: orders without lines, or whose lines add up to something else; their number is counted.
_TOTALS: Final = text(
    """
    WITH summed AS (
        SELECT order_id, sum(net) AS net, sum(vat) AS vat, sum(gross) AS gross, bool_and(gross = net + vat) AS split FROM order_line GROUP BY order_id
    ), wrong AS (
        SELECT number, total_gross, coalesce(gross, 0) AS gross FROM purchase_order LEFT JOIN summed ON summed.order_id = purchase_order.id
        WHERE (total_net, total_vat, total_gross, true) IS DISTINCT FROM (net, vat, summed.gross, split)
    )
    SELECT number, total_gross, gross, count(*) OVER () AS counted FROM wrong ORDER BY number LIMIT :named
    """
)
#: Rows out: orders of which a line lies on days that the order does not cover.
_UNCOVERED: Final = text(
    """
    WITH covered AS (
        SELECT order_id, plan_item_id, range_agg(period) AS days FROM order_coverage GROUP BY order_id, plan_item_id
    ), wrong AS (
        SELECT DISTINCT number FROM order_line
        JOIN purchase_order ON purchase_order.id = order_line.order_id
        LEFT JOIN covered ON covered.order_id = order_line.order_id AND covered.plan_item_id = order_line.plan_item_id
        WHERE NOT coalesce(covered.days @> order_line.period, false)
    )
    SELECT number, count(*) OVER () AS counted FROM wrong ORDER BY number LIMIT :named
    """
)
#: Rows out: pairs of orders that hold the same days.
_TWICE: Final = text(
    """
    WITH placed AS (
        SELECT order_id, period, lag(order_id) OVER item AS before, lag(upper(period)) OVER item AS until
        FROM order_coverage WHERE live WINDOW item AS (PARTITION BY plan_item_id ORDER BY lower(period), id)
    )
    SELECT one.number || '/' || other.number AS number, count(*) OVER () AS counted
    FROM placed JOIN purchase_order AS one ON one.id = placed.before JOIN purchase_order AS other ON other.id = placed.order_id
    WHERE lower(placed.period) < until ORDER BY 1 LIMIT :named
    """
)
#: Rows out: orders whose state and whose hold on their days do not go together.
_HOLDING: Final = text(
    """
    SELECT number, count(*) OVER () AS counted FROM purchase_order
    WHERE state IN ('rejected', 'cancelled') AND EXISTS (SELECT FROM order_coverage WHERE order_id = purchase_order.id AND live)
       OR state IN ('approved', 'sending', 'sent', 'failed') AND NOT EXISTS (SELECT FROM order_coverage WHERE order_id = purchase_order.id AND live)
    ORDER BY number LIMIT :named
    """
)


def orders(scope: Scope) -> Looked:
    """Every sort of fault of orders, and of what else is kept with its sha256."""
    looked = Looked(Message("Purchase orders and their documents"))
    for sort, rows in _HASHING.items():
        wrong: list[str] = []
        for counted, found in _hashed(scope, text(_HASHED.format(rows=rows))):
            wrong += found
            looked.examined += counted
            scope.tell(looked.name, looked.examined)
        looked.found(sort, names(wrong))
    totals = scope.session.execute(_TOTALS, {"named": NAMED}).all()
    if totals:
        things = [
            Thing(
                row.number,
                Message("total {euros}, its lines {of_euros}", euros=str(row.total_gross), of_euros=str(row.gross)),
            )
            for row in totals
        ]
        looked.found(TOTAL, things, totals[0].counted)
    for sort, statement in ((UNCOVERED, _UNCOVERED), (TWICE, _TWICE), (HOLDS, _HOLDING)):
        rows_found = scope.session.execute(statement, {"named": NAMED}).all()
        if rows_found:
            looked.found(sort, names(row.number for row in rows_found), rows_found[0].counted)
    return looked


def _hashed(scope: Scope, statement: TextClause) -> Iterator[tuple[int, list[str]]]:
    """How many documents each chunk had, and the names of those that are not what they were."""
    after = 0
    while True:
        row: Any = scope.session.execute(statement, {"after": after, "count": _CHUNK}).one()
        if row.counted:
            yield row.counted, row.names or []
        if row.counted < _CHUNK:
            return
        after = row.last
