"""What each person's mail of a day holds, from what they were told before.

New: at once. Then again `repeat` working days later, `max_repeats` times. Then, so many working days later again, it is ripe for the
supervisor's next weekly list, and stands in every one until somebody settles it. Without a supervisor it goes on as before.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from tests.support.reminder_oracle.calendar import Calendar
from tests.support.reminder_oracle.people import Matter, Worker, hears, hears_of_silence


@dataclass(frozen=True)
class Rules:
    """What an organisation set."""

    calendar: Calendar
    repeat: int
    max_repeats: int
    weekday: int


@dataclass(frozen=True)
class Open:
    """A follow-up that nobody has settled."""

    id: int
    due: date
    matter: Matter
    put_off: bool = False


@dataclass(frozen=True)
class News:
    """A notice nobody has read in a mail; it belongs to one worker."""

    id: int
    matter: Matter


@dataclass
class Mail:
    """What somebody's mail holds, by id."""

    announced: set[int] = field(default_factory=set)
    escalated: set[int] = field(default_factory=set)
    news: set[int] = field(default_factory=set)


@dataclass
class Told:
    """What was told of a follow-up: the last day and how often, and the last list it stood in."""

    on: date | None = None
    times: int = 0
    listed: date | None = None


@dataclass
class Guard:
    """When a day's mails are too many. `days`: of each how many there were, and whether they were held."""

    max_factor: float
    max_first: int
    max_percent: int
    never_below: int
    days: dict[date, tuple[int, bool]] = field(default_factory=dict)
    released: set[date] = field(default_factory=set)

    def holds(self, today: date, new: int, already: int, workers: int) -> bool:
        """Whether so many mails, beside those that went out today already, wait for a person; the day is remembered so."""
        mails = already + new
        usual = sorted(day for day, (count, held) in self.days.items() if day < today and count and not held)[-20:]
        middle = sorted(self.days[day][0] for day in usual)
        median = (middle[(len(middle) - 1) // 2] + middle[len(middle) // 2]) / 2 if middle else 0
        far_more = mails > self.max_factor * median if len(usual) >= 5 else mails > self.max_first
        too_many = mails > self.never_below and (far_more or mails > workers * self.max_percent / 100)
        held = bool(new) and too_many and today not in self.released
        self.days[today] = mails, held
        return held


class Memory:
    """All that was told so far."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.told: dict[int, Told] = {}
        self.put_off: set[int] = set()
        self.due: dict[int, date] = {}
        self.unreached = 0

    def forget(self, ids: Iterable[int]) -> None:
        """These are as if never told of."""
        for id in ids:
            self.told.pop(id, None)

    def settled(self, still_open: Iterable[Open]) -> None:
        """Only what is still open is remembered. What was moved on or put off to after it was told is new, and so is what is no longer put off
        because of something else that happened.
        """
        standing = {one.id: one for one in still_open}
        self.told = {
            id: told
            for id, told in self.told.items()
            if id in standing
            and (told.on is None or standing[id].due <= told.on or standing[id].due == self.due.get(id))
            and (standing[id].put_off or id not in self.put_off)
        }
        self.put_off = {id for id, one in standing.items() if one.put_off}
        self.due = {id: one.due for id, one in standing.items()}

    def taken_back(self, today: date) -> None:
        """Days that the clock has taken back count as today: what was told on them is neither told again at once, nor never."""
        for told in self.told.values():
            told.on = told.on and min(told.on, today)
            told.listed = told.listed and min(told.listed, today)

    def day(self, today: date, open_: Iterable[Open], news: Iterable[News]) -> dict[Worker, Mail]:
        """Everybody's mail of a working day. `unreached`: what nobody could be told."""
        mails: dict[Worker, Mail] = defaultdict(Mail)
        self.unreached = 0
        for one in open_:
            if one.due <= today:
                self._follow_up(one, today, mails)
        for note in news:
            who = hears(note.matter, today)
            if who is None:
                self.unreached += 1
            else:
                mails[who].news.add(note.id)
        return dict(mails)

    def remember(self, today: date, mails: dict[Worker, Mail]) -> None:
        """These mails went out."""
        for mail in mails.values():
            for id in mail.announced:
                told = self.told.setdefault(id, Told())
                told.on, told.times = today, told.times + 1
            for id in mail.escalated:
                self.told[id].listed = today

    def came_back(self, today: date, mail: Mail) -> None:
        """A mail of today reached nobody: what it told is still to be told."""
        for id in mail.announced & self.told.keys():
            told = self.told[id]
            told.on, told.times = (None if told.on == today else told.on), told.times - 1
        for id in mail.escalated & self.told.keys():
            self.told[id].listed = None

    def _follow_up(self, one: Open, today: date, mails: dict[Worker, Mail]) -> None:
        told, calendar = self.told.get(one.id, Told()), self.rules.calendar
        boss = hears_of_silence(one.matter, today)
        if told.on is not None and boss is not None and (told.times > self.rules.max_repeats or told.listed):
            list_day = calendar.list_day(today, self.rules.weekday)
            if told.listed < list_day if told.listed else calendar.later(told.on, self.rules.repeat) <= list_day:
                mails[boss].escalated.add(one.id)
            return
        if told.on is not None and calendar.passed(told.on, today) < self.rules.repeat:
            return
        who = hears(one.matter, today)
        if who is None:
            self.unreached += 1
        else:
            mails[who].announced.add(one.id)
