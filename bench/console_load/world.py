"""What lies beside cases, prices and budgets after a busy year: runs, rejected records, the audit trail, follow-ups, notices.

Laid over bench/budget_load/world.py by the set: 200 price lists that were replaced, 10,000 runs, 20,000 rejected records, 1,000,000 audit
events, a follow-up of every planned service. 500 workers in units of ten, each with a supervisor; fifty are away and somebody stands in. Each
service may be replaced by another, which 150 providers sell: a comparison has some 300 offers.
"""

import os
from datetime import date
from pathlib import Path
from typing import Any, Final

import psycopg

RUNS: Final = 10_000
REJECTED: Final = 20_000
EVENTS: Final = 1_000_000
_UNITS: Final = 50

_PEOPLE: Final = """
    INSERT INTO unit (code, name) SELECT 'Y-' || n, 'Yksikkö ' || n || ' (keksitty)' FROM generate_series(2, {units}) AS n;
    UPDATE worker SET unit_id = unit.id, email = lower(external_id) || '@esimerkki.invalid' FROM unit
    WHERE unit.code = 'Y-' || (worker.id % {units} + 1);
    INSERT INTO worker (external_id, name, language, unit_id)
    SELECT 'E-' || unit.id, 'Esihenkilö ' || unit.id || ' (keksitty)', 'fi', unit.id FROM unit;
    UPDATE unit SET supervisor_id = worker.id FROM worker WHERE worker.external_id = 'E-' || unit.id;
    UPDATE client_case SET unit_id = worker.unit_id FROM worker WHERE worker.id = responsible_worker_id;
    INSERT INTO absence (worker_id, deputy_id, period, actor)
    SELECT worker.id, (SELECT min(id) FROM worker AS deputy WHERE deputy.id > worker.id), daterange('{today}'::date - 3, '{today}'::date + 11), 'bench'
    FROM worker WHERE external_id LIKE 'W-%' AND worker.id % 10 = 0;
    INSERT INTO contract (provider_id, number, valid, price_rule)
    SELECT id, 'SOP-' || id, daterange('{today}'::date - 365, '{today}'::date + 730), '{{"kind": "free"}}' FROM provider;
    INSERT INTO provider_service (provider_id, service_id, vat_category, vat_rate, vat_basis)
    SELECT DISTINCT provider_id, service_id, 'E', 0, 'keksitty' FROM price_key WHERE provider_id IS NOT NULL;
    INSERT INTO service_alternative (baseline_id, alternative_id)
    SELECT id, coalesce(lead(id) OVER (ORDER BY id), min(id) OVER ()) FROM service;
    INSERT INTO price_column_name (provider_id, title, meaning) SELECT id, 'hinta eur', 'price' FROM provider;
"""

#: A year of nights: most succeeded, some on retry, some came to nothing; sixty were given up, for six reasons; one is under way.
_WORKED: Final = """
    INSERT INTO work (kind, key, queue, arguments, attempts, created_at, next_at, done_at, dead_at, last_error, dead_reason, noticed)
    SELECT kind, kind || ':bench:' || n, 'default', jsonb_build_object('source', 'vienti-' || n % 12, 'request', n::text), 1, at, at,
           CASE WHEN NOT dead THEN at + interval '20 s' END, CASE WHEN dead THEN at + interval '20 s' END,
           CASE WHEN dead THEN jsonb_build_object('msgid', 'The mail server {{host}}:{{port}} could not be used: {{error}}', 'params', jsonb_build_object('host', 'palvelin-' || n % 6, 'port', 25, 'error', 'timed out')) END,
           CASE WHEN dead THEN 'The mail server {{host}}:{{port}} could not be used: {{error}}' ELSE '' END, CASE WHEN dead THEN at + interval '20 s' END
    FROM generate_series(1, {runs}) AS n
    CROSS JOIN LATERAL (SELECT ('{{fetch_cases,sync_cases,fetch_prices,import_prices,recompute_budgets,deliver_order}}'::text[])[n % 6 + 1] AS kind,
                               clock_timestamp() - ({runs} - n) * interval '50 min' AS at, n % 166 = 7 AS dead) AS chosen;
    INSERT INTO run (work_id, kind, attempt, token, host, started_at, finished_at, outcome, counts, message)
    SELECT id, kind, 1, gen_random_uuid(), 'bench', next_at, next_at + interval '17 s',
           CASE WHEN dead_at IS NOT NULL THEN 'failed' WHEN id % 23 = 0 THEN 'partly' WHEN id % 31 = 0 THEN 'nothing_to_do' ELSE 'succeeded' END,
           CASE kind WHEN 'sync_cases' THEN jsonb_build_object('read', 2000, 'added', 3, 'changed', 41, 'unchanged', 1956, 'gone', 0, 'rejected', 2, 'conflicts', 0)
                     WHEN 'import_prices' THEN jsonb_build_object('read', 100, 'added', 4, 'changed', 8, 'ended', 1, 'missing', 0, 'rejected', 2, 'unchanged', 86)
                     WHEN 'recompute_budgets' THEN jsonb_build_object('recomputed', 100, 'changed', 12, 'over', 1, 'unpriced', 2) ELSE '{{}}' END,
           last_error
    FROM work WHERE key LIKE '%:bench:%';
    INSERT INTO rejected_record (run_id, source, file_name, file_sha256, position, field, external_id, reason, taken, recorded_at, settled_at)
    SELECT run.id, 'vienti-' || n % 12, 'vienti-' || n % 40 || '.xml', md5(n::text) || md5('x' || n), n::text, 'alku', 'A-' || n,
           jsonb_build_object('msgid', 'The service {{code}} is not known to Avain.', 'params', jsonb_build_object('code', 'PUUTTUVA-' || n % 40)),
           n % 50 = 0, clock_timestamp() - n * interval '20 min', CASE WHEN n % 4 = 0 THEN clock_timestamp() END
    FROM generate_series(1, {rejected}) AS n
    JOIN (SELECT id, row_number() OVER (ORDER BY id DESC) AS place FROM run WHERE kind = 'sync_cases') AS run ON run.place = n % 1500 + 1;
    INSERT INTO price_source (name, kind, provider_id) SELECT 'posti/' || business_id, 'provider', id FROM provider WHERE id % 10 = 0;
    INSERT INTO work (kind, key, queue, arguments) SELECT 'fetch_cases', 'called:' || n, 'fetch', '{{"source": "vienti-1"}}' FROM generate_series(1, 20) AS n;
    INSERT INTO price_mail (source, sha256, file_name, sender, sent_at, state, attachments, recorded_at)
    SELECT 'posti', md5(n::text) || md5('m' || n), n || '.eml', 'joku-' || n || '@esimerkki.invalid', clock_timestamp(),
           CASE WHEN n % 20 = 0 THEN 'waiting' ELSE 'taken' END, '[]', clock_timestamp() - n * interval '1 day'
    FROM generate_series(1, 1000) AS n;
    INSERT INTO price_list (source_id, run_id, file_name, sha256, state, counts, recorded_at)
    SELECT price_source.id, (SELECT max(id) FROM run WHERE kind = 'import_prices'), 'hinnasto-' || n || '.csv', md5(name || n) || md5(name),
           (ARRAY['applied', 'discarded', 'refused', 'applied'])[n % 4 + 1], '{{"read": 100, "added": 4}}', clock_timestamp() - n * interval '30 day'
    FROM price_source CROSS JOIN generate_series(1, 4) AS n;
    UPDATE price_list SET applied_order = id WHERE state = 'applied';
"""

_LOOKED_AFTER: Final = """
    INSERT INTO follow_up (case_id, plan_item_id, kind, planned_for, due, state, rating, rated_by, settled_at, settled_by, findings)
    SELECT plan_item.case_id, plan_item.id, (ARRAY['start', 'interval', 'before_end', 'final'])[plan_item.id % 4 + 1], day, day,
           CASE WHEN plan_item.id % 3 = 0 THEN 'acknowledged' ELSE 'open' END, CASE WHEN plan_item.id % 3 = 0 THEN plan_item.id % 5 + 1 END,
           CASE WHEN plan_item.id % 3 = 0 THEN 'child' END,
           CASE WHEN plan_item.id % 3 = 0 THEN clock_timestamp() END, CASE WHEN plan_item.id % 3 = 0 THEN 'worker:W-1' END, '{{}}'
    FROM plan_item CROSS JOIN LATERAL (SELECT '{today}'::date - 20 + (plan_item.id % 400)::int AS day) AS due;
    INSERT INTO notice (worker_id, kind, subject, event, message)
    SELECT responsible_worker_id, 'budget_over', 'case:' || number, 'bench-' || id, '{{}}' FROM client_case WHERE id % 40 = 3;
    INSERT INTO audit_event (recorded_at, business_at, actor, action, subject, reason, details)
    SELECT at, at, 'worker:W-' || n % 500 + 1, (ARRAY['case.viewed', 'cases.listed', 'choice.made', 'case.viewed', 'order.approved', 'compare.shown'])[n % 6 + 1],
           'case:HB-2026-' || to_char((n::bigint * 7919) % {budgets} + 1, 'FM000000'), '',
           CASE WHEN n % 6 = 1 THEN jsonb_build_object('cases', (
               SELECT jsonb_agg('HB-2026-' || to_char((n::bigint * 7919 + shown) % {budgets} + 1, 'FM000000')) FROM generate_series(1, 20) AS shown))
           ELSE '{{}}' END
    FROM generate_series(1, {events}) AS n CROSS JOIN LATERAL (SELECT clock_timestamp() - ({events} - n) * interval '31 s' AS at) AS happened;
"""

#: Every tenth order has an invoice that waits, every tenth one that was discarded. None is booked: the budgets are calculated already.
_BILLED: Final = """
    INSERT INTO incoming_document (source, file_name, sha256, kind, number, sender, provider_id, order_id, state, reason, note, content)
    SELECT 'laskut', purchase_order.id || '.xml', md5(purchase_order.id::text) || md5('l' || purchase_order.id), 'invoice', 'L-' || purchase_order.id,
           business_id, provider_id, purchase_order.id, CASE WHEN purchase_order.id % 10 = 0 THEN 'held' ELSE 'discarded' END, held.reason, '',
           jsonb_build_object('fingerprint', '', 'orders', jsonb_build_array(purchase_order.id),
               'holds', jsonb_build_array(jsonb_build_object('code', 'lines', 'reason', held.reason)),
               'invoice', jsonb_build_object('form', 'finvoice', 'kind', 'invoice', 'number', 'L-' || purchase_order.id, 'issue_date', '{today}', 'currency', 'EUR',
                   'net', '50.00', 'vat', '0.00', 'gross', '50.00', 'prepaid', '0', 'seller', business_id, 'buyer', NULL, 'order', purchase_order.number,
                   'client_reference', NULL, 'contract', NULL, 'period', NULL, 'credits', NULL, 'objection', NULL,
                   'lines', jsonb_build_array(jsonb_build_object('number', 1, 'net', '50.00', 'vat', '0.00', 'gross', '50.00', 'vat_rate', '0',
                       'quantity', '1', 'unit', 'C62', 'order', NULL, 'order_line', NULL, 'period', NULL))))
    FROM purchase_order JOIN provider ON provider.id = provider_id
    CROSS JOIN (SELECT jsonb_build_object('msgid', 'Of line {{line}} it cannot be told which line of the order it bills.', 'params', jsonb_build_object('line', 1)) AS reason) AS held
    WHERE purchase_order.id % 5 = 0;
    ANALYZE incoming_document;
"""


#: What has become of the orders that are in the plans: half accepted, some of them without contact details handed over; some not delivered, not
#: answered, rejected, with changes proposed, no longer as planned; each with an attempt at delivering it. Documents about them, some waiting.
_ORDERED: Final = """
    UPDATE provider SET email = 'tilaukset-' || id || '@esimerkki.invalid';
    UPDATE purchase_order SET
        state = (ARRAY['accepted', 'accepted', 'accepted', 'closed', 'sent', 'accepted', 'received', 'accepted', 'changed', 'failed'])[id % 10 + 1],
        contract_id = (SELECT min(contract.id) FROM contract WHERE contract.provider_id = purchase_order.provider_id),
        approved_at = clock_timestamp() - id % 300 * interval '1 day', sent_at = clock_timestamp() - id % 300 * interval '1 day',
        answered_at = CASE WHEN id % 10 NOT IN (4, 6, 9) THEN clock_timestamp() - id % 299 * interval '1 day' END,
        handed_over_at = CASE WHEN id % 10 NOT IN (4, 6, 8, 9) AND id % 7 > 0 THEN clock_timestamp() END;
    UPDATE purchase_order SET state = 'rejected', handed_over_at = NULL WHERE id % 50 = 5;
    UPDATE order_coverage SET live = false FROM purchase_order WHERE purchase_order.id = order_id AND state = 'rejected';
    INSERT INTO incoming_document (source, file_name, sha256, kind, number, order_id, provider_id, state, content, note, reason)
    SELECT 'vastaukset', number || '.xml', md5(number) || md5('d' || number), (ARRAY['response', 'delivered'])[id % 2 + 1], number, id,
           provider_id, CASE WHEN id % 40 = 1 THEN 'held' ELSE 'applied' END, '{{}}', '',
           CASE WHEN id % 40 = 1 THEN jsonb_build_object('msgid', 'It is over.', 'params', '{{}}'::jsonb) END
    FROM purchase_order;
    INSERT INTO order_response (order_id, code, external_id, state, note, answered_at)
    SELECT id, CASE state WHEN 'changed' THEN 'CA' WHEN 'rejected' THEN 'RE' ELSE 'AP' END, 'V-' || id,
           CASE WHEN state = 'changed' THEN 'held' ELSE 'applied' END, '', answered_at
    FROM purchase_order WHERE answered_at IS NOT NULL;
    INSERT INTO order_proposal (order_id, plan_item_id, kind, details, found_at, note)
    SELECT order_id, plan_item_id, 'changed', '{{}}', clock_timestamp(), '' FROM order_line WHERE order_id % 60 = 11;
    INSERT INTO work (kind, key, queue, arguments, subject_id, attempts, done_at)
    SELECT 'deliver_order', 'deliver_order:' || number, 'orders', '{{}}', id, 1, clock_timestamp() FROM purchase_order;
    INSERT INTO run (work_id, kind, attempt, token, host, started_at, finished_at, outcome, counts, reply)
    SELECT work.id, 'deliver_order', 1, gen_random_uuid(), 'bench', clock_timestamp(), clock_timestamp(), 'succeeded', '{{}}', '250 OK'
    FROM work WHERE kind = 'deliver_order' AND key LIKE 'deliver_order:T-%';
"""


def dearer_lists(connection: "psycopg.Connection[Any]", folder: Path, count: int) -> list[str]:
    """Lists of so many providers, each with its thirty prices a fifth dearer from a day in the plans' midst on and a row that cannot be read;
    written to `folder`. Business ids of those providers.
    """
    rows = connection.execute(
        "SELECT business_id, service.code, service.unit, max(amount) * 1.2, max(lower(valid)) + 60 FROM price"
        " JOIN price_key ON price_key.id = price_key_id JOIN provider ON provider.id = provider_id JOIN service ON service.id = service_id"
        " WHERE provider_id <= (SELECT min(id) FROM provider) + %s - 1 AND time_class = 'weekday' AND superseded_at IS NULL"
        " GROUP BY business_id, service.code, service.unit ORDER BY business_id, service.code",
        [count],
    ).fetchall()
    texts: dict[str, list[str]] = {}
    for business_id, code, unit, amount, first in rows:
        lines = texts.setdefault(
            business_id, ["Palvelukoodi;Yksikkö;Hinta;Voimassa alkaen", "OLEMATON;h;1,00;1.1.2027"]
        )
        lines.append(
            f"{code};{'käynti' if unit == 'C62' else 'h'};{amount:.2f};{first:%d.%m.%Y}".replace(".00;", ",00;")
        )
    folder.mkdir(parents=True, exist_ok=True)
    for business_id, lines in texts.items():
        (folder / f"{business_id}.csv").write_text("\n".join(lines) + "\n", "utf-8")
        os.utime(folder / f"{business_id}.csv", (1_700_000_000, 1_700_000_000))
    return list(texts)


def fill(connection: "psycopg.Connection[Any]", budgets: int, today: date) -> None:
    """Everything beside the budgets, into a county of so many. The connection is the owner's."""
    sizes = {
        "units": _UNITS,
        "today": today,
        "budgets": budgets,
        "runs": RUNS,
        "rejected": REJECTED,
        "events": EVENTS if budgets >= 100_000 else 10 * budgets,
    }
    connection.execute("SET session_replication_role = replica")
    for statements in (_PEOPLE, _WORKED, _LOOKED_AFTER, _ORDERED, _BILLED):
        connection.execute(statements.format(**sizes).encode())
