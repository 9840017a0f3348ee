"""Which budgets have to be calculated again, and why.

A writer notes the budgets its change touches in its own transaction, and calls for the recomputation there too: either both are
committed, or neither. Notes are rows, never updates, so that writers do not wait for each other's budgets; a budget noted while
it is being calculated is calculated once more.

Note last in a transaction: calling for the recomputation locks its one row of `work` until the commit.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import date

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from core.budget_settings import Budgets
from core.errors import Message
from core.i18n import N_
from services import work
from services.budgets.limits import BY_THE_LIMITS

_NOTING_ONLY = "noting_only"

#: What can touch a budget, in words for the people who read its history. Writers use these keys as `cause`.
CAUSES = {
    "cases": N_("a change in the client information system"),
    "prices": N_("a change of prices"),
    "choice": N_("a choice of provider"),
    "entered": N_("what was entered here about the decision"),
    "order": N_("a purchase order"),
    "invoice": N_("an invoice"),
    "settings": N_("a change of the settings"),
    "ended": N_("the end of the decision's validity"),
    "closed": N_("the end of the time in which an order can be billed"),
    "rebase": N_("a ceiling that was looked up anew"),
    "version": N_("a new version of Avain"),
    "asked": N_("a recomputation somebody asked for"),
}

_MISSING_BUDGETS = """
    , missing AS (
        INSERT INTO budget (decision_id, ceiling_basis)
        SELECT decision_id, '{}' FROM touched
        WHERE NOT EXISTS (SELECT FROM budget WHERE budget.decision_id = touched.decision_id)
        ORDER BY decision_id
        -- another writer may have just made it: then its row is returned all the same
        ON CONFLICT (decision_id) DO UPDATE SET ceiling_basis = budget.ceiling_basis
        RETURNING id
    ), noted AS (
        SELECT id FROM missing
        UNION ALL
        SELECT budget.id FROM touched JOIN budget USING (decision_id)
    )
    INSERT INTO budget_dirty (budget_id, cause, run_id) SELECT id, :cause, :run_id FROM noted
"""


def _noting(touched: str) -> TextClause:
    """The statement for budgets of the decisions `touched` selects: creates those that are missing, notes all of them."""
    return text(f"WITH touched AS ({touched}){_MISSING_BUDGETS}")


#: Rows in: decision ids. Rows out: a budget for each, and a note for each budget.
_DECISIONS = _noting("SELECT id AS decision_id FROM decision WHERE id = ANY(:ids)")

#: Rows in: order ids. Rows out: notes for the budgets of the decisions they were ordered on.
_ORDERS = _noting("SELECT DISTINCT decision_id FROM purchase_order WHERE id = ANY(:ids)")

#: Rows in: price key ids, and the list that changed them (NULL: any change is meant). Rows out: notes for budgets with a planned
#: service chosen from such a key's provider on days whose price is another now, and, for keys of our own costs, those whose ceiling is
#: not known yet for want of a reference price: a known ceiling is frozen. A copy prices its days as the version it is a copy of.
_PRICE_KEYS = _noting(
    """
    WITH ended AS (
        SELECT price_key_id, valid, coalesce(original_id, id) AS cited FROM price WHERE superseded_by_list_id = :price_list_id
    ), begun AS (
        SELECT price_key_id, valid, coalesce(original_id, id) AS cited FROM price
        WHERE superseded_at IS NULL AND (copied_by_list_id = :price_list_id OR copied_by_list_id IS NULL AND price_list_id = :price_list_id)
    ), kept AS (
        SELECT price_key_id, range_agg(ended.valid * begun.valid) AS days FROM ended JOIN begun USING (price_key_id, cited) GROUP BY price_key_id
    ), moved AS (
        SELECT price_key_id, range_agg(valid) AS days FROM (TABLE ended UNION ALL TABLE begun) AS version GROUP BY price_key_id
    ), changed AS MATERIALIZED (
        SELECT price_key.id, provider_id, service_id,
               CASE WHEN CAST(:price_list_id AS bigint) IS NULL THEN '{(,)}' ELSE moved.days - coalesce(kept.days, '{}') END AS days
        FROM price_key
        LEFT JOIN moved ON moved.price_key_id = price_key.id
        LEFT JOIN kept ON kept.price_key_id = price_key.id
        WHERE price_key.id = ANY(:ids)
    )
    SELECT plan_item.decision_id
    FROM changed
    JOIN plan_item ON plan_item.service_id = changed.service_id AND plan_item.ended_at IS NULL AND plan_item.period && changed.days
    JOIN choice ON choice.plan_item_id = plan_item.id AND choice.ended_at IS NULL
    WHERE choice.provider_id = changed.provider_id
    UNION
    SELECT decision.id
    FROM changed
    JOIN decision ON decision.baseline_service_id = changed.service_id AND decision.decided_on <@ changed.days
    LEFT JOIN budget ON budget.decision_id = decision.id
    WHERE changed.provider_id IS NULL AND decision.granted_amount IS NULL AND budget.ceiling IS NULL
    """
)

#: Rows in: a day. Rows out: notes for budgets whose decision's validity has run out and whose state does not say so yet.
_ENDED = _noting(
    """
    SELECT decision.id AS decision_id
    FROM decision
    JOIN budget ON budget.decision_id = decision.id
    JOIN budget_version ON budget_version.budget_id = budget.id AND budget_version.superseded_at IS NULL
    WHERE upper(decision.valid) <= :today AND budget_version.state <> 'ended'
    """
)

#: Rows in: a day, and how many days after an order's last day it can be billed. Rows out: notes for budgets that still count on an
#: order whose time has run out.
_CLOSED = _noting(
    """
    SELECT DISTINCT budget.decision_id
    FROM purchase_order
    JOIN budget ON budget.decision_id = purchase_order.decision_id
    JOIN budget_version ON budget_version.budget_id = budget.id AND budget_version.superseded_at IS NULL AND budget_version.ordered > 0
    JOIN budget_line ON budget_line.version_id = budget_version.id AND budget_line.kind = 'ordered'
    JOIN order_line ON order_line.id = budget_line.order_line_id AND order_line.order_id = purchase_order.id
    WHERE upper(purchase_order.period) + :close_after_days <= :today
    """
)

#: Rows in: what budgets are calculated by now, in words of no meaning but to tell a change. Rows out: one, where it was another before.
_RULES_CHANGED = text(
    """
    WITH present AS (
        SELECT md5(:settings || coalesce(string_agg(unit || ' ' || trim_scale(step), ',' ORDER BY unit), '')) AS value FROM unit_rule
    )
    INSERT INTO remembered (name, value) SELECT 'budget rules', value FROM present
    ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE remembered.value <> excluded.value
    RETURNING xmax <> 0 AS known_before
    """
)

#: Rows in: a day, and the settings. Rows changed: what the nightly look at all budgets went by last, for whoever asks whether one waits for the next
#: (services/consistency/budgets.py).
_MARKED = text(
    """
    INSERT INTO remembered (name, value)
    SELECT 'budgets marked', CAST(jsonb_build_object(
        'day', CAST(:today AS date), 'settings', CAST(:settings AS jsonb),
        'steps', (SELECT coalesce(jsonb_object_agg(unit, CAST(step AS text)), '{}') FROM unit_rule)) AS text)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE remembered.value <> excluded.value
    """
)

#: Rows in: the limits as they are set now. Rows out: notes for budgets whose state is not what these limits make of their figures.
_RELIMITED = _noting(
    f"""
    SELECT decision_id
    FROM (
        SELECT decision_id, budget_version.ceiling, invoiced + ordered + planned AS used, state
        FROM budget
        JOIN budget_version ON budget_version.budget_id = budget.id AND budget_version.superseded_at IS NULL
    ) AS judged
    WHERE state NOT IN ('unpriced', 'ended') AND state <> {BY_THE_LIMITS}
    """  # noqa: S608 - our own words
)

#: Rows in: a run of a case source. Rows out: notes for the budgets of all cases it wrote last.
_WRITTEN = _noting(
    "SELECT decision.id AS decision_id FROM decision JOIN client_case ON client_case.id = case_id WHERE synced_run_id = :run_id"
)

#: Rows out: a note for every budget there is or should be.
_ALL = _noting("SELECT id AS decision_id FROM decision")


@contextmanager
def noting_only(session: Session, *, on: bool = True) -> Iterator[None]:
    """Note inside the block without calling for the recomputation: whoever opens it sees to that (services/prices/night.py)."""
    session.info[_NOTING_ONLY] = on
    try:
        yield
    finally:
        session.info[_NOTING_ONLY] = False


def cause_message(cause: str) -> Message:
    """A cause in words; one that a later or earlier version knew is shown as it is."""
    return Message(CAUSES.get(cause, cause))


def mark_decisions(session: Session, decision_ids: Collection[int], cause: str, run_id: int | None = None) -> int:
    """Note the budgets of decisions, creating those that do not exist yet. Returns how many were noted."""
    return _note(session, _DECISIONS, cause, run_id, ids=list(decision_ids)) if decision_ids else 0


def mark_run(session: Session, cause: str, run_id: int) -> None:
    """Note the budgets of all cases that a run of a source wrote, by one row whatever their number: `spread_notes` finds them."""
    session.execute(
        text("INSERT INTO budget_dirty (cause, run_id) VALUES (:cause, :run_id)"), {"cause": cause, "run_id": run_id}
    )
    work.call_again(session, "recompute_budgets", "recompute_budgets")


def spread_notes(session: Session) -> None:
    """Turn notes about runs into notes about budgets, creating those that do not exist yet. Cases that a later run wrote have its note."""
    taken = session.execute(text("DELETE FROM budget_dirty WHERE budget_id IS NULL RETURNING cause, run_id")).all()
    for note in dict.fromkeys((row.cause, row.run_id) for row in taken):
        session.execute(_WRITTEN, {"cause": note[0], "run_id": note[1]})


def mark_orders(session: Session, order_ids: Collection[int], cause: str = "order", run_id: int | None = None) -> int:
    """Note the budgets that purchase orders draw on. Returns how many were noted."""
    return _note(session, _ORDERS, cause, run_id, ids=list(order_ids)) if order_ids else 0


def mark_price_keys(
    session: Session,
    price_key_ids: Collection[int],
    cause: str = "prices",
    run_id: int | None = None,
    *,
    price_list_id: int | None = None,
) -> int:
    """Note the budgets that a change of these prices can move, and no others. Returns how many were noted.

    With the list that changed them, only those planned on days whose price it changed: next year's prices touch no plan that ends before.
    """
    if not price_key_ids:
        return 0
    return _note(session, _PRICE_KEYS, cause, run_id, ids=list(price_key_ids), price_list_id=price_list_id)


def mark_ended(session: Session, *, today: date, run_id: int | None = None) -> int:
    """Note the budgets whose decision has run out by `today`. Returns how many were noted."""
    return _note(session, _ENDED, "ended", run_id, today=today)


def mark_relimited(session: Session, *, settings: Budgets, run_id: int | None = None) -> int:
    """Note the budgets that a change of the tolerance or of what is near puts into another state. Returns how many were noted.

    They are found by their figures, so nobody has to remember what the settings were.
    """
    limits = {"near_limit": settings.near_limit, "tolerance": settings.tolerance}
    return _note(session, _RELIMITED, "settings", run_id, **limits)


def mark_closed(session: Session, *, today: date, settings: Budgets, run_id: int | None = None) -> int:
    """Note the budgets that count on orders which nobody can bill any more by `today`. Returns how many were noted."""
    return _note(session, _CLOSED, "closed", run_id, today=today, close_after_days=settings.close_after_days)


def mark_recalculated(session: Session, *, settings: Budgets, run_id: int | None = None) -> int:
    """Note every budget if what they are calculated by has changed: extras, days to bill in, steps of units. Returns how many were noted.

    The first time there is nothing to compare with: then only what is calculated by is remembered.
    """
    rules = settings.model_dump_json(include={"extras", "close_after_days"})
    changed = session.execute(_RULES_CHANGED, {"settings": rules}).one_or_none()
    return mark_all(session, "settings", run_id) if changed is not None and changed.known_before else 0


def mark_by_time_and_settings(session: Session, *, today: date, settings: Budgets, run_id: int | None = None) -> int:
    """Note the budgets that the calendar or changed settings touch: nobody else does. Returns how many notes were written."""
    session.execute(_MARKED, {"today": today, "settings": settings.model_dump_json(exclude={"parallel"})})
    return (
        mark_ended(session, today=today, run_id=run_id)
        + mark_closed(session, today=today, settings=settings, run_id=run_id)
        + mark_relimited(session, settings=settings, run_id=run_id)
        + mark_recalculated(session, settings=settings, run_id=run_id)
    )


def mark_all(session: Session, cause: str, run_id: int | None = None) -> int:
    """Note every budget, creating those that do not exist yet. Returns how many were noted."""
    return _note(session, _ALL, cause, run_id)


def _note(session: Session, statement: TextClause, cause: str, run_id: int | None, **values: object) -> int:
    """Write the notes and, if there are any, call for the recomputation."""
    noted: int = session.execute(statement, {"cause": cause, "run_id": run_id, **values}).rowcount  # type: ignore[attr-defined]
    if noted and not session.info.get(_NOTING_ONLY):
        work.call_again(session, "recompute_budgets", "recompute_budgets")
    return noted
