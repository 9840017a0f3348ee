"""A unit's figures as a workbook, a sheet for each subject, to work on with.

What it holds may leave the house: no client's name, of single decisions no euros but the share they are over by (months of few decisions could be
taken apart with them), and no text that a spreadsheet program would take for a formula. Reasons are what people wrote; anything that looks
like a henkilötunnus is blotted out.
"""

from collections.abc import Iterable

from core.i18n import HELSINKI, _
from core.logging import redact
from services.budgets.words import state_name
from services.follow_ups.words import kind_label
from services.oversight import words
from services.oversight.report import Report
from services.sheets import Row, Share, Sheet, write_sheets


def write_workbook(report: Report) -> bytes:
    """The workbook, in the reader's language. Bytes of XLSX."""
    return write_sheets(Sheet(*one) for one in _sheets(report))


def _sheets(report: Report) -> Iterable[tuple[str, Row, list[Row]]]:
    figures = report.figures
    yield (
        _("About"),
        (_("What"), _("Value")),
        [
            (_("Unit"), report.unit.name),
            (_("Months"), words.months(report.period.first, report.period.last)),
            (_("Made on"), report.today),
            (_("Counted"), None if figures.counted_at is None else figures.counted_at.astimezone(HELSINKI).date()),
            (_("Cost neutrality"), words.neutral(figures.euros).text()),
            (_("Cases whose budget is not known in full, left out"), figures.left_out or _("fewer than five, or none")),
            (_("Hidden"), _("Groups of fewer than five cases are left out everywhere, also of totals.")),
        ],
    )
    yield (
        _("Euros"),
        (_("Months"), _("Cases"), _("Cost"), _("Granted"), _("Difference"), _("Invoiced"), _("Ordered"), _("Planned")),
        [*_months(report), (_("Together"), None, figures.euros.cost, figures.euros.ceiling, figures.euros.difference)]
        if figures.euros.told
        else list(_months(report)),
    )
    yield (
        _("Exceptions"),
        (_("Case"), _("Decision"), _("State"), _("Over by"), _("Order"), _("Approved"), _("By"), _("Reason")),
        list(_exceptions(report)),
    )
    yield (
        _("Days to start"),
        (_("Service"), _("Starts"), _("Median, days"), _("90th percentile, days")),
        [(words.service_or_others(one.service), one.starts, one.median, one.p90) for one in figures.waits],
    )
    yield (
        _("Ratings"),
        (_("Service"), _("Provider"), _("Average, 1 to 5"), _("Answers")),
        [
            (words.service_or_others(one.service), words.provider_or_others(one.provider), one.average, one.answers)
            for one in figures.ratings
        ],
    )
    yield (
        _("Results"),
        (_("Question"), _("Answer"), _("Final evaluations")),
        [
            (words.question(one.question), words.answer(answer), count)
            for one in figures.results
            for answer, count in one.answers.items()
        ],
    )
    yield (
        _("Passed on"),
        (_("Follow-up"), _("Case"), _("Kind"), _("Due"), _("Worker"), _("Passed on")),
        [
            (one.id, one.case_number, kind_label(one.kind), one.due, one.worker, one.escalated_on)
            for one in report.escalations
        ],
    )
    yield (
        _("Workload"),
        (_("Worker"), _("Cases"), _("Follow-ups due"), _("Overdue"), _("Passed on"), _("Waiting for approval")),
        [
            (one.name or _("nobody responsible"), one.cases, one.follow_ups, one.overdue, one.escalated, one.approvals)
            for one in report.workload
        ],
    )


def _months(report: Report) -> Iterable[Row]:
    for line in report.figures.euros.lines:
        told = words.months(line.first, line.last)
        if not line.told:
            yield (told, _("hidden: fewer than five cases"))
            continue
        parts = line.parts or {}
        named = [parts.get(name) for name in ("invoiced", "ordered", "planned")]
        yield (told, line.cases, line.cost, line.ceiling, line.difference, *named)


def _exceptions(report: Report) -> Iterable[Row]:
    for one in report.exceptions:
        own = (one.case_number, one.decision, state_name(one.state), None if one.share is None else Share(one.share))
        if not one.said:
            yield (*own, None, None, None, _("no reason is recorded"))
        for said in one.said:
            yield (*own, said.order, said.at.astimezone(HELSINKI).date(), said.by, redact(said.reason))
