"""Days of an office played on the real database, with the tasks of planning and reminding as a worker does them, each held against the oracle.

The slots come from the tick's own table and are called for as the tick does; the bodies of the tasks run under a lease that only keeps
their transactions inside the test's, which is rolled back in the end.
"""

from collections import Counter, defaultdict
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.clock import move_business_clock
from core.errors import Message
from core.follow_up_settings import FollowUps, Storm
from core.mail_settings import Mail
from core.order_settings import Orders
from core.settings import Settings
from schedules.jobs import jobs
from schedules.working_days import WorkingDays
from services.follow_ups.acknowledging import acknowledge, not_needed, snooze
from services.follow_ups.acting import hand_over_to
from services.jobs import call_due_slots
from services.reminders.guard import release
from services.reminders.sending import bounce
from tests.support.lease_in_test import InTest
from tests.support.reminder_oracle.calendar import DAY, Calendar, local_day, moment
from tests.support.reminder_oracle.people import Matter, Worker
from tests.support.reminder_oracle.rhythm import Row, Wanted, faults_of_checks, faults_of_one
from tests.support.reminder_oracle.telling import Guard, Memory, News, Open, Rules
from tests.support.reminder_oracle.telling import Mail as Expected
from tests.support.reminder_world import World
from workers.task import Closing
from workers.tasks import reminders

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")
#: What a follow-up is of: an item, an order or else a case, and its id.
Thing = tuple[str, int]
#: Larger than any office of a test: the guard is another test's business.
NO_STORM = Storm(never_below=10**6)


def some_settings(chance: Random, *, storm: Storm = NO_STORM) -> Settings:
    """An organisation's rules; the least of what chance may say is the plainest."""
    orders = Orders(answer_working_days=chance.randint(1, 8), hand_over_days=chance.randint(1, 8))
    follow_ups = FollowUps(
        start_working_days=chance.randint(0, 12),
        interval_days=chance.randint(5, 45),
        before_end_days=chance.randint(0, 20),
        repeat_working_days=chance.randint(1, 6),
        max_repeats=chance.randint(0, 3),
        supervisors_hear_on=WEEKDAYS[chance.randint(0, 4)],
        midsummer_eve_is_working_day=chance.random() >= 0.5,
        christmas_eve_is_working_day=chance.random() >= 0.5,
        mail_at=("08:00", "00:00", "03:30", "23:59")[chance.randint(0, 3)],
        plan_review_months=(6, 0, 24)[chance.randint(0, 2)],
        approval_working_days=chance.randint(1, 8),
        storm=storm,
    )
    return Settings(follow_ups=follow_ups, orders=orders, mail=Mail(sender="avain@avain-esimerkki.invalid"))


class Play:
    """An office from `first` on, day by day."""

    def __init__(self, session: Session, chance: Random, settings: Settings, first: date) -> None:
        self.session, self.chance, self.settings, self.day = session, chance, settings, first
        rules = settings.follow_ups
        self.calendar = Calendar(rules.midsummer_eve_is_working_day, rules.christmas_eve_is_working_day)
        self.memory = Memory(
            Rules(
                self.calendar, rules.repeat_working_days, rules.max_repeats, WEEKDAYS.index(rules.supervisors_hear_on)
            )
        )
        storm = rules.storm
        self.guard = Guard(storm.max_factor, storm.max_first, storm.max_percent, storm.never_below)
        self.world = World(session, chance)
        self.jobs = [one for one in jobs(rules) if one.name == "daily_reminders"]
        self.mail_at = time.fromisoformat(rules.mail_at)
        self.met: datetime | None = None
        self.slots: set[date] = set()
        self.mailed: set[tuple[str, date]] = set()
        self.last_digest = session.execute(text("SELECT coalesce(max(id), 0) FROM digest")).scalar_one()
        self.counts: Counter[str] = Counter()
        self.heard: dict[int, Worker] = {}

    def begin(self, units: int) -> None:
        """So many units with three workers and four cases each, one of them of child welfare."""
        self.world.begin(units=units, workers=3 * units, cases=4 * units, today=self.day)
        if self.world.often(0.5):
            self.settings.follow_ups.child_welfare_units.extend(self.world.child_welfare)

    # days

    def live(self, days: int, *, pace: float, stops: float = 0.02, sets_back: float = 0.004) -> None:
        """So many days. `stops`: how often nothing runs for up to twelve of them; `sets_back`: how often somebody sets the clock back."""
        end, stopped = self.day + DAY * days, 0
        while self.day < end:
            noon = moment(self.day, time(6))
            self.world.a_day_passes(self.day, noon, pace)
            if stopped:
                stopped -= 1
                self.counts["days without beat"] += 1
            else:
                self.ticks()
                if self.world.often(stops):
                    stopped = self.chance.randint(1, 12)
            self.people_act()
            if self.world.often(sets_back):
                self.day -= DAY * self.chance.randint(1, 9)
                self.world.story.append(f"the clock is set back to {self.day}")
                self.counts["set back"] += 1
            self.day += DAY

    def ticks(self) -> None:
        """Beats look at the day; sometimes two at once, sometimes only late, sometimes a whole hour too early, sometimes somebody sends by hand."""
        at = moment(self.day, self.mail_at)
        moments = [at]
        if self.world.often(0.2):
            moments = [min(at + timedelta(minutes=self.chance.randint(0, 600)), moment(self.day, time(23, 59)))]
        if self.world.often(0.1):
            moments.insert(0, moment(self.day, time(0, 0)))
        if self.world.often(0.2):
            self.plan(moments[0])
        for now in moments:
            self.tick(now)
            if self.world.often(0.1):
                self.tick(now)
        if self.world.often(0.3):
            self.release(moments[-1])
        if self.world.often(0.4 if self.slots and self.day < max(self.slots) else 0.03):
            self.remind(moment(self.day, time(23, 59)), by_hand=True)

    def tick(self, now: datetime) -> None:
        """What the tick calls for, and the work done at once."""
        before = self._work()
        call_due_slots(self.session, self.jobs, now)
        called = self._work() - before
        if self.met is None:
            self.met = now
        slot = next(
            day
            for n in range(60)
            if self.calendar.works(day := local_day(now) - DAY * n) and moment(day, self.mail_at) <= now
        )
        new = slot not in self.slots and moment(slot, self.mail_at) > self.met
        want = {f"daily_reminders@{moment(slot, self.mail_at):%Y-%m-%dT%H:%MZ}"} if new else set()
        assert called == want, now
        if want:
            self.slots.add(slot)
            self.remind(now)

    def plan(self, now: datetime) -> None:
        """The nightly planning."""
        before = self._rows()
        self._do(reminders.plan_follow_ups, now)
        self.check_plans(before, self._rows(), local_day(now))
        self.memory.settled(self._open())

    def remind(self, now: datetime, *, by_hand: bool = False) -> None:
        """The day's mails, and whether they are what the oracle says."""
        today = local_day(now)
        before = self._rows()
        ending = self._do(reminders.daily_reminders, now)
        after = self._rows()
        works = self.calendar.works(today)
        if works:
            self.check_plans(before, after, today)
        open_ = self._open()
        self.memory.settled(open_)
        want: dict[Worker, Expected] = {}
        if works:
            self.memory.taken_back(today)
            news = [News(id, Matter(worker)) for id, worker in self.world.notices.items()]
            want = {
                worker: mail
                for worker, mail in self.memory.day(today, open_, news).items()
                if (worker.name, today) not in self.mailed
            }
            assert ending.counts.get("unreachable", 0) == self.memory.unreached, (today, ending.counts)
        got = self._mails(today)
        if works:
            want = self._unless_held(today, want, ending)
        self._compare(today, got, {worker.name: mail for worker, mail in want.items()})
        for name in got:
            assert (name, today) not in self.mailed, f"two mails to {name} on {today}"
            self.mailed.add((name, today))
        self.memory.remember(today, want)
        for mail in want.values():
            for id in mail.news:
                self.heard[id] = self.world.notices.pop(id)
        self._count(today, want)
        for worker, mail in want.items():
            if self.world.often(0.03):
                self._comes_back(worker, mail, today, now)

    def _comes_back(self, worker: Worker, mail: Expected, today: date, now: datetime) -> None:
        """A mail bounces, perhaps because the address takes none at all: it is told again, and the unit's supervisor hears of it."""
        sql = "UPDATE digest SET state = 'sent' WHERE local_date = :day AND worker_id = :worker RETURNING id"
        digest = self.session.execute(text(sql), {"day": today, "worker": worker.id}).scalar_one()
        for_good = self.world.often(0.5)
        assert bounce(self.session, digest, Message("It came back."), for_good=for_good, now=now)
        if for_good:
            worker.refused = worker.address
        self.memory.came_back(today, mail)
        self.world.notices |= {id: self.heard[id] for id in mail.news}
        boss = worker.unit.supervisor if worker.unit else None
        if boss and boss is not worker:
            sql = "SELECT id FROM notice WHERE kind = 'digest_undelivered' AND worker_id = :boss AND told_at IS NULL"
            told = self.session.execute(text(sql), {"boss": boss.id}).scalars()
            self.world.notices |= dict.fromkeys(told, boss)
        self.counts["came back"] += 1

    def _unless_held(self, today: date, want: dict[Worker, Expected], ending: Closing) -> dict[Worker, Expected]:
        """The mails, or none if they are so many that they wait for a person."""
        already = sum(day == today for _, day in self.mailed)
        held = self.guard.holds(today, len(want), already, sum(one.active for one in self.world.workers))
        assert (ending.outcome == "held") == held, (today, ending)
        self.counts["held"] += held
        return {} if held else want

    def release(self, now: datetime) -> None:
        """A person lets the day's mails go out after all."""
        today = local_day(now)
        if not self.calendar.works(today) or not self.guard.days.get(today, (0, False))[1]:
            return
        release(self.session, self.settings.follow_ups, today, actor="test", now=now)
        self.guard.released.add(today)
        self.counts["released"] += 1
        self.remind(now, by_hand=True)

    def _do(self, body: Any, now: datetime) -> Closing:
        move_business_clock(self.session, now)
        lease = InTest(self.session, self.settings)
        body(lease)
        self.session.expire_all()
        return lease.endings[-1]

    # people

    def people_act(self) -> None:
        """What comes of what was told, or of what somebody happened to look at."""
        now = moment(self.day, time(15))
        due = [row for row in self._open_rows() if row.due <= self.day or self.world.often(0.01)]
        calendar = WorkingDays(self.calendar.midsummer_eve, self.calendar.christmas_eve)
        still_open = {row.id for row in due}
        for row in due:
            act = self.chance.random()
            if row.id not in still_open:  # a later check stands for it
                self.memory.forget([row.id])
                continue
            # what waits for approval is settled by approving or declining it
            if act >= 0.95 and row.kind != "approval":
                acknowledge(self.session, row.id, actor="worker:W", now=now)
                self._reviewed(row)
                self.counts["acknowledged"] += 1
            elif act >= 0.93 and row.kind != "approval":
                until = self.day + DAY * self.chance.randint(1, 20)
                snooze(self.session, row.id, actor="worker:W", now=now, reason="syy", until=until, calendar=calendar)
                self.memory.forget([row.id])
                self.counts["snoozed"] += 1
            elif act >= 0.92 and row.kind != "approval":
                not_needed(self.session, row.id, actor="worker:W", now=now, reason="syy")
                self._reviewed(row)
                self.counts["not needed"] += 1
            elif act >= 0.90:
                self._hand_over(row, now)
            if act >= 0.90:
                still_open = {one.id for one in self._open_rows()}
        self.session.flush()  # what follows is SQL of the test's own
        self.session.expire_all()

    def _hand_over(self, row: Any, now: datetime) -> None:
        """A colleague takes it, or it goes back."""
        responsible = next(one.matter.responsible for one in self.world.cases if one.id == row.case_id)
        has = row.handed_to_id or (responsible and responsible.id)
        able = [one for one in self.world.workers if one.active and one.id != has]
        if able:
            hand_over_to(self.session, row.id, self.world.pick(able).name, actor="worker:W", now=now, reason="syy")
            self.memory.forget([row.id])
            self.counts["handed over"] += 1

    def _reviewed(self, row: Any) -> None:
        if row.kind == "plan_review":
            case = next(one for one in self.world.cases if one.id == row.case_id)
            case.reviewed_on = max(filter(None, (case.reviewed_on, self.day)))

    # checks

    def check_plans(self, before: dict[Thing, list[Row]], after: dict[Thing, list[Row]], today: date) -> None:
        """The follow-ups of every service, order and case are what they should be."""
        rules, orders, calendar = self.settings.follow_ups, self.settings.orders, self.calendar
        wrong: list[str] = []

        def waits(thing: Thing, kind: str, wanted: Wanted | None) -> list[Row]:
            was, now = ([row for row in rows.get(thing, []) if row.kind == kind] for rows in (before, after))
            wrong.extend(f"{thing} on {today}: {fault}" for fault in faults_of_one(was, now, wanted))
            return now

        for service in self.world.services:
            thing = "item", service.id
            never = not before.get(thing) and service.last < today  # over before it was first seen
            approval = None if never else service.approval(rules.approval_working_days, today, calendar)
            approvals = waits(thing, "approval", approval)
            late = approval is not None and approval.due < today and any(row.live for row in approvals)
            was, now = ([row for row in rows.get(thing, []) if row.kind != "approval"] for rows in (before, after))
            wanted = [] if never else service.wanted(rules, calendar)
            faults = faults_of_checks(was, now, wanted, today, followed=service.followed, late_anyway=late)
            wrong += [f"{service} on {today}: {fault}" for fault in faults]
        for order in self.world.orders:
            thing = "order", order.id
            never = not before.get(thing) and order.last < today
            waits(thing, "order_unanswered", None if never else order.answer(orders.answer_working_days, calendar))
            waits(thing, "hand_over", None if never else order.details(orders.hand_over_days, calendar))
        children = {self.world.child_welfare[code] for code in rules.child_welfare_units}
        for case in self.world.cases:
            waits(("case", case.id), "plan_review", case.review(self.world.services, rules, children, calendar))
        wrong += [
            f"{row} is due on a day off" for rows in after.values() for row in rows if not calendar.works(row.due)
        ]
        assert not wrong, "\n".join([*wrong[:10], "what happened:", *self.world.story[-20:]])

    # reading

    def _work(self) -> set[str]:
        return set(self.session.execute(text("SELECT key FROM work WHERE key LIKE 'daily_reminders@%'")).scalars())

    def _rows(self) -> dict[Thing, list[Row]]:
        sql = """SELECT id, kind, planned_for, due, state, plan_item_id, order_id, case_id FROM follow_up WHERE case_id = ANY(:ids)
                 ORDER BY id"""
        rows: dict[Thing, list[Row]] = defaultdict(list)
        for row in self.session.execute(text(sql), {"ids": [one.id for one in self.world.cases]}):
            of = (
                ("item", row.plan_item_id)
                if row.plan_item_id
                else ("order", row.order_id)
                if row.order_id
                else ("case", row.case_id)
            )
            rows[of].append(Row(*row[:5]))
        return rows

    def _open_rows(self) -> list[Any]:
        sql = """SELECT id, kind, due, case_id, handed_to_id, state FROM follow_up WHERE state IN ('open', 'snoozed') AND case_id = ANY(:ids)
                 ORDER BY id"""
        return list(self.session.execute(text(sql), {"ids": [one.id for one in self.world.cases]}))

    def _open(self) -> list[Open]:
        cases = {one.id: one.matter for one in self.world.cases}
        people = {one.id: one for one in self.world.workers}
        return [
            Open(
                row.id,
                row.due,
                Matter(own.responsible, own.supervisor, own.unit, people.get(row.handed_to_id)),
                row.state == "snoozed",
            )
            for row in self._open_rows()
            if (own := cases[row.case_id])
        ]

    def _mails(self, today: date) -> dict[str, Expected]:
        sql = """SELECT digest.id, external_id, local_date, items FROM digest JOIN worker ON worker.id = worker_id
                 WHERE digest.id > :last ORDER BY digest.id"""
        mails = {}
        for row in self.session.execute(text(sql), {"last": self.last_digest}).all():
            assert row.local_date == today
            assert self.calendar.works(today)
            self.last_digest = row.id
            mails[row.external_id] = Expected(*(set(row.items[name]) for name in ("announced", "escalated", "news")))
        return mails

    def _compare(self, today: date, got: dict[str, Expected], want: dict[str, Expected]) -> None:
        """Every mail is the one the oracle would write."""
        wrong = [
            f"{name} on {today}: {which} {sorted(getattr(got.get(name, Expected()), which))}, not {sorted(getattr(want.get(name, Expected()), which))}"
            for name in sorted({*got, *want})
            for which in ("announced", "escalated", "news")
            if getattr(got.get(name, Expected()), which) != getattr(want.get(name, Expected()), which)
        ]
        about = {id for mails in (got, want) for mail in mails.values() for id in mail.announced | mail.escalated}
        known = [f"{one} {self.memory.told.get(one.id)}" for one in self._open() if one.id in about]
        assert not wrong, "\n".join([*wrong, *known, "what happened:", *self.world.story[-20:]])

    def _count(self, today: date, want: dict[Worker, Expected]) -> None:
        self.counts["mails"] += len(want)
        for mail in want.values():
            for name in ("announced", "escalated", "news"):
                self.counts[name] += len(getattr(mail, name))
