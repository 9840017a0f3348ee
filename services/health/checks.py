"""Every check there is. One more is a function from `Ground` to findings, and a line in `_CHECKS`, where `avain doctor` shall name it.

A check looks through `ground.looking()` at the database, raises what it meets (the examiner makes a finding of it), names things by
`Message`, since a result is shown in several languages, and says in `advice` what to do.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from core.errors import Message
from core.i18n import N_
from core.settings import Settings
from services.health import (
    audit_trail,
    consistency,
    console,
    database,
    effects,
    families,
    installation,
    keys,
    mail,
    people,
    queue,
    retention,
    schedule,
    sources,
    ways,
)
from services.health.findings import Finding, Ground

#: What a check asks. Those that ask the database go one after the other, on one connection; all others side by side.
Asks = Literal["nobody", "database", "redis", "others"]


@dataclass(frozen=True)
class Check:
    """One check. `late`: what to do when it does not come to an end."""

    name: Message
    examine: Callable[[Ground], list[Finding]]
    asks: Asks = "nobody"
    late: str = N_("It may pass by itself. If it lasts, see whether the server hangs, or something on the way to it.")


_CHECKS: Final = (
    Check(Message("Python"), installation.python),
    Check(Message("Settings"), installation.settings),
    Check(Message("Database"), database.database, "database"),
    Check(Message("Redis"), queue.redis, "redis"),
    Check(Message("Worker processes"), queue.workers, "database"),
    Check(Message("Beat"), queue.beat, "database"),
    Check(Message("Schedule"), schedule.schedule, "database"),
    Check(Message("Work"), queue.work, "database"),
    Check(Message("What leaves Avain"), effects.effects, "database"),
    Check(Message("What goes out"), ways.ways, "database"),
    Check(Message("Sources left alone"), ways.sources, "database"),
    Check(Message("Mail server"), mail.server, "others"),
    Check(Message("Letters to the operator"), mail.operator),
    Check(Message("Reminders"), mail.reminders, "database"),
    Check(Message("Templates of e-mails"), mail.templates),
    Check(Message("Outbox"), installation.outbox),
    Check(Message("Console"), console.console),
    Check(Message("Login provider"), console.login_provider, "others"),
    Check(Message("My budget"), families.page),
    Check(Message("Families' login"), families.login, "others"),
    Check(Message("Audit trail"), audit_trail.sealing, "database"),
    Check(Message("Keys"), keys.sealing, "database"),
    Check(Message("Files with keys"), keys.files),
    Check(Message("Consistency"), consistency.last_check, "database"),
    Check(Message("Retention"), retention.waiting, "database"),
    Check(Message("Responsible workers"), people.responsible_workers, "database"),
)


def checks(configured: Settings) -> list[Check]:
    """All checks of an installation, in the order in which they are told; sources are one each, so that none waits for another."""
    each = [Check(sources.name(one), examine, "others", sources.LATE) for one, examine in sources.of_each(configured)]
    return [*_CHECKS, *(each or [Check(Message("Sources"), sources.none)])]
