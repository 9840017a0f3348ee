"""What whoever runs the installation should know of reminders: that they are held, that some reach nobody, whose address was refused."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.clock import local_date
from core.errors import Message
from core.i18n import N_
from core.settings import Settings
from services.alarms import Alarm, tell
from services.reminders import addresses
from services.reminders.guard import Held, held_now, mark_told

_UNHEARD = N_("Reminders of {worker} reach nobody: neither they nor any supervisor has a usable e-mail address.")
_UNHEARD_OF_NOBODY = N_(
    "Reminders of cases without a responsible worker reach nobody: no supervisor has a usable e-mail address."
)
#: Not what the server answered: that repeats the address, and an address is a name.
_REFUSED = N_("{worker}, refused on {date}")

#: Rows out: one: how many matters the latest composing could tell nobody of, and whose address was refused.
_REACHED = text(
    """
    SELECT coalesce((SELECT CAST(counts ->> 'unreachable' AS integer) FROM run
                     WHERE kind = 'daily_reminders' AND counts ? 'unreachable' ORDER BY id DESC LIMIT 1), 0) AS unheard,
           ARRAY(SELECT external_id FROM worker WHERE active AND email = refused_email ORDER BY external_id) AS refused
    """
)


@dataclass(frozen=True)
class State:
    """How reminders are: held or not, how many matters reached nobody the last time, and whose address a mail server refused for good."""

    held: Held | None
    unheard: int
    refused: list[str]

    @property
    def is_good(self) -> bool:
        """Whether there is nothing to do."""
        return self.held is None and not self.unheard and not self.refused


def state(session: Session, today: date) -> State:
    """How reminders are today. Two statements."""
    reached = session.execute(_REACHED).one()
    return State(held_now(session, today), reached.unheard, reached.refused)


def about_refused(session: Session) -> list[Alarm]:
    """The alarm of each worker whose address was refused, once for each refusal."""
    return [
        Alarm(
            "address_refused",
            f"worker:{one.external_id}:{one.at}",
            Message(_REFUSED, worker=one.external_id, date=local_date(one.at).isoformat() if one.at else None),
        )
        for one in addresses.refused(session)
    ]


def tell_operator(
    session: Session, settings: Settings, unheard: Counter[str | None], today: date, *, now: datetime
) -> int:
    """Write to the operator what is new: that reminders are held, once however many days; of whom nobody hears, once a month. How many."""
    alarms = [
        Alarm(
            "reminders_unheard",
            f"worker:{worker or '-'}:{today:%Y-%m}",
            Message(_UNHEARD, worker=worker) if worker else Message(_UNHEARD_OF_NOBODY),
        )
        for worker in sorted(unheard, key=lambda one: one or "")
    ]
    alarms += about_refused(session)
    held = held_now(session, today)
    if held is not None:
        alarms.append(Alarm("reminders_held", f"day:{held.since}", held.reason))
        if settings.mail.operator_email is not None:
            mark_told(session, held.day, now)
    return tell(session, alarms, settings, now=now)
