"""The statements that find what is over its time, and why some of it stays all the same. Values: `Rules.values`.

A case ends when Avain heard that it was closed, or that its source has it no more; one that comes back has not ended. Its class is that of
its unit, else of its responsible worker's; whoever is of no unit that looks after working-age clients has a family's case: the longer time. Cases of some units
are never over their time (`kept`).
"""

from typing import Final

from sqlalchemy import text

#: Why something stays: a person's hold, an order under way, a document somebody must decide about, a younger voucher, turvakielto that hides
#: another case, a decision that runs.
HELD: Final = "held"
ORDERED: Final = "ordered"
WAITING: Final = "waiting"
VOUCHER: Final = "voucher"
HIDING: Final = "hiding"
RUNNING: Final = "running"

#: States of an order that nothing will come of any more. Also in migration 0035.
_FINAL: Final = "('closed', 'rejected', 'cancelled')"

_ENDED: Final = """
    ended AS (
        SELECT client_case.id, client_id, client_case.number, client_case.source, client_case.external_id, least(closed_at, gone_at) AS ended_at,
               CASE WHEN own.code = ANY(:kept_units) OR of_worker.code = ANY(:kept_units) THEN 'kept'
                    WHEN coalesce(own.code, of_worker.code) = ANY(:working_age_units) THEN 'working_age' ELSE 'family' END AS class
        FROM client_case
        LEFT JOIN unit AS own ON own.id = client_case.unit_id
        LEFT JOIN worker ON worker.id = client_case.responsible_worker_id
        LEFT JOIN unit AS of_worker ON of_worker.id = worker.unit_id
        WHERE closed_at IS NOT NULL OR gone_at IS NOT NULL
    ), aged AS (
        SELECT ended.*, ended_at < CASE class WHEN 'kept' THEN '-infinity' WHEN 'working_age' THEN CAST(:working_age_before AS timestamptz) ELSE :family_before END AS over
        FROM ended
    )
"""
#: A condition over orders, and joins to what was billed and delivered of them.
_UNDER_WAY: Final = f"purchase_order.state NOT IN {_FINAL}"
_DECIDED_ABOUT: Final = "EXISTS (SELECT FROM incoming_document WHERE incoming_document.order_id = purchase_order.id AND incoming_document.state = 'held')"

#: A condition over `aged`: the last cases of a client under non-disclosure, whom another source knows and does not say so. Were that record gone,
#: nothing would hide the person's cases there (services/access/non_disclosure.py). Where all cases go, the others go first.
_HIDING: Final = """EXISTS (
    SELECT FROM client JOIN client AS same ON same.blind_index = client.blind_index AND NOT same.non_disclosure
    JOIN client_case AS hidden ON hidden.client_id = same.id
    WHERE client.id = aged.client_id AND client.non_disclosure
      AND NOT EXISTS (SELECT FROM client_case AS other WHERE other.client_id = client.id AND other.id NOT IN (SELECT id FROM aged WHERE over)))"""

_CASES: Final = f"""
    WITH {_ENDED}, of_case AS (
        SELECT aged.id, bool_or({_UNDER_WAY}) AS ordered, bool_or({_DECIDED_ABOUT}) AS waiting,
               bool_or(EXISTS (
                   SELECT FROM order_line JOIN invoice_line ON invoice_line.order_line_id = order_line.id JOIN invoice ON invoice.id = invoice_id
                   WHERE order_line.order_id = purchase_order.id AND invoice.issue_date >= :vouchers_before
               ) OR EXISTS (
                   SELECT FROM order_line JOIN delivered ON delivered.order_line_id = order_line.id
                   WHERE order_line.order_id = purchase_order.id AND upper(delivered.period) > :vouchers_before
               )) AS voucher
        FROM aged JOIN decision ON decision.case_id = aged.id JOIN purchase_order ON purchase_order.decision_id = decision.id
        WHERE over GROUP BY aged.id
    ), standing AS (
        SELECT aged.*, CASE
            WHEN NOT over THEN NULL
            WHEN EXISTS (SELECT FROM case_hold WHERE case_hold.case_id = aged.id AND case_hold.ended_at IS NULL) THEN 'held'
            WHEN ordered THEN 'ordered' WHEN waiting THEN 'waiting' WHEN voucher THEN 'voucher'
            WHEN {_HIDING} THEN 'hiding' END AS kept
        FROM aged LEFT JOIN of_case ON of_case.id = aged.id
    )
"""  # noqa: S608 - our own words

#: Rows in: the rules, a number. Rows out: so many cases that may go, the oldest ids first.
DUE_CASES: Final = text(
    f"{_CASES} SELECT id, number, source, external_id, class FROM standing WHERE over AND kept IS NULL ORDER BY id LIMIT :limit"  # noqa: S608
)
#: Rows out: of each class and reason, how many cases are over their time; and when the next that is not was closed.
CASES: Final = text(
    f"""
    {_CASES} SELECT class, kept, count(*) FILTER (WHERE over) AS counted, min(ended_at) FILTER (WHERE NOT over) AS next
    FROM standing GROUP BY class, kept ORDER BY class, kept NULLS FIRST
    """  # noqa: S608 - our own words
)

#: A decision's vouchers go together, once the decision is over and its budget moves no more.
_VOUCHERS: Final = f"""
    WITH dated AS (
        SELECT decision_id, max(day) AS newest FROM (
            SELECT decision_id, invoice.issue_date AS day
            FROM invoice JOIN invoice_line ON invoice_id = invoice.id JOIN order_line ON order_line.id = order_line_id
            JOIN purchase_order ON purchase_order.id = order_id
            UNION ALL
            SELECT decision_id, upper(delivered.period) - 1
            FROM delivered JOIN order_line ON order_line.id = order_line_id JOIN purchase_order ON purchase_order.id = order_id
        ) AS voucher GROUP BY decision_id
    ), standing AS (
        SELECT dated.decision_id AS id, newest, newest < :vouchers_before AS over, CASE
            WHEN newest >= :vouchers_before THEN NULL
            WHEN EXISTS (SELECT FROM case_hold WHERE case_hold.case_id = client_case.id AND case_hold.ended_at IS NULL) THEN 'held'
            WHEN EXISTS (SELECT FROM purchase_order WHERE purchase_order.decision_id = decision.id AND {_UNDER_WAY}) THEN 'ordered'
            WHEN EXISTS (SELECT FROM purchase_order WHERE purchase_order.decision_id = decision.id AND {_DECIDED_ABOUT}) THEN 'waiting'
            WHEN decision.ended_at IS NULL AND closed_at IS NULL AND gone_at IS NULL AND NOT coalesce(upper(valid) <= :today, false)
                THEN 'running' END AS kept
        FROM dated JOIN decision ON decision.id = dated.decision_id JOIN client_case ON client_case.id = decision.case_id
    )
"""  # noqa: S608 - our own words

#: Rows in: the rules, a number. Rows out: so many decisions whose vouchers may go.
DUE_VOUCHERS: Final = text(
    f"{_VOUCHERS} SELECT id FROM standing WHERE over AND kept IS NULL ORDER BY id LIMIT :limit"  # noqa: S608
)
#: Rows out: as of `CASES`, without classes; `next` is a day.
VOUCHERS: Final = text(
    f"""
    {_VOUCHERS} SELECT kept, count(*) FILTER (WHERE over) AS counted, min(newest) FILTER (WHERE NOT over) AS next
    FROM standing GROUP BY kept ORDER BY kept NULLS FIRST
    """  # noqa: S608 - our own words
)

#: Files about orders that nothing rests on, and of which something is still kept: what fitted no order, what was refused or let be.
_DOCUMENTS: Final = """
    FROM incoming_document
    WHERE state <> 'held' AND recorded_at < :vouchers_before_moment AND (file_name <> '' OR content <> '{}')
      AND NOT EXISTS (SELECT FROM invoice WHERE incoming_id = incoming_document.id)
      AND NOT EXISTS (SELECT FROM delivered WHERE incoming_id = incoming_document.id)
      AND NOT EXISTS (SELECT FROM order_response WHERE incoming_id = incoming_document.id)
"""
DUE_DOCUMENTS: Final = text(f"SELECT id {_DOCUMENTS} ORDER BY id LIMIT :limit")
DOCUMENTS: Final = text(f"SELECT count(*) {_DOCUMENTS}")

#: Mails that left, or never will.
_MAILS: Final = "FROM digest WHERE local_date < :mails_before AND state NOT IN ('composed', 'sending', 'repeated')"
DUE_MAILS: Final = text(f"SELECT id {_MAILS} ORDER BY id LIMIT :limit")
MAILS: Final = text(f"SELECT count(*) {_MAILS}")
