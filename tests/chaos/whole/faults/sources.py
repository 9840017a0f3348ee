"""Bad moods of the servers outside: of the sources, and of those that orders and e-mails go to."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from tests.chaos.whole.faults.base import Inject, Outcome, Rig, fault, outcome, until_felt
from tests.chaos.whole.moods import Moods
from tests.chaos.whole.outside import MAIL_MOODS, PUTTING_MOODS, READING_MOODS, TAKING_MOODS

Where = Callable[[Rig], Moods]
#: For how long who came is kept, in seconds: less than a fetch may take, longer than a visit usually does.
_KEPT: Final = 6.0


def _in_a_mood(where: Where, mood: str) -> Inject:
    def inject(rig: Rig, how: Mapping[str, Any]) -> Outcome:
        moods = where(rig)
        before = moods.met[mood]
        moods.set(mood, times=how["times"], within=90, seconds=_KEPT)
        if not until_felt(rig, lambda: moods.met[mood] > before):
            moods.clear()
            return Outcome("nobody came", met=False)
        return outcome(rig, "tried again", datetime.now(UTC))

    return inject


def _register(name: str, where: Where, moods: tuple[str, ...], stages: tuple[str, ...], times: int) -> None:
    for mood in moods:
        fault(f"{name}: {mood}", name, stages=stages, draw=lambda rng: {"times": rng.randint(1, times)}, latest=0.5)(
            _in_a_mood(where, mood)
        )


_register("HTTPS source", lambda rig: rig.outside.http.moods, READING_MOODS, ("nightly_prices",), 3)
_register(
    "SFTP source",
    lambda rig: rig.outside.sftp.moods,
    ("trickle", "hang", "truncate", "500"),
    ("nightly_prices", "nightly_cases"),
    2,
)
_register("mail server", lambda rig: rig.outside.mail.moods, MAIL_MOODS, ("generate_orders", "daily_reminders"), 2)
_register("access point", lambda rig: rig.outside.point.moods, TAKING_MOODS, ("generate_orders",), 2)
_register("SFTP box for orders", lambda rig: rig.outside.sftp.putting, PUTTING_MOODS, ("generate_orders",), 2)
