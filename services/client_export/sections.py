"""What a copy holds: a section for each subject, with the statement that reads it and what each column is called.

Not among them: secrets that open something (links, codes, tokens, letters to providers with their links), other clients' cases (the daily
e-mails name several), and prices and providers as such, which are nobody's personal data.
"""

from typing import Final

from core.i18n import N_
from services.budgets.words import state_name as budget_state
from services.client_export.columns import Column, Section, findings_in_words, message_in_words, ticks_in_words
from services.family.link_words import holder_name
from services.follow_ups.words import act_label, kind_label, state_label
from services.labels import SERVICE_NAME, chooser_name, status_name
from services.orders.show import state_name as order_state
from services.orders.words import answer_name, invoice_name

_CASE = Column("case", N_("Case"))
_ORDER = Column("order", N_("Order"))
_SERVICE = Column("service", N_("Service"))
_PROVIDER = Column("provider", N_("Provider"), place=True)
_DAYS = (Column("first", N_("First day")), Column("last", N_("Last day")))
_QUANTITY = (Column("quantity", N_("Quantity")), Column("unit", N_("Unit")))
_VOICE = Column("voice", N_("Who"), say=chooser_name)

#: Joins that lead from an order to its case.
_OF_ORDER = """
    JOIN decision ON decision.id = purchase_order.decision_id JOIN client_case ON client_case.id = decision.case_id
"""

SECTIONS: Final = (
    Section(
        "cases",
        N_("Cases"),
        """
        SELECT client_case.number AS case, client_case.source, client_case.external_id, status, worker.name AS worker, co.name AS co_worker,
               unit.name AS unit, assessment_date, plan_date, kykyviisari_date, support_person, goals, client.non_disclosure, closed_at, gone_at,
               (SELECT held_at FROM case_hold WHERE case_hold.case_id = client_case.id AND case_hold.ended_at IS NULL) AS held_at
        FROM client_case JOIN client ON client.id = client_id
        LEFT JOIN worker ON worker.id = responsible_worker_id LEFT JOIN worker AS co ON co.id = co_worker_id
        LEFT JOIN unit ON unit.id = coalesce(client_case.unit_id, worker.unit_id)
        WHERE client_case.id = ANY(:cases) ORDER BY client_case.id
        """,
        (
            _CASE,
            Column("source", N_("Client information system")),
            Column("external_id", N_("Its number at the source")),
            Column("status", N_("Status"), say=status_name),
            Column("worker", N_("Responsible worker"), place=True),
            Column("co_worker", N_("Co-worker"), place=True),
            Column("unit", N_("Unit"), place=True),
            Column("assessment_date", N_("Assessment")),
            Column("plan_date", N_("Client plan")),
            Column("kykyviisari_date", N_("Kykyviisari")),
            Column("support_person", N_("Support person")),
            Column("goals", N_("Goals")),
            Column("non_disclosure", N_("Non-disclosure")),
            Column("closed_at", N_("Closed")),
            Column("gone_at", N_("Gone at the source")),
            Column("held_at", N_("Kept until further notice since")),
        ),
    ),
    Section(
        "decisions",
        N_("Decisions"),
        f"""
        SELECT client_case.number AS case, coalesce(decision.number, decision.external_id) AS decision, stand_date, decided_on,
               lower(valid) AS first, upper(valid) - 1 AS last, granted_amount, {SERVICE_NAME} AS baseline, baseline_quantity, baseline_unit, ended_at
        FROM decision JOIN client_case ON client_case.id = case_id LEFT JOIN service ON service.id = baseline_service_id
        WHERE case_id = ANY(:cases) ORDER BY decision.id
        """,  # noqa: S608 - our own words
        (
            _CASE,
            Column("decision", N_("Decision")),
            Column("stand_date", N_("Steering group's stand")),
            Column("decided_on", N_("Decided")),
            *_DAYS,
            Column("granted_amount", N_("Granted")),
            Column("baseline", N_("Instead of")),
            Column("baseline_quantity", N_("Quantity")),
            Column("baseline_unit", N_("Unit")),
            Column("ended_at", N_("Ended")),
        ),
    ),
    Section(
        "planned_services",
        N_("Planned services"),
        f"""
        SELECT client_case.number AS case, plan_item.external_id AS item, {SERVICE_NAME} AS service, quantity, plan_item.unit,
               lower(period) AS first, upper(period) - 1 AS last, plan_item.ended_at
        FROM plan_item JOIN client_case ON client_case.id = case_id JOIN service ON service.id = service_id
        WHERE case_id = ANY(:cases) ORDER BY plan_item.id
        """,  # noqa: S608 - our own words
        (
            _CASE,
            Column("item", N_("Its number in the plan")),
            _SERVICE,
            *_QUANTITY,
            *_DAYS,
            Column("ended_at", N_("Ended")),
        ),
    ),
    Section(
        "choices",
        N_("Choices of providers"),
        f"""
        SELECT client_case.number AS case, {SERVICE_NAME} AS service, provider.name AS provider, chosen_by, chosen_at, actor AS recorded_by, reason,
               choice.ended_at
        FROM choice JOIN plan_item ON plan_item.id = plan_item_id JOIN client_case ON client_case.id = case_id
        JOIN service ON service.id = service_id JOIN provider ON provider.id = provider_id
        WHERE case_id = ANY(:cases) ORDER BY choice.id
        """,  # noqa: S608 - our own words
        (
            _CASE,
            _SERVICE,
            _PROVIDER,
            Column("chosen_by", N_("Chosen by"), say=chooser_name),
            Column("chosen_at", N_("When")),
            Column("recorded_by", N_("Written down by"), actor=True),
            Column("reason", N_("Why"), place=True),
            Column("ended_at", N_("Ended")),
        ),
    ),
    Section(
        "budgets",
        N_("Budgets, in euros"),
        """
        SELECT client_case.number AS case, coalesce(decision.number, decision.external_id) AS decision, recorded_at, superseded_at,
               budget_version.ceiling, invoiced, delivered, ordered, planned, free, state
        FROM budget_version JOIN budget ON budget.id = budget_id JOIN decision ON decision.id = decision_id
        JOIN client_case ON client_case.id = case_id
        WHERE case_id = ANY(:cases) ORDER BY budget_version.id
        """,
        (
            _CASE,
            Column("decision", N_("Decision")),
            Column("recorded_at", N_("In force from")),
            Column("superseded_at", N_("In force until")),
            Column("ceiling", N_("Ceiling")),
            Column("invoiced", N_("Invoiced")),
            Column("delivered", N_("Delivered")),
            Column("ordered", N_("Ordered")),
            Column("planned", N_("Planned")),
            Column("free", N_("Free")),
            Column("state", N_("State"), say=budget_state),
        ),
    ),
    Section(
        "orders",
        N_("Orders to providers: what was given to them, and when"),
        f"""
        SELECT client_case.number AS case, purchase_order.number AS order, provider.name AS provider, lower(period) AS first,
               upper(period) - 1 AS last, state, total_gross, approved_at, approved_by, approval_reason, sent_at, handed_over_at, handed_over_by,
               starts_on, cancelled_at
        FROM purchase_order {_OF_ORDER} JOIN provider ON provider.id = purchase_order.provider_id
        WHERE case_id = ANY(:cases) ORDER BY purchase_order.id
        """,  # noqa: S608 - our own words
        (
            _CASE,
            _ORDER,
            _PROVIDER,
            *_DAYS,
            Column("state", N_("State"), say=order_state),
            Column("total_gross", N_("Euros")),
            Column("approved_at", N_("Approved")),
            Column("approved_by", N_("By"), actor=True),
            Column("approval_reason", N_("Why"), place=True),
            Column("sent_at", N_("Sent")),
            Column("handed_over_at", N_("Contact details handed over")),
            Column("handed_over_by", N_("By"), actor=True),
            Column("starts_on", N_("Starts on")),
            Column("cancelled_at", N_("Cancelled")),
        ),
    ),
    Section(
        "order_lines",
        N_("What was ordered"),
        f"""
        SELECT purchase_order.number AS order, line_number, {SERVICE_NAME} AS service, extra, order_line.quantity, order_line.unit,
               lower(order_line.period) AS first, upper(order_line.period) - 1 AS last, amount, gross
        FROM order_line JOIN purchase_order ON purchase_order.id = order_id {_OF_ORDER}
        JOIN plan_item ON plan_item.id = plan_item_id JOIN service ON service.id = plan_item.service_id
        WHERE decision.case_id = ANY(:cases) ORDER BY order_line.id
        """,  # noqa: S608 - our own words
        (
            _ORDER,
            Column("line_number", N_("Line")),
            _SERVICE,
            Column("extra", N_("Beside it")),
            *_QUANTITY,
            *_DAYS,
            Column("amount", N_("Unit price")),
            Column("gross", N_("Euros")),
        ),
    ),
    Section(
        "answers",
        N_("Providers' answers"),
        f"""
        SELECT purchase_order.number AS order, code, order_response.answered_at, order_response.starts_on, note
        FROM order_response JOIN purchase_order ON purchase_order.id = order_id {_OF_ORDER}
        WHERE case_id = ANY(:cases) ORDER BY order_response.id
        """,  # noqa: S608 - our own words
        (
            _ORDER,
            Column("code", N_("Answer"), say=answer_name),
            Column("answered_at", N_("When")),
            Column("starts_on", N_("Starts on")),
            Column("note", N_("In the provider's words"), place=True),
        ),
    ),
    Section(
        "invoices",
        N_("Invoices"),
        f"""
        SELECT purchase_order.number AS order, invoice.number AS invoice, kind, invoice.issue_date, quantity, net, vat, gross
        FROM invoice_line JOIN invoice ON invoice.id = invoice_id JOIN (SELECT id, order_id FROM order_line) AS line ON line.id = order_line_id
        JOIN purchase_order ON purchase_order.id = line.order_id {_OF_ORDER}
        WHERE case_id = ANY(:cases) ORDER BY invoice_line.id
        """,  # noqa: S608 - our own words
        (
            _ORDER,
            Column("invoice", N_("Invoice")),
            Column("kind", N_("Kind"), say=invoice_name),
            Column("issue_date", N_("Dated")),
            Column("quantity", N_("Quantity")),
            Column("net", N_("Net")),
            Column("vat", N_("VAT")),
            Column("gross", N_("Euros")),
        ),
    ),
    Section(
        "deliveries",
        N_("What providers say they delivered"),
        f"""
        SELECT purchase_order.number AS order, lower(delivered.period) AS first, upper(delivered.period) - 1 AS last, delivered.quantity, recorded_at,
               superseded_at
        FROM delivered JOIN (SELECT id, order_id FROM order_line) AS line ON line.id = order_line_id
        JOIN purchase_order ON purchase_order.id = line.order_id {_OF_ORDER}
        WHERE case_id = ANY(:cases) ORDER BY delivered.id
        """,  # noqa: S608 - our own words
        (
            _ORDER,
            *_DAYS,
            Column("quantity", N_("Quantity")),
            Column("recorded_at", N_("Told on")),
            Column("superseded_at", N_("Corrected")),
        ),
    ),
    Section(
        "follow_ups",
        N_("Follow-ups"),
        """
        SELECT client_case.number AS case, kind, due, state, settled_at, settled_by, rating, rated_by, findings, NULL AS note, written_down_at,
               follow_up.id, sealed_note
        FROM follow_up JOIN client_case ON client_case.id = case_id WHERE case_id = ANY(:cases) ORDER BY follow_up.id
        """,
        (
            _CASE,
            Column("kind", N_("What"), say=kind_label),
            Column("due", N_("Due")),
            Column("state", N_("State"), say=state_label),
            Column("settled_at", N_("Done on")),
            Column("settled_by", N_("By"), actor=True),
            Column("rating", N_("Rating, 1 to 5")),
            Column("rated_by", N_("Rated by"), say=chooser_name),
            Column("findings", N_("What was found"), say=findings_in_words),
            Column("note", N_("In the worker's words"), place=True),
            Column("written_down_at", N_("Written down in the client information system")),
        ),
    ),
    Section(
        "follow_up_acts",
        N_("What was done about follow-ups"),
        """
        SELECT client_case.number AS case, kind, act, at, actor, reason
        FROM follow_up_event JOIN follow_up ON follow_up.id = follow_up_id JOIN client_case ON client_case.id = case_id
        WHERE case_id = ANY(:cases) ORDER BY follow_up_event.id
        """,
        (
            _CASE,
            Column("kind", N_("What"), say=kind_label),
            Column("act", N_("What was done"), say=act_label),
            Column("at", N_("When")),
            Column("actor", N_("By"), actor=True),
            Column("reason", N_("Why"), place=True),
        ),
    ),
    Section(
        "links",
        N_("Links to My budget"),
        """
        SELECT client_case.number AS case, holder, made_at, made_by, expires_at, used_at, family_link.ended_at
        FROM family_link JOIN client_case ON client_case.id = case_id WHERE case_id = ANY(:cases) ORDER BY family_link.id
        """,
        (
            _CASE,
            Column("holder", N_("Link for"), say=holder_name),
            Column("made_at", N_("Made")),
            Column("made_by", N_("By"), actor=True),
            Column("expires_at", N_("Valid until")),
            Column("used_at", N_("Used")),
            Column("ended_at", N_("Ended")),
        ),
    ),
    Section(
        "proposals",
        N_("Proposals of the family"),
        f"""
        SELECT client_case.number AS case, voice, {SERVICE_NAME} AS service, provider.name AS provider, total, proposed_at, state, decided_at, decided_by,
               decided_why
        FROM family_proposal JOIN client_case ON client_case.id = case_id JOIN plan_item ON plan_item.id = plan_item_id
        JOIN service ON service.id = service_id JOIN provider ON provider.id = provider_id
        WHERE family_proposal.case_id = ANY(:cases) ORDER BY family_proposal.id
        """,  # noqa: S608 - our own words
        (
            _CASE,
            _VOICE,
            Column("service", N_("Service"), own=True),
            Column("provider", N_("Provider"), place=True, own=True),
            Column("total", N_("Euros"), own=True),
            Column("proposed_at", N_("When")),
            Column("state", N_("State")),
            Column("decided_at", N_("Answered")),
            Column("decided_by", N_("By"), actor=True),
            Column("decided_why", N_("Why"), place=True, own=True),
        ),
    ),
    Section(
        "ratings",
        N_("Ratings by the family"),
        f"""
        SELECT client_case.number AS case, voice, {SERVICE_NAME} AS service, rating, rated_at
        FROM family_rating JOIN client_case ON client_case.id = case_id JOIN plan_item ON plan_item.id = plan_item_id
        JOIN service ON service.id = service_id WHERE family_rating.case_id = ANY(:cases) ORDER BY family_rating.id
        """,  # noqa: S608 - our own words
        (_CASE, _VOICE, _SERVICE, Column("rating", N_("Rating, 1 to 5"), own=True), Column("rated_at", N_("When"))),
    ),
    Section(
        "wishes",
        N_("Wishes of the family"),
        """
        SELECT client_case.number AS case, voice, ticks, NULL AS words, written_at, seen_at, noted_at, family_wish.case_id, place, sealed_words
        FROM family_wish JOIN client_case ON client_case.id = case_id WHERE case_id = ANY(:cases) ORDER BY family_wish.id
        """,
        (
            _CASE,
            _VOICE,
            Column("ticks", N_("Ticked"), say=ticks_in_words, own=True),
            Column("words", N_("In their own words"), own=True),
            Column("written_at", N_("When")),
            Column("seen_at", N_("Read")),
            Column("noted_at", N_("Written down in the client information system")),
        ),
    ),
    Section(
        "told",
        N_("What Avain told workers"),
        """
        SELECT subject AS about, notice.recorded_at, message, told_at FROM notice
        WHERE split_part(subject, ':', 1) IN ('case', 'item')
              AND split_part(split_part(subject, ':', 2), '/', 1) IN (SELECT number FROM client_case WHERE id = ANY(:cases))
           OR subject IN (SELECT 'order:' || purchase_order.number FROM purchase_order JOIN decision ON decision.id = decision_id
                          WHERE case_id = ANY(:cases))
        ORDER BY notice.id
        """,
        (
            Column("about", N_("About")),
            Column("recorded_at", N_("When")),
            Column("message", N_("What"), say=message_in_words, place=True),
            Column("told_at", N_("By e-mail")),
        ),
    ),
)
