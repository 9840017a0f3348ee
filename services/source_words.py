"""How a source is set up, in words: what it is, where it is, how gently it is asked, and when what it says is held. Never a secret."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from core.i18n import N_, _, number
from core.source_settings import (
    AbsenceSource,
    BounceSource,
    CaseSource,
    Gentleness,
    IncomingSource,
    PriceListSource,
    Sources,
)
from services.sources import Source, price_settings

_WORDS: Final = {
    "cases": N_("cases"),
    "prices": N_("prices"),
    "incoming": N_("answers and invoices"),
    "orders": N_("answers, invoices, delivered quantities"),
    "absences": N_("absences"),
    "bounces": N_("reminders that came back"),
    "table": N_("table"),
    "snapshot": N_("snapshot"),
    "delta": N_("delta"),
    "provider": N_("a provider's price list"),
    "own": N_("own unit costs"),
    "mail": N_("e-mails with price lists"),
}


def word(code: str | None) -> str:
    """A kind of source, or the way cases come; a dash for nothing."""
    return _(_WORDS.get(code, code)) if code else "–"


def in_words(configured: Sources, source: Source) -> list[tuple[str, str]]:
    """Label and value of everything that decides how a source is read."""
    if source.kind == "cases":
        return list(_of_cases(source, configured.cases[source.name]))
    if source.kind == "incoming":
        return list(_of_incoming(source, configured.incoming[source.name]))
    if source.kind == "bounces":
        return list(_of_bounces(source, configured.bounces[source.name]))
    if source.kind == "absences":
        return list(_of_absences(source, configured.absences[source.name]))
    return list(_of_prices(source, price_settings(configured, source)))


def _of_cases(source: Source, settings: CaseSource) -> Iterator[tuple[str, str]]:
    yield _("Kind"), f"{word('cases')} ({source.form})"
    yield _("Place"), source.place
    yield _("Mode"), word(settings.mode)
    if settings.profile is not None:
        yield _("Profile"), settings.profile.name
    yield from _gentle(settings.gentle)
    if settings.mode == "snapshot":
        yield _("Held when more than this share of the cases vanishes"), _percent(settings.max_gone)
    yield _("Held when more than this share of the records is rejected"), _percent(settings.max_rejected)
    yield from _moved(settings)


def _of_prices(source: Source, settings: PriceListSource) -> Iterator[tuple[str, str]]:
    yield _("Kind"), word(settings.kind)
    if settings.provider is not None:
        yield _("Provider"), settings.provider
    yield _("Place"), source.place
    yield from _gentle(settings.gentle)
    yield _("Held when a price falls by more than this share"), _percent(settings.alert_fall)
    yield _("Held when more than this share of the rows is rejected"), _percent(settings.max_rejected)
    yield _("May change prices of past days"), _("yes") if settings.allow_backdating else _("no")
    yield from _moved(settings)


def _of_incoming(source: Source, settings: IncomingSource) -> Iterator[tuple[str, str]]:
    yield _("Kind"), word("orders")
    if settings.provider is not None:
        yield _("Provider"), settings.provider
    yield _("Place"), source.place
    yield from _gentle(settings.gentle)
    yield from _moved(settings)


def _of_bounces(source: Source, settings: BounceSource) -> Iterator[tuple[str, str]]:
    yield _("Kind"), word("bounces")
    yield _("Place"), source.place
    yield from _gentle(settings.gentle)
    yield from _moved(settings)


def _of_absences(source: Source, settings: AbsenceSource) -> Iterator[tuple[str, str]]:
    yield _("Kind"), word("absences")
    yield _("Place"), source.place
    yield from _gentle(settings.gentle)
    yield _("Refused when more than this share of the absences ends at once"), _percent(settings.max_gone)
    yield from _moved(settings)


def _gentle(gentle: Gentleness) -> Iterator[tuple[str, str]]:
    yield _("Asked at"), ", ".join(gentle.hours) or _("any hour")
    yield _("Requests a second, at most"), number(Decimal(str(gentle.requests_per_second)))
    yield (
        _("Left alone"),
        _("for {minutes} minutes after {failures} failures in a row").format(
            minutes=number(Decimal(str(gentle.pause_minutes)).normalize() + 0), failures=gentle.failures
        ),
    )


def _moved(
    settings: CaseSource | PriceListSource | IncomingSource | AbsenceSource | BounceSource,
) -> Iterator[tuple[str, str]]:
    files = settings.files
    if files is not None:
        moved = getattr(files, "after", "leave") == "move"
        yield _("Files that were read"), _("are moved away at the source") if moved else _("stay where they are")


def _percent(share: Decimal) -> str:
    return f"{number((share * 100).normalize() + 0)} %"
