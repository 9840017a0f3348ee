"""Signing in with the organisation's login provider: a real one over HTTPS, well-behaved and not."""

import ssl
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest
from sqlalchemy import text

from connectors.oidc import SignedIn
from core.console_settings import Oidc
from services.access.sessions import digest
from tests.factories.worker import make_worker
from tests.support.browsing import ORIGIN, Browser, Page
from tests.support.oidc_provider import OidcProvider


@pytest.fixture(scope="module")
def served() -> Iterator[OidcProvider]:
    with OidcProvider() as provider:
        yield provider


@pytest.fixture
def provider(served):
    served.twist, served.roles_in_userinfo = "", False
    served.token_requests = served.key_requests = 0
    served.signed_out.clear()
    return served


@pytest.fixture
def browser(make_app, provider) -> Iterator[Browser]:
    browser = Browser(make_app(public_url=ORIGIN, oidc=provider.settings))
    with browser.client:
        yield browser


@pytest.fixture
def at_provider(provider) -> Callable[..., str]:
    """What the browser is sent back with, when `user` signs in at the address the console sent it to."""

    def visit(address: str, user: str) -> str:
        trusted = ssl.create_default_context(cafile=str(provider.ca_file))
        with httpx2.Client(verify=trusted) as client:
            answer = client.get(f"{address}&{urlencode({'login_hint': user})}")
        assert answer.status_code == 303, answer.text
        assert answer.headers["location"].startswith(f"{ORIGIN}/login/callback?")
        return str(answer.headers["location"]).removeprefix(ORIGIN)

    return visit


def begin(browser: Browser, path: str = "/login") -> str:
    """Where the console sends a browser that wants to sign in."""
    answer = browser.client.get(path, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


@pytest.fixture
def signing_in(browser: Browser, at_provider) -> Callable[..., Page]:
    def sign_in(user: str = "olli") -> Page:
        if "avain" in browser.client.cookies:
            browser.client.cookies.delete("avain")
        return browser.get(at_provider(begin(browser), user))

    return sign_in


def sessions(session) -> list[Any]:
    return list(session.execute(text("SELECT * FROM console_session WHERE revoked_at IS NULL ORDER BY id")).all())


def test_the_whole_way(session, browser, provider, at_provider):
    address = begin(browser, "/login?to=/%3Fa=b")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    assert asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == f"{ORIGIN}/login/callback"
    back = at_provider(address, "olli")
    answer = browser.client.get(back, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/?a=b")
    cookie = next(one for one in answer.headers.get_list("set-cookie") if one.startswith("avain="))
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    (row,) = sessions(session)
    assert (row.subject, row.name, row.roles, row.worker_id) == ("id-olli", "Olli Operaattori", ["operator"], None)
    event = session.execute(text("SELECT actor, action, details FROM audit_event ORDER BY id DESC LIMIT 1")).one()
    assert (event.actor, event.action) == ("user:id-olli", "console.signed_in")
    assert browser.get("/").status == 200
    assert browser.client.get("/login", follow_redirects=False).headers["location"] == "/"


def test_a_worker_is_known_by_subject_before_e_mail(session, signing_in):
    make_worker(session, external_id="W-1", email="aino@esimerkki.invalid")
    make_worker(session, external_id="W-2", email="other@esimerkki.invalid", subject="id-aino", name="Aino Toinen")
    assert "Aino Toinen" in signing_in("aino").tree.text_content()
    (row,) = sessions(session)
    assert row.worker_id is not None
    event = session.execute(text("SELECT actor FROM audit_event WHERE action = 'console.signed_in'")).scalar_one()
    assert event == "worker:W-2"


def test_a_worker_is_known_by_e_mail(session, signing_in):
    make_worker(session, external_id="W-1", email="AINO@esimerkki.invalid")
    assert "you see no cases" not in signing_in("aino").text
    assert sessions(session)[0].worker_id is not None


@pytest.mark.parametrize("claims", [{"email_verified": False}, {"email": "nobody@esimerkki.invalid"}, {"email": 7}])
def test_an_unchecked_or_unknown_e_mail_is_nobodys(session, provider, signing_in, claims, monkeypatch):
    make_worker(session, external_id="W-1", email="aino@esimerkki.invalid")
    monkeypatch.setitem(provider.users, "aino", {**provider.users["aino"], **claims})
    assert "you see no cases" in signing_in("aino").text
    assert sessions(session)[0].worker_id is None


@pytest.mark.parametrize("trusted", [False, True])
def test_an_e_mail_of_which_nothing_is_said_counts_where_the_settings_trust_it(provider, trusted):
    """Who can set their own address at the provider must not become somebody else here."""
    claims = {"sub": "aino", "email": "aino@esimerkki.invalid"}
    who = SignedIn(claims, Oidc(**{**provider.settings, "trust_unchecked_email": trusted}))
    assert (who.email is not None) == trusted


def test_an_address_that_only_looks_alike_is_nobodys(session, provider, signing_in, monkeypatch):
    """PostgreSQL makes a small k of the sign for kelvin."""
    make_worker(session, external_id="W-1", email="kaisa@esimerkki.invalid")
    monkeypatch.setitem(provider.users, "aino", {**provider.users["aino"], "email": "\u212aaisa@esimerkki.invalid"})
    assert "you see no cases" in signing_in("aino").text
    assert sessions(session)[0].worker_id is None


@pytest.mark.parametrize(
    "claims",
    [
        {"roles": [{"operator": 1}, ["operator"], None, 7, "operator"]},
        {"email_verified": ["true"]},
        {"email": "a\0b@esimerkki.invalid"},
        {"name": "Olli\0"},
        {"name": ["Olli"], "preferred_username": {"a": "b"}, "email": None},
        {"name": "x" * 2_000},
    ],
)
def test_odd_claims_do_not_matter(session, provider, signing_in, claims, monkeypatch):
    monkeypatch.setitem(provider.users, "olli", {**provider.users["olli"], **claims})
    assert signing_in("olli").status == 200
    assert sessions(session)[0].roles == ["operator"]


@pytest.mark.parametrize("roles", [{"operator": True}, 7, True, None, [["operator"]], [{"operator": 1}], "", []])
def test_roles_of_another_kind_are_none(session, provider, signing_in, roles, monkeypatch):
    monkeypatch.setitem(provider.users, "olli", {**provider.users["olli"], "roles": roles})
    assert signing_in("olli").status == 403
    assert sessions(session) == []


@pytest.mark.parametrize("subject", ["a\0b", "x" * 256, "a\nb", 7, ["id-olli"]])
def test_a_subject_that_nobody_can_have(session, provider, signing_in, subject, monkeypatch):
    monkeypatch.setitem(provider.users, "olli", {**provider.users["olli"], "sub": subject})
    assert signing_in("olli").status == 403
    assert sessions(session) == []


def test_an_inactive_worker_is_nobody(session, signing_in):
    make_worker(session, external_id="W-1", email="aino@esimerkki.invalid", active=False)
    assert "you see no cases" in signing_in("aino").text


def test_no_role_no_session(session, signing_in):
    page = signing_in("nelli")
    assert page.status == 403
    assert "you have no role in Avain" in page.text
    (out,) = page.all("//a[contains(text(), 'Sign out of the login provider')]/@href")
    assert out.startswith("https://127.0.0.1:")
    assert sessions(session) == []


def test_roles_from_userinfo(session, provider, signing_in):
    provider.roles_in_userinfo = True
    signing_in("olli")
    assert sessions(session)[0].roles == ["operator"]


def test_userinfo_of_somebody_else_gives_no_roles(session, provider, signing_in):
    provider.roles_in_userinfo, provider.twist = True, "other_userinfo"
    assert "you have no role in Avain" in signing_in("olli").text
    assert sessions(session) == []


@pytest.mark.parametrize(
    ("claim", "value", "roles"),
    [
        ("realm_access.roles", {"realm_access": {"roles": ["op", "other"]}}, ["operator"]),
        ("groups", {"groups": "op tarkastaja"}, ["auditor", "operator"]),
        ("https://county.invalid/roles", {"https://county.invalid/roles": ["op"]}, ["operator"]),
    ],
)
def test_roles_from_a_claim_of_the_organisations_own(  # noqa: PLR0917 - fixtures
    make_app, session, provider, at_provider, monkeypatch, claim, value, roles
):
    monkeypatch.setitem(provider.users, "olli", {"name": "Olli", **value})
    names = {"operator": ["op"], "auditor": ["tarkastaja"]}
    browser = Browser(make_app(public_url=ORIGIN, oidc={**provider.settings, "roles_claim": claim, "roles": names}))
    assert browser.get(at_provider(begin(browser), "olli")).status == 200
    assert sessions(session)[0].roles == roles


@pytest.mark.parametrize(
    ("twist", "said"),
    [
        ("wrong_nonce", "not meant for this login (nonce)"),
        ("wrong_audience", "not meant for this login (aud)"),
        ("more_audiences", "not meant for this login (azp)"),
        ("wrong_azp", "not meant for this login (azp)"),
        ("wrong_issuer", "not meant for this login (iss)"),
        ("no_subject", "not meant for this login (sub)"),
        ("expired", "the clocks of the two differ"),
        ("from_the_future", "the clocks of the two differ"),
        ("bad_signature", "not signed with one of its keys"),
        ("unknown_key", "not signed with one of its keys"),
        ("shared_secret", "not signed with one of its keys"),
        ("unsigned", "not signed with one of its keys"),
        ("no_keys", "has no keys"),
        ("no_id_token", "sent no ID token"),
        ("wrong_secret", "does not let Avain ask who you are (invalid_client)"),
        ("old_code", "was used already or took too long"),
        ("wrong_iss", "does not come from this organisation's login provider"),
        ("denied", "did not let you in"),
        ("odd_error", "refuses the login (?)"),
    ],
)
def test_a_provider_that_answers_wrongly_signs_nobody_in(session, provider, signing_in, twist, said):
    provider.twist = twist
    page = signing_in()
    assert page.status == 403
    assert said in page.text
    assert "Sign in again" in page.text
    assert sessions(session) == []


@pytest.mark.parametrize(
    ("twist", "status", "said"),
    [
        ("down", 503, "cannot answer now"),
        ("not_json", 403, "does not answer as a login provider does"),
        ("wrong_discovery", 403, "They must be the same to the letter"),
    ],
)
def test_a_provider_that_is_not_there_is_said(browser, provider, twist, status, said):
    provider.twist = twist
    page = browser.get("/login")
    assert page.status == status
    assert said in page.text
    provider.twist = ""
    assert begin(browser).startswith(provider.issuer)


def test_a_provider_that_fails_while_somebody_signs_in(session, provider, browser, at_provider):
    back = at_provider(begin(browser), "olli")
    provider.twist = "down"
    assert browser.get(back).status == 503
    provider.twist = "server_error"
    assert browser.get(at_provider(begin(browser), "olli")).status == 503
    assert sessions(session) == []


def test_a_clock_that_is_off_by_a_little_is_forgiven(provider, signing_in, monkeypatch):
    provider.twist = "a_little_late"
    assert signing_in().status == 200


def test_an_answer_is_taken_once(provider, browser, at_provider):
    back = at_provider(begin(browser), "olli")
    assert browser.get(back).status == 200
    page = browser.get(back)
    assert page.status == 403
    assert "was not begun in this browser, or was finished already" in page.text
    assert provider.token_requests == 1


def test_an_answer_belongs_to_the_browser_that_asked(session, browser, at_provider):
    back = at_provider(begin(browser), "olli")
    other = Browser(browser.client.app)
    for _ in range(2):
        assert "was not begun in this browser" in other.get(back).text
        begin(other)
    assert sessions(session) == []
    assert browser.get(back).status == 200


@pytest.mark.parametrize("query", ["", "?state=nobody&code=x", "?code=x", "?error=access_denied&state=x"])
def test_an_answer_nobody_asked_for(browser, query):
    assert "was not begun in this browser" in browser.get(f"/login/callback{query}").text


def test_a_login_that_took_too_long(session, browser, at_provider):
    back = at_provider(begin(browser), "olli")
    session.execute(text("UPDATE login_request SET created_at = created_at - interval '11 min'"))
    assert "took too long" in browser.get(back).text


def test_two_tabs_may_sign_in_side_by_side(browser, at_provider):
    first, second = begin(browser), begin(browser)
    assert browser.get(at_provider(first, "olli")).status == 200
    assert browser.get(at_provider(second, "olli")).status == 200


def test_a_new_key_is_fetched_once_and_not_again_and_again(provider, signing_in):
    assert signing_in().status == 200
    provider.rotate()
    assert signing_in().status == 200
    assert provider.key_requests == 2
    provider.twist = "unknown_key"
    for _ in range(3):
        assert signing_in().status == 403
    assert provider.key_requests == 2


def test_signing_in_gives_a_new_session_and_ends_the_old(session, browser, signing_in, at_provider):
    address = begin(browser)
    signing_in("olli")
    before = browser.client.cookies["avain"]
    browser.get(at_provider(address, "olli"))
    assert browser.client.cookies["avain"] != before
    assert len(sessions(session)) == 1
    browser.client.cookies.set("avain", before, domain="127.0.0.1")
    assert browser.client.get("/", follow_redirects=False).status_code == 303


def test_a_value_the_browser_brought_along_never_becomes_a_session(session, browser, at_provider):
    address = begin(browser)
    browser.client.cookies.set("avain", "chosen-by-somebody-else", domain="127.0.0.1")
    browser.get(at_provider(address, "olli"))
    given = session.execute(text("SELECT cookie FROM console_session")).scalars().all()
    assert digest("chosen-by-somebody-else") not in given
    assert len(sessions(session)) == 1


def test_signing_out_leads_over_the_provider(session, browser, provider, signing_in):
    page = signing_in("olli")
    answer = browser.client.post(
        "/logout", data=page.form("/logout"), headers={"origin": ORIGIN}, follow_redirects=False
    )
    there = urlsplit(answer.headers["location"])
    assert (answer.status_code, f"{there.scheme}://{there.netloc}{there.path}") == (303, f"{provider.issuer}/end")
    assert parse_qs(there.query) == {"client_id": ["avain"], "post_logout_redirect_uri": [f"{ORIGIN}/logout"]}
    assert sessions(session) == []
    assert "avain" not in browser.client.cookies
    page = browser.get("/logout")
    assert "You have signed out" in page.text
    assert browser.client.get("/", follow_redirects=False).headers["location"] == "/login"


@pytest.mark.parametrize("twist", ["no_logout", "down"])
def test_signing_out_never_fails(make_app, session, provider, at_provider, twist):
    provider.twist = "no_logout" if twist == "no_logout" else ""
    app = make_app(public_url=ORIGIN, oidc=provider.settings)
    browser = Browser(app)
    page = browser.get(at_provider(begin(browser), "olli"))
    provider.twist = twist
    if twist == "down":
        app.state.console.provider._metadata_at = float("-inf")
    assert "You have signed out" in browser.submit(page, "/logout").text
    assert sessions(session) == []


def test_with_a_provider_there_are_no_links(browser):
    page = browser.get("/enter/whatever")
    assert page.status == 403
    assert "not with a link" in page.text


def test_the_form_of_the_provider_has_a_button_for_each_user(provider, browser):
    trusted = ssl.create_default_context(cafile=str(provider.ca_file))
    with httpx2.Client(verify=trusted) as client:
        shown = client.get(begin(browser)).text
    assert shown.count("<button") == len(provider.users)


@pytest.mark.parametrize("asked", ["/cases?q=100190-999P", "/cases?q=100190%2B999P", "/cases?q=100190%2d999P"])
def test_a_henkilotunnus_that_was_looked_for_does_not_go_the_way_of_a_login(session, browser, asked):
    answer = browser.client.get(asked, follow_redirects=False)
    assert answer.headers["location"] == "/login"
    begin(browser, f"/login?{urlencode({'to': asked})}")
    assert session.execute(text("SELECT return_to FROM login_request")).scalars().all() == ["/"]


@pytest.mark.parametrize("path", ["/follow-ups/17", "/notices/3", "/follow-ups?which=overdue"])
def test_a_link_of_an_e_mail_leads_there_after_signing_in(session, browser, at_provider, path):
    answer = browser.client.get(path, follow_redirects=False)
    assert answer.status_code == 303
    back = at_provider(begin(browser, answer.headers["location"]), "olli")
    answer = browser.client.get(back, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, path)
