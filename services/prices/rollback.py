"""Undoing a list that was applied: what was in force before it is in force again, as new versions. Nothing is deleted.

What was in force before and after a list can be told for ever: versions say which list wrote them and which ended them, and lists in
which order they were applied. A list is undone only while its keys still are as it left them; what later lists changed of them has to be
undone first. Undoing is a list of its own (state `rollback`), and can be undone like any other.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import InputError, NotFound
from services import audit
from services.budgets import dirty
from services.lanes import take_lane
from services.prices.apply import hold_provider
from services.work import close

#: Rows in: a run. Rows out: the list it applied, or that was approved after it was held, latest first. Runs that met the same content
#: again have no list of their own: they are found by the file. The undoing of a list is of the same file, and is found by its own run
#: alone: else the same command, given twice, would undo what it did.
_LIST: Final = text(
    """
    SELECT price_list.id, price_list.source_id, price_source.name AS source, price_source.provider_id, state, file_name, sha256,
           coalesce(applied_order, 0) AS applied_order, rolls_back_list_id
    FROM price_list JOIN price_source ON price_source.id = source_id
    LEFT JOIN run ON run.id = :run LEFT JOIN work ON work.id = run.work_id
    WHERE price_list.run_id = :run
       OR work.kind = 'import_prices' AND work.arguments ->> 'source' = price_source.name AND sha256 = work.arguments #>> '{files,-1,sha256}'
       AND rolls_back_list_id IS NULL
    ORDER BY price_list.run_id = :run DESC NULLS LAST, state = 'applied' DESC, price_list.id DESC LIMIT 1
    FOR NO KEY UPDATE OF price_list
    """
)

#: Rows in: a list and its place in the order of applying. Rows out: `undoing`: every version of every key it wrote or ended, and whether
#: it was in force before the list, after it, and is now.
_LOOK: Final = text(
    """
    CREATE TEMPORARY TABLE undoing ON COMMIT DROP AS
    SELECT price.id, coalesce(original_id, price.id) AS original, price_key_id, valid, amount, vat_category, vat_rate, vat_inclusive, price_list_id, position, written_by.id AS written_by,
           price.superseded_by_list_id AS ended_by, superseded_at IS NULL AS now,
           coalesce(written_by.applied_order, 0) < :applied_order
               AND (superseded_at IS NULL OR coalesce(ended_by.applied_order, 0) >= :applied_order) AS before,
           coalesce(written_by.applied_order, 0) <= :applied_order
               AND (superseded_at IS NULL OR coalesce(ended_by.applied_order, 0) > :applied_order) AS after
    FROM price
    JOIN price_list AS written_by ON written_by.id = coalesce(copied_by_list_id, price_list_id)
    LEFT JOIN price_list AS ended_by ON ended_by.id = price.superseded_by_list_id
    WHERE price_key_id IN (
        SELECT price_key_id FROM price
        WHERE superseded_by_list_id = :list_id OR copied_by_list_id = :list_id OR (price_list_id = :list_id AND copied_by_list_id IS NULL)
    )
    """
)

_VALUES: Final = "price_key_id, valid, amount, vat_category, vat_rate, vat_inclusive, price_list_id, position"

#: Rows in: `undoing`. Rows out: lists that were applied later to keys which are no longer as the list left them, the last first.
_LATER: Final = text(
    f"""
    WITH changed AS (
        (SELECT {_VALUES} FROM undoing WHERE now EXCEPT SELECT {_VALUES} FROM undoing WHERE after)
        UNION
        (SELECT {_VALUES} FROM undoing WHERE after EXCEPT SELECT {_VALUES} FROM undoing WHERE now)
    )
    SELECT price_list.run_id, price_list.file_name, price_source.name AS source
    FROM price_list JOIN price_source ON price_source.id = source_id
    WHERE applied_order > :applied_order AND state IN ('applied', 'rollback') AND EXISTS (
        SELECT FROM undoing JOIN changed USING (price_key_id) WHERE price_list.id IN (written_by, ended_by))
    ORDER BY applied_order DESC
    """  # noqa: S608 - our own words
)
_CHANGED: Final = text(
    f"""
    SELECT EXISTS (SELECT {_VALUES} FROM undoing WHERE now EXCEPT SELECT {_VALUES} FROM undoing WHERE after)
        OR EXISTS (SELECT {_VALUES} FROM undoing WHERE after EXCEPT SELECT {_VALUES} FROM undoing WHERE now)
    """  # noqa: S608 - our own words
)

#: Rows in: the list to undo. Rows out: the list that undoes it, applied last of all.
_UNDOING_LIST: Final = text(
    """
    INSERT INTO price_list (source_id, run_id, file_name, sha256, state, counts, applied_order, rolls_back_list_id)
    SELECT source_id, :run_id, file_name, sha256, 'rollback', '{}', (SELECT max(applied_order) + 1 FROM price_list), id
    FROM price_list WHERE id = :list_id RETURNING id
    """
)

#: Rows in: `undoing`. Rows changed: versions in force that were not before the list, ended.
_SUPERSEDE: Final = text(
    f"""
    UPDATE price SET superseded_at = clock_timestamp(), superseded_by_list_id = :undoing_list
    FROM (
        SELECT {_VALUES} FROM undoing WHERE now EXCEPT SELECT {_VALUES} FROM undoing WHERE before
    ) AS added
    JOIN undoing USING ({_VALUES})
    WHERE undoing.now AND price.id = undoing.id
    RETURNING price.price_key_id
    """  # noqa: S608 - our own words
)

#: Rows in: `undoing`. Rows out: versions that were in force before the list and are not now, again, with their own provenance.
_RESTORE: Final = text(
    f"""
    INSERT INTO price ({_VALUES}, copied_by_list_id, original_id)
    SELECT {_VALUES}, CAST(:undoing_list AS bigint), min(original) FROM undoing JOIN (
        SELECT {_VALUES} FROM undoing WHERE before EXCEPT SELECT {_VALUES} FROM undoing WHERE now
    ) AS missing USING ({_VALUES})
    WHERE before GROUP BY {_VALUES}
    RETURNING price_key_id
    """  # noqa: S608 - our own words
)

_STATES: Final = text(
    """
    UPDATE price_list SET state = CASE WHEN id = :list_id THEN 'rolled_back' ELSE 'applied' END
    WHERE id = :list_id OR id = :undone AND state = 'rolled_back'
    """
)


#: Rows in: `undoing`. Rows out: what undoing would do: `-` versions that would end, `+` versions that would be in force again.
_WOULD: Final = f"""
    SELECT sign, service.code AS service, price_key.unit, base_quantity, time_class, minimum_quantity, territory, extra, amount,
           lower(valid) AS first, upper(valid) - 1 AS last
    FROM (
        SELECT '-' AS sign, * FROM (SELECT {_VALUES} FROM undoing WHERE now EXCEPT SELECT {_VALUES} FROM undoing WHERE before) AS added
        UNION ALL
        SELECT '+' AS sign, * FROM (SELECT {_VALUES} FROM undoing WHERE before EXCEPT SELECT {_VALUES} FROM undoing WHERE now) AS missing
    ) AS would
    JOIN price_key ON price_key.id = price_key_id JOIN service ON service.id = service_id
"""  # noqa: S608 - our own words
_SHOWN: Final = text(_WOULD + " ORDER BY service.code, price_key_id, sign DESC, lower(valid) LIMIT :limit")
_SUMMED: Final = text(
    f"""
    SELECT count(*) FILTER (WHERE sign = '-') AS ended, count(*) FILTER (WHERE sign = '+') AS restored,
           md5(coalesce(string_agg(CAST(would AS text), ';' ORDER BY CAST(would AS text)), '')) AS fingerprint
    FROM ({_WOULD}) AS would
    """  # noqa: S608 - our own words
)


@dataclass(frozen=True)
class Undoing:
    """What undoing a list would do: how many versions would end and come back, the first of them, and a fingerprint of it all."""

    ended: int
    restored: int
    fingerprint: str
    lines: list[dict[str, Any]]


@dataclass(frozen=True)
class RolledBack:
    """What was undone: the list's number, file and source; how many versions were ended and how many brought back; the undoing's own run."""

    price_list_id: int
    source: str
    file_name: str
    ended: int
    restored: int
    run_id: int


def look_at_rollback(session: Session, run_id: int, limit: int = 200) -> Undoing:
    """What `rollback` would do; nothing is left behind. Raises NotFound, InputError as it does."""
    found = _applied_list(session, run_id)
    with session.begin_nested() as looked:
        _look(session, found)
        summed = session.execute(_SUMMED).one()
        lines = [dict(row) for row in session.execute(_SHOWN, {"limit": limit}).mappings()]
        looked.rollback()
    return Undoing(summed.ended, summed.restored, summed.fingerprint, lines)


def rollback(
    session: Session, run_id: int, actor: str, note: str, now: datetime, *, shown: str | None = None
) -> RolledBack:
    """Undo the price list that a run applied. `shown` is the fingerprint of what the person saw that it would do (`look_at_rollback`).

    Raises NotFound, InputError: no note, the run applied no list, it was undone before, later lists changed the same prices (they are
    named), or the source is being read right now.
    """
    if not note.strip():
        raise InputError("A note is needed: say why.")
    found = _applied_list(session, run_id)
    hold_provider(session, found.provider_id)
    with session.begin_nested():  # a refusal leaves nothing behind, not even the table
        _look(session, found)
        if shown is not None and shown != session.execute(_SUMMED).one().fingerprint:
            raise InputError("What rolling back would do has changed since it was shown. Look at it again.")
    claimed_run = take_lane(session, "import_prices", found.source, "rollback")
    undoing = session.execute(_UNDOING_LIST, {"list_id": found.id, "run_id": claimed_run.run_id}).scalar_one()
    ended = session.execute(_SUPERSEDE, {"undoing_list": undoing}).scalars().all()
    restored = session.execute(_RESTORE, {"undoing_list": undoing}).scalars().all()
    session.execute(text("DROP TABLE undoing"))
    session.execute(_STATES, {"list_id": found.id, "undone": found.rolls_back_list_id})
    counts = {"ended": len(ended), "restored": len(restored)}
    close(session, claimed_run, "succeeded", counts=counts, reply=found.file_name)
    audit.record(
        session,
        actor,
        "price_list.rolled_back",
        f"price_list:{found.id}",
        now=now,
        reason=note,
        source=found.source,
        **counts,
    )
    dirty.mark_price_keys(session, sorted({*ended, *restored}), "prices", claimed_run.run_id, price_list_id=undoing)
    return RolledBack(found.id, found.source, found.file_name, len(ended), len(restored), claimed_run.run_id)


def _look(session: Session, found: Any) -> None:
    session.execute(_LOOK, {"list_id": found.id, "applied_order": found.applied_order})
    session.execute(text("ANALYZE undoing"))
    _must_be_as_it_left_them(session, found.applied_order)


def _applied_list(session: Session, run_id: int) -> Any:
    found = session.execute(_LIST, {"run": run_id}).one_or_none()
    if found is None:
        if session.execute(text("SELECT 1 FROM run WHERE id = :id"), {"id": run_id}).one_or_none() is None:
            raise NotFound("There is no run {run}.", run=run_id)
        raise InputError("Run {run} applied no price list, so there is nothing to roll back.", run=run_id)
    if found.state == "rolled_back":
        raise InputError("The price list of run {run} was rolled back already.", run=run_id)
    if found.state not in ("applied", "rollback"):
        raise InputError("The price list of run {run} was not applied, so there is nothing to roll back.", run=run_id)
    return found


def _must_be_as_it_left_them(session: Session, applied_order: int) -> None:
    if not session.execute(_CHANGED).scalar_one():
        return
    later = session.execute(_LATER, {"applied_order": applied_order}).first()
    if later is None:
        raise InputError("The prices of this run have changed since, so it cannot be rolled back.")
    raise InputError(
        "Run {run} changed the same prices later ({source}, {file}). Roll it back first: {command}",
        run=later.run_id,
        source=later.source,
        file=later.file_name,
        command=f"avain source rollback {later.run_id} --note …",
    )
