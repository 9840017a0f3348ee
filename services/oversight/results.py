"""What final evaluations found, by quarters of the year: was the need met, and what else was answered.

Answers of one question are parts of the same evaluations, so that one told would tell its neighbour: within a block each answer is told
where it is of enough cases, the rest together as `other`, for which the smallest told answer is taken in until it is large enough itself.
An evaluation that leaves a question open counts under it as `other` as well. The present quarter is not told yet.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from services.oversight.blocks import ENOUGH, Block, Cell, blocks
from services.oversight.months import months_on
from services.oversight.units import UNIT_CASE

#: What is asked at the end, and the answers there are, in the order they are told; OTHER stands for the rest.
QUESTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "end_result": ("need_met", "continues", "heavier_service"),
    "runs_as_agreed": ("yes", "partly", "no"),
    "supports_goals": ("yes", "partly", "no"),
    "new_ways_in_daily_use": ("yes", "partly", "no"),
    "family_present": ("yes", "no"),
}
OTHER: Final = "other"
_ALL: Final = "evaluations"

_FINALS = f"""
    {UNIT_CASE}, final AS (
        SELECT unit_id, follow_up.case_id, findings,
               CAST(date_trunc('quarter', follow_up.settled_at AT TIME ZONE 'Europe/Helsinki') AS date) AS quarter
        FROM follow_up JOIN unit_case USING (case_id)
        WHERE follow_up.kind = 'final' AND follow_up.state = 'acknowledged'
    )
"""  # noqa: S608 - our own words

#: Rows in: the first day of this quarter. Rows out: for each unit and quarter before it how many evaluations, of how many cases, and these
#: where they are too few.
_EVALUATIONS = text(
    f"""
    WITH {_FINALS}
    SELECT unit_id, quarter, count(*) AS evaluations, count(DISTINCT case_id) AS cases,
           CASE WHEN count(DISTINCT case_id) < {ENOUGH} THEN array_agg(DISTINCT case_id) END AS few
    FROM final WHERE quarter < CAST(:this_quarter AS date) GROUP BY unit_id, quarter
    """  # noqa: S608 - our own words
)

#: Rows in: the same. Rows out: for each unit, quarter, question and answer how many evaluations say so, and of how many cases.
_ANSWERS = text(
    f"""
    WITH {_FINALS}
    SELECT unit_id, quarter, answer.key AS question, answer.value AS answer, count(*) AS evaluations, count(DISTINCT case_id) AS cases
    FROM final CROSS JOIN LATERAL jsonb_each_text(findings) AS answer
    WHERE quarter < CAST(:this_quarter AS date) AND answer.key = ANY(:questions)
    GROUP BY unit_id, quarter, answer.key, answer.value
    """  # noqa: S608 - our own words
)


def count_results(session: Session, today: date) -> dict[int, list[Block]]:
    """The blocks of every unit: groups (question, answer), and ('', '') for how many evaluations there were. Quarters that are over."""
    values = {"this_quarter": _quarter(today), "questions": list(QUESTIONS)}
    cells: dict[int, list[Cell]] = defaultdict(list)
    for row in session.execute(_EVALUATIONS, values):
        few = None if row.few is None else frozenset(row.few)
        cells[row.unit_id].append(Cell(row.quarter, few, row.cases, {_ALL: Decimal(row.evaluations)}))
    answers: dict[int, dict[tuple[str, str], list[tuple[date, int, int]]]] = defaultdict(lambda: defaultdict(list))
    for row in session.execute(_ANSWERS, values):
        answers[row.unit_id][row.question, row.answer].append((row.quarter, row.evaluations, row.cases))
    found = {}
    for unit, own in cells.items():
        whole = [replace(block, last=months_on(block.last, 2)) for block in blocks(("", ""), own)]
        found[unit] = [one for block in whole for one in (block, *_parts(block, answers[unit]))]
    return found


def _quarter(day: date) -> date:
    return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)


def _parts(block: Block, answers: Mapping[tuple[str, str], list[tuple[date, int, int]]]) -> list[Block]:
    """A block's answers, question by question, as far as they may be told."""
    made = []
    for question, possible in QUESTIONS.items():
        said: dict[str, Said] = {}
        for answer in possible:
            found = [one for one in answers.get((question, answer), ()) if block.first <= one[0] <= block.last]
            # of several quarters the largest number of cases is what is certain
            evaluations, most = sum(one[1] for one in found), sum(one[2] for one in found)
            said[answer] = Said(evaluations, max((one[2] for one in found), default=0), most)
        for answer, count in told(said, int(block.sums[_ALL]), block.cases or ENOUGH).items():
            made.append(Block((question, answer), block.first, block.last, None, {_ALL: Decimal(count)}))
    return made


class Said(NamedTuple):
    """How many evaluations say something, of at least and at most how many cases."""

    evaluations: int
    at_least: int
    at_most: int


def told(said: Mapping[str, Said], evaluations: int, cases: int) -> dict[str, int]:
    """How many evaluations say what, of so many evaluations of at least so many cases: answers of enough cases, OTHER for the rest if any.

    Where OTHER might be of too few cases, the smallest of the answers goes into it as well.
    """
    kept = {answer: one for answer, one in said.items() if one.at_least >= ENOUGH}
    while kept and sum(one.evaluations for one in kept.values()) < evaluations:
        if cases - sum(one.at_most for one in kept.values()) >= ENOUGH:
            break
        del kept[min(kept, key=lambda answer: (kept[answer].evaluations, answer))]
    rest = evaluations - sum(one.evaluations for one in kept.values())
    counted = {answer: one.evaluations for answer, one in kept.items()}
    return {**counted, OTHER: rest} if rest else counted
