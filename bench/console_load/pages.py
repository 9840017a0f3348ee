"""Every page of the console: who opens it, and at which addresses. A page that is missing here fails the bench."""

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Self
from urllib.parse import quote

import psycopg
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.clock import business_now
from services.access import sessions
from services.family.sessions import open_session

#: Rows in: a case. Rows added: a link to it.
_LINK: Final = (
    "INSERT INTO family_link (case_id, holder, token, code, made_by, made_at, expires_at)"
    " SELECT id, 'client', :token, :token, 'bench', now(), now() + interval '1 year' FROM client_case WHERE number = :number RETURNING id"
)
#: Rows in: cases. Rows changed: their clients, who are one person from now on.
_ONE_CLIENT: Final = (
    "UPDATE client SET blind_index = :index FROM client_case WHERE client_id = client.id AND number = ANY(:numbers)"
)


def _families(session: Session, count: int, cases: int) -> list[list[str]]:
    """Cases all over the county, so many for each of `count` families."""
    wanted = text(
        "SELECT number FROM client_case JOIN client ON client.id = client_id WHERE NOT non_disclosure ORDER BY client_case.id % 997, client_case.id LIMIT :count"
    )
    found = list(session.scalars(wanted, {"count": count * cases}))
    return [found[at : at + cases] for at in range(0, len(found) - cases + 1, cases)]


@dataclass(frozen=True)
class Visitor:
    """Somebody who is signed in, and the cases they may see."""

    name: str
    cookie: str
    cases: tuple[str, ...]
    decisions: dict[str, int]
    orders: tuple[str, ...] = ()
    waiting: tuple[int, ...] = ()
    invoices: tuple[int, ...] = ()
    follow_ups: tuple[int, ...] = ()
    notices: tuple[int, ...] = ()

    @classmethod
    def signed_in(cls, session: Session, role: str, count: int) -> list[Self]:
        """So many people of a role. Workers and supervisors are those of the county."""
        if role == "nobody":
            return [cls("nobody", "", (), {})]
        if role in {"family", "families"}:
            return [cls._family(session, cases) for cases in _families(session, count, 1 if role == "family" else 2)]
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
    def _family(cls, session: Session, cases: list[str]) -> Self:
        """A family that has come in by a link, or of several cases by logging in."""
        link, index = None, ("bench " + cases[0]).encode()
        if len(cases) == 1:
            link = session.execute(text(_LINK), {"number": cases[0], "token": index}).scalar_one()
        else:
            session.execute(text(_ONE_CLIENT), {"numbers": cases, "index": index})
        _id, secret = open_session(session, link_id=link, blind_index=index if link is None else None, minutes=480)
        return cls("family", f"avain-my={secret}", tuple(cases), {})

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
                "SELECT client_case.number, decision.id AS decision FROM client_case JOIN decision ON case_id = client_case.id"
                " WHERE responsible_worker_id = :id OR EXISTS"
                " (SELECT FROM unit WHERE unit.id = client_case.unit_id AND supervisor_id = :id) LIMIT 200"
            ),
            {"id": person.id if person else None},
        )
        decisions = {row.number: row.decision for row in theirs}
        orders = session.scalars(
            text("SELECT number FROM purchase_order WHERE decision_id = ANY(:decisions) ORDER BY id"),
            {"decisions": list(decisions.values())},
        )
        waiting = session.scalars(
            text(
                "SELECT plan_item.id FROM plan_item JOIN choice ON choice.plan_item_id = plan_item.id AND choice.ended_at IS NULL"
                " WHERE decision_id = ANY(:decisions) AND NOT EXISTS"
                " (SELECT FROM order_coverage WHERE order_coverage.plan_item_id = plan_item.id AND live) ORDER BY plan_item.id LIMIT 50"
            ),
            {"decisions": list(decisions.values())},
        )
        invoices = session.scalars(
            text(
                "SELECT incoming_document.id FROM incoming_document JOIN purchase_order ON purchase_order.id = order_id"
                " WHERE decision_id = ANY(:decisions) AND incoming_document.kind = 'invoice' ORDER BY incoming_document.id"
            ),
            {"decisions": list(decisions.values())},
        )
        follow_ups = session.scalars(
            text(
                "SELECT follow_up.id FROM follow_up JOIN client_case ON client_case.id = follow_up.case_id"
                " WHERE client_case.number = ANY(:numbers) ORDER BY follow_up.id LIMIT 200"
            ),
            {"numbers": list(decisions)},
        )
        # of cases that are theirs still: those of others are told of to nobody
        notices = session.scalars(
            text("SELECT id FROM notice WHERE worker_id = :id AND subject = ANY(:subjects) ORDER BY id LIMIT 50"),
            {"id": person.id if person else None, "subjects": [f"case:{number}" for number in decisions]},
        )
        name, cookie = person.name if person else role, f"avain={secret}"
        return cls(name, cookie, tuple(decisions), decisions, tuple(orders), tuple(waiting), tuple(invoices),
            tuple(follow_ups), tuple(notices),
        )  # fmt: skip


@dataclass(frozen=True)
class Known:
    """What addresses are made of."""

    providers: list[str]
    services: list[str]
    runs: list[int]
    called: list[int]
    lists: list[int]
    undoable: list[int]
    held: list[int]
    uploads: list[int]
    own_prices: list[int]
    sources: list[str]
    shares: list[str]
    rejected: list[int]
    cases: list[str]
    dead: list[str]


def addresses(connection: "psycopg.Connection[Any]") -> Known:
    """The county's names and numbers."""

    def column(statement: str) -> list[Any]:
        return [row[0] for row in connection.execute(statement.encode()).fetchall()]

    return Known(
        providers=column("SELECT business_id FROM provider"),
        services=column("SELECT code FROM service"),
        runs=column("SELECT id FROM run"),
        called=column("SELECT id FROM work WHERE key LIKE 'called:%'"),
        lists=column("SELECT id FROM price_list"),
        undoable=column("SELECT id FROM price_list WHERE applied_order IS NOT NULL AND state = 'applied'"),
        held=column(
            "SELECT DISTINCT price_list.id FROM price_list JOIN rejected_record USING (run_id) WHERE state = 'held'"
        ),
        uploads=column("SELECT id FROM price_upload"),
        own_prices=column(
            "SELECT price.id FROM price JOIN price_key ON price_key.id = price_key_id WHERE provider_id IS NULL AND superseded_at IS NULL"
        ),
        shares=column("SELECT split_part(name, '/', 2) FROM price_source WHERE name LIKE 'posti/%'"),
        sources=column("SELECT DISTINCT source FROM rejected_record"),
        rejected=column("SELECT min(id) FROM rejected_record GROUP BY source"),
        cases=column("SELECT number FROM client_case ORDER BY id LIMIT 5000"),
        dead=[
            f"{kind}-{hashlib.sha256(reason.encode()).hexdigest()[:8]}"
            for kind, reason in connection.execute(
                "SELECT DISTINCT kind, dead_reason FROM work WHERE dead_at IS NOT NULL AND acknowledged IS NULL"
            ).fetchall()
        ],
    )


Maker = Callable[[Known, random.Random, Visitor], str]


def at(address: str) -> Maker:
    """Always the same address."""
    return lambda _know, _drawn, _visitor: address


def drawn(*addresses: str) -> Maker:
    """One of several addresses of the same page."""
    return lambda _know, chance, _visitor: chance.choice(addresses)


def case(rest: str = "") -> Maker:
    """One of the visitor's cases."""
    return lambda _know, chance, visitor: f"/cases/{chance.choice(visitor.cases)}{rest}"


def my(rest: str = "") -> Maker:
    """The page of one of the family's cases."""
    return lambda _know, chance, visitor: f"/my/{chance.choice(visitor.cases)}{rest}"


def _order(rest: str = "") -> Maker:
    """One of the orders of the visitor's cases; in a small county there may be none."""
    return lambda _know, chance, visitor: (
        f"/orders/{chance.choice(visitor.orders)}{rest}" if visitor.orders else "/orders"
    )


def _waiting(path: str) -> Maker:
    """`path` with one of the visitor's planned services that wait for approval in its blank; in a small county there may be none."""
    return lambda _know, chance, visitor: path.format(chance.choice(visitor.waiting)) if visitor.waiting else "/orders"


def _invoice(_know: Known, chance: random.Random, visitor: Visitor) -> str:
    """One of the invoices for orders of the visitor's cases; in a small county there may be none."""
    return f"/invoices/{chance.choice(visitor.invoices)}" if visitor.invoices else "/invoices"


def _follow_up(_know: Known, chance: random.Random, visitor: Visitor) -> str:
    """One of the follow-ups of the visitor's cases; in a small county there may be none."""
    return f"/follow-ups/{chance.choice(visitor.follow_ups)}" if visitor.follow_ups else "/follow-ups"


def _notice(_know: Known, chance: random.Random, visitor: Visitor) -> str:
    """One of the visitor's news; in a small county there may be none."""
    return f"/notices/{chance.choice(visitor.notices)}" if visitor.notices else "/follow-ups"


def _budget(_know: Known, chance: random.Random, visitor: Visitor) -> str:
    number = chance.choice(visitor.cases)
    return f"/cases/{number}/budgets/{visitor.decisions[number]}"


def _compared(path: str) -> Maker:
    def make(know: Known, chance: random.Random, _visitor: Visitor) -> str:
        return f"{path}?baseline={chance.choice(know.services)}&quantity={chance.randint(4, 40)}&months={chance.choice((1, 3, 6))}"

    return make


def one(kind: str, path: str) -> Maker:
    """`path` with one of what is known of a kind in its blank."""
    return lambda know, chance, _visitor: path.format(quote(str(chance.choice(getattr(know, kind)))))


#: Rule → who opens it, and how its address is made. What reads otherwise for other roles stands here for each.
PAGES: Final[dict[str, tuple[str, Maker]]] = {
    "/": ("worker", at("/")),
    "/ (supervisor)": ("supervisor", at("/")),
    "/ (price_manager)": ("price_manager", at("/")),
    "/ (operator)": ("operator", at("/")),
    "/cases (worker)": ("worker", at("/cases")),
    "/logout": ("nobody", at("/logout")),
    "/cases": (
        "supervisor",
        drawn("/cases", "/cases?state=over", "/cases?state=near", "/cases?every=1", "/cases?q=HB-2026-000777"),
    ),
    "/cases/{number}": ("worker", case()),
    "/cases/{number}/budgets/{decision}": ("worker", _budget),
    "/cases/{number}/compare": ("worker", case("/compare")),
    "/follow-ups (worker)": (
        "worker",
        drawn("/follow-ups", "/follow-ups?which=overdue", "/follow-ups?which=to_write_down", "/follow-ups?kind=final"),
    ),
    "/follow-ups": (
        "supervisor",
        drawn("/follow-ups?which=unit", "/follow-ups?which=overdue", "/follow-ups?which=to_write_down"),
    ),
    "/follow-ups/{follow_up}": ("worker", _follow_up),
    "/notices/{notice}": ("worker", _notice),
    "/orders (worker)": ("worker", drawn("/orders", "/orders?state=accepted")),
    "/orders": (
        "supervisor",
        drawn("/orders", "/orders?state=failed", "/orders?provider=9000007-0", "/orders?worker=W-77"),
    ),
    "/orders/waiting": ("supervisor", at("/orders/waiting")),
    "/orders/waiting (worker)": ("worker", at("/orders/waiting")),
    "/orders/proposals": ("supervisor", at("/orders/proposals")),
    "/orders/preview": ("worker", _waiting("/orders/preview?item={}")),
    "/orders/{number}": ("worker", _order()),
    "/invoices (worker)": ("worker", at("/invoices")),
    "/invoices": ("supervisor", drawn("/invoices", "/invoices?state=discarded", "/invoices?state=")),
    "/invoices/{document}": ("supervisor", _invoice),
    "/incoming": ("worker", drawn("/incoming", "/incoming?state=applied")),
    "/incoming (operator)": ("operator", drawn("/incoming", "/incoming?state=applied")),
    "/unit": ("supervisor", drawn("/unit", "/unit?from=2026-01&to=2026-12")),
    "/compare": ("worker", _compared("/compare")),
    "/absences": ("worker", at("/absences")),
    "/absences (supervisor)": ("supervisor", drawn("/absences", "/absences?which=earlier")),
    "/absences (operator)": ("operator", drawn("/absences", "/absences?which=earlier")),
    "/calendar": ("worker", at("/calendar")),
    "/workers": ("operator", at("/workers")),
    "/sources": ("operator", at("/sources")),
    "/sources/{name}": ("operator", one("sources", "/sources/{}")),
    "/sources/{name}/{provider}": ("operator", one("shares", "/sources/posti/{}")),
    "/schedule": ("operator", at("/schedule")),
    "/schedule/{name}": (
        "operator",
        drawn("/schedule/nightly_cases", "/schedule/read_incoming", "/schedule/daily_reminders"),
    ),
    "/runs": (
        "operator",
        drawn("/runs", "/runs?outcome=failed", "/runs?kind=sync_cases", "/runs?source=vienti-3", "/runs?before=5000"),
    ),
    "/runs/called/{work_id}": ("operator", one("called", "/runs/called/{}")),
    "/runs/called/{work_id}/progress": ("operator", one("called", "/runs/called/{}/progress")),
    "/runs/{run_id}": ("operator", one("runs", "/runs/{}")),
    "/runs/{run_id}/progress": ("operator", one("runs", "/runs/{}/progress")),
    "/health": ("operator", drawn("/health")),
    "/dead-work": ("operator", at("/dead-work")),
    "/dead-work/{group}": ("operator", one("dead", "/dead-work/{}")),
    "/rejected": ("operator", drawn("/rejected", "/rejected?source=vienti-3")),
    "/rejected/{rejected_id}": ("operator", one("rejected", "/rejected/{}")),
    "/audit": (
        "auditor",
        drawn("/audit", "/audit?subject=case:HB-2026-000777", "/audit?actor=worker:W-77", "/audit?action=choice.made"),
    ),
    "/audit/cases/{number}": (
        "auditor",
        one("cases", "/audit/cases/{}"),
    ),
    "/cases/{number}/audit": ("supervisor", case("/audit")),
    "/providers": ("price_manager", at("/providers")),
    "/providers/new": ("price_manager", at("/providers/new")),
    "/providers/{business_id}": ("price_manager", one("providers", "/providers/{}")),
    "/providers/{business_id}/edit": ("price_manager", one("providers", "/providers/{}/edit")),
    "/services": ("price_manager", at("/services")),
    "/services/new": ("price_manager", at("/services/new")),
    "/services/{code}": ("price_manager", one("services", "/services/{}")),
    "/services/{code}/edit": ("price_manager", one("services", "/services/{}/edit")),
    "/unit-costs": ("price_manager", at("/unit-costs")),
    "/unit-costs/new": ("price_manager", at("/unit-costs/new?all=1")),
    "/unit-costs/{price_id}/end": ("price_manager", one("own_prices", "/unit-costs/{}/end")),
    "/prices": ("price_manager", at("/prices")),
    "/prices/columns": ("price_manager", at("/prices/columns")),
    "/prices/upload": ("price_manager", at("/prices/upload")),
    "/prices/upload/{number}": ("price_manager", one("uploads", "/prices/upload/{}")),
    "/prices/lists/{number}": ("price_manager", one("lists", "/prices/lists/{}")),
    "/prices/lists/{number}/rollback": ("price_manager", one("undoable", "/prices/lists/{}/rollback")),
    "/prices/lists/{number}/reply": ("price_manager", one("held", "/prices/lists/{}/reply")),
    "/prices/mail": ("price_manager", at("/prices/mail")),
    "/my": ("families", at("/my")),
    "/my/{number}": ("family", my()),
    "/my/{number}/alternatives": ("family", my("/alternatives")),
    "/my/{number}/child": ("family", my("/child")),
    "/my/{number}/propose": ("family", my("/propose")),
    "/my/{number}/rate": ("family", my("/rate")),
    "/my/{number}/wishes": ("family", my("/wishes")),
    "/my/{number}/support": ("family", my("/support")),
}
DOCUMENTS: Final[dict[str, tuple[str, Maker]]] = {
    "/unit.xlsx": ("supervisor", at("/unit.xlsx")),
    "/compare.pdf": ("worker", _compared("/compare.pdf")),
    "/cases/{number}/compare.pdf": (
        "worker",
        case("/compare.pdf?item=S-1"),
    ),
    "/cases/{number}/statement.pdf": ("worker", case("/statement.pdf")),
    "/my/{number}/statement.pdf": ("family", my("/statement.pdf")),
    "/orders/preview/order.pdf": ("worker", _waiting("/orders/preview/order.pdf?item={}")),
    "/orders/{number}/order.pdf": ("worker", _order("/order.pdf")),
    "/orders/{number}/order.xml": ("worker", _order("/order.xml")),
    "/prices/lists/{number}/reply.eml": ("price_manager", one("held", "/prices/lists/{}/reply.eml")),
    "/prices/template/{business_id}/{form}": ("price_manager", one("providers", "/prices/template/{}/xlsx")),
}
#: Not measured: only so often a minute from one address, as a bench is (console/pages/access.py, reply.py); or they lead on to a page that is.
LIMITED: Final = frozenset(
    {
        "/login",
        "/login/callback",
        "/calendar/{token}.ics",
        "/enter/{token}",
        "/my/in",
        "/my/in/{secret}",
        "/my/login",
        "/my/login/callback",
        "/reply/{token}",
        "/delivered/{token}",
        # the county's providers are invented by the set: their business ids are none, so that no document can be written for them
        "/orders/preview/order.xml",
    }
)
