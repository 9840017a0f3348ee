"""Signing in and out with the organisation's login provider, in the browser: the provider is a real one, over HTTPS, in this process."""

from collections.abc import Iterator

import pytest

from tests.browser.conftest import WAYS
from tests.browser.hands import Hands
from tests.browser.town import Town
from tests.support.oidc_provider import CLIENT_ID, CLIENT_SECRET, OidcProvider

pytestmark = pytest.mark.slow

USERS = {
    "aino": {"name": "Aino", "email": "W-101@avain-esimerkki.invalid", "roles": ["worker"]},
    "nelli": {"name": "Nelli Roolitta", "email": "nelli@esimerkki.invalid", "roles": ["something_else"]},
}


@pytest.fixture(scope="module")
def provider() -> Iterator[OidcProvider]:
    with OidcProvider(USERS) as provider:
        yield provider


@pytest.fixture(scope="module")
def county(open_town, provider: OidcProvider) -> Iterator[Town]:
    """The county, whose people sign in with the provider."""
    oidc = (
        f'[console.oidc]\nissuer = "{provider.issuer}"\nclient_id = "{CLIENT_ID}"\nclient_secret = "{CLIENT_SECRET}"\n'
        f'ca_file = "{provider.ca_file}"'
    )
    with open_town(oidc) as made:
        yield made


@pytest.mark.parametrize("how", WAYS, ids=str)
def test_a_worker_signs_in_sees_the_own_case_and_signs_out(browser, county, provider, how):
    case = county.cases["LC-1001"]
    watched = browser(signed_in=False, **how)
    page, hands = watched.page, Hands(watched.page)
    watched.open(f"/cases/{case}")
    assert page.url.startswith(provider.issuer)
    hands.press(page.get_by_role("button", name="Aino"))
    assert page.url == f"{county.origin}/cases/{case}", "after signing in one is where one wanted to go"
    assert case in page.inner_text("h1")
    hands.press("form.who button")
    assert page.url == f"{county.origin}/logout"
    watched.open(f"/cases/{case}")
    assert page.url.startswith(provider.issuer), "signed out, nothing is left open"


def test_without_a_role_nobody_comes_in_and_reads_why(browser, county):
    watched = browser(signed_in=False)
    watched.open("/")
    Hands(watched.page).press(watched.page.get_by_role("button", name="Nelli"))
    assert "/login/callback" in watched.page.url
    assert watched.page.locator("[role=alert]").inner_text()
    assert watched.page.context.cookies(county.origin) == [] or "avain" not in {
        one["name"] for one in watched.page.context.cookies(county.origin)
    }
