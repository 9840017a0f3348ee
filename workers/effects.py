"""What a process does beside the effects of its Work: writes them to the journal, and looks whether the database is behind it.

A line says that something is about to leave, before its first byte does; where that line cannot be written, it does not leave. What the journal
knows and the database does not makes the database a restored one (services/effects): nothing leaves it any more until a person says so.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import structlog
from sqlalchemy.orm import Session

from core.clock import business_now
from core.database import transaction
from core.errors import AlreadyDone, Message, Permanent, Postponed, Transient, Unclear
from core.i18n import N_
from core.reasons import os_reason
from core.settings import Settings
from services.effects import disown, state
from services.effects.journal import Event, Line, host, latest, write
from services.effects.standing import instance_and_doubt, numbers
from services.work import Claimed

log = structlog.get_logger()

#: What could not be done because of the journal is looked at again after so long.
_LOOK_AGAIN_SECONDS: Final = 60.0
#: While nothing may leave, the log says so this often.
_SAID_EVERY: Final = 600.0

_UNWRITTEN: Final = N_("The journal of what leaves Avain cannot be written ({error}); this waits until it can.")
_BEHIND: Final = N_("{reason} Nothing leaves it until a person says so: {command}")


class BehindItsJournalError(Postponed):
    """The database was set back to an earlier point; that is written into it, and must be committed."""


@dataclass
class Journal:
    """The journal as one process writes it. `instance` is the name of the database's, as `journal_of` found it."""

    settings: Settings
    instance: str

    def note(self, event: Event, claimed: Claimed, key: str, *, sha256: str = "", way: str = "") -> None:
        """Write a line. Raises Postponed where something is about to leave and the line cannot be written; else that is logged."""
        line = Line(
            datetime.now(UTC), event, host(), self.instance, claimed.kind, key, sha256, way, claimed.run_id, str(claimed.token)
        )  # fmt: skip
        try:
            write(self.settings.effects_journal, line, months=self.settings.effects.journal_months)
        except OSError as error:
            log.error("journal_unwritten", event_of_effect=event, error=os_reason(error).text("en"))  # noqa: TRY400
            if event == "going":
                raise Postponed(Message(_UNWRITTEN, error=os_reason(error)), retry_after=_LOOK_AGAIN_SECONDS) from error

    @contextmanager
    def around(self, claimed: Claimed, key: str, *, sha256: str = "", way: str = "") -> Iterator[Callable[[], None]]:
        """A block that lets something leave. Call what it yields when that is about to begin; how the block ends says what became of it."""
        begun = False

        def going() -> None:
            nonlocal begun
            self.note("going", claimed, key, sha256=sha256, way=way)
            begun = True

        def ended(event: Event) -> None:
            if begun:
                self.note(event, claimed, key, sha256=sha256, way=way)

        try:
            yield going
        except Unclear:
            raise
        except AlreadyDone:
            ended("gone")
            raise
        except (Transient, Permanent):
            ended("back")
            raise
        ended("gone")


def journal_of(session: Session, settings: Settings) -> Journal:
    """The journal, once it is sure that the database is not behind it. Raises Postponed if it is: then nothing may leave it any more."""
    instance, why = instance_and_doubt(session, latest(settings.effects_journal))
    if why is not None:
        if disown(session, why, now=business_now(session)):
            log.error("effects_stopped", reason=why.text("en"))
        raise BehindItsJournalError(
            Message(_BEHIND, reason=why, command="avain effects status"), retry_after=_LOOK_AGAIN_SECONDS
        )
    return Journal(settings, instance)


class Watch:
    """What beat sees of effects: notes numbers in the journal, stops a database that is behind it, tells the log while nothing may leave."""

    def __init__(self) -> None:
        self._noted: tuple[str, Mapping[str, int]] = ("", {})
        self._said: tuple[str, float] = ("go", 0.0)

    def look(self, settings: Settings) -> None:
        """Once in a while, and before the first Work is enqueued."""
        found = latest(settings.effects_journal)
        with transaction() as session:
            instance, why = instance_and_doubt(session, found)
            if why is not None:
                disown(session, why, now=business_now(session))
            stands, series = state(session), numbers(session)
        self._say(stands.name, stands.words)
        if stands.name != "restored" and series and (instance, series) != self._noted:
            line = Line(datetime.now(UTC), "numbers", host(), instance, numbers=series)
            try:
                write(settings.effects_journal, line, months=settings.effects.journal_months)
            except OSError as error:
                log.error("journal_unwritten", event_of_effect="numbers", error=os_reason(error).text("en"))  # noqa: TRY400
            else:
                self._noted = (instance, series)

    def _say(self, name: str, words: Message) -> None:
        before, at = self._said
        now = time.monotonic()
        if name != "go" and (name != before or now - at >= _SAID_EVERY):
            log.warning("effects_held", state=name, reason=words.text("en"))
        elif name == "go" and before != "go":
            log.info("effects_go")
        else:
            return
        self._said = (name, now)
