"""Sources: what is there at the moment. Each is looked at by itself, and none that is silent holds up the others."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from core.errors import AvainError, Message, Transient
from core.i18n import N_
from core.settings import Settings
from services.health.findings import Finding, Ground
from services.sources import Source, all_sources, transport_of

LATE: Final = N_("It may pass by itself. If it lasts, ask the source's owner.")


def of_each(configured: Settings) -> Iterator[tuple[Source, Callable[[Ground], list[Finding]]]]:
    """Every source, cases first, by name, and how it is looked at."""
    for one in all_sources(configured.sources):
        yield one, partial(_look, source=one)


def name(source: Source) -> Message:
    """What it is called."""
    return Message("Source {name}", name=source.name)


def none(_ground: Ground) -> list[Finding]:
    """What is said where there is no source."""
    advice = Message("Name them under [sources] in avain.toml.")
    return [Finding(Message("Sources"), "warning", Message("none"), advice)]


def _look(ground: Ground, source: Source) -> list[Finding]:
    try:
        files = transport_of(ground.settings.sources, source).look()
    except AvainError as error:
        advice = (
            Message(LATE)
            if isinstance(error, Transient)
            else Message("Correct [sources] in avain.toml, or put the file there.")
        )
        return [Finding(name(source), "broken", error.message, advice)]
    if files:
        return [Finding(name(source), "ok", ", ".join(files))]
    advice = Message("If a file should be there, see who puts it there.")
    return [Finding(name(source), "warning", Message("no file at present"), advice)]
