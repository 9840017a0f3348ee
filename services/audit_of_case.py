"""Who saw and did what for one case: every event about it, whatever its subject, the newest first.

An event concerns a case if its subject is the case, one of its orders, follow-ups, invoices or documents; or if the case's number stands
among `cases` in its details. Lists write the numbers they showed there: a row of a list tells how it stands with a client, so being on
the screen is being looked at. One event a list, whatever its length; an index (`ix_audit_event_cases`) finds the lists of a case.

Other cases' numbers in such an event, and free words that somebody wrote, may be about another client: none of it leaves this module
but `reason`, of events that are of this case alone, with other cases' numbers and henkilötunnukset blotted out.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import NotFound
from core.logging import REDACTED, redact
from services.access.non_disclosure import HIDDEN
from services.audit_actors import Actor, actors_of, role_then

#: So many events are on a page.
PAGE: Final = 100
_OTHER_CASE: Final = re.compile(r"\bHB-\d{4}-\d{6,}\b")
#: What these are about is this case's alone.
_OWN: Final = frozenset({"case", "order", "follow_up"})
#: Every visit of theirs has another name in the trail, which says nothing to people.
_GROUPED: Final = frozenset({"family", "support"})

_CASE: Final = text(
    f"""
    SELECT client_case.id, client_case.number, {HIDDEN} AS non_disclosure
    FROM client_case JOIN client ON client.id = client_case.client_id WHERE client_case.number = :number
    UNION ALL
    SELECT id, number, non_disclosure FROM removed_case WHERE number = :number
    """  # noqa: S608 - our own words
)

#: Rows in: a case. Rows out: the subjects of events that are about it.
_SUBJECTS: Final = text(
    """
    WITH own AS (
        SELECT purchase_order.id, purchase_order.number FROM decision JOIN purchase_order ON purchase_order.decision_id = decision.id
        WHERE decision.case_id = :case
    ), document AS (
        SELECT incoming_document.id FROM own JOIN incoming_document ON incoming_document.order_id = own.id
        UNION
        SELECT invoice.incoming_id FROM own
        JOIN order_line ON order_line.order_id = own.id
        JOIN invoice_line ON invoice_line.order_line_id = order_line.id
        JOIN invoice ON invoice.id = invoice_line.invoice_id
        WHERE invoice.incoming_id IS NOT NULL
    )
    SELECT 'case:' || number FROM client_case WHERE id = :case
    UNION ALL SELECT 'order:' || number FROM own
    UNION ALL SELECT 'follow_up:' || id FROM follow_up WHERE case_id = :case
    UNION ALL SELECT kind || ':' || id FROM document CROSS JOIN (VALUES ('incoming'), ('invoice')) AS called(kind)
    UNION ALL SELECT unnest('case:' || number || subjects) FROM removed_case WHERE id = :case
    """
)

_CONCERNS: Final = """
    (subject = ANY(CAST(:subjects AS text[])) OR (details ? 'cases' AND details -> 'cases' @> CAST(:listed AS jsonb)))
"""
#: Rows in: what concerns a case, and what that is narrowed to. Rows out: events, the newest first.
#: Materialized: a case's events are some thousands and found by two indexes; those of moments, acts and ids would lead past everybody's.
_EVENTS: Final = text(
    f"""
    WITH found AS MATERIALIZED (
        SELECT id, business_at, actor, action, subject, reason, details FROM audit_event WHERE {_CONCERNS}
    )
    SELECT id, business_at, actor, action, subject, reason, details FROM found
    WHERE (CAST(:actor AS text) IS NULL OR actor = :actor OR (right(:actor, 1) = ':' AND starts_with(actor, :actor)))
      AND (CAST(:action AS text) IS NULL OR action = :action)
      AND (CAST(:first AS timestamptz) IS NULL OR business_at >= :first)
      AND (CAST(:after AS timestamptz) IS NULL OR business_at < :after)
      AND (CAST(:before AS bigint) IS NULL OR id < :before)
    ORDER BY id DESC LIMIT :limit
    """  # noqa: S608 - our own words
)
#: Rows in: what concerns a case. Rows out: who acted and what was done, each once.
_KNOWN: Final = text(f"SELECT DISTINCT actor, action FROM audit_event WHERE {_CONCERNS}")  # noqa: S608 - our own words


@dataclass(frozen=True)
class Case:
    """A case whose events are looked for."""

    id: int
    number: str
    non_disclosure: bool


@dataclass(frozen=True)
class Wanted:
    """What the events are narrowed to: an actor as the trail calls them, or all of a kind (`family:`); an action; moments, `after` no longer
    among them.
    """

    actor: str | None = None
    action: str | None = None
    first: datetime | None = None
    after: datetime | None = None


@dataclass(frozen=True)
class Entry:
    """One event as people read it. `order`: the order it is about, if it is about one; `listed`: the case was one of a list's."""

    id: int
    at: datetime
    actor: Actor
    role: str
    action: str
    order: str | None
    listed: bool
    reason: str


@dataclass(frozen=True)
class Choices:
    """What a case's events can be narrowed to: actors as in `Wanted`, with their names, and actions. The family's visits are one choice."""

    actors: tuple[tuple[str, str], ...]
    actions: frozenset[str]


def case_of(session: Session, number: str) -> Case:
    """The case of this number, whoever asks; also one that was removed when its time was up: its trail is kept longer. Raises NotFound."""
    row = session.execute(_CASE, {"number": number if number.isprintable() else ""}).one_or_none()
    if row is None:
        raise NotFound("There is no case {case}.", case=number)
    return Case(row.id, row.number, row.non_disclosure)


def entries(
    session: Session, case: Case, wanted: Wanted, *, before: int | None = None, limit: int | None = PAGE
) -> list[Entry]:
    """Events that concern the case, newest first, before the one with the id `before`. Three queries, however many they are."""
    values = {**_concerns(session, case), **vars(wanted), "before": before, "limit": limit}
    rows = session.execute(_EVENTS, values).all()
    actors = actors_of(session, {row.actor for row in rows})
    return [_entry(row, case, actors[row.actor]) for row in rows]


def choices(session: Session, case: Case) -> Choices:
    """Who acted for the case, by name, and what was done."""
    rows = session.execute(_KNOWN, _concerns(session, case)).all()
    actors = actors_of(session, {_chosen_by(row.actor) for row in rows})
    named = sorted(((one, actor.name) for one, actor in actors.items()), key=lambda pair: (pair[1].casefold(), pair[0]))
    return Choices(tuple(named), frozenset(row.action for row in rows))


def _chosen_by(actor: str) -> str:
    kind = actor.partition(":")[0]
    return f"{kind}:" if kind in _GROUPED else actor


def cases_of_orders(session: Session, orders: Collection[str]) -> list[str]:
    """Numbers of the cases that these orders are of."""
    return list(session.scalars(_OF_ORDERS, {"orders": list(orders)}))


_OF_ORDERS: Final = text(
    """
    SELECT DISTINCT client_case.number FROM purchase_order
    JOIN decision ON decision.id = purchase_order.decision_id JOIN client_case ON client_case.id = decision.case_id
    WHERE purchase_order.number = ANY(:orders) ORDER BY client_case.number
    """
)


def _concerns(session: Session, case: Case) -> dict[str, Any]:
    subjects = list(session.scalars(_SUBJECTS, {"case": case.id}))
    return {"subjects": subjects, "listed": f'["{case.number}"]'}


def _entry(row: Any, case: Case, actor: Actor) -> Entry:
    kind, _colon, name = row.subject.partition(":")
    own = kind in _OWN and not (kind == "case" and name != case.number)
    return Entry(
        id=row.id,
        at=row.business_at,
        actor=actor,
        role=role_then(actor, row.details),
        action=row.action,
        order=name if kind == "order" else None,
        listed=not own and "cases" in row.details,
        reason=_harmless(row.reason, case) if own else "",
    )


def _harmless(reason: str, case: Case) -> str:
    """A reason without what points to anybody else."""
    return _OTHER_CASE.sub(lambda found: found[0] if found[0] == case.number else REDACTED, redact(reason))
