"""What a worker should hear of a budget: that it got worse by something they did not just do themselves, once, with the cause.

Cost neutrality means that most budgets stand near their ceiling from the day they are planned: that is no news. News is a budget
that passes a limit after it had been priced, one that is over from the start, and one that lost a price or never had a ceiling.
A choice still to be made is the worker's own next step, not news.
"""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import Message
from core.i18n import N_
from services import notices
from services.budgets.dirty import cause_message
from services.budgets.reasons import NO_PROVIDER, OVERLAP, OVERLAP_OPEN
from services.budgets.writing import Result

_SENTENCES = {
    "near": N_("The budget of case {case} is nearly used up. Cause: {cause}."),
    "within_tolerance": N_("The budget of case {case} has passed its ceiling, within the tolerance. Cause: {cause}."),
    "over": N_("The budget of case {case} is over its limit. Cause: {cause}."),
    "unpriced": N_("The budget of case {case} cannot be calculated in full. Cause: {cause}."),
}
#: What leaves a budget unpriced by the worker's own next step, and what does not leave it unpriced at all.
_NO_NEWS = [NO_PROVIDER, OVERLAP, OVERLAP_OPEN]
_SEVERITY = {"ok": 0, "near": 1, "within_tolerance": 2, "over": 3}

#: Rows in: budgets. Rows out: case number and responsible worker of those that have one.
_WHOM = text(
    """
    SELECT budget.id, client_case.number, client_case.responsible_worker_id AS worker_id
    FROM budget
    JOIN decision ON decision.id = budget.decision_id
    JOIN client_case ON client_case.id = decision.case_id
    WHERE budget.id = ANY(:ids) AND client_case.responsible_worker_id IS NOT NULL
    ORDER BY budget.id
    """
)

#: Rows in: changed budgets, and of each the state that it is still news to be in. Rows gone: notices nobody was told yet of any other
#: state a budget was in before: a price that was missing at three and came at four is no news at eight, even if a choice is still to be made.
_OVERTAKEN = text(
    """
    DELETE FROM notice USING (
        SELECT earlier.id, earlier.state
        FROM unnest(CAST(:ids AS bigint[]), CAST(:still AS text[])) AS changed(budget_id, still)
        JOIN budget_version AS earlier ON earlier.budget_id = changed.budget_id AND earlier.superseded_at IS NOT NULL
            AND earlier.state NOT IN ('ok', 'ended', changed.still)
    ) AS overtaken
    WHERE notice.told_at IS NULL AND notice.event = 'budget version ' || overtaken.id AND notice.kind = 'budget_' || overtaken.state
    """
)


def tell_workers(session: Session, results: Sequence[Result]) -> int:
    """Leave a notice for the responsible worker of each budget that is news, and take back what is not any more.

    Returns how many are new.
    """
    still = {
        one.budget_id: _still_news(one)
        for one in results
        if one.version_id is not None and one.state_before is not None
    }
    if still:
        session.execute(_OVERTAKEN, {"ids": list(still), "still": list(still.values())})
    newsworthy = {one.budget_id: one for one in results if is_news(one)}
    if not newsworthy:
        return 0
    rows = session.execute(_WHOM, {"ids": list(newsworthy)})
    return notices.tell(
        session,
        [
            notices.News(
                worker_id=row.worker_id,
                kind=f"budget_{newsworthy[row.id].state}",
                subject=f"case:{row.number}",
                event=f"budget version {newsworthy[row.id].version_id}",
                message=Message(
                    _SENTENCES[newsworthy[row.id].state],
                    case=row.number,
                    cause=cause_message(newsworthy[row.id].cause),
                ),
            )
            for row in rows
        ],
    )


def is_news(result: Result) -> bool:
    """Whether a worker should hear of it: see the module's first paragraph."""
    if result.version_id is None:
        return False
    if result.state == "unpriced":
        lacked = result.reasons_before if result.state_before == "unpriced" else None
        return _lacks_more_than_a_choice(result.reasons) and not _lacks_more_than_a_choice(lacked or [])
    if result.state == "over":
        return result.state_before != "over"
    return _SEVERITY.get(result.state, 0) > _SEVERITY.get(result.state_before or "", len(_SEVERITY))


def _still_news(result: Result) -> str:
    """The state that a worker not told yet should still hear of; '' where it is unpriced by their own next step."""
    own_step = result.state == "unpriced" and not _lacks_more_than_a_choice(result.reasons)
    return "" if own_step else result.state


def _lacks_more_than_a_choice(reasons: list[dict[str, object]]) -> bool:
    return any(reason["msgid"] not in _NO_NEWS for reason in reasons)
