"""Where the source and people say different things, the responsible worker hears of it once.

The source names one provider and people chose another: the choice stays. The source now states what was entered here while it said nothing
(services/case_entries.py): its word takes the place of ours.
"""

from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import Message
from core.i18n import N_
from services import notices

_DIFFERS: Final = N_(
    "The source names another provider for {item} than the one chosen here. The choice made here stays; see which is right."
)

_NUMBER: Final = N_(
    "The source now states the number of decision {decision} as {value}; here {before} had been entered. The source's counts; see which is right."
)
_BASIS: Final = N_(
    "The source now states something else of what decision {decision} grants or replaces than was entered here. The source's word counts;"
    " see which is right."
)
_GOALS: Final = N_(
    "The source now states other goals of {case} than were entered here. The source's count; see which are right."
)
_SENTENCES: Final = {"number": _NUMBER, "basis": _BASIS, "goals": _GOALS}

#: Rows in: changed cases, not yet applied. Rows out: what was entered here and is about to give way to something else. What was entered
#: as the source says it now is no news. `case`: the case's number.
_REPLACED: Final = text(
    """
    SELECT entered.what, client_case.number AS "case", decision.external_id AS decision, entered.before, entered.value, sync_case.worker_id
    FROM sync_case
    JOIN client_case ON client_case.id = sync_case.case_id
    JOIN staged_decision AS said ON said.position = sync_case.position
    JOIN decision ON decision.case_id = sync_case.case_id AND decision.external_id = said.external_id
    LEFT JOIN service ON service.id = decision.baseline_service_id
    CROSS JOIN LATERAL (
        SELECT 'number' AS what, decision.number AS before, said.number AS value
        WHERE NOT decision.number_from_source AND decision.number <> said.number
        UNION ALL
        SELECT 'basis', NULL, NULL
        WHERE NOT decision.basis_from_source
          AND (decision.granted_amount IS NOT NULL OR decision.baseline_service_id IS NOT NULL)
          AND (said.granted_amount IS NOT NULL OR said.baseline_service IS NOT NULL)
          AND (decision.granted_amount, service.code, decision.baseline_quantity, decision.baseline_unit)
              IS DISTINCT FROM (said.granted_amount, said.baseline_service, said.baseline_quantity, said.baseline_unit)
    ) AS entered
    WHERE sync_case.state = 'changed' AND sync_case.worker_id IS NOT NULL
      AND (NOT decision.number_from_source AND decision.number IS NOT NULL OR NOT decision.basis_from_source)
    UNION ALL
    SELECT 'goals', client_case.number, NULL, NULL, NULL, sync_case.worker_id
    FROM sync_case
    JOIN client_case ON client_case.id = sync_case.case_id
    JOIN staged_case AS said ON said.position = sync_case.position
    WHERE sync_case.state = 'changed' AND sync_case.worker_id IS NOT NULL
      AND NOT client_case.goals_from_source AND client_case.goals <> '{}' AND said.goals <> '{}' AND client_case.goals <> said.goals
    ORDER BY 2, 3, 1
    """
)

#: Rows in: planned services of changed cases, brought up to date. Rows out: those for which a person's choice is in force and the
#: source names somebody else.
_CONFLICTS: Final = text(
    """
    SELECT client_case.number || '/' || plan_item.external_id AS item, client_case.responsible_worker_id AS worker_id,
           choice.id AS choice_id, provider.id AS provider_id
    FROM staged_item AS said
    JOIN sync_case ON sync_case.position = said.position AND sync_case.state = 'changed'
    JOIN provider ON provider.business_id = said.provider
    JOIN client_case ON client_case.id = sync_case.case_id
    JOIN plan_item ON plan_item.case_id = sync_case.case_id AND plan_item.external_id = said.external_id
    JOIN choice ON choice.plan_item_id = plan_item.id AND choice.ended_at IS NULL AND choice.chosen_by <> 'source'
    WHERE provider.id <> choice.provider_id
    ORDER BY choice.id
    """
)


def tell_of_conflicts(session: Session) -> int:
    """Leave a notice for each conflict a merge met, once per choice and named provider. Returns how many conflicts there are."""
    found = session.execute(_CONFLICTS).all()
    notices.tell(session, [_news(row) for row in found if row.worker_id is not None])
    return len(found)


def find_replaced(session: Session, run_id: int) -> list[notices.News]:
    """News of what was entered here and gives way to what the source says now; to be asked for before the run is applied."""
    return [
        notices.News(
            worker_id=row.worker_id,
            kind="entry_replaced",
            subject=f"case:{row.case}",
            event=f"run {run_id}, {row.what} {row.decision or ''}".strip(),
            message=Message(
                _SENTENCES[row.what],
                case=row.case,
                decision=row.decision,
                before=row.before,
                value=row.value,
            ),
        )
        for row in session.execute(_REPLACED)
    ]


def _news(row: Any) -> notices.News:
    return notices.News(
        worker_id=row.worker_id,
        kind="choice_conflict",
        subject=f"item:{row.item}",
        event=f"choice {row.choice_id}, provider {row.provider_id}",
        message=Message(_DIFFERS, item=row.item),
    )
