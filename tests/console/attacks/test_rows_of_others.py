"""Who may see which row, at every address that names one: held against a colleague of another unit, for each role that opens the page.

Whoever adds an address with a part that varies says here what it names. tests/console/test_who_may.py holds the roles against every address,
test_row_access.py the cases of others against every way of writing their number.
"""

from typing import Any

import pytest
from sqlalchemy import text

from core.clock import business_now
from services.family.sessions import find
from tests.console.attacks.addresses import address, owned
from tests.console.test_who_may import csrf_of
from tests.console.who_may import ANYBODY, FAMILIES, TABLE, O, P, S, W
from tests.support.browsing import ORIGIN, Browser, Opener
from tests.support.families import come_in
from tests.support.one_of_each import OneOfEach

#: Where the role alone decides: nothing there is of one client. Auditors look at any case's trail, which is written down in it.
BY_ROLE = (
    "/prices/", "/providers/", "/services/", "/unit-costs/", "/sources/", "/runs/", "/rejected/", "/dead-work/", "/schedule/", "/audit/cases/",
)  # fmt: skip
#: Where the address itself is the key.
BY_SECRET = ("/enter/", "/reply/", "/delivered/", "/calendar/", "/my/in/")
#: Roles that see a row of everybody's, beside those who have cases.
SEES_ALL = {"/incoming/{document}": {O}}


OF_SOMEBODY = sorted((method, path) for method, path in TABLE if owned(path))
OF_WORKERS = [key for key in OF_SOMEBODY if TABLE[key] != FAMILIES]
OF_FAMILIES = [key for key in OF_SOMEBODY if TABLE[key] == FAMILIES]


def ask(browser: Browser, method: str, at: str, token: str, **fields: str) -> Any:
    if method == "GET":
        return browser.client.get(at, follow_redirects=False)
    sent = {"csrf": token, "note": "because of this", "reason": "because of this", **fields}
    return browser.client.post(at, data=sent, headers={"origin": ORIGIN}, follow_redirects=False)


def family_token(app, browser: Browser) -> str:
    """The CSRF token of a family's session."""
    with app.state.console.transaction() as session:
        secret = browser.client.cookies[app.state.console.family_cookie]
        found = find(session, secret, idle_minutes=30, now=business_now(session))
    assert found is not None
    return found.csrf


def everything(session) -> dict[str, str]:
    """A digest of every table, sessions aside; of the audit trail what was done about cases, orders and documents."""
    tables = session.scalars(
        text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
    ).all()
    aside = {"console_session", "family_session", "audit_event", "audit_sealing"}
    return {
        table: session.execute(
            text(f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM \"{table}\" AS t")
        ).scalar()
        for table in tables
        if table not in aside
    }


def test_every_address_that_varies_says_what_it_names():
    named = {path for _, path in TABLE if "{" in path}
    for path in named:
        kinds = [owned(path) is not None, path.startswith(BY_ROLE), path.startswith(BY_SECRET)]
        assert kinds.count(True) == 1, f"say in OWNED, BY_ROLE or BY_SECRET what {path} names"
    for path in (path for path in named if path.startswith(BY_ROLE)):
        roles = {role for key, who in TABLE.items() if key[1] == path for role in who}
        assert not roles & {W, S}, f"{path} is opened by those who see their own cases only"
    assert {who for (_, path), who in TABLE.items() if "{" in path and path.startswith(BY_SECRET)} == {ANYBODY}


@pytest.mark.parametrize("roles", [(W, S), (P,), (O,)], ids="+".join)
def test_a_row_of_somebody_else_is_one_that_there_is_not(family_app, session, world: OneOfEach, roles):
    with Opener(family_app, session) as opener:
        browser = opener.sign_in(*roles, worker=world.mine.worker)
        token, wrong = csrf_of(browser, family_app), []
        before = everything(session)
        for method, path in OF_WORKERS:
            opens = set(TABLE[method, path]) & set(roles)
            if not opens or opens & SEES_ALL.get(owned(path) or "", set()) or (roles == (O,) and "absence" in path):
                continue
            answer = ask(browser, method, address(path, world.hers), token, provider=str(world.provider.id))
            told = [one for one in ("case", "order", "item") if world.hers[one] in body(answer, path)]
            if answer.status_code != 404 or told:
                wrong.append((method, path, answer.status_code, told))
        assert wrong == []
        assert everything(session) == before


def body(answer: Any, path: str) -> str:
    """What an answer says, without the address it was asked under (which the way to other languages holds)."""
    said = str(answer.text)
    if "{number}" in path or "{item" in path:  # says "There is no case HB-…" of what was asked for
        return said if answer.status_code != 404 else ""
    return said


def test_ones_own_row_is_there(family_app, session, world: OneOfEach):
    """Else the test above would hold of a console that shows nothing to anybody."""
    with Opener(family_app, session) as opener:
        browser = opener.sign_in(W, worker=world.mine.worker)
        token, missing = csrf_of(browser, family_app), []
        for method, path in OF_WORKERS:
            if W not in TABLE[method, path]:
                continue
            kept = session.begin_nested()
            answer = ask(browser, method, address(path, world.mine), token, provider=str(world.provider.id))
            kept.rollback()
            if answer.status_code in {401, 404, 405, 500}:
                missing.append((method, path, answer.status_code))
        assert missing == []


def test_under_a_row_of_ones_own_nothing_of_another_is_reached(family_app, session, world: OneOfEach):
    with Opener(family_app, session) as opener:
        browser = opener.sign_in(W, S, worker=world.mine.worker)
        token, wrong, before = csrf_of(browser, family_app), [], everything(session)
        for method, path in [key for key in OF_WORKERS if key[1].count("{") > 1]:
            at = address(path, world.mine, world.hers)
            answer = ask(browser, method, at, token, provider=str(world.provider.id))
            if answer.status_code not in {404, 422}:
                wrong.append((method, path, answer.status_code))
        assert wrong == []
        assert everything(session) == before


@pytest.mark.parametrize("holder", ["client", "support"])
def test_a_family_reaches_its_own_case_only(family_app, session, world: OneOfEach, holder):
    case = next(one for one in session.execute(text("SELECT id, number FROM client_case ORDER BY id")))
    assert case.number == world.mine["case"]
    browser = come_in(family_app, session, case, holder)
    token, wrong, before = family_token(family_app, browser), [], everything(session)
    for method, path in OF_FAMILIES:
        others = [address(path, world.hers)]
        if path.count("{") > 1:
            others.append(address(path, world.mine, world.hers))
        for at in others:
            answer = ask(browser, method, at, token, provider=str(world.provider.id), item=world.hers["item"])
            fine = answer.status_code == 404 or (holder == "support" and answer.status_code == 403)
            if not fine or world.hers["item"] in answer.text:
                wrong.append((method, at, answer.status_code))
    assert wrong == []
    assert everything(session) == before


#: Where rows are named by what is sent along, not by the address.
SENT_ALONG = (
    ("GET", "/orders/preview", "item"), ("GET", "/orders/preview/order.xml", "item"), ("GET", "/orders/preview/order.pdf", "item"),
    ("POST", "/orders/waiting/preview", "item"), ("POST", "/orders/waiting/approve", "item"), ("POST", "/orders/waiting/decline", "item"),
    ("POST", "/orders/waiting/withdraw", "item"), ("GET", "/orders/waiting", "case"), ("GET", "/orders", "case"), ("GET", "/cases", "worker"),
    ("GET", "/cases", "q"), ("GET", "/follow-ups", "worker"), ("GET", "/invoices", "before"), ("GET", "/incoming", "before"),
)  # fmt: skip


@pytest.mark.parametrize(("method", "path", "name"), SENT_ALONG)
def test_a_row_that_is_sent_along_is_no_way_round(  # noqa: PLR0917 - fixtures
    family_app, session, world: OneOfEach, method, path, name
):
    with Opener(family_app, session) as opener:
        browser = opener.sign_in(W, S, worker=world.mine.worker)
        token, before = csrf_of(browser, family_app), everything(session)
        value = {"item": world.hers["item id"], "worker": world.hers.worker, "before": "9" * 15}.get(
            name, world.hers["case"]
        )
        if method == "GET":
            answer = browser.client.get(path, params={name: value}, follow_redirects=False)
        else:
            answer = ask(browser, method, path, token, **{name: value, f"shown.{value}": "600.00"})
        assert answer.status_code in {200, 303, 404, 422}
        if answer.status_code == 303:
            answer = browser.client.get(answer.headers["location"])
        assert "/cases/" + world.hers["case"] not in answer.text
        assert world.hers["order"] not in answer.text
        assert world.hers["item"] not in answer.text
        assert everything(session) == before
