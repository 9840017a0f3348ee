"""Who acted, as people call them: a worker with unit and role, a machine in plain words. The audit trail itself keeps no names."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.i18n import N_, _
from services.labels import role_name


@dataclass(frozen=True)
class Actor:
    """Who acted, in the reader's language. `unit` and `role` are '' where there are none. `person`: no machine, and nobody of the family."""

    name: str
    unit: str = ""
    role: str = ""
    person: bool = False


#: How a worker came to a case at that moment (CaseAccess.how), where it was recorded.
_HOW: Final = {
    "own": N_("responsible worker"),
    "deputy": N_("deputy"),
    "co_worker": N_("co-worker"),
    "supervisor": N_("supervisor"),
    "handed": N_("colleague to whom a follow-up was handed"),
}
_MACHINES: Final = {
    "avain": N_("Avain by itself, as it was set to"),
    "provider": N_("The provider, on the page that its order leads to"),
}
#: What stands before the colon, for whoever is no worker.
_KINDS: Final = {
    "family:": N_("The client or family"),
    "support:": N_("Somebody whom the family lets look (a support person)"),
    "family:link": N_("The client or family, by a link and a code"),
    "family:login": N_("The client or family, having identified themselves"),
    "support:link": N_("Somebody whom the family lets look (a support person)"),
    "stranger:link": N_("Somebody with a family's link and without its code"),
}
_CLI: Final = N_("Whoever looks after the server, as {user}")
_SOURCE: Final = N_("Avain by itself, from the source {source}")

#: Rows in: actors of the trail. Rows out: those that are or were people here: what they are called, their unit, the roles they last signed in with.
_PEOPLE: Final = text(
    """
    SELECT actor, coalesce(worker.name, latest.name) AS name, unit.name AS unit, latest.roles
    FROM unnest(CAST(:actors AS text[])) AS actor
    LEFT JOIN worker ON worker.external_id = substr(actor, 8) AND starts_with(actor, 'worker:')
    LEFT JOIN unit ON unit.id = worker.unit_id
    LEFT JOIN LATERAL (
        SELECT console_session.name, console_session.roles FROM console_session
        WHERE console_session.worker_id = worker.id
           OR (starts_with(actor, 'user:') AND console_session.subject = substr(actor, 6))
        ORDER BY console_session.id DESC LIMIT 1) AS latest ON true
    WHERE starts_with(actor, 'worker:') OR starts_with(actor, 'user:')
    """
)


def actors_of(session: Session, actors: Collection[str]) -> dict[str, Actor]:
    """Each of these actors, by what the trail calls them. One query."""
    rows = session.execute(_PEOPLE, {"actors": sorted(actors)})
    people = {
        row.actor: Actor(row.name, row.unit or "", ", ".join(role_name(one) for one in row.roles or ()), person=True)
        for row in rows
        if row.name
    }
    return {one: people.get(one) or _in_words(one) for one in actors}


def role_then(actor: Actor, details: Mapping[str, Any]) -> str:
    """The person's part in the case at that moment where it was recorded, else the roles they have signed in with."""
    how = _HOW.get(str(details.get("how", ""))) if actor.person else None
    return _(how) if how else actor.role


def _in_words(actor: str) -> Actor:
    if actor in _MACHINES:
        return Actor(_(_MACHINES[actor]))
    kind, _colon, name = actor.partition(":")
    said = _KINDS.get(f"{kind}:{name.partition('-')[0]}")
    if said is not None:
        return Actor(_(said))
    if kind == "cli":
        return Actor(_(_CLI).format(user=name), person=True)
    if kind == "source":
        return Actor(_(_SOURCE).format(source=name))
    # somebody who is not, or no longer, known here: what they were known by
    return Actor(name or actor, person=True)
