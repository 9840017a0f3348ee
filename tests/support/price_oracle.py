"""An independent model of price lists: what is in force on each day for each key, day by day, in plain Python.

It shares no code with services/: where it and the plans agree, two readings of the rules agree. Days are numbers from 0 to HORIZON; the
last one stands for all that follow, so what is in force on it has an open end.
"""

from dataclasses import dataclass, field

HORIZON = 60

#: Day → (price, which statement it came from).
Days = dict[int, tuple[int, int]]


@dataclass(frozen=True)
class Says:
    """A row: a price of a key from `first` (None: not said) to `last` (None: until further notice)."""

    key: str
    amount: int
    first: int | None
    last: int | None

    def days(self, first: int) -> range:
        return range(first, (HORIZON if self.last is None else self.last) + 1)


@dataclass(frozen=True)
class Listed:
    """A list: its rows, keys it removes, and whether what it leaves out has vanished; `spared` are keys of rows nobody could use."""

    rows: tuple[Says, ...]
    removes: frozenset[str]
    complete: bool
    spared: frozenset[str] = frozenset()


@dataclass
class Event:
    """Something that was applied: the keys it changed, before and after."""

    before: dict[str, Days]
    after: dict[str, Days]
    undone: bool = False
    undoes: "Event | None" = None


@dataclass
class Oracle:
    """Prices in force, and how they came about."""

    state: dict[str, Days] = field(default_factory=dict)
    statements: int = 0

    def usable(self, listed: Listed) -> tuple[list[Says], set[str]]:
        """Rows that share no day with another of their key, and the keys of the others."""
        good, bad = [], set(listed.spared)
        for one in listed.rows:
            mine = set(one.days(0 if one.first is None else one.first))
            others = [other for other in listed.rows if other is not one and other.key == one.key]
            if any(mine & set(other.days(0 if other.first is None else other.first)) for other in others):
                bad.add(one.key)
            else:
                good.append(one)
        return good, bad

    def plan(self, listed: Listed, today: int) -> dict[str, Days]:
        """What would be in force after a list."""
        good, bad = self.usable(listed)
        after = {key: dict(days) for key, days in self.state.items()}
        stated = {one.key for one in good}
        for key in stated:
            after[key] = self._say(self.state.get(key, {}), [one for one in good if one.key == key], today)
        for key in self.state.keys() - stated:
            if key in listed.removes or (listed.complete and key not in bad):
                after[key] = {day: price for day, price in self.state[key].items() if day < today}
        return after

    def _say(self, before: Days, rows: list[Says], today: int) -> Days:
        fresh: list[tuple[range, int, int]] = []
        for one in rows:
            days = self._asked(before, one, today)
            if days is not None:
                self.statements += 1
                fresh.append((days, one.amount, self.statements))
        after = dict(before)
        for origin in {origin for _, origin in before.values()}:
            mine = {day for day, price in before.items() if price[1] == origin}
            hit = [min(mine.intersection(days)) for days, _, _ in fresh if mine.intersection(days)]
            if hit:  # it ends the day before, and what followed does not come back by itself
                for day in mine:
                    if day >= min(hit):
                        del after[day]
        for days, amount, origin in fresh:
            for day in days:
                after[day] = (amount, origin)
        return after

    def _asked(self, before: Days, one: Says, today: int) -> range | None:
        """The days a row asks for; None where what is in force says so already."""
        spans: dict[int, tuple[int, int, int]] = {}
        for day, (amount, origin) in sorted(before.items()):
            first = spans[origin][1] if origin in spans else day
            spans[origin] = (amount, first, day)
        last = HORIZON if one.last is None else one.last
        if one.first is not None:
            same = any(
                amount == one.amount and first <= one.first and end == last for amount, first, end in spans.values()
            )
            return None if same else range(one.first, last + 1)
        for amount, first, end in spans.values():
            if first <= today <= end and amount == one.amount and last in (HORIZON, end):
                return None
        if one.last is None:
            last = min((first - 1 for _, first, _ in spans.values() if first > today), default=HORIZON)
        return range(today, last + 1)

    def changes_past(self, after: dict[str, Days], today: int) -> bool:
        """Whether a day that has passed would cost something else than it did."""
        return any(
            after.get(key, {}).get(day, (None, 0))[0] != amount
            for key, days in self.state.items()
            for day, (amount, _) in days.items()
            if day < today
        )

    def apply(self, after: dict[str, Days], undoes: Event | None = None) -> Event:
        keys = [key for key in after.keys() | self.state.keys() if after.get(key, {}) != self.state.get(key, {})]
        event = Event(
            {key: self.state.get(key, {}) for key in keys}, {key: after.get(key, {}) for key in keys}, undoes=undoes
        )
        self.state = {**self.state, **event.after}
        return event

    def undo(self, event: Event) -> Event | None:
        """The undoing, as an event of its own; None where later ones are in the way, or it was undone."""
        if event.undone or any(self.state.get(key, {}) != days for key, days in event.after.items()):
            return None
        event.undone = True
        if event.undoes is not None:
            event.undoes.undone = False
        return self.apply({**self.state, **event.before}, undoes=event)
