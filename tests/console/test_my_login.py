"""Families log in by a real broker over HTTPS: whose budget is found by the henkilötunnus, which is kept nowhere."""

import ssl
from collections.abc import Iterator
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest
from pydantic import SecretStr
from sqlalchemy import text
from structlog.testing import capture_logs

from console.app import create_app
from core import keys
from core.errors import InputError
from core.family_settings import Family, FamilyOidc
from core.settings import Privacy
from models.case import Client
from models.family import FamilySession
from tests.factories.case import make_case
from tests.support.browsing import ORIGIN, Browser, settings_for
from tests.support.families import make_link
from tests.support.oidc_provider import OidcProvider

CLAIM = "urn:oid:1.2.246.21"
#: Invented: individual numbers 900–999.
NUMBERS = {"veera": "010190-900P", "tuomas": "131052-9074", "outo": "131052-9075", "nimeton": None}
USERS = {
    name: {"acr": "high", **({CLAIM: number} if number else {})} for name, number in NUMBERS.items()
} | {"heikko": {"acr": "low", CLAIM: NUMBERS["veera"]}}  # fmt: skip
NONE_FOUND = "No budget was found for you here."
FAILED = "Logging in did not work."


@pytest.fixture(scope="module")
def served() -> Iterator[OidcProvider]:
    with OidcProvider(USERS) as provider:
        yield provider


@pytest.fixture
def provider(served):
    served.twist, served.in_userinfo = "", set()
    served.signed_out.clear()
    return served


@pytest.fixture
def settings(provider):
    oidc = FamilyOidc(**provider.settings, acr_values=["high", "higher"])
    return settings_for().model_copy(
        update={
            "privacy": Privacy(identity="sealed"),
            "seal_keys": SecretStr("k1:" + "A" * 43 + "="),
            "index_key": SecretStr("B" * 43 + "="),
            "family": Family(enabled=True, public_url=ORIGIN, oidc=oidc),
        }
    )


@pytest.fixture
def browser(app, settings) -> Iterator[Browser]:
    made = create_app(settings, transaction=app.state.console.transaction, redis_url=lambda: "redis://127.0.0.1:1/0")
    browser = Browser(made)
    with browser.client:
        yield browser


@pytest.fixture
def case(session, settings):
    """A case of Veera's."""
    made = make_case(session)
    sealer = keys.sealer(settings)
    assert sealer is not None
    client = session.get_one(Client, made.client_id)
    client.blind_index = sealer.blind_index(str(NUMBERS["veera"]))
    session.flush()
    return made


def log_in(browser, provider, user, **over):
    """Log in as `user`: the console's answer to whom the broker sends back."""
    begun = browser.client.get("/my/login", follow_redirects=False)
    assert begun.status_code == 303, begun.text
    trusted = ssl.create_default_context(cafile=str(provider.ca_file))
    with httpx2.Client(verify=trusted) as client:
        back = client.get(f"{begun.headers['location']}&{urlencode({'login_hint': user})}").headers["location"]
    assert back.startswith(f"{ORIGIN}/my/login/callback?")
    return browser.client.get(back.removeprefix(ORIGIN), follow_redirects=False, **over)


def test_whoever_logs_in_is_found_by_the_key_in_force_while_another_takes_its_place(
    app, session, settings, provider, case
):
    old = settings.index_key.get_secret_value()
    both = settings.model_copy(update={"index_key": SecretStr("C" * 43 + f"=,{old}")})
    made = create_app(both, transaction=app.state.console.transaction, redis_url=lambda: "redis://127.0.0.1:1/0")
    browser = Browser(made)
    with browser.client:
        assert log_in(browser, provider, "veera").headers["location"] == "/my"


def said(answer):
    return answer.text.split('role="alert"')[1].split("</p>")[0]


def test_the_whole_way_and_what_is_asked(session, browser, provider, case):
    assert browser.get("/my/in").all("//a[@href='/my/login']")
    address = browser.client.get("/my/login", follow_redirects=False).headers["location"]
    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    assert (asked["acr_values"], asked["scope"], asked["code_challenge_method"]) == ("high higher", "openid", "S256")
    answer = log_in(browser, provider, "veera")
    assert (answer.status_code, answer.headers["location"]) == (303, "/my")
    (row,) = session.query(FamilySession).all()
    assert (row.link_id, len(row.blind_index)) == (None, 32)
    event = session.execute(
        text("SELECT actor, subject, details FROM audit_event WHERE action = 'family.signed_in'")
    ).one()
    assert (event.actor, event.subject, event.details) == (
        f"family:login-{row.id}",
        f"case:{case.number}",
        {"how": "oidc"},
    )
    out = browser.client.post("/my/out", data={"csrf": row.csrf}, headers={"origin": ORIGIN}, follow_redirects=False)
    assert out.headers["location"].startswith(f"{provider.issuer}/end?"), "of the broker as well"
    assert (
        f"form-action 'self' {provider.issuer.removesuffix('/realms/county')};"
        in out.headers["content-security-policy"]
    )
    assert session.query(FamilySession).one().ended_at is not None


def test_the_claim_may_stand_in_userinfo(session, browser, provider, case):
    provider.in_userinfo = {CLAIM}
    assert log_in(browser, provider, "veera").status_code == 303
    provider.twist = "other_userinfo"
    answer = log_in(browser, provider, "veera")
    assert (answer.status_code, FAILED in said(answer)) == (403, True)


def test_who_has_nothing_and_who_must_not_be_found_hear_the_same(session, browser, provider, case):
    nothing = log_in(browser, provider, "tuomas")
    session.get_one(Client, case.client_id).non_disclosure = True
    session.flush()
    hidden = log_in(browser, provider, "veera")
    assert (nothing.status_code, said(nothing)) == (hidden.status_code, said(hidden)) == (403, said(nothing))
    assert NONE_FOUND in said(nothing)
    assert session.query(FamilySession).count() == 0
    assert session.execute(text("SELECT count(*) FROM audit_event WHERE starts_with(action, 'family.')")).scalar() == 0


@pytest.mark.parametrize(("user", "sentence"), [("heikko", "not enough here"), ("outo", FAILED), ("nimeton", FAILED)])
def test_a_weak_login_and_a_claim_that_is_none_are_refused(browser, provider, case, user, sentence):
    answer = log_in(browser, provider, user)
    assert (answer.status_code, sentence in said(answer)) == (403, True)
    assert "avain-my" not in browser.client.cookies


@pytest.mark.parametrize(
    ("twist", "status"),
    [("bad_signature", 403), ("wrong_nonce", 403), ("denied", 403), ("server_error", 503), ("wrong_iss", 403)],
)
def test_what_a_broker_gets_wrong_is_said_in_plain_words(browser, provider, case, twist, status):
    provider.twist = twist
    answer = log_in(browser, provider, "veera")
    assert answer.status_code == status
    assert "whoever runs Avain" not in said(answer)
    assert "avain-my" not in browser.client.cookies


def test_a_login_belongs_to_its_browser_and_to_families(app, settings, browser, provider, case):
    stranger = Browser(browser.client.app)
    with stranger.client:
        begun = browser.client.get("/my/login", follow_redirects=False).headers["location"]
        state = parse_qs(urlsplit(begun).query)["state"][0]
        answer = stranger.client.get(f"/my/login/callback?state={state}&code=x", follow_redirects=False)
        assert (answer.status_code, FAILED in said(answer)) == (403, True)
    # the workers' way does not take it either
    answer = browser.client.get(f"/login/callback?state={state}&code=x", follow_redirects=False)
    assert answer.status_code == 403
    assert "avain" not in browser.client.cookies


def test_the_henkilotunnus_is_kept_nowhere(session, browser, provider, case):
    with capture_logs() as logs:
        for user in ("veera", "tuomas", "outo", "heikko"):
            log_in(browser, provider, user)
    session.flush()
    tables = ("family_session", "audit_event", "login_request", "family_link")
    kept = [str(session.execute(text(f"SELECT json_agg({one}) FROM {one}")).scalar()) for one in tables]
    for number in filter(None, NUMBERS.values()):
        assert number not in str(logs)
        assert number not in "".join(kept)
        assert all(number not in value for value in browser.client.cookies.values())


def test_several_cases_of_one_person_and_turvakielto_at_one_source(session, browser, provider, case):
    """The same person may be a client at two sources. Turvakielto is a person's: what one of them says of it holds for both."""
    another = make_case(session, source="other")
    client = session.get_one(Client, another.client_id)
    client.blind_index = session.get_one(Client, case.client_id).blind_index
    session.flush()
    made = make_link(browser.client.app, session, case)
    assert log_in(browser, provider, "veera").status_code == 303
    subjects = "SELECT array_agg(subject ORDER BY subject) FROM audit_event WHERE action = 'family.signed_in'"
    assert session.execute(text(subjects)).scalar() == sorted([f"case:{case.number}", f"case:{another.number}"])
    assert browser.client.get(f"/my/{case.number}/support", follow_redirects=False).status_code == 200
    client.non_disclosure = True
    session.flush()
    for one in (case, another):
        assert browser.client.get(f"/my/{one.number}/support", follow_redirects=False).headers["location"] == "/my/in"
        with pytest.raises(InputError, match="turvakielto"):
            make_link(browser.client.app, session, one)
    assert NONE_FOUND in said(log_in(browser, provider, "veera"))
    by_link = {"link": made.secret, "code": made.code}
    answer = browser.client.post("/my/in", data=by_link, headers={"origin": ORIGIN}, follow_redirects=False)
    assert answer.status_code == 410


def test_without_a_broker_there_is_no_button(family_app):
    browser = Browser(family_app)
    assert not browser.get("/my/in").all("//a[@href='/my/login']")
    assert browser.client.get("/my/login", follow_redirects=False).headers["location"] == "/my/in"
    assert browser.client.get("/my/login/callback?state=x&code=y").status_code == 403
