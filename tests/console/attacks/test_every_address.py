"""Every address of the console, asked with what fits its parameters and with what does not: it answers in its own words, and never fails.

Schemathesis reads what each page takes (path, query, fields of a form) from the application itself and draws from it; the forms that real
pages hold are sent with hostile values in their fields. `make fuzz-console` asks for longer, and with other draws each time.
"""

import os
from collections import Counter
from collections.abc import Iterator
from itertools import cycle, islice
from random import Random
from typing import Any, Final
from urllib.parse import quote, urlencode

import pytest
import requests
import schemathesis
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import Case, GenerationMode
from sqlalchemy.orm import Session

from console.web.limits import Limiter
from models.access import ROLES
from tests.console.attacks.addresses import parts
from tests.console.attacks.judge import PROBE, SPLIT, faults
from tests.console.test_who_may import csrf_of
from tests.console.who_may import FAMILIES, TABLE
from tests.support.browsing import ORIGIN, Browser, Opener, Page
from tests.support.families import come_in
from tests.support.one_of_each import OneOfEach

#: So many draws of each kind for each address; in `make fuzz-console` more, by another seed each time.
DRAWS: Final = int(os.environ.get("AVAIN_FUZZ_INPUTS", "2"))
SEED: Final = int(os.environ.get("AVAIN_FUZZ_SEED", "11"))
#: What nobody types, as it goes over the wire in a query or a form.
HOSTILE: Final = tuple(
    one if isinstance(one, str) else quote(one)
    for one in (
        quote(PROBE), quote(SPLIT), b"\x00", b"\xff\xfe", b"\xed\xa0\x80", "", "9" * 400, "-1", "1e999999", "NaN", "Infinity", "0x10", "9999-12-31",
        "0000-00-00", "31.2.2026", quote("٣٤"), quote("\u202e\u200b\ufeff" * 3), quote("' OR 1=1;--"), quote("{{7*7}}${7*7}<%=7%>"),
        quote("../../../etc/passwd"), "A" * 20_000, quote("%s%n%(x)s{0.__class__}"), quote('=HYPERLINK("http://evil.test")'), quote("a\r\n.\r\nb"),
    )
)  # fmt: skip


@pytest.fixture(autouse=True)
def _as_often_as_one_likes(monkeypatch):
    """What is counted for an address is looked at in test_brute_force.py."""
    monkeypatch.setattr(Limiter, "wait", lambda *_: 0)


class Desk:
    """A browser in which somebody may do everything there is, and one of a family; what they do is undone after each request."""

    def __init__(self, app: FastAPI, session: Session, world: OneOfEach, opener: Opener) -> None:
        self.session, self.world = session, world
        self.browser = opener.sign_in(*ROLES, worker=world.mine.worker, everything=True)
        self.token = csrf_of(self.browser, app)
        (case,) = [one for one in world.cases() if one.number == world.mine["case"]]
        self.family = come_in(app, session, case)
        self.family_token = _family_token(self.family)
        self._cookies = {one: dict(one.client.cookies) for one in (self.browser, self.family)}
        self.wrong: list[tuple[Any, ...]] = []
        self.statuses: Counter[int] = Counter()

    def who(self, path: str) -> tuple[Browser, str]:
        """Whose browser opens this page, and the token of its forms."""
        of_family = path == "/my" or path.startswith("/my/")
        return (self.family, self.family_token) if of_family else (self.browser, self.token)

    def ask(self, method: str, rule: str, url: str, **options: Any) -> Any:
        """One request, of which nothing stays; what is wrong with its answer is noted."""
        browser, _token = self.who(rule)
        for name, value in self._cookies[browser].items():  # signing out is undone as well
            browser.client.cookies.set(name, value, domain="127.0.0.1")
        kept = self.session.begin_nested()
        try:
            answer = browser.client.request(method, url, follow_redirects=False, **options)
        finally:
            kept.rollback()
        self.statuses[answer.status_code] += 1
        found = faults(answer, may_be=(503,) if rule == "/readyz" else ())
        if rule in {"/healthz", "/readyz", "/metrics"}:
            found = [one for one in found if not one.startswith("content type")]
        if found:
            self.wrong.append((method, rule, url[:200], str(options.get("content"))[:200], found))
        return answer


def _family_token(browser: Browser) -> str:
    page = browser.get("/my")
    return str(page.form("/my/out")["csrf"])


@pytest.fixture
def desk(family_app, session, world) -> Iterator[Desk]:
    with Opener(family_app, session) as opener:
        yield Desk(family_app, session, world, opener)


def routes(app: FastAPI) -> list[APIRoute]:
    """Every page, and what answers machines."""

    def walk(some: Any) -> Iterator[APIRoute]:
        for route in some:
            if isinstance(route, APIRoute):
                yield route
            else:
                yield from walk(getattr(getattr(route, "original_router", route), "routes", None) or [])

    return list(walk(app.routes))


def described(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The application as OpenAPI describes it. Its pages are for people and stand in no description otherwise."""
    all_routes = routes(app)
    for route in all_routes:
        monkeypatch.setattr(route, "include_in_schema", True)
    return get_openapi(title="Avain", version="1", routes=all_routes)


def test_whatever_fits_or_does_not_fit_the_parameters(family_app, desk: Desk, monkeypatch):
    described_as = described(family_app, monkeypatch)
    schema: Any = schemathesis.openapi.from_dict(described_as)
    operations = [one.ok() for one in schema.get_all_operations()]
    assert {(one.method.upper(), one.path) for one in operations} >= {
        (method, path.replace(":path}", "}")) for method, path in TABLE
    }
    for operation in operations:
        known = parts(operation.path, desk.world)
        _draw(desk, operation, GenerationMode.POSITIVE, known)
        if may_not_fit(described_as["paths"][operation.path][operation.method.lower()]):
            _draw(desk, operation, GenerationMode.NEGATIVE, known)
    assert desk.wrong == []


def _draw(desk: Desk, operation: Any, mode: GenerationMode, known: dict[str, str]) -> None:
    turns = cycle((True, False))

    @seed(SEED)
    @settings(
        max_examples=DRAWS,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def draw(case: Case[Any]) -> None:
        if next(turns) and known:  # what there is, so that it comes further than to "there is no such row"
            case.path_parameters = {
                **(case.path_parameters or {}),
                **{name: quote(one, safe="") for name, one in known.items()},
            }
        _send(desk, operation, case)

    draw()


def may_not_fit(operation: dict[str, Any]) -> bool:
    """Whether there is anything that a page does not take: not where it has words in its address alone, for any will do."""
    takes = [
        one for one in operation.get("parameters", []) if one["in"] == "query" or one["schema"].get("type") != "string"
    ]
    return bool(takes) or "requestBody" in operation


def _send(desk: Desk, operation: Any, case: Case[Any]) -> None:
    options = case.as_transport_kwargs(base_url=ORIGIN)
    options.pop("headers", None)
    data = options.get("data")
    if operation.method.upper() == "POST" and (data is None or isinstance(data, dict)):
        _browser, token = desk.who(operation.path)
        options["data"] = {**(data or {}), "csrf": token}
    try:
        sent = requests.Request(**{**options, "cookies": None}).prepare()
    except (ValueError, UnicodeError):  # what no client can put on the wire
        return
    kind = sent.headers.get("content-type")
    headers = {"origin": ORIGIN, **({"content-type": str(kind)} if kind else {})}
    desk.ask(str(sent.method), operation.path, str(sent.url), content=sent.body or b"", headers=headers)


def test_hostile_words_in_every_question(family_app, desk: Desk):
    """In the query of each page that is looked at: all parameters at once, and a part of the path."""
    asked = cycle(HOSTILE)
    for route in routes(family_app):
        if "GET" not in (route.methods or ()):
            continue
        names = [one.alias for one in route.dependant.query_params] or ["any"]
        known = parts(route.path, desk.world)
        for _ in range(2 * DRAWS):
            value = next(asked)[:2000]  # no head of a request holds more
            at = filled(route.path, known)
            desk.ask("GET", route.path, f"{ORIGIN}{at}?{'&'.join(f'{name}={value}' for name in names)}")
            if known:
                others = {**known, Random(SEED).choice(sorted(known)): value or "%20"}
                desk.ask("GET", route.path, f"{ORIGIN}{filled(route.path, others, quoted=True)}")
    assert desk.wrong == []


def filled(path: str, known: dict[str, str], *, quoted: bool = False) -> str:
    """A pattern with what is known in its parts, and 1 where nothing is."""
    made = []
    for part in path.split("/"):
        name = part[1:].partition("}")[0].partition(":")[0] if part.startswith("{") else None
        if name is None:
            made.append(part)
        else:
            value = known.get(name, "1")
            made.append((value if quoted else quote(value, safe="")) + part.partition("}")[2])
    return "/".join(made)


def forms(desk: Desk, app: FastAPI) -> dict[tuple[str, tuple[str, ...]], tuple[Page, Any]]:
    """Each form that a page holds and that changes something, once: by the rule it goes to and the names of its fields."""
    found: dict[tuple[str, tuple[str, ...]], tuple[Page, Any]] = {}
    for route in routes(app):
        if "GET" not in (route.methods or ()) or route.path in {"/healthz", "/readyz", "/metrics"}:
            continue
        answer = desk.ask("GET", route.path, f"{ORIGIN}{filled(route.path, parts(route.path, desk.world))}")
        if answer.status_code != 200 or not answer.headers["content-type"].startswith("text/html"):
            continue
        page = Page(answer)
        for form in page.tree.forms:
            if (form.method or "").upper() == "POST":
                rule = rule_of(app, form.action)
                found.setdefault((rule, tuple(sorted(form.fields))), (page, form))
    return found


def rule_of(app: FastAPI, action: str) -> str:
    """The pattern of the page that a form goes to."""
    scope = {"type": "http", "method": "POST", "path": action.partition("?")[0], "headers": []}
    for route in routes(app):
        if route.matches(scope)[0].value == 2:
            return str(route.path)
    raise AssertionError(action)


def test_hostile_words_in_every_form(family_app, desk: Desk):
    """All fields at once, and each by itself beside what the page had in the others."""
    found, turns = forms(desk, family_app), cycle(HOSTILE)
    assert len({rule for rule, _ in found}) > 40
    for (rule, names), (_page, form) in found.items():
        held = {name: quote(str(value)) for name, value in form.form_values() if isinstance(value, str)}
        typed = [name for name in names if name and name != "csrf"]
        several = [dict.fromkeys(typed, value) for value in (next(turns) for _ in range(2 * DRAWS))]
        for over in [*several, *({name: next(turns)} for name in typed)]:
            sent = "&".join(f"{quote(name)}={value}" for name, value in {**held, **over}.items())
            headers = {"origin": ORIGIN, "content-type": "application/x-www-form-urlencoded"}
            desk.ask("POST", rule, f"{ORIGIN}{form.action}", content=sent.encode(), headers=headers)
    assert desk.wrong == []


def test_fields_that_no_page_of_ours_sends(desk: Desk):
    """Names and numbers of fields are the sender's too: of one field many, of sub-forms any number, and of nothing at all."""
    odd: Any = (
        [("csrf", desk.token)] * 500,
        [(f"contract.{number}.number", "1") for number in (0, 1, 999_999, 1_000_000, -1)],
        [("contract.0.valid_from", "x"), ("contract.٣.number", "1"), ("contract.0.number.0.number", "1"), ("__proto__", "1"), ("", "")],
        [("item", str(number)) for number in range(900)],
        [("quantity.1", "1"), ("quantity.999999999999999999999999", "1"), ("quantity.", "NaN"), ("quantity.-1", "-0")],
        [("title", "x")] * 300,
    )  # fmt: skip
    turns = cycle(odd)
    for _method, rule in [key for key in TABLE if key[0] == "POST" and TABLE[key] != FAMILIES and key[1] != "/logout"]:
        at = filled(rule, parts(rule, desk.world))
        for fields in islice(turns, DRAWS):
            content = urlencode([("csrf", desk.token), *fields]).encode()
            headers = {"origin": ORIGIN, "content-type": "application/x-www-form-urlencoded"}
            desk.ask("POST", rule, f"{ORIGIN}{at}", content=content, headers=headers)
    assert desk.wrong == []
