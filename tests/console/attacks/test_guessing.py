"""Guessing: a family's code by many tries from many places, and any secret by how long an answer takes.

What decides is counted in the database with the link itself, so neither another address, nor a restart, nor a Redis that was emptied gives a
guesser more tries. How long an answer takes is measured in bench/timing.py; here it is held that nothing is compared sign by sign.
"""

import ast
import hmac
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import itsdangerous.signer
import pytest
from pydantic import ValidationError
from sqlalchemy import text
from starlette.testclient import TestClient

from console.web.limits import Limiter
from core.family_settings import Family
from core.keys import link_secret
from core.settings import ROOT
from services.family import links
from services.orders.sending import reply_links
from tests.console.test_my_in import other
from tests.console.test_who_may import csrf_of
from tests.support.browsing import ORIGIN, Browser
from tests.support.families import make_link
from tests.support.office import TODAY
from tests.support.one_of_each import OneOfEach
from tests.support.queries import recording


def attempt(app: Any, link: str, code: str, *, address: str = "127.0.0.1", **headers: str) -> int:
    """Try a code from an address of one's own; the status."""
    with TestClient(app, base_url=ORIGIN, raise_server_exceptions=False, client=(address, 50000)) as client:
        sent = {"link": link, "code": code}
        answer = client.post("/my/in", data=sent, headers={"origin": ORIGIN, **headers}, follow_redirects=False)
        return int(answer.status_code)


@pytest.fixture
def made(family_app, session, world: OneOfEach) -> links.MadeLink:
    return make_link(family_app, session, world.cases()[0])


def test_each_try_from_another_address_counts_for_the_link(family_app, made):
    """A botnet: no address tries twice, and the fifth wrong code ends the link for everybody."""
    for number in range(5):
        assert attempt(family_app, made.secret, other(made.code), address=f"203.0.113.{number}") == 403
    assert attempt(family_app, made.secret, made.code, address="198.51.100.1") == 410


def test_tries_are_remembered_over_a_restart_and_without_redis(make_app, made):
    """Each try meets a console that was started anew, and counters that were emptied."""
    for _ in range(5):
        assert attempt(make_app(family={}), made.secret, other(made.code)) == 403
    assert attempt(make_app(family={}), made.secret, made.code) == 410


def test_tries_count_even_where_nothing_else_is_counted(monkeypatch, family_app, made):
    monkeypatch.setattr(Limiter, "wait", lambda *_: 0)
    assert [attempt(family_app, made.secret, other(made.code)) for _ in range(8)] == [403] * 8
    assert attempt(family_app, made.secret, made.code) == 410


@pytest.mark.parametrize(
    "name", ["x-forwarded-for", "x-real-ip", "forwarded", "client-ip", "true-client-ip", "x-client-ip"]
)
def test_an_address_that_is_only_said_gives_no_more_tries(family_app, name):
    """Twenty a minute from one address, whatever it says of itself (which proxies are believed: test_wire.py)."""
    told = [attempt(family_app, "none", "12345678", **{name: f"203.0.113.{number}"}) for number in range(22)]
    assert told == [403] * 20 + [429] * 2


def test_addresses_of_one_network_count_together(family_app):
    told = [attempt(family_app, "none", "12345678", address=f"2001:db8::{number:x}") for number in range(1, 23)]
    assert told == [403] * 20 + [429] * 2


def test_what_a_guesser_may_hope_for():
    """With every link that a case may have, as many tries as any setting allows, and the links themselves known: less than one in ten thousand.

    Whoever does not know a link has eighty bits to guess first.
    """
    with pytest.raises(ValidationError):
        Family(wrong_codes=21)
    tries = 2 * links.MOST_OPEN * 20
    assert tries / 10**links._CODE_DIGITS < 1e-4
    assert len(links._SIGNS) ** links._SECRET_SIGNS >= 2**80


def test_without_the_link_the_right_code_tells_nothing(family_app, made):
    """The code is bound to its link: it is not looked for among all, and a wrong link counts for none."""
    before = attempt(family_app, made.secret[:-1] + ("0" if made.secret[-1] != "0" else "1"), made.code)
    assert before == attempt(family_app, "0000-0000-0000-0000", other(made.code)) == 403
    assert attempt(family_app, made.secret, made.code) == 303


@pytest.fixture
def compared(monkeypatch) -> list[tuple[Any, Any]]:
    """Every pair that is compared in constant time meanwhile."""
    pairs: list[tuple[Any, Any]] = []

    def noting(one: Any, another: Any) -> bool:
        pairs.append((one, another))
        return hmac.compare_digest(one, another)

    class Noting:
        compare_digest = staticmethod(noting)
        digest = staticmethod(hmac.digest)
        new = staticmethod(hmac.new)

    monkeypatch.setattr(links, "hmac", Noting)
    monkeypatch.setattr(itsdangerous.signer, "hmac", Noting)
    monkeypatch.setattr(secrets, "compare_digest", noting)
    return pairs


def test_a_code_is_compared_in_constant_time_whether_or_not_there_is_such_a_link(family_app, session, made, compared):
    told = []
    for link, code in ((made.secret, other(made.code)), ("0000-0000-0000-0000", made.code), (made.secret, made.code)):
        before = len(compared)
        with recording(session) as statements:
            attempt(family_app, link, code)
        told.append((len(compared) - before, [one.split()[0] for one in statements if "family_link" in one][:2]))
    assert told == [(1, ["SELECT", "UPDATE"])] * 3
    assert {len(one) for pair in compared for one in pair} == {32}, "digests, never the code itself"


def test_a_forms_token_is_compared_in_constant_time(family_app, sign_in, compared):
    browser = sign_in("operator")
    token = csrf_of(browser, browser.client.app)
    browser.post("/calendar", {"csrf": "x"})
    browser.post("/reminders/release", {"csrf": token[:-1] + "~"})
    assert [another for _, another in compared] == [token.encode()]


def test_a_signed_link_is_checked_in_constant_time_before_anything_is_looked_up(
    family_app, session, world: OneOfEach, compared
):
    """How long it takes tells neither how much of a signature is right nor whether there is such an order."""
    token = world.hers["reply"]
    payload, _, signature = token.rpartition(".")
    wrong = [f"{payload}.{one}" for one in (signature[:-2] + "xx", "x" + signature[1:], "", "A" * 43)]
    stranger = Browser(family_app)
    with recording(session) as statements:
        for one in wrong:
            assert stranger.client.get(f"/reply/{one}").status_code == 404
    assert [one for one in statements if "purchase_order" in one] == []
    assert len(compared) >= 3
    assert stranger.client.get(f"/reply/{token}").status_code == 200


def test_a_link_of_one_kind_or_installation_is_none_of_another(family_app, world: OneOfEach):
    """The key, the purpose and the order are all signed."""
    secret, stranger = link_secret(family_app.state.console.settings), Browser(family_app)
    order = world.mine["order"]
    others = reply_links.link(b"another installation's secret...", "", order, "reply", expires=TODAY, epoch=0)
    later = reply_links.link(secret, "", order, "reply", expires=TODAY, epoch=99)
    unsigned = "WyJULTIwMjYtMDAwMDAxIiwicmVwbHkiLCIyMDI3LTEyLTMxIiwwXQ"
    for path in (
        f"/delivered/{world.mine['reply']}", f"/reply/{world.mine['delivered']}", others, later, f"/reply/{unsigned}", f"/reply/{unsigned}.",
        f"/reply/{world.mine['reply'].swapcase()}", f"/reply/.{world.mine['reply']}", f"/calendar/{world.mine['reply']}.ics", f"/enter/{world.mine['reply']}",
    ):  # fmt: skip
        answer = stranger.client.get(path, follow_redirects=False)
        assert answer.status_code in {403, 404, 410}, path
        assert order not in answer.text


#: What holds a secret that was handed out: the database keeps a digest, so that looking one up tells nothing of others, nor does a leaked dump.
KEPT_AS_DIGEST = {
    ("console_session", "cookie"), ("entry_link", "token"), ("login_request", "state"), ("family_link", "token"), ("family_link", "code"),
    ("family_session", "cookie"), ("calendar_feed", "token"),
}  # fmt: skip


def test_no_secret_that_opens_something_is_kept(session):
    named = session.execute(
        text(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
            " AND column_name ~ '(token|secret|cookie|password|code|state)$' AND data_type = 'bytea'"
        )
    ).all()
    assert {tuple(one) for one in named} == KEPT_AS_DIGEST, "say in KEPT_AS_DIGEST that it is a digest"


_SECRET_WORDS = (
    "csrf",
    "token",
    "secret",
    "cookie",
    "password",
    "signature",
    "nonce",
    "verifier",
    "digest",
    "passphrase",
    "code_digest",
)
#: Comparisons that are no check of a secret that somebody sends, with the reason.
COMPARED_PLAINLY = {
    (
        "services/audit_seals/verifying.py",
        "digest",
    ): "a digest of rows, worked out here, beside the one in the same database",
    ("connectors/cases/fhir/auth.py", "token"): "whether there is a space in it",
    ("services/health/keys.py", "secret"): "whether one of our own stands in our own configuration",
    ("workers/keeper.py", "token"): "leases of this process's own, by their ids",
}


def test_no_secret_is_compared_sign_by_sign():
    found = {}
    for folder in ("console", "services", "core", "connectors", "workers", "cli"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for line, name in _compared_plainly(path):
                found[str(path.relative_to(ROOT)), name] = line
    assert found.keys() == COMPARED_PLAINLY.keys(), "use hmac.compare_digest, or say above why not"


def _compared_plainly(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Compare) and any(
            isinstance(one, (ast.Eq, ast.NotEq, ast.In, ast.NotIn)) for one in node.ops
        ):
            for side in (node.left, *node.comparators):
                name = side.id if isinstance(side, ast.Name) else side.attr if isinstance(side, ast.Attribute) else ""
                if name in _SECRET_WORDS or name.endswith(tuple(f"_{word}" for word in _SECRET_WORDS)):
                    yield node.lineno, name
