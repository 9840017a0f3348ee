"""Which cases somebody may see: the rule in SQL against the same rule in plain Python, over a small world with every kind of tie."""

import itertools
from dataclasses import dataclass
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import text

from core.errors import NotFound
from models.base import days
from models.case import Case, Client
from models.worker import Absence, Unit, Worker
from services.access import Person, access_to_case, visible_cases
from services.access.cases import TIED, VISIBLE, visible_among
from tests.factories.base import added
from tests.factories.case import make_case
from tests.factories.worker import make_unit, make_worker

TODAY = date(2026, 11, 16)
_ROLES = [set(), {"worker"}, {"supervisor"}, {"worker", "supervisor"}, {"operator", "price_manager", "auditor"}]


@dataclass
class World:
    """Workers by a letter, their absences, and cases by number."""

    workers: dict[str, Worker]
    absences: list[Absence]
    cases: list[Case]
    units: list[Unit]
    hidden: set[int]


@pytest.fixture
def world(session):
    """Two units with a supervisor each; in each two workers, and one worker without a unit; cases with every combination of ties."""
    boss, other_boss = make_worker(session), make_worker(session)
    units = [make_unit(session, supervisor_id=boss.id), make_unit(session, supervisor_id=other_boss.id)]
    workers = {
        "a": make_worker(session, unit_id=units[0].id),
        "b": make_worker(session, unit_id=units[0].id),
        "c": make_worker(session, unit_id=units[1].id),
        "d": make_worker(session),
        "boss": boss,
        "other": other_boss,
    }

    def away(who, deputy, first, last, cancelled=None):
        period = days(first, last)
        return added(
            session,
            Absence(
                worker_id=workers[who].id,
                deputy_id=workers[deputy].id if deputy else None,
                period=period,
                actor="test",
                cancelled_at=cancelled,
            ),
        )

    absences = [
        away("a", "c", TODAY, TODAY),  # today alone
        away("b", "c", date(2026, 11, 1), date(2026, 11, 15)),  # back since today
        away("c", "d", date(2026, 11, 17), date(2026, 11, 30)),  # from tomorrow
        away("d", "b", date(2026, 11, 1), date(2026, 11, 30), datetime(2026, 11, 10, tzinfo=UTC)),  # taken back
        away("b", None, date(2026, 11, 16), date(2026, 11, 20)),  # nobody stands in
    ]
    cases = [
        make_case(
            session,
            responsible_worker_id=workers[who].id if who else None,
            co_worker_id=workers[co].id if co else None,
            supervisor_id=workers[over].id if over else None,
            unit_id=unit.id if unit else None,
        )
        for who, co, over, unit in itertools.product(
            ("a", "b", "c", "d", None), ("b", None), ("other", None), (units[0], units[1], None)
        )
    ]
    hidden = sorted({case.client_id for case in cases[::4]})  # under non-disclosure: of every tie some
    session.execute(text("UPDATE client SET non_disclosure = true WHERE id = ANY(:ids)"), {"ids": hidden[::2]})
    for number, one in enumerate(hidden[1::2]):  # by the word of another source alone, which knows the same person
        session.get_one(Client, one).blind_index = b"%d" % number
        added(session, Client(source="another", external_id=str(one), blind_index=b"%d" % number, non_disclosure=True))
    session.flush()
    return World(workers, absences, cases, units, set(hidden))


def expected(world: World, me, roles: set[str], case) -> str | None:
    """How `me` comes to a case, in plain words."""
    responsible = next((one for one in world.workers.values() if one.id == case.responsible_worker_id), None)
    if "worker" in roles:
        if case.responsible_worker_id == me.id:
            return "own"
        for absence in world.absences:
            if (
                absence.worker_id == case.responsible_worker_id
                and absence.deputy_id == me.id
                and absence.cancelled_at is None
                and TODAY in absence.period
            ):
                return "deputy"
        if case.co_worker_id == me.id and case.client_id not in world.hidden:
            return "co_worker"
    if "supervisor" in roles:
        mine = {unit.id for unit in world.units if unit.supervisor_id == me.id}
        unit = responsible.unit_id if responsible and responsible.unit_id else case.unit_id
        if case.supervisor_id == me.id or unit in mine:
            return "supervisor"
    return None


def person(worker, roles, *, everything=False) -> Person:
    return Person(1, "s", "n", frozenset(roles), worker.id if worker else None, None, None, everything, "c")


@pytest.mark.parametrize("roles", _ROLES, ids=lambda roles: "+".join(sorted(roles)) or "none")
@pytest.mark.parametrize("who", ["a", "b", "c", "d", "boss", "other"])
def test_the_rule_in_sql_is_the_rule_in_words(session, world, who, roles):
    me = world.workers[who]
    one = person(me, roles)
    wanted = {case.number: how for case in world.cases if (how := expected(world, me, roles, case))}
    listed = session.scalars(text(f"SELECT number FROM client_case WHERE {VISIBLE}"), visible_cases(one, TODAY)).all()
    assert sorted(listed) == sorted(wanted)
    # the same from the other end, as lists ask for it
    tied = session.execute(text(TIED), visible_cases(one, TODAY)).scalars().all()
    assert sorted(tied) == sorted(case.id for case in world.cases if case.number in wanted)
    every = [case.number for case in world.cases]
    assert visible_among(session, one, [*every, "HB-1999-000001"], TODAY) == set(wanted)
    for case in world.cases:
        if case.number in wanted:
            access = access_to_case(session, one, case.number, TODAY)
            assert (access.case_id, access.how) == (case.id, wanted[case.number])
            assert access.names_freely == (access.how in {"own", "deputy"})
        else:
            with pytest.raises(NotFound):
                access_to_case(session, one, case.number, TODAY)


def test_somebody_without_a_worker_sees_nothing_whatever_the_role(session, world):
    nobody = person(None, {"worker", "supervisor"})
    assert session.scalars(text(f"SELECT 1 FROM client_case WHERE {VISIBLE}"), visible_cases(nobody, TODAY)).all() == []


def test_the_local_user_sees_all_but_names_ask_for_a_reason(session, world):
    local = person(None, {"worker"}, everything=True)
    case = world.cases[0]
    access = access_to_case(session, local, case.number, TODAY)
    assert (access.how, access.names_freely) == ("everything", False)
