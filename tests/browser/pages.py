"""Every page of the console: who looks at it here, and at which addresses. A page that is missing here fails test_every_page.py."""

from collections.abc import Callable
from typing import Final, NamedTuple

from services.family.sessions import Holder
from tests.browser.town import Town


class Seen(NamedTuple):
    """A page as somebody comes to it. `worker`: an external id; `make`: the address, from what the county holds. `family`: of which cases."""

    rule: str
    roles: tuple[str, ...]
    worker: str | None
    make: Callable[[Town], str]
    family: tuple[str, ...] = ()
    holder: Holder = "client"

    @property
    def label(self) -> str:
        """For the test's name."""
        who = "+".join(self.roles) or (f"family {self.holder}" if self.family else "nobody")
        return f"{self.rule} as {who}"


def by_worker(rule: str, make: Callable[[Town], str] | None = None, *, worker: str = "W-101") -> Seen:
    """A page of the responsible worker's."""
    return Seen(rule, ("worker",), worker, make or (lambda _: rule))


def of_orders(rule: str, rest: Callable[[Town], str] | None = None) -> Seen:
    """A page of the worker in whose case something is ordered, and everything has happened to the order."""
    return by_worker(rule, lambda town: (rest or (lambda _: rule))(town) if town.eventful() else "", worker="W-102")


def by(role: str, rule: str, make: Callable[[Town], str] | None = None) -> Seen:
    """A page of somebody who is no worker of the county."""
    return Seen(rule, (role,), "W-900" if role == "supervisor" else None, make or (lambda _: rule))


def by_nobody(rule: str, make: Callable[[Town], str] | None = None) -> Seen:
    """A page of whoever comes."""
    return Seen(rule, (), None, make or (lambda _: rule))


def by_family(rule: str, case: str = "LC-1002", *, holder: Holder = "client") -> Seen:
    """A page of the family of a case, or of whom it lets look."""
    return Seen(rule, (), None, lambda town: rule.replace("{number}", town.cases[case]), (case,), holder)


def _case(rest: str = "", *, case: str = "LC-1001") -> Callable[[Town], str]:
    return lambda town: f"/cases/{town.cases[case]}{rest}"


def _list(state: str, rest: str = "") -> Callable[[Town], str]:
    return lambda town: f"/prices/lists/{town.list_in(state)}{rest}"


PAGES: Final = (
    by_nobody("/login"),
    by_nobody("/enter/{token}", lambda town: f"/enter/{town.link()}"),
    by_nobody("/reply/{token}", lambda town: town.letter_link("reply")),
    by_nobody("/delivered/{token}", lambda town: town.letter_link("delivered")),
    by_nobody("/my/in"),
    by_nobody("/my/in/{secret}", lambda _: "/my/in/no-such-link"),
    Seen("/my", (), None, lambda _: "/my", ("LC-1001", "LC-1002")),
    by_family("/my/{number}"),
    by_family("/my/{number}", "LC-1001"),
    by_family("/my/{number}", "LC-1004", holder="support"),
    by_family("/my/{number}/child"),
    by_family("/my/{number}/alternatives", "LC-1001"),
    by_family("/my/{number}/propose", "LC-1001"),
    by_family("/my/{number}/rate"),
    by_family("/my/{number}/wishes"),
    by_family("/my/{number}/support"),
    by_nobody("/logout"),
    by_worker("/"),
    by("supervisor", "/"),
    by("price_manager", "/"),
    by("operator", "/"),
    by("auditor", "/"),
    by_worker("/cases"),
    by("supervisor", "/cases"),
    by_worker("/cases/{number}", _case()),
    by("supervisor", "/cases/{number}", _case(case="LC-1003")),
    by_worker("/cases/{number}/budgets/{decision}", lambda town: f"{_case()(town)}/budgets/{town.decision('LC-1001')}"),
    by(
        "supervisor",
        "/cases/{number}/budgets/{decision}",
        lambda town: f"{_case(case='LC-1002')(town)}/budgets/{town.decision('LC-1002')}",
    ),
    by_worker("/cases/{number}/compare", _case("/compare")),
    by("supervisor", "/cases/{number}/compare", _case("/compare", case="LC-1003")),
    by_worker("/follow-ups", lambda town: "/follow-ups" if town.follow_up() else ""),
    by("supervisor", "/follow-ups", lambda _: "/follow-ups?which=unit"),
    by_worker("/follow-ups/{follow_up}", lambda town: f"/follow-ups/{town.follow_up()}"),
    by_worker("/follow-ups/{follow_up}", lambda town: f"/follow-ups/{town.follow_up(acknowledged=True)}"),
    by_worker("/notices/{notice}", lambda town: f"/notices/{town.notice()}"),
    of_orders("/orders"),
    by("supervisor", "/orders"),
    by("supervisor", "/unit"),
    by_worker("/orders/waiting"),
    of_orders("/orders/proposals"),
    by_worker("/orders/preview", lambda town: f"/orders/preview?item={town.waiting()}"),
    of_orders("/orders/{number}", lambda town: f"/orders/{town.eventful()}"),
    by("supervisor", "/orders/{number}", lambda town: f"/orders/{town.order()}"),
    by_worker("/invoices", lambda town: "/invoices" if town.invoice(town.order()) else "", worker="W-102"),
    by_worker("/invoices/{document}", lambda town: f"/invoices/{town.invoice(town.order())}", worker="W-102"),
    by("price_manager", "/invoices", lambda town: "/invoices" if town.invoice("PO-1") else ""),
    by("price_manager", "/invoices/{document}", lambda town: f"/invoices/{town.invoice('PO-1')}"),
    of_orders("/"),
    of_orders("/incoming"),
    by("operator", "/incoming"),
    by_worker("/compare"),
    by("price_manager", "/compare", lambda _: "/compare?baseline=PERHETYO&quantity=24&unit=C62&months=3"),
    by("price_manager", "/prices"),
    by("price_manager", "/prices/lists/{number}", _list("held")),
    by("auditor", "/prices/lists/{number}", _list("applied")),
    by("price_manager", "/prices/lists/{number}/rollback", _list("applied", "/rollback")),
    by(
        "price_manager", "/prices/lists/{number}/reply", lambda town: f"/prices/lists/{town.list_with_rejected()}/reply"
    ),
    by("price_manager", "/prices/mail"),
    by("price_manager", "/prices/columns"),
    by("price_manager", "/prices/upload"),
    by("price_manager", "/prices/upload/{number}", lambda town: f"/prices/upload/{town.upload()}"),
    by("price_manager", "/providers"),
    by("price_manager", "/providers/new"),
    by("price_manager", "/providers/{business_id}", lambda _: "/providers/9999996-8"),
    by("price_manager", "/providers/{business_id}/edit", lambda _: "/providers/9999996-8/edit"),
    by("price_manager", "/services"),
    by("price_manager", "/services/new"),
    by("price_manager", "/services/{code}", lambda _: "/services/PERHETYO"),
    by("price_manager", "/services/{code}/edit", lambda _: "/services/PERHETYO/edit"),
    by("price_manager", "/unit-costs"),
    by("price_manager", "/unit-costs/new"),
    by("price_manager", "/unit-costs/{price_id}/end", lambda town: f"/unit-costs/{town.own_price()}/end"),
    by_worker("/calendar"),
    by("operator", "/workers"),
    by("worker", "/absences"),
    by("supervisor", "/absences"),
    by("operator", "/sources"),
    by("operator", "/sources/{name}", lambda _: "/sources/lifecare-vienti"),
    by("operator", "/sources/{name}/{provider}", lambda _: "/sources/posti/9999997-6"),
    by("operator", "/runs"),
    by("operator", "/runs/{run_id}", lambda town: f"/runs/{town.run('sync_cases')}"),
    by("price_manager", "/runs/{run_id}", lambda town: f"/runs/{town.run('import_prices', outcome='held')}"),
    by("operator", "/schedule"),
    by("operator", "/schedule/{name}", lambda _: "/schedule/nightly_cases"),
    by("operator", "/dead-work", lambda town: "/dead-work" if town.given_up() else ""),
    by("operator", "/dead-work/{group}", lambda town: f"/dead-work/{town.given_up()}"),
    by("operator", "/runs/called/{work_id}", lambda town: f"/runs/called/{town.called()}"),
    by("operator", "/health"),
    by("operator", "/rejected"),
    by("operator", "/rejected/{rejected_id}", lambda town: f"/rejected/{town.rejected()}"),
    by("auditor", "/audit"),
    by("auditor", "/audit/cases/{number}", lambda town: f"/audit{_case()(town)}"),
    by("supervisor", "/cases/{number}/audit", _case("/audit", case="LC-1003")),
)
#: No pages to look at: files, figures for a script, and what only leads on.
NO_PAGES: Final = frozenset(
    {
        "/login/callback",
        "/my/login",
        "/my/login/callback",
        "/my/{number}/statement.pdf",
        "/calendar/{token}.ics",
        "/cases/{number}/statement.pdf",
        "/cases/{number}/compare.pdf",
        "/compare.pdf",
        "/unit.xlsx",
        "/prices/lists/{number}/reply.eml",
        "/prices/template/{business_id}/{form}",
        "/orders/preview/order.pdf",
        "/orders/preview/order.xml",
        "/orders/{number}/order.pdf",
        "/orders/{number}/order.xml",
        "/runs/{run_id}/progress",
        "/runs/called/{work_id}/progress",
    }
)
