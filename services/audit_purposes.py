"""For what purpose each kind of act handles data: what a client is told who asks why (asiakastietolaki 703/2023, 11 §).

An act without a purpose fails a test (tests/unit/test_audit_purposes.py): whoever adds one to services/audit_actions.py adds it here.
"""

from typing import Final

from core.i18n import N_, _

CARE: Final = N_("To look after the client's matter: assessment, plan, decision and support.")
BUDGET: Final = N_("To follow how the personal budget is used and what is left of it.")
STATEMENT: Final = N_("To tell the family how its budget stands.")
COMPARING: Final = N_("To compare what services and providers cost before one is chosen.")
CHOOSING: Final = N_("To choose who provides a service.")
IDENTITY: Final = N_("To make sure who the client is.")
ORDERING: Final = N_("To order the services that were granted, and to follow the orders.")
HAND_OVER: Final = N_("To give the family's contact details to the provider, so that the service can begin.")
ANSWERS: Final = N_("To take into account what the provider says about an order.")
BILLING: Final = N_("To check that the provider bills what was ordered.")
FOLLOWING: Final = N_("To follow up whether the service helps and suits the family.")
WORK_LIST: Final = N_("To see which cases wait for something and what is to be done next.")
LEADING: Final = N_("To lead the unit's work and to answer for its money.")
REMINDING: Final = N_("To remind workers of what is due.")
OVERSEEING: Final = N_("To oversee that clients' data are handled as the law requires.")
ANSWERING: Final = N_("To answer a client who asks who has handled the client's data.")
ANSWERING_ACCESS: Final = N_("To give a client a copy of the client's data.")
KEEPING: Final = N_("To keep data as long as the law requires, and no longer.")
PRICES: Final = N_("To keep the prices of services right. No client's data are needed for it.")
REGISTERS: Final = N_("To keep the lists of providers, services and workers right. No client's data are needed for it.")
ABSENCES: Final = N_("To see to it that somebody stands in while a worker is away.")
RECORDS: Final = N_("To bring the data of the client information system into Avain as they are there.")
RUNNING: Final = N_("To keep Avain running.")
SIGNING_IN: Final = N_("To let people in who may use Avain, and nobody else.")
FAMILY: Final = N_("The client or family looks after its own budget.")
FAMILY_WAY_IN: Final = N_("To let the client or family, and whom they allow, see their own budget, and nobody else.")

#: By action.
PURPOSES: Final = {
    "case.viewed": CARE,
    "notice.viewed": CARE,
    "case.goals_entered": CARE,
    "decision.basis_entered": CARE,
    "decision.number_entered": CARE,
    "budget.viewed": BUDGET,
    "budget.recompute_asked": BUDGET,
    "budget.rebased": BUDGET,
    "budget.statement_made": STATEMENT,
    "budget.statements_asked": STATEMENT,
    "case.compared": COMPARING,
    "case.annexed": COMPARING,
    "choice.made": CHOOSING,
    "case.identity_viewed": IDENTITY,
    "order.approved": ORDERING,
    "order.decline_withdrawn": ORDERING,
    "order.declined": ORDERING,
    "order.month_ordered": ORDERING,
    "order.months_approved": ORDERING,
    "order.proposal_settled": ORDERING,
    "order.cancelled": ORDERING,
    "order.previewed": ORDERING,
    "order.placed": ORDERING,
    "order.resent": ORDERING,
    "order.recorded_sent": ORDERING,
    "order.send_asked": ORDERING,
    "order.viewed": ORDERING,
    "order.links_renewed": ORDERING,
    "order.links_revoked": ORDERING,
    "orders.listed": ORDERING,
    "orders.previewed": ORDERING,
    "orders.proposals_listed": ORDERING,
    "orders.waiting_listed": ORDERING,
    "provider.tried": ORDERING,
    "order.handed_over": HAND_OVER,
    "order.answer_applied": ANSWERS,
    "order.answer_discarded": ANSWERS,
    "order.answered": ANSWERS,
    "order.delivery_reported": ANSWERS,
    "order.answer_noted": ANSWERS,
    "incoming.applied": ANSWERS,
    "incoming.discarded": ANSWERS,
    "incoming.viewed": ANSWERS,
    "incoming.listed": ANSWERS,
    "invoice.accepted": BILLING,
    "invoice.assigned": BILLING,
    "invoice.discarded": BILLING,
    "invoice.viewed": BILLING,
    "invoices.listed": BILLING,
    "follow_up.acknowledged": FOLLOWING,
    "follow_up.corrected": FOLLOWING,
    "follow_up.handed_over": FOLLOWING,
    "follow_up.not_needed": FOLLOWING,
    "follow_up.note_viewed": FOLLOWING,
    "follow_up.snoozed": FOLLOWING,
    "follow_up.viewed": FOLLOWING,
    "follow_up.written_down": FOLLOWING,
    "cases.listed": WORK_LIST,
    "follow_ups.listed": WORK_LIST,
    "calendar.fetched": WORK_LIST,
    "unit.reported": LEADING,
    "unit.viewed": LEADING,
    "reminders.sent": REMINDING,
    "reminders.released": REMINDING,
    "calendar.made": REMINDING,
    "calendar.revoked": REMINDING,
    "calendar.viewed": REMINDING,
    "audit.anchored_anew": OVERSEEING,
    "audit.listed": OVERSEEING,
    "audit.purged": OVERSEEING,
    "audit.case_viewed": OVERSEEING,
    "audit.extract_made": ANSWERING,
    "case.exported": ANSWERING_ACCESS,
    "case.held": KEEPING,
    "case.unheld": KEEPING,
    "retention.removed": KEEPING,
    "price_column.forgotten": PRICES,
    "price_column.learnt": PRICES,
    "price_list.approved": PRICES,
    "price_list.discarded": PRICES,
    "price_list.plan_applied": PRICES,
    "price_list.rolled_back": PRICES,
    "price_lists.listed": PRICES,
    "price_list.viewed": PRICES,
    "price_list.reply_drafted": PRICES,
    "price_columns.listed": PRICES,
    "price_mails.listed": PRICES,
    "price_template.made": PRICES,
    "price_upload.brought": PRICES,
    "price_upload.discarded": PRICES,
    "price_upload.read_again": PRICES,
    "price_upload.viewed": PRICES,
    "price_mail.assigned": PRICES,
    "price_mail.discarded": PRICES,
    "unit_costs.entered": PRICES,
    "unit_costs.listed": PRICES,
    "unit_steps.changed": PRICES,
    "provider.added": REGISTERS,
    "provider.changed": REGISTERS,
    "provider.viewed": REGISTERS,
    "providers.imported": REGISTERS,
    "providers.listed": REGISTERS,
    "service.added": REGISTERS,
    "service.changed": REGISTERS,
    "service.viewed": REGISTERS,
    "services.imported": REGISTERS,
    "services.listed": REGISTERS,
    "workers.imported": REGISTERS,
    "workers.listed": REGISTERS,
    "worker.address_cleared": REGISTERS,
    "absences.told": ABSENCES,
    "absences.listed": ABSENCES,
    "worker.away": ABSENCES,
    "worker.back": ABSENCES,
    "case_run.approved": RECORDS,
    "case_run.discarded": RECORDS,
    "rejected.listed": RECORDS,
    "rejected.viewed": RECORDS,
    "rejected.discarded": RECORDS,
    "rejected.retried": RECORDS,
    "source.look_called": RECORDS,
    "source.looked_at": RECORDS,
    "source.run_called": RECORDS,
    "dead_work.discarded": RUNNING,
    "dead_work.listed": RUNNING,
    "dead_work.retried": RUNNING,
    "dead_work.viewed": RUNNING,
    "keys.resealed": RUNNING,
    "keys.rotation_asked": RUNNING,
    "effects.away": RUNNING,
    "effects.let_go": RUNNING,
    "effects.paused": RUNNING,
    "effects.recorded": RUNNING,
    "effects.released": RUNNING,
    "effects.taken_in": RUNNING,
    "health.viewed": RUNNING,
    "job.changed": RUNNING,
    "job.paused": RUNNING,
    "job.reset": RUNNING,
    "job.resumed": RUNNING,
    "job.triggered": RUNNING,
    "run.viewed": RUNNING,
    "runs.listed": RUNNING,
    "run.acknowledged": RUNNING,
    "run.retried": RUNNING,
    "database.backed_up": RUNNING,
    "database.restored": RUNNING,
    "database.upgraded": RUNNING,
    "clock.moved": RUNNING,
    "console.link_made": SIGNING_IN,
    "console.revoked": SIGNING_IN,
    "console.signed_in": SIGNING_IN,
    "console.signed_out": SIGNING_IN,
    "family.compared": FAMILY,
    "family.viewed": FAMILY,
    "family.proposed": FAMILY,
    "family.proposal_withdrawn": FAMILY,
    "family.rated": FAMILY,
    "family.wished": FAMILY,
    "family.proposal_confirmed": CHOOSING,
    "family.proposal_declined": CHOOSING,
    "family.wish_noted": CARE,
    "family.wish_seen": CARE,
    "family.wishes_read": CARE,
    "family.words_removed": CARE,
    "family.code_refused": FAMILY_WAY_IN,
    "family.link_locked": FAMILY_WAY_IN,
    "family.link_made": FAMILY_WAY_IN,
    "family.link_revoked": FAMILY_WAY_IN,
    "family.signed_in": FAMILY_WAY_IN,
    "family.signed_out": FAMILY_WAY_IN,
}


def purpose_of(action: str) -> str:
    """Why data were handled, as a sentence in the reader's language."""
    return _(PURPOSES.get(action, "")) or _("The purpose is not known.")
