"""Whatever ended when and is needed by whom: what goes is what a plain program says."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.clock import local_date
from core.retention_settings import Retention
from models.retention import CaseHold
from services.retention import finding
from services.retention.rules import rules
from tests.factories.base import added
from tests.factories.case import make_case, make_decision, make_plan_item
from tests.factories.order import make_invoice, make_order, make_order_line
from tests.factories.price import make_price
from tests.factories.provider import make_provider
from tests.factories.service import make_service
from tests.factories.worker import make_unit, make_worker

#: Around the turns of a year and of the days on which something's time is up, in winter and in summer.
_ANY = st.integers(
    int(datetime(2014, 1, 1, tzinfo=UTC).timestamp()), int(datetime(2017, 12, 31, tzinfo=UTC).timestamp())
)
MOMENTS = _ANY.map(lambda seconds: datetime.fromtimestamp(seconds, UTC)) | st.sampled_from(
    [
        datetime(2016, 11, 22, 21, 59, tzinfo=UTC),
        datetime(2016, 11, 22, 22, 0, tzinfo=UTC),
        datetime(2016, 2, 29, 12, tzinfo=UTC),
    ]
)
DAYS = st.dates(date(2021, 6, 1), date(2024, 6, 1)) | st.sampled_from([date(2022, 12, 31), date(2023, 1, 1)])
TODAY = st.sampled_from(
    [
        date(2026, 11, 22),
        date(2026, 11, 23),
        date(2026, 11, 24),
        date(2028, 2, 29),
        date(2027, 1, 1),
        date(2046, 11, 23),
    ]
)


@dataclass(frozen=True)
class Drawn:
    closed: datetime | None
    gone: datetime | None
    working_age: str
    held: bool
    state: str | None
    invoiced: date | None


CASES = st.builds(
    Drawn,
    closed=st.none() | MOMENTS,
    gone=st.none() | MOMENTS,
    working_age=st.sampled_from(["own", "worker", "worker_but_own_is_not", "none", "kept", "worker_kept"]),
    held=st.booleans(),
    state=st.sampled_from([None, "closed", "rejected", "cancelled", "closed", "sent", "failed", "accepted"]),
    invoiced=st.none() | DAYS,
)


def goes(one: Drawn, today: date, configured: Retention) -> bool:
    """In words of the calendar: whether a case may be removed on a day."""
    ends = [local_date(moment) for moment in (one.closed, one.gone) if moment is not None]
    if (
        not ends
        or one.held
        or one.working_age in {"kept", "worker_kept"}
        or one.state in {"sent", "failed", "accepted"}
    ):
        return False
    years = configured.working_age_years if one.working_age in {"own", "worker"} else configured.family_case_years
    end = min(ends)
    same_day_of_today = date(today.year - years, today.month, min(today.day, 28 if today.month == 2 else today.day))
    if not end < same_day_of_today:
        return False
    young = (
        one.state is not None
        and one.invoiced is not None
        and today.year - one.invoiced.year <= configured.voucher_years
    )
    return not young


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    drawn=st.lists(CASES, min_size=1, max_size=6),
    today=TODAY,
    years=st.sampled_from([(30, 10, 3), (11, 9, 4), (2, 1, 1)]),
)
def test_what_goes_is_what_a_plain_program_says(
    session: Session, drawn: list[Drawn], today: date, years: tuple[int, int, int]
) -> None:
    with session.begin_nested() as attempt:
        adults, family, kept = make_unit(session), make_unit(session), make_unit(session)
        configured = Retention(
            family_case_years=years[0],
            working_age_years=years[1],
            voucher_years=years[2],
            working_age_units=(adults.code,),
            kept_units=(kept.code,),
        )
        workers = {unit.id: make_worker(session, unit_id=unit.id).id for unit in (adults, family, kept)}
        service, provider = make_service(session), make_provider(session)
        price = make_price(session, service, provider, "10.00")
        expected = set()
        for one in drawn:
            own = {"own": adults.id, "worker_but_own_is_not": family.id, "kept": kept.id, "worker_kept": adults.id}.get(
                one.working_age
            )
            of_worker = {"worker": adults.id, "worker_but_own_is_not": adults.id, "worker_kept": kept.id}.get(
                one.working_age, family.id
            )
            status = "closed" if one.closed else "open"
            case = make_case(
                session,
                unit_id=own,
                responsible_worker_id=workers[of_worker],
                status=status,
                closed_at=one.closed,
                gone_at=one.gone,
            )
            if one.held:
                added(session, CaseHold(case_id=case.id, reason="x", held_by="cli:a", held_at=datetime.now(UTC)))
            if one.state is not None:
                decision = make_decision(session, case)
                item = make_plan_item(session, decision, service)
                order = make_order(session, decision, provider, state=one.state, total_net=10, total_gross=10)
                line = make_order_line(session, order, item, price, "10.00")
                if one.invoiced is not None:
                    make_invoice(session, line, "10.00", issue_date=one.invoiced)
            if goes(one, today, configured):
                expected.add(case.id)
        session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
        found = session.execute(finding.DUE_CASES, {**rules(configured, today).values, "limit": 100})
        assert {row.id for row in found} == expected
        counted = session.execute(finding.CASES, rules(configured, today).values).mappings().all()
        assert sum(row["counted"] for row in counted if row["kept"] is None) == len(expected)
        attempt.rollback()


def test_the_oracle_knows_both_sides_of_a_day() -> None:
    day = datetime(2016, 11, 23, 9, 0, tzinfo=UTC)
    one = Drawn(day, None, "own", held=False, state=None, invoiced=None)
    assert [goes(one, day.date().replace(year=2026) + timedelta(days=more), Retention()) for more in (-1, 0, 1)] == [
        False,
        False,
        True,
    ]
