"""An invented county by the set: 200 providers, 40 services, 20,000 prices, and as many decisions with three planned services each as wanted.

Every provider offers 30 of the services, each at two prices, the second from a day in the plans' midst on, so that about every fifth
planned service is charged at both. Beside these lie prices of evenings and own unit costs. Three in a hundred planned services have
been ordered, one in three hundred still lacks a provider. Of 200,000 budgets every price of a provider touches 100.
"""

from datetime import date, timedelta
from typing import Any, Final

import psycopg

ITEMS_EACH: Final = 3
PRICES: Final = 20_000
_SERVICES: Final = 40
_PROVIDERS: Final = 200
_OFFERED: Final = 30
#: Pairs of a provider and a service it offers: planned services go to them in turn.
PAIRS: Final = _PROVIDERS * _OFFERED

_REFERENCE: Final = """
    INSERT INTO unit_rule (unit, step) VALUES ('C62', 1), ('HUR', 0.25) ON CONFLICT (unit) DO UPDATE SET step = excluded.step;
    INSERT INTO service (code, name_fi, unit, name_sv, name_en)
    SELECT 'S-' || n, 'Palvelu ' || n, CASE WHEN n % 2 = 0 THEN 'C62' ELSE 'HUR' END, '', '' FROM generate_series(1, {services}) AS n;
    INSERT INTO provider (business_id, name, country, language, channel, channel_settings, facts, active)
    SELECT to_char(9000000 + n, 'FM0000000') || '-0', 'Tuottaja ' || n || ' (keksitty)', 'FI', 'fi', 'email', '{{}}', '{{}}', true
    FROM generate_series(1, {providers}) AS n;
    INSERT INTO work (kind, key, queue, arguments) VALUES ('import_prices', 'bench', 'prices', '{{}}');
    INSERT INTO run (work_id, kind, attempt, token, host, counts, outcome, finished_at)
    SELECT id, kind, 1, gen_random_uuid(), 'bench', '{{}}', 'succeeded', clock_timestamp() FROM work;
    INSERT INTO price_source (name, kind, provider_id) SELECT 'hinnasto-' || id, 'provider', id FROM provider;
    INSERT INTO price_source (name, kind) VALUES ('omat', 'own');
    INSERT INTO price_list (source_id, run_id, file_name, sha256, state, counts)
    SELECT price_source.id, run.id, name || '.csv', md5(name) || md5(name), 'applied', '{{}}' FROM price_source, run;
    CREATE TABLE bench_pair AS
    SELECT (p - 1) * {offered} + o AS pair, provider.id AS provider_id, service.id AS service_id, service.unit
    FROM generate_series(1, {providers}) AS p
    CROSS JOIN generate_series(0, {offered} - 1) AS o
    JOIN (SELECT id, row_number() OVER (ORDER BY id) AS n FROM provider) AS provider ON provider.n = p
    JOIN (SELECT id, unit, row_number() OVER (ORDER BY id) AS n FROM service) AS service ON service.n = (p + o) % {services} + 1;
    INSERT INTO price_key (provider_id, service_id, unit, base_quantity, minimum_quantity, time_class, territory, extra)
    SELECT provider_id, service_id, unit, 1, 0, time_class, '', '' FROM bench_pair, unnest('{{weekday,evening}}'::text[]) AS time_class
    UNION ALL
    SELECT NULL, id, unit, 1, 0, 'weekday', '', '' FROM service;
"""

#: Prices of two years: a first and a second for weekdays, one or two for evenings, until there are so many.
_PRICED: Final = """
    INSERT INTO price (price_key_id, valid, amount, vat_category, vat_rate, vat_inclusive, price_list_id, position)
    SELECT price_key.id, days, 40 + price_key.id % 50 + rise, CASE WHEN taxed THEN 'S' ELSE 'E' END, CASE WHEN taxed THEN 0.255 ELSE 0 END,
           provider_id % 3 = 0, price_list.id, 'row ' || price_key.id
    FROM price_key
    JOIN price_source USING (provider_id)
    JOIN price_list ON price_list.source_id = price_source.id
    CROSS JOIN LATERAL (SELECT provider_id % 5 = 0 AS taxed, date '{begins}' + 30 + (provider_id % 20)::int * 30 AS moves) AS of_provider
    CROSS JOIN LATERAL (VALUES (daterange(date '{begins}' - 365, moves), 0), (daterange(moves, date '{begins}' + 1095), 2.5)) AS price (days, rise)
    ORDER BY time_class = 'evening', rise, price_key.id LIMIT {prices} - {services};
    INSERT INTO price (price_key_id, valid, amount, vat_category, vat_rate, vat_inclusive, price_list_id, position)
    SELECT price_key.id, daterange(date '{begins}' - 365, date '{begins}' + 1095), 60 + price_key.id % 30, 'E', 0, false, price_list.id, ''
    FROM price_key, price_source JOIN price_list ON price_list.source_id = price_source.id
    WHERE price_key.provider_id IS NULL AND price_source.kind = 'own';
"""

#: Cases with a decision, every second by an amount, the others by a standard service it replaces; their plans, choices and orders.
_PLANNED: Final = """
    INSERT INTO unit (code, name) VALUES ('Y-1', 'Yksikkö (keksitty)');
    INSERT INTO worker (external_id, name, language, unit_id) SELECT 'W-' || n, 'Työntekijä ' || n || ' (keksitty)', 'fi', unit.id
    FROM unit, generate_series(1, 500) AS n;
    INSERT INTO client (source, external_id) SELECT 'bench', 'A-' || n FROM generate_series(1, {budgets}) AS n;
    INSERT INTO client_case (number, source, external_id, client_id, responsible_worker_id, unit_id, status, goals, record_hash)
    SELECT 'HB-2026-' || to_char(client.id, 'FM000000'), 'bench', client.external_id, client.id, worker.id, worker.unit_id, 'open', '{{}}', ''
    FROM client JOIN (SELECT *, row_number() OVER (ORDER BY id) - 1 AS n FROM worker) AS worker ON worker.n = client.id % 500
    ORDER BY client.id;
    INSERT INTO decision (case_id, external_id, number, decided_on, valid, granted_amount, baseline_service_id, baseline_quantity, baseline_unit)
    SELECT client_case.id, 'P-1', 'P-' || client_case.id, date '{begins}' - 15, daterange('{begins}', date '{begins}' + 730),
           CASE WHEN service.id IS NULL THEN 5500 + client_case.id % 4000 END, service.id, CASE WHEN service.id IS NOT NULL THEN 100 END, service.unit
    FROM client_case LEFT JOIN service ON client_case.id % 2 = 0 AND service.id = client_case.id % {services} + 1
    ORDER BY client_case.id;
    INSERT INTO plan_item (case_id, decision_id, external_id, service_id, quantity, unit, period)
    SELECT case_id, decision.id, 'S-' || n, service_id, 8 + (decision.id + n) % 24, unit,
           daterange(begun, begun + 60 + (decision.id + 7 * n)::int % 180)
    FROM decision
    CROSS JOIN generate_series(1, {items_each}) AS n
    JOIN bench_pair ON pair = (decision.id * {items_each} + n) % {pairs}
    CROSS JOIN LATERAL (SELECT date '{begins}' + (decision.id * 13 + n * 31)::int % 365 AS begun) AS started
    ORDER BY decision.id, n;
    INSERT INTO choice (plan_item_id, provider_id, chosen_by, actor, reason, chosen_at)
    SELECT plan_item.id, provider_id, 'parent', 'bench', '', date '{begins}' - 10
    FROM plan_item JOIN bench_pair ON pair = (decision_id * {items_each} + right(external_id, 1)::int) % {pairs}
    WHERE plan_item.id % 300 <> 299
    ORDER BY plan_item.id;
    INSERT INTO purchase_order (number, decision_id, provider_id, period, issue_date, state, channel, client_reference,
                                total_net, total_vat, total_gross, document, document_sha256, chosen_by, approved_by, approval_reason, approved_at)
    SELECT 'T-' || plan_item.id, decision_id, provider_id, period, '{begins}', 'sent', 'email', 'ref-' || plan_item.id,
           quantity * 50, 0, quantity * 50, '', '', 'parent', 'bench', '', '{begins}'
    FROM plan_item JOIN choice ON choice.plan_item_id = plan_item.id WHERE plan_item.id % 33 = 7;
    INSERT INTO order_line (order_id, line_number, plan_item_id, price_id, extra, period, quantity, unit, amount, base_quantity,
                            vat_category, vat_rate, net, vat, gross)
    SELECT purchase_order.id, 1, plan_item.id, (SELECT min(id) FROM price), '', plan_item.period, quantity, unit, 50, 1, 'E', 0,
           total_net, total_vat, total_gross
    FROM purchase_order JOIN plan_item ON number = 'T-' || plan_item.id;
    INSERT INTO order_coverage (order_id, plan_item_id, period, live) SELECT order_id, plan_item_id, period, true FROM order_line;
    INSERT INTO budget (decision_id, ceiling_basis) SELECT id, '{{}}' FROM decision ORDER BY id;
"""

#: Every price of the providers rises by a twentieth: each in force is superseded, and a copy with the new amount stands in its place.
_RAISE: Final = """
    WITH ended AS (
        UPDATE price SET superseded_at = clock_timestamp() FROM price_key
        WHERE price_key.id = price_key_id AND superseded_at IS NULL AND {which}
        RETURNING price.*
    )
    INSERT INTO price (price_key_id, valid, amount, vat_category, vat_rate, vat_inclusive, price_list_id, position)
    SELECT price_key_id, valid, round(amount * 1.05, 2), vat_category, vat_rate, vat_inclusive, price_list_id, position FROM ended
"""

#: Rows in: a place among the plans, from 0 to 1. Rows out: the weekday price key of the next planned service there, and how many budgets plan that
#: service with that provider.
_A_KEY: Final = """
    SELECT price_key.id, count(DISTINCT decision_id)
    FROM price_key JOIN plan_item USING (service_id) JOIN choice ON plan_item_id = plan_item.id AND choice.provider_id = price_key.provider_id
    WHERE price_key.id = (SELECT price_key.id FROM price_key JOIN choice USING (provider_id) JOIN plan_item
                          ON plan_item.id = plan_item_id AND plan_item.service_id = price_key.service_id
                          WHERE time_class = 'weekday' AND plan_item.id > %s * (SELECT max(id) FROM plan_item) ORDER BY plan_item.id LIMIT 1)
    GROUP BY price_key.id
"""


def fill(connection: "psycopg.Connection[Any]", budgets: int, today: date) -> None:
    """Everything that a recomputation reads, into a database that has only its tables. The connection is the owner's.

    All that is planned lies ahead of `today`, so that time alone neither ends a decision nor closes an order.
    """
    sizes = {
        "services": _SERVICES, "providers": _PROVIDERS, "offered": _OFFERED, "prices": PRICES, "pairs": PAIRS,
        "items_each": ITEMS_EACH, "budgets": budgets, "begins": today + timedelta(days=30),
    }  # fmt: skip
    # the rows are right by construction: asking for each reference would take longer than all that is measured
    connection.execute("SET session_replication_role = replica")
    for statements in (_REFERENCE, _PRICED, _PLANNED):
        connection.execute(statements.format(**sizes).encode())
    connection.execute("DROP TABLE bench_pair")


def raise_all(connection: "psycopg.Connection[Any]") -> None:
    """All prices of providers go up."""
    connection.execute(_RAISE.format(which="provider_id IS NOT NULL").encode())


def raise_one(connection: "psycopg.Connection[Any]", place: float) -> tuple[int, int]:
    """One provider's weekday prices of one service go up; their price key, and how many budgets that touches."""
    key, budgets = connection.execute(_A_KEY, [place]).fetchone() or (0, 0)
    connection.execute(_RAISE.format(which=f"price_key_id = {key:d}").encode())
    return int(key), int(budgets)
