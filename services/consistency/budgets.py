"""Budgets: a sample drawn anew each night, or all of them, calculated once more from the rows behind them (`figures`) and held against what is kept.

Left out is what is to be calculated anyway: noted as touched in this very snapshot. A budget is calculated by the day and the settings of the
moment it was noted in; the calendar and changed settings note by night only. So one that is not what today makes of it is also held against the day
and the settings of the last such night: if it is what they made of it, it waits for the next one, which is no fault. Left out as well are those whose vouchers
were kept long enough and are gone (services/retention): what they were calculated from is not there any more.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import text

from core.budget_settings import Budgets
from core.errors import Message
from core.i18n import N_
from services.budgets.words import STATE_NAMES
from services.consistency.figures import By, Figures, Kept, by_settings, calculate, objection, read, steps_of_units
from services.consistency.figures.whole import BELIEVED
from services.consistency.findings import NAMED, Looked, Sort, Thing
from services.consistency.scope import Scope

#: Budgets whose rows are in memory at once.
CHUNK: Final = 500
#: Longer ago than this, and the nights do not do what they should.
_LATE: Final = timedelta(days=2)

DIFFERS: Final = Sort(
    "budget_differs",
    N_("Budgets that are not what the rows behind them come to"),
    N_(
        "Look at one: avain budget explain CASE. Have all calculated anew: avain budget recompute --all. If the same ones are named again"
        " afterwards, Avain calculates them wrongly: tell whoever looks after it."
    ),
)
CEILING: Final = Sort(
    "ceiling_differs",
    N_("Ceilings that do not rest on what their decision says"),
    N_("Look at one: avain budget explain CASE. Have it looked up anew: avain budget rebase CASE --reason …"),
)
MISSING: Final = Sort(
    "budget_missing",
    N_("Decisions whose budget was never calculated"),
    N_("Have them calculated: avain budget recompute --all"),
)
FORGOTTEN: Final = Sort(
    "budgets_forgotten",
    N_("Budgets that wait to be calculated, and nothing will do it"),
    N_("Have them calculated: avain budget recompute"),
)
NIGHTS: Final = Sort(
    "budget_nights",
    N_("The nightly look at all budgets has not been for days"),
    N_("See why: avain schedule list. Have it done: avain schedule trigger recompute_budgets"),
)

_FIGURES: Final = {
    "ceiling": N_("ceiling"),
    "invoiced": N_("invoiced"),
    "delivered": N_("delivered"),
    "ordered": N_("ordered"),
    "planned": N_("planned"),
    "free": N_("free"),
}

#: Conditions over `budget` and `client_case`: noted as touched, by itself or by the run that wrote its case.
_NOTED: Final = """
    (EXISTS (SELECT FROM budget_dirty WHERE budget_dirty.budget_id = budget.id)
     OR client_case.synced_run_id IN (SELECT run_id FROM budget_dirty WHERE budget_id IS NULL))
"""
_OF_CASE: Final = (
    "JOIN decision ON decision.id = budget.decision_id JOIN client_case ON client_case.id = decision.case_id"
)
#: Rows in: a word to draw by, how many, and cases to be looked at besides. Rows out: budgets, by their ids.
_DRAWN: Final = text(
    f"""
    SELECT id, noted FROM (
        SELECT budget.id, {_NOTED} AS noted FROM budget {_OF_CASE}
        WHERE vouchers_removed_on IS NULL AND (client_case.number = ANY(:cases)
            OR budget.id IN (SELECT id FROM budget WHERE vouchers_removed_on IS NULL ORDER BY md5(:word || budget.id) LIMIT :count))
    ) AS drawn ORDER BY id
    """  # noqa: S608 - our own words
)
#: Rows in: a budget and how many. Rows out: the budgets after it.
_NEXT: Final = text(
    f"""
    SELECT budget.id, {_NOTED} AS noted FROM budget {_OF_CASE} WHERE budget.id > :after AND vouchers_removed_on IS NULL
    ORDER BY budget.id LIMIT :count
    """  # noqa: S608 - our own words
)
#: Rows out: decisions that should have a budget with a version, and are not noted: their number, and the first of them.
_NEVER: Final = text(
    f"""
    WITH missing AS (
        SELECT client_case.number, coalesce(decision.number, decision.external_id) AS decision
        FROM decision
        JOIN client_case ON client_case.id = decision.case_id
        LEFT JOIN budget ON budget.decision_id = decision.id
        LEFT JOIN budget_version ON budget_version.budget_id = budget.id AND budget_version.superseded_at IS NULL
        WHERE budget_version.id IS NULL AND NOT coalesce({_NOTED}, false)
    )
    SELECT number, decision, count(*) OVER () AS counted FROM missing ORDER BY number, decision LIMIT :named
    """  # noqa: S608 - our own words
)
#: Rows out: one: how many budgets are noted although nothing is under way that ends in calculating them.
_FORGOTTEN: Final = text(
    """
    SELECT count(DISTINCT coalesce(budget_id, -run_id)) FROM budget_dirty
    WHERE NOT EXISTS (
        SELECT FROM work WHERE kind IN ('recompute_budgets', 'fetch_prices', 'read_price_mail', 'import_prices')
        AND done_at IS NULL AND dead_at IS NULL
    )
    """
)
_MARKED: Final = text("SELECT value FROM remembered WHERE name = 'budgets marked'")


def budgets(scope: Scope) -> Looked:
    """Every sort of fault of budgets."""
    looked = Looked(Message("Budgets calculated once more"))
    marked = _marked(scope)
    checker = _Checker(scope, marked[1] if marked else None)
    for ids, noted in _chunks(scope):
        looked.left_out += noted
        looked.examined += len(ids)
        checker.check(ids)
        scope.tell(looked.name, looked.examined)
    looked.left_out += checker.waiting
    looked.found(DIFFERS, checker.differing, checker.differ)
    looked.found(CEILING, checker.unfounded, checker.unfound)
    if marked is not None and scope.day - marked[0] > _LATE:
        looked.found(
            NIGHTS, [Thing(marked[0].isoformat(), Message("the last one was on {date}", date=marked[0].isoformat()))]
        )
    never = scope.session.execute(_NEVER, {"named": NAMED}).all()
    if never:
        looked.found(MISSING, [Thing(f"{row.number}/{row.decision}") for row in never], never[0].counted)
    forgotten = scope.session.execute(_FORGOTTEN).scalar_one()
    if forgotten:
        looked.found(FORGOTTEN, [Thing("recompute_budgets", Message("how many: {count}", count=forgotten))], forgotten)
    return looked


def _chunks(scope: Scope) -> Iterator[tuple[list[int], int]]:
    """Budgets to be looked at, so many at a time, and how many beside them are noted anyway."""
    if scope.budgets is None:
        after = 0
        while rows := scope.session.execute(_NEXT, {"after": after, "count": CHUNK}).all():
            after = rows[-1].id
            yield _free(rows)
        return
    broken = {name for sort in (DIFFERS, CEILING) for name in scope.again.get(sort.name, ())}
    values = {"word": f"{scope.day} ", "count": scope.budgets, "cases": sorted({one.split("/")[0] for one in broken})}
    rows = scope.session.execute(_DRAWN, values).all()
    for start in range(0, len(rows), CHUNK):
        yield _free(rows[start : start + CHUNK])


def _free(rows: Sequence[Any]) -> tuple[list[int], int]:
    return [row.id for row in rows if not row.noted], sum(row.noted for row in rows)


def _marked(scope: Scope) -> tuple[date, By] | None:
    """The day of the last night that noted what the calendar and settings touch, and what it went by; None before the first."""
    value = scope.session.execute(_MARKED).scalar_one_or_none()
    if value is None:
        return None
    said = json.loads(value)
    day = date.fromisoformat(said["day"])
    steps = {unit: Decimal(step) for unit, step in said["steps"].items()}
    return day, by_settings(Budgets.model_validate(said["settings"]), day, steps)


class _Checker:
    """Holds budgets against their rows. `waiting`: so many are as the last night made them, and will be calculated in the next."""

    def __init__(self, scope: Scope, marked: By | None) -> None:
        self._scope = scope
        self._present = by_settings(scope.settings, scope.day, steps_of_units(scope.session))
        self._marked = marked
        self.waiting = self.differ = self.unfound = 0
        self.differing: list[Thing] = []
        self.unfounded: list[Thing] = []

    def check(self, ids: Sequence[int]) -> None:
        """Look at budgets, each by all its rows."""
        for kept in read(self._scope.session, ids) if ids else ():
            if kept.figures is None:
                continue  # told as missing
            why = objection(kept)
            if why is not None:
                self.unfound += 1
                self.unfounded += [Thing(_name(kept), why)] if len(self.unfounded) < NAMED else []
            differs = _difference(kept, kept.figures, calculate(kept, self._present))
            if differs is None:
                continue
            if any(_difference(kept, kept.figures, calculate(kept, by)) is None for by in self._before(kept)):
                self.waiting += 1
                continue
            self.differ += 1
            if len(self.differing) < NAMED:
                self.differing.append(Thing(_name(kept), differs))

    def _before(self, kept: Kept) -> Iterator[By]:
        """What a budget may have been calculated by and still be in order: the last night's day and settings, or a day since."""
        if self._marked is None:
            days = {kept.recorded_on}
        else:
            days = {self._marked.today} | ({kept.recorded_on} if kept.recorded_on > self._marked.today else set())
        for rules in (self._present, self._marked):
            for day in days:
                if rules is not None and (rules, day) != (self._present, self._present.today):
                    yield rules.on(day)


def _name(kept: Kept) -> str:
    return f"{kept.case}/{kept.decision}"


def _difference(kept: Kept, found: Figures, wanted: Figures) -> Message | None:
    """The first thing that is not as it should be."""
    for name, words in _FIGURES.items():
        have, want = getattr(found, name), getattr(wanted, name)
        if have != want:
            return Message(
                "{figure}: kept {euros}, calculated once more {of_euros}", figure=Message(words), euros=_shown(have), of_euros=_shown(want)
            )  # fmt: skip
    if found.state != wanted.state:
        have, want = (Message(STATE_NAMES[one.state]) for one in (found, wanted))
        return Message("state: kept {kept}, found {found}", kept=have, found=want)
    if wanted.free is None and not kept.explained:
        return Message("it cannot be calculated in full, and no reason is told")
    sums = (wanted.invoiced, wanted.delivered, wanted.ordered, wanted.planned)
    if max(map(abs, sums)) < BELIEVED and Counter(found.lines) != Counter(wanted.lines):
        return Message("its lines are others, although they add up to the same")
    return None


def _shown(value: Decimal | None) -> str:
    return "–" if value is None else str(value)
