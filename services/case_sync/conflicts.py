"""Where the source names one provider and people chose another: the choice stays, and the responsible worker hears of it once."""

from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import Message
from core.i18n import N_
from services import notices

_DIFFERS: Final = N_(
    "The source names another provider for {item} than the one chosen here. The choice made here stays; see which is right."
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


def _news(row: Any) -> notices.News:
    return notices.News(
        worker_id=row.worker_id,
        kind="choice_conflict",
        subject=f"item:{row.item}",
        event=f"choice {row.choice_id}, provider {row.provider_id}",
        message=Message(_DIFFERS, item=row.item),
    )
