"""Every page of the console: who opens it, and at which addresses. A page that is missing here fails the bench."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Self

import psycopg
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.clock import business_now
from services.access import sessions


@dataclass(frozen=True)
class Visitor:
    """Somebody who is signed in, and the cases they may see."""

    name: str
    cookie: str
    cases: tuple[str, ...]

    @classmethod
    def signed_in(cls, session: Session, role: str, count: int) -> list[Self]:
        """So many people of a role. Workers and supervisors are those of the county."""
        if role == "nobody":
            return [cls("nobody", "", ())]
        people: list[Any] = [None]
        if role in {"worker", "supervisor"}:
            prefix = "W-%" if role == "worker" else "E-%"
            rows = session.execute(
                text("SELECT id, name FROM worker WHERE external_id LIKE :prefix ORDER BY id % 7, id LIMIT :count"),
                {"prefix": prefix, "count": count},
            )
            people = list(rows.all())
        return [cls._one(session, role, one) for one in people]

    @classmethod
    def _one(cls, session: Session, role: str, person: Any) -> Self:
        secret = sessions.open_session(
            session,
            subject=f"bench-{role}-{person.id if person else ''}",
            name=person.name if person else role,
            roles=frozenset() if role == "everything" else frozenset({role}),
            worker_id=person.id if person else None,
            everything=role == "everything",
            hours=8,
            now=business_now(session),
            actor="bench",
            how="bench",
        )
        theirs = session.execute(
            text(
                "SELECT number FROM client_case WHERE responsible_worker_id = :id OR EXISTS"
                " (SELECT FROM unit WHERE unit.id = client_case.unit_id AND supervisor_id = :id) LIMIT 200"
            ),
            {"id": person.id if person else None},
        )
        return cls(person.name if person else role, f"avain={secret}", tuple(theirs.scalars()))


@dataclass(frozen=True)
class Known:
    """What addresses are made of."""

    providers: list[str]
    services: list[str]
    runs: list[int]
    lists: list[int]
    sources: list[str]
    rejected: list[int]


def addresses(connection: "psycopg.Connection[Any]") -> Known:
    """The county's names and numbers."""

    def column(statement: str) -> list[Any]:
        return [row[0] for row in connection.execute(statement.encode()).fetchall()]

    return Known(
        providers=column("SELECT business_id FROM provider"),
        services=column("SELECT code FROM service"),
        runs=column("SELECT id FROM run"),
        lists=column("SELECT id FROM price_list WHERE state = 'applied'"),
        sources=column("SELECT DISTINCT source FROM rejected_record"),
        rejected=column("SELECT min(id) FROM rejected_record GROUP BY source"),
    )


Maker = Callable[[Known, random.Random, Visitor], str]


def at(address: str) -> Maker:
    """Always the same address."""
    return lambda _know, _drawn, _visitor: address


#: Rule → who opens it, and how its address is made.
PAGES: Final[dict[str, tuple[str, Maker]]] = {
    "/": ("worker", at("/")),
    "/logout": ("nobody", at("/logout")),
}
DOCUMENTS: Final[dict[str, tuple[str, Maker]]] = {}
#: Only so often a minute from one address, as a bench is (console/pages/access.py).
LIMITED: Final = frozenset({"/login", "/login/callback", "/enter/{token}"})
