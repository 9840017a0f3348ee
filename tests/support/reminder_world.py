"""An office that lives on the real database and, beside it, in the oracle's words: both are told of everything that happens."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from random import Random
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from models.base import days
from tests.factories.base import unique
from tests.factories.case import make_case, make_choice, make_decision, make_plan_item
from tests.factories.follow_up import make_notice
from tests.factories.order import make_order
from tests.factories.provider import make_provider
from tests.factories.service import make_service
from tests.factories.worker import make_unit, make_worker
from tests.support.reminder_cases import Order, Served, Service
from tests.support.reminder_oracle.calendar import DAY, local_day, moment
from tests.support.reminder_oracle.people import Away, Matter, Unit, Worker

SIX = time(6)
LANGUAGES = ("fi", "sv", "en")


@dataclass
class World:
    """Everybody and everything, and what may happen. `chance` decides; where it says 0, nothing does, so that examples shrink."""

    session: Session
    chance: Random
    workers: list[Worker] = field(default_factory=list)
    units: list[Unit] = field(default_factory=list)
    cases: list[Served] = field(default_factory=list)
    services: list[Service] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    child_welfare: dict[str, int] = field(default_factory=dict)
    story: list[str] = field(default_factory=list)
    notices: dict[int, Worker] = field(default_factory=dict)
    _service: Any = None
    _provider: Any = None

    # what there is

    def begin(self, *, units: int, workers: int, cases: int, today: date) -> None:
        """People, and cases of theirs."""
        self._service, self._provider = make_service(self.session), make_provider(self.session)
        rows = [make_unit(self.session) for _ in range(units)]
        self.units = [Unit(row.id) for row in rows]
        self.child_welfare = {row.code: row.id for row in rows[:1]}
        for n in range(workers):
            unit = self.units[n % units] if self.often(0.9) or not n else None
            row = make_worker(self.session, unit_id=unit.id if unit else None, language=self.pick(LANGUAGES))
            self.workers.append(Worker(row.id, row.external_id, unit, row.email))
        for unit in self.units:
            self.new_supervisor(unit)
        for _ in range(cases):
            self.new_case(today)
            self.new_service(self.cases[-1], today)

    def new_case(self, today: date) -> None:
        """Another family. Mostly it has a responsible worker; some cases have a supervisor of their own."""
        matter = Matter(
            None if self.often(0.05) else self.pick(self.workers),
            self.pick(self.workers) if self.often(0.4) else None,
            self.pick(self.units) if self.often(0.5) else None,
        )
        plan_date = today - DAY * self.chance.randint(0, 500) if self.often(0.7) else None
        row = make_case(
            self.session,
            plan_date=plan_date,
            responsible_worker_id=matter.responsible and matter.responsible.id,
            supervisor_id=matter.supervisor and matter.supervisor.id,
            unit_id=matter.unit and matter.unit.id,
        )
        decision = make_decision(self.session, row, valid=None)
        self.cases.append(Served(row.id, decision, matter, plan_date))

    def new_service(self, case: Served, today: date) -> None:
        """A service that begins about now, or was forgotten for long; mostly somebody has chosen who provides it."""
        first = today + DAY * self.chance.randint(-20, 30)
        last = first + DAY * self.chance.randint(0, 120)
        rhythm = self._some_rhythm()
        item = make_plan_item(
            self.session, case.decision, self._service, first=first, last=last, follow_up_rhythm=rhythm
        )
        chosen = not self.often(0.1)
        if chosen:
            make_choice(self.session, item, self._provider, chosen_at=moment(today, SIX))
        self.services.append(Service(item.id, case, first, last, rhythm, today if chosen else None, today))

    def _some_rhythm(self) -> dict[str, Any] | None:
        if not self.often(0.4):
            return None
        possible = {
            "start_working_days": self.chance.randint(0, 12),
            "interval_days": self.chance.randint(3, 45),
            "before_end_days": self.chance.randint(0, 21),
            "plan_review_months": self.chance.randint(1, 20),
        }
        return {name: value for name, value in possible.items() if self.often(0.6)}

    # what happens to people

    def new_supervisor(self, unit: Unit) -> None:
        """Anybody, also somebody of the unit or of one below it, or nobody."""
        unit.supervisor = None if self.often(0.1) else self.pick(self.workers)
        self._set("unit", unit.id, supervisor_id=unit.supervisor and unit.supervisor.id)

    def come_or_go(self, worker: Worker) -> None:
        """Somebody leaves, or comes back."""
        worker.active = not worker.active
        self._set("worker", worker.id, active=worker.active)

    def change_address(self, worker: Worker) -> None:
        """An address is lost, is refused by its server, or there is a new one."""
        how = self.chance.randint(0, 2)
        if how == 0 or worker.address is None:
            worker.address = f"{unique('uusi')}@avain-esimerkki.invalid"
        elif how == 1:
            worker.refused = worker.address
        else:
            worker.address = None
        self._set("worker", worker.id, email=worker.address, refused_email=worker.refused)

    def move_desk(self, worker: Worker) -> None:
        """Somebody works in another unit now, or in none."""
        worker.unit = None if self.often(0.2) else self.pick(self.units)
        self._set("worker", worker.id, unit_id=worker.unit and worker.unit.id)

    def go_away(self, worker: Worker, today: date) -> None:
        """An absence with or without a deputy, who may be away as well."""
        first = today + DAY * self.chance.randint(0, 10)
        last = first + DAY * self.chance.randint(0, 25)
        if any(one.first <= last and first <= one.last for one in worker.absences):
            return
        others = [one for one in self.workers if one is not worker]
        deputy = None if self.often(0.3) or not others else self.pick(others)
        sql = """INSERT INTO absence (worker_id, deputy_id, period, actor)
                 VALUES (:worker, :deputy, daterange(:first, :last, '[]'), 'test') RETURNING id"""
        values = {"worker": worker.id, "deputy": deputy and deputy.id, "first": first, "last": last}
        id = self.session.execute(text(sql), values).scalar_one()
        worker.absences.append(Away(first, last, deputy, id))

    def call_off(self, worker: Worker) -> None:
        """An absence was entered in error."""
        if worker.absences:
            self._set("absence", worker.absences.pop().id, cancelled_at=datetime(2027, 1, 1))  # noqa: DTZ001 - whenever

    # what happens to cases

    def new_hands(self, case: Served) -> None:
        """Another worker is responsible, or nobody."""
        case.matter.responsible = None if self.often(0.1) else self.pick(self.workers)
        self._set("client_case", case.id, responsible_worker_id=case.matter.responsible and case.matter.responsible.id)

    def close_or_open(self, case: Served) -> None:
        """A case ends, or goes on after all."""
        case.closed = not case.closed
        self._set("client_case", case.id, status="closed" if case.closed else "open")

    def lose_or_find(self, case: Served) -> None:
        """The source does not know a case any more, or does again."""
        case.gone = not case.gone
        self._set("client_case", case.id, gone_at=datetime(2027, 1, 1) if case.gone else None)  # noqa: DTZ001 - whenever

    def replan(self, service: Service) -> None:
        """Other days, or another rhythm."""
        if self.often(0.3):
            service.rhythm = self._some_rhythm()
            sql = "UPDATE plan_item SET follow_up_rhythm = CAST(:value AS jsonb) WHERE id = :id"

            value = None if service.rhythm is None else json.dumps(service.rhythm)
            self.session.execute(text(sql), {"id": service.id, "value": value})
            return
        service.first += DAY * self.chance.randint(-10, 10)
        service.last = max(service.first, service.last + DAY * self.chance.randint(-40, 60))
        sql = "UPDATE plan_item SET period = daterange(:first, :last, '[]') WHERE id = :id"
        self.session.execute(text(sql), {"id": service.id, "first": service.first, "last": service.last})

    def choose_or_not(self, service: Service, now: datetime) -> None:
        """Somebody chooses a provider, or takes that back."""
        if service.order or service.declined:
            return
        if service.chosen:
            sql = "UPDATE choice SET ended_at = :now WHERE plan_item_id = :id AND ended_at IS NULL"
        else:
            sql = "INSERT INTO choice (plan_item_id, provider_id, chosen_by, actor, reason, chosen_at) VALUES (:id, :provider, 'parent', 'test', '', :now)"
        self.session.execute(text(sql), {"id": service.id, "now": now, "provider": self._provider.id})
        service.waits_since = service.chosen_on = None if service.chosen else local_day(now)

    def end_or_not(self, service: Service, now: datetime) -> None:
        """The source says a service has ended, or that this was a mistake."""
        service.ended = not service.ended
        self._set("plan_item", service.id, ended_at=now if service.ended else None)

    def plan_again(self, case: Served, today: date) -> None:
        """A client plan is made anew."""
        case.plan_date = today - DAY * self.chance.randint(0, 30)
        self._set("client_case", case.id, plan_date=case.plan_date)

    # what happens to orders

    def order_or_decline(self, service: Service, now: datetime) -> None:
        """What was chosen is ordered, or shall not be; or that is taken back."""
        today = local_day(now)
        if not service.followed or service.order:
            return
        if service.declined:
            sql = "UPDATE order_decline SET withdrawn_at = :now WHERE plan_item_id = :id AND withdrawn_at IS NULL"
            service.declined, service.waits_since = False, today
        elif self.often(0.2):
            sql = """INSERT INTO order_decline (choice_id, plan_item_id, declined_by, declined_at, reason)
                     SELECT id, plan_item_id, 'test', :now, 'syy' FROM choice WHERE plan_item_id = :id AND ended_at IS NULL"""
            service.declined = True
        else:
            row = make_order(
                self.session, service.case.decision, self._provider, sent_at=now, approved_at=now, issue_date=today,
                period=days(service.first, service.last),
            )  # fmt: skip
            sql = "INSERT INTO order_coverage (order_id, plan_item_id, period, live) SELECT :order, id, period, true FROM plan_item WHERE id = :id"
            service.order = Order(row.id, service, service.last, today, today)
            self.orders.append(service.order)
        order = service.order and service.order.id
        self.session.execute(text(sql), {"id": service.id, "now": now, "order": order})

    def news_of_order(self, order: Order, now: datetime) -> None:
        """The provider answers, the worker hands over, somebody sends it again or cancels it."""
        today, how = local_day(now), self.chance.randint(0, 4)
        if order.over:
            return
        if how == 0 and not order.answered_on:
            order.sent_on = today
            self._set("purchase_order", order.id, sent_at=now)
        elif how == 1:
            self._end(order, now, state="cancelled", cancelled_at=now)
        elif not order.answered_on:
            order.answered_on, order.accepted = today, how != 2
            if order.accepted:
                self._set("purchase_order", order.id, state="accepted", answered_at=now)
            else:
                self._end(order, now, state="rejected", answered_at=now)
        elif not order.handed_over:
            order.handed_over = True
            self._set("purchase_order", order.id, handed_over_at=now, handed_over_by="test")

    def _end(self, order: Order, now: datetime, **values: Any) -> None:
        self._set("purchase_order", order.id, **values)
        self.session.execute(text("UPDATE order_coverage SET live = false WHERE order_id = :id"), {"id": order.id})
        order.over, order.service.order = True, None
        service = order.service
        # unless the clock was set back meanwhile: what was ordered before it was chosen came of another choice
        if service.chosen_on and order.ordered_on >= service.chosen_on:
            service.waits_since = max(filter(None, (service.waits_since, local_day(now))))

    # news, and chance

    def news(self, worker: Worker) -> None:
        """Something a worker should hear of once."""
        row = make_notice(self.session, _Row(worker.id), subject=f"case:HB-2026-{self.chance.randint(1, 999):06}")  # type: ignore[arg-type]
        self.notices[row.id] = worker

    def often(self, share: float) -> bool:
        """Whether it happens, that often."""
        return self.chance.random() >= 1 - share

    def pick(self, among: Any) -> Any:
        """One of them."""
        return among[self.chance.randint(0, len(among) - 1)]

    def a_day_passes(self, today: date, now: datetime, pace: float) -> None:
        """What a day brings, each thing about so often a year: `pace` 1 for an office of some ten people."""
        happenings: tuple[tuple[float, Callable[..., None], Sequence[Any], tuple[Any, ...]], ...] = (
            (0.20, self.new_service, self.cases, (today,)),
            (0.10, self.replan, self.services, ()),
            (0.05, self.choose_or_not, self.services, (now,)),
            (0.03, self.end_or_not, self.services, (now,)),
            (0.02, self.close_or_open, self.cases, ()),
            (0.01, self.lose_or_find, self.cases, ()),
            (0.02, self.new_hands, self.cases, ()),
            (0.03, self.plan_again, self.cases, (today,)),
            (0.02, self.come_or_go, self.workers, ()),
            (0.04, self.change_address, self.workers, ()),
            (0.02, self.move_desk, self.workers, ()),
            (0.02, self.new_supervisor, self.units, ()),
            (0.12, self.go_away, self.workers, (today,)),
            (0.02, self.call_off, self.workers, ()),
            (0.10, self.news, self.workers, ()),
            (0.30, self.order_or_decline, self.services, (now,)),
            (0.30, self.news_of_order, self.orders, (now,)),
        )
        for share, happen, among, more in happenings:
            if among and self.often(share * pace):
                whom = self.pick(among)
                happen(whom, *more)
                self.story.append(f"{today} {happen.__name__}: {whom}")
        self.session.expire_all()

    def _set(self, table: str, id: int, **values: Any) -> None:
        names = ", ".join(f"{name} = :{name}" for name in values)
        self.session.execute(text(f"UPDATE {table} SET {names} WHERE id = :id"), {**values, "id": id})


@dataclass(frozen=True)
class _Row:
    id: int
