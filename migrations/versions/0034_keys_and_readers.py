"""Which index key is in force is noted, and who only reads finds views without identity.

Revision ID: 0034
Revises: 0033

The views hold figures, days and codes: nobody's name, nothing that anybody wrote, no number by which a case or an order is known outside. Who is
under non-disclosure is in none of them. Columns that they show cannot be dropped or change their type without them: a later migration drops the
view, changes the table and makes the view anew.
"""

from alembic import op

revision = "0034"
down_revision = "0033"

#: As services/family/sessions.HIDDEN, written out: a migration does not change with the code.
_OPEN = """
    NOT (client.non_disclosure
         OR EXISTS (SELECT FROM public.client AS same WHERE same.blind_index = client.blind_index AND same.non_disclosure))
"""

VIEWS = {
    "unit": "SELECT id, code FROM public.unit",
    "service": "SELECT id, code, name_fi, name_sv, name_en, unit, accounting_cost, cpv, free_of_charge FROM public.service",
    "provider": "SELECT id, business_id, country, channel, active FROM public.provider",
    "price": """
        SELECT price.id, provider_id, service_id, unit, base_quantity, time_class, minimum_quantity, extra, valid, amount, vat_category,
               vat_rate, vat_inclusive, recorded_at, superseded_at
        FROM public.price JOIN public.price_key ON price_key.id = price.price_key_id
    """,
    "client_case": f"""
        SELECT client_case.id, unit_id, status, assessment_date, plan_date, support_person, gone_at
        FROM public.client_case JOIN public.client ON client.id = client_case.client_id WHERE {_OPEN}
    """,
    "decision": """
        SELECT decision.id, case_id, stand_date, decided_on, valid, granted_amount, baseline_service_id, baseline_quantity, baseline_unit, ended_at
        FROM public.decision JOIN reporting.client_case ON client_case.id = decision.case_id
    """,
    "plan_item": """
        SELECT plan_item.id, case_id, decision_id, service_id, quantity, unit, period, ended_at
        FROM public.plan_item JOIN reporting.client_case ON client_case.id = plan_item.case_id
    """,
    "choice": """
        SELECT choice.id, plan_item_id, provider_id, chosen_by, chosen_at, choice.ended_at
        FROM public.choice JOIN reporting.plan_item ON plan_item.id = choice.plan_item_id
    """,
    "budget": """
        SELECT budget.id, decision_id, version.ceiling, invoiced, delivered, ordered, planned, free, state, recorded_at
        FROM public.budget JOIN reporting.decision ON decision.id = budget.decision_id
        JOIN public.budget_version AS version ON version.budget_id = budget.id AND version.superseded_at IS NULL
    """,
    "purchase_order": """
        SELECT purchase_order.id, decision_id, provider_id, period, issue_date, state, channel, total_net, total_vat, total_gross, automatic,
               sent_at, answered_at, cancelled_at, closed_at
        FROM public.purchase_order JOIN reporting.decision ON decision.id = purchase_order.decision_id
    """,
    "invoiced": """
        SELECT invoice_line.id, order_line.order_id, invoice.kind, invoice.issue_date, invoice_line.quantity, invoice_line.net, invoice_line.vat,
               invoice_line.gross
        FROM public.invoice_line JOIN public.invoice ON invoice.id = invoice_line.invoice_id
        JOIN public.order_line ON order_line.id = invoice_line.order_line_id
        JOIN reporting.purchase_order ON purchase_order.id = order_line.order_id
    """,
    "follow_up": """
        SELECT follow_up.id, case_id, plan_item_id, kind, planned_for, due, state, escalated_on, settled_at, rating, rated_by
        FROM public.follow_up JOIN reporting.client_case ON client_case.id = follow_up.case_id
    """,
    "run": "SELECT id, kind, attempt, started_at, finished_at, outcome FROM public.run",
}
GRANTS = """
    DO $$ BEGIN
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'avain_reader') THEN
            GRANT USAGE ON SCHEMA reporting TO avain_reader;
            GRANT SELECT ON ALL TABLES IN SCHEMA reporting TO avain_reader;
        END IF;
    END $$
"""


def upgrade() -> None:
    op.execute("INSERT INTO remembered (name, value) VALUES ('index_key', '') ON CONFLICT DO NOTHING")
    op.execute("CREATE SCHEMA reporting")
    for name, rows in VIEWS.items():
        # a barrier: no function of the reader's sees a row before it was found to be open
        op.execute(f"CREATE VIEW reporting.{name} WITH (security_barrier) AS {rows}")
    op.execute(GRANTS)


def downgrade() -> None:
    op.execute("DROP SCHEMA reporting CASCADE")
    op.execute("DELETE FROM remembered WHERE name = 'index_key'")
