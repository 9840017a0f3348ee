"""Bad moods of a server: what the next ones who come meet, so many times or for so long, and how many have met it."""

import threading
import time
from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Mood:
    """What a server does instead of its work: its name, and for how many seconds it keeps who came."""

    name: str
    seconds: float


@dataclass
class Moods:
    """The moods of one server, in the order they were set; shared by the threads that serve."""

    met: Counter[str] = field(default_factory=Counter)
    _waiting: list[tuple[Mood, float | None]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _over: threading.Event = field(default_factory=threading.Event)

    def set(self, name: str, *, times: int = 1, within: float | None = None, seconds: float = 0.0) -> None:
        """The next `times` who come meet it, if they come `within` so many seconds; `seconds` is for how long they are kept."""
        until = None if within is None else time.monotonic() + within
        with self._lock:
            self._over.clear()
            self._waiting += [(Mood(name, seconds), until)] * times

    def take(self, *names: str) -> Mood | None:
        """What who comes now meets; None: he is served. With `names` only these are meant for him."""
        with self._lock:
            now = time.monotonic()
            self._waiting = [(mood, until) for mood, until in self._waiting if until is None or until > now]
            for place, (mood, _) in enumerate(self._waiting):
                if not names or mood.name in names:
                    del self._waiting[place]
                    self.met[mood.name] += 1
                    return mood
        return None

    def clear(self) -> None:
        """All is well again, for those who wait as well."""
        with self._lock:
            self._waiting.clear()
        self._over.set()

    def keep(self, seconds: float) -> bool:
        """Wait so long, or until all is well; False when the time was over first."""
        return self._over.wait(seconds)
