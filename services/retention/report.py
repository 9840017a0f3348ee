"""What is over its time and what stays all the same, told before anything goes: `avain retention report`, the nightly job, the doctor."""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.audit_settings import Audit
from core.clock import local_date, years_before
from core.errors import Message
from core.i18n import HELSINKI, N_
from core.retention_settings import Retention
from services.retention import finding
from services.retention.holds import Hold, holds
from services.retention.rules import DOCUMENTS, FAMILY, MAILS, VOUCHERS, WORKING_AGE, Rules, rules

_WHY: Final = {
    finding.HELD: N_("held by a person"),
    finding.ORDERED: N_("an order is under way"),
    finding.WAITING: N_("a document about an order waits for a decision"),
    finding.VOUCHER: N_("an invoice or delivery is younger than vouchers are kept"),
    finding.HIDING: N_("its non-disclosure (turvakielto) hides another case of the same client"),
    finding.RUNNING: N_("the decision is not over"),
}
#: Rows out: units that are named in the settings, and that Avain has.
_UNITS: Final = text("SELECT code FROM unit WHERE code = ANY(:codes)")
#: Rows out: how many events of the audit trail say something that need not be kept any more.
_EVENTS: Final = text(
    """
    SELECT count(*) FROM audit_event
    WHERE recorded_at < :before AND purged_by IS NULL AND action NOT IN ('audit.purged', 'audit.anchored_anew')
    """
)
_GONE: Final = text("SELECT count(*) FROM removed_case")


def why_kept(reason: str) -> Message:
    """Why something stays, in words; a reason of another version is shown as it is."""
    return Message(_WHY.get(reason, reason))


@dataclass(frozen=True)
class Line:
    """One class. `before`: what is from before this day is over its time; `due`: so many may go; `kept`: so many stay, by reason; `next`: the
    day on which the next one's time is up, where there is one.
    """

    name: str
    before: date
    due: int
    kept: dict[str, int] = field(default_factory=dict)
    next: date | None = None


@dataclass(frozen=True)
class Report:
    """Every class; holds in force; units that the settings name and nobody knows; how many events of the audit trail may be purged, which the
    owner of the tables does (`avain audit purge`); how many cases were removed so far.
    """

    today: date
    lines: tuple[Line, ...]
    holds: tuple[Hold, ...]
    unknown_units: tuple[str, ...]
    events_before: date
    events: int
    removed: int

    @property
    def due(self) -> int:
        """How many things may go."""
        return sum(line.due for line in self.lines)


def report(session: Session, settings: Retention, audit: Audit, *, today: date) -> Report:
    """Look; changes nothing. A constant number of statements, whatever there is."""
    standing = rules(settings, today)
    named = (*settings.working_age_units, *settings.kept_units)
    known = set(session.scalars(_UNITS, {"codes": list(named)}))
    before = years_before(today, audit.keep_years)
    moment = datetime.combine(before, time(), HELSINKI)
    return Report(
        today=today,
        lines=(*_cases(session, standing, settings), *_others(session, standing, settings)),
        holds=tuple(holds(session)),
        unknown_units=tuple(one for one in named if one not in known),
        events_before=before,
        events=session.execute(_EVENTS, {"before": moment}).scalar_one(),
        removed=session.execute(_GONE).scalar_one(),
    )


def due_cases(session: Session, settings: Retention, *, today: date, limit: int) -> list[str]:
    """Numbers of cases that may go, the oldest first."""
    values = {**rules(settings, today).values, "limit": limit}
    return [row.number for row in session.execute(finding.DUE_CASES, values)]


def _cases(session: Session, standing: Rules, settings: Retention) -> list[Line]:
    rows = session.execute(finding.CASES, standing.values).mappings().all()
    years = {FAMILY: settings.family_case_years, WORKING_AGE: settings.working_age_years}
    return [
        Line(
            name, standing.before(name), *_split([row for row in rows if row["class"] == name], local_date, kept_years)
        )
        for name, kept_years in years.items()
    ]


def _others(session: Session, standing: Rules, settings: Retention) -> list[Line]:
    vouchers = session.execute(finding.VOUCHERS, standing.values).mappings().all()
    due, kept, newest = _split(vouchers, lambda day: day, 0)
    following = None if newest is None else date(newest.year + settings.voucher_years + 1, 1, 1)
    return [
        Line(VOUCHERS, standing.vouchers_before, due, kept, following),
        Line(DOCUMENTS, standing.vouchers_before, session.execute(finding.DOCUMENTS, standing.values).scalar_one()),
        Line(MAILS, standing.mails_before, session.execute(finding.MAILS, standing.values).scalar_one()),
    ]


def _split(rows: Any, day_of: Any, years: int) -> tuple[int, dict[str, int], date | None]:
    """How many may go, how many stay by reason, and the day after so many years of the oldest that is not over its time."""
    due = sum(row["counted"] for row in rows if row["kept"] is None)
    kept = {row["kept"]: row["counted"] for row in rows if row["kept"] is not None and row["counted"]}
    ends = [day_of(row["next"]) for row in rows if row["next"] is not None]
    if not ends:
        return due, kept, None
    first: date = min(ends)
    return due, kept, first if not years else _years_after(first, years) + timedelta(days=1)


def _years_after(day: date, years: int) -> date:
    return years_before(day, -years)
