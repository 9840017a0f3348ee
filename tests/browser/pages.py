"""Every page of the console: who looks at it here, and at which addresses. A page that is missing here fails test_every_page.py."""

from collections.abc import Callable
from typing import Final, NamedTuple

from tests.browser.town import Town


class Seen(NamedTuple):
    """A page as somebody comes to it. `worker`: an external id; `make`: the address, from what the county holds."""

    rule: str
    roles: tuple[str, ...]
    worker: str | None
    make: Callable[[Town], str]

    @property
    def label(self) -> str:
        """For the test's name."""
        return f"{self.rule} as {'+'.join(self.roles) or 'nobody'}"


def by_worker(rule: str, make: Callable[[Town], str] | None = None) -> Seen:
    """A page of the responsible worker's."""
    return Seen(rule, ("worker",), "W-101", make or (lambda _: rule))


def by(role: str, rule: str, make: Callable[[Town], str] | None = None) -> Seen:
    """A page of somebody who is no worker of the county."""
    return Seen(rule, (role,), "W-900" if role == "supervisor" else None, make or (lambda _: rule))


def by_nobody(rule: str, make: Callable[[Town], str] | None = None) -> Seen:
    """A page of whoever comes."""
    return Seen(rule, (), None, make or (lambda _: rule))


PAGES: Final = (
    by_nobody("/login"),
    by_nobody("/enter/{token}", lambda town: f"/enter/{town.link()}"),
    by_nobody("/logout"),
    by_worker("/"),
    by("supervisor", "/"),
    by("price_manager", "/"),
    by("operator", "/"),
    by("auditor", "/"),
    by("auditor", "/providers"),
    by("price_manager", "/providers"),
    by("price_manager", "/providers/new"),
    by("price_manager", "/providers/{business_id}", lambda _: "/providers/9999996-8"),
    by("price_manager", "/providers/{business_id}/edit", lambda _: "/providers/9999996-8/edit"),
    by("auditor", "/services"),
    by("price_manager", "/services"),
    by("price_manager", "/services/new"),
    by("price_manager", "/services/{code}", lambda _: "/services/PERHETYO"),
    by("price_manager", "/services/{code}/edit", lambda _: "/services/PERHETYO/edit"),
    by("price_manager", "/unit-costs"),
    by("price_manager", "/unit-costs/new", lambda _: "/unit-costs/new?year=2027"),
    by("price_manager", "/unit-costs/{price_id}/end", lambda town: f"/unit-costs/{town.own_price}/end"),
)
#: No pages to look at: files, signs of life, and what only leads on.
NO_PAGES: Final[frozenset[str]] = frozenset({"/login/callback"})
