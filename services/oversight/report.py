"""Everything a supervisor is shown of a unit in a period: what was counted by night, and what waits now."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy.orm import Session

from core.settings import Settings
from services.oversight.escalations import Escalated, escalations_of
from services.oversight.exceptions import Exceeding, exceptions_of
from services.oversight.figures import Figures, MonthLine, counted_of, figures_of
from services.oversight.months import Period
from services.oversight.units import Unit
from services.oversight.workload import Load, workload_of

#: So many single matters stand on a page; in a file, so many.
ON_PAGE: Final = 50
IN_FILE: Final = 5_000


@dataclass(frozen=True)
class Report:
    """A unit in a period. `…_found`: how many there are in all, of which the first stand here."""

    unit: Unit
    period: Period
    today: date
    figures: Figures
    exceptions: list[Exceeding]
    exceptions_found: int
    escalations: list[Escalated]
    escalations_found: int
    workload: list[Load]

    @property
    def cases(self) -> list[str]:
        """Numbers of the cases that are named, each once."""
        named = (*(one.case_number for one in self.exceptions), *(one.case_number for one in self.escalations))
        return list(dict.fromkeys(named))


def report_on(
    session: Session,
    unit: Unit,
    period: Period,
    *,
    today: date,
    settings: Settings,
    me: int | None = None,
    limit: int = ON_PAGE,
) -> Report:
    """The report. `me`: a supervisor, whose own cases of other units' workers count among what was passed on. Five queries."""
    counted = counted_of(session, unit.id)
    exceptions, exceptions_found = exceptions_of(session, unit.id, counted.blocks["exceptions"], period, limit)
    escalations, escalations_found = escalations_of(session, unit.id, me, limit)
    return Report(
        unit=unit,
        period=period,
        today=today,
        figures=figures_of(session, counted, period, settings.budgets.tolerance),
        exceptions=exceptions,
        exceptions_found=exceptions_found,
        escalations=escalations,
        escalations_found=escalations_found,
        workload=workload_of(session, counted.blocks["workload"]),
    )


def as_json(report: Report) -> dict[str, Any]:
    """For programs: codes instead of words, months as 2026-01, no client's name."""
    figures = report.figures
    return {
        "unit": report.unit.code,
        "from": _month(report.period.first),
        "to": _month(report.period.last),
        "counted_at": figures.counted_at,
        "euros": {
            "months": [_line(line) for line in figures.euros.lines],
            "cost": figures.euros.cost if figures.euros.told else None,
            "ceiling": figures.euros.ceiling if figures.euros.told else None,
            "tolerance": figures.euros.tolerance,
            "judged": figures.euros.judged,
            "cases_left_out": figures.left_out,
        },
        "exceptions": [
            {
                "case": one.case_number,
                "decision": one.decision,
                "state": one.state,
                "over_share": one.share,
                "reasons": [
                    {"order": said.order, "at": said.at, "by": said.by, "reason": said.reason} for said in one.said
                ],
                "remarks": [remark.text() for remark in one.remarks],
            }
            for one in report.exceptions
        ],
        "exceptions_found": report.exceptions_found,
        "days_to_start": [vars(one) for one in figures.waits],
        "ratings": [vars(one) for one in figures.ratings],
        "final_evaluations": figures.evaluations,
        "results": {one.question: one.answers for one in figures.results},
        "escalations": [vars(one) for one in report.escalations],
        "escalations_found": report.escalations_found,
        "workload": [vars(one) for one in report.workload],
    }


def _line(line: MonthLine) -> dict[str, Any]:
    return {
        "from": _month(line.first),
        "to": _month(line.last),
        "told": line.told,
        "cases": line.cases,
        "cost": line.cost,
        "ceiling": line.ceiling,
        **(line.parts or {}),
    }


def _month(day: date) -> str:
    return f"{day:%Y-%m}"
