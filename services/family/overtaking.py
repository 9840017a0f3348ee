"""Proposals that somebody else's act has answered: a choice was made meanwhile, the service was ordered, or it ended.

A choice overtakes them at once, in its own transaction (`overtake`). Sources end services and name providers for thousands at a time: what
they overtook is known wherever a proposal is read (`OVERTAKEN`), and written down by night.
"""

from datetime import date, datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

#: SQL: by what an open `family_proposal` is overtaken, or NULL; with its plan_item, decision and client_case, and `:today`.
OVERTAKEN: Final = """
    CASE
        WHEN plan_item.ended_at IS NOT NULL OR decision.ended_at IS NOT NULL OR client_case.status = 'closed' OR client_case.gone_at IS NOT NULL
             OR upper(decision.valid) <= CAST(:today AS date) THEN 'ended'
        WHEN EXISTS (SELECT FROM order_coverage WHERE order_coverage.plan_item_id = plan_item.id AND live) THEN 'ordered'
        WHEN EXISTS (
            SELECT FROM choice WHERE choice.plan_item_id = plan_item.id AND choice.ended_at IS NULL
              AND choice.id <> CAST(family_proposal.offer ->> 'choice' AS bigint)) THEN 'chosen'
    END
"""
#: From a proposal to its case.
JOINED: Final = """
    JOIN plan_item ON plan_item.id = family_proposal.plan_item_id
    JOIN decision ON decision.id = plan_item.decision_id
    JOIN client_case ON client_case.id = family_proposal.case_id
"""

#: Rows in: a planned service that is held. Rows changed: its open proposal.
_OF_ITEM: Final = text(
    """
    UPDATE family_proposal SET state = 'overtaken', decided_why = 'chosen', decided_by = :actor, decided_at = :now
    WHERE plan_item_id = :item AND state = 'open'
    """
)

#: Rows in: today. Rows changed: open proposals that are overtaken. One whose service somebody holds just now waits for another night.
_ALL: Final = text(
    f"""
    WITH overtaken AS (
        SELECT family_proposal.id, {OVERTAKEN} AS why FROM family_proposal {JOINED}
        WHERE family_proposal.state = 'open' AND {OVERTAKEN} IS NOT NULL
        FOR NO KEY UPDATE OF plan_item, family_proposal SKIP LOCKED
    )
    UPDATE family_proposal SET state = 'overtaken', decided_why = overtaken.why, decided_by = 'avain', decided_at = :now
    FROM overtaken WHERE family_proposal.id = overtaken.id AND family_proposal.state = 'open'
    """  # noqa: S608 - our own words
)


def overtake(session: Session, plan_item_id: int, *, actor: str, now: datetime) -> None:
    """A choice was made for a planned service (held by the caller): what a family proposed for it is answered."""
    session.execute(_OF_ITEM, {"item": plan_item_id, "actor": actor, "now": now})


def overtake_all(session: Session, *, today: date, now: datetime) -> int:
    """Write down what was overtaken since. Returns how many proposals that were."""
    return int(session.execute(_ALL, {"today": today, "now": now}).rowcount)  # type: ignore[attr-defined]
