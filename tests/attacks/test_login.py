"""A login provider that is not what it was: where it leads us, and what it says of a person."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, Final

import pytest
from pydantic import SecretStr

from connectors.oidc import Provider
from core.console_settings import Oidc
from core.errors import AvainError, Permanent
from tests.attacks.bounds import bounded
from tests.attacks.documents.values import JSON
from tests.attacks.ways import network

_ISSUER: Final = "https://127.0.0.1:8443/realms/county"
_ELSEWHERE: Final = (
    "http://127.0.0.1:8443/jwks", "https://10.0.0.1/jwks", "https://169.254.169.254/jwks", "https://localhost:8443/jwks", "https://2130706433/jwks",
    "https://[::1]:8443/jwks", "https://a:b@127.0.0.1/jwks", "https://127.0.0.1\\@evil.test/jwks", "file:///etc/passwd", "ldap://127.0.0.1/", "//evil.test/jwks",
    "https://[::1", "https://127.0.0.1:99999/", "https://127.0.0.1:port/", "https://", "https://127.0.0.1/\r\nX: y", "https://127.0.0.1/ä", "", "https://\0/",
)  # fmt: skip


def _settings() -> Oidc:
    return Oidc(issuer=_ISSUER, client_id="avain", client_secret=SecretStr("keksitty"))


class _Told(Provider):
    """A provider whose description is what the test says; everything else goes out by the real door."""

    def __init__(self, **told: Any) -> None:
        super().__init__(_settings())
        self._told = {"issuer": _ISSUER, **told}

    def _json(self, method: str, url: str, *rest: Any, **more: Any) -> dict[str, Any]:
        if url.endswith("/.well-known/openid-configuration"):
            return self._told
        return super()._json(method, url, *rest, **more)


@pytest.mark.parametrize("address", _ELSEWHERE)
def test_its_parts_stand_where_it_stands_or_in_public(address: str) -> None:
    """`allow_private` is for the provider's own host: a description that was tampered with does not open the inside of the network."""
    provider = _Told(
        jwks_uri=address, authorization_endpoint=address, token_endpoint=address, end_session_endpoint=address
    )
    with network() as seen, pytest.raises(Permanent):
        provider._key_set(again=True)
    assert seen.connected == []


@pytest.mark.parametrize("address", [one for one in _ELSEWHERE if not one.startswith("https://") or any(sign in one for sign in "\\\r\0@ä") or one in {"https://", "https://[::1"} or ":99999" in one or ":port" in one])  # fmt: skip
def test_no_browser_is_sent_to_what_is_no_address(address: str) -> None:
    provider = _Told(authorization_endpoint=address, end_session_endpoint=address)
    with pytest.raises(Permanent):
        provider.authorization_url(redirect_uri="https://avain.test/in", state="s", nonce="n", verifier="v" * 43)
    assert provider.sign_out_url(return_to="https://avain.test/") is None


class _Answering(Provider):
    """A provider that gives one answer to everything."""

    def __init__(self, body: bytes) -> None:
        super().__init__(_settings())
        self._body = body

    def _door(self, url: str) -> Any:
        answer = (SimpleNamespace(status=200, headers={}), self._body)
        return SimpleNamespace(request=lambda *_, **__: answer)


@pytest.mark.parametrize("name", JSON)
def test_an_answer_that_is_no_plain_json_is_none(name: str) -> None:
    with bounded(), pytest.raises(AvainError):
        _Answering(JSON[name].make(b'{"issuer": "https://evil.test"}', "file:///x")).check()


@pytest.mark.parametrize(
    "twice", ['"issuer": "https://evil.test", "issuer": "%s"', '"issuer": "%s", "issuer": "https://evil.test"']
)
def test_of_two_names_none_is_believed(twice: str) -> None:
    body = (
        "{"
        + twice % _ISSUER
        + ', "authorization_endpoint": "https://127.0.0.1:8443/a", "token_endpoint": "https://127.0.0.1:8443/t"}'
    )
    with pytest.raises(Permanent, match=r"does not answer|ei vastaa"):
        _Answering(body.encode()).check()


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": "NaN"},
        {"sub": ["x"]},
        {"aud": "other"},
        {"iss": "https://127.0.0.1:8443/realms/county/"},
        {"nonce": "other"},
        {},
    ],
    ids=str,
)
def test_an_unsigned_token_says_nothing(claims: Mapping[str, Any]) -> None:
    from base64 import urlsafe_b64encode
    from json import dumps

    def part(value: Mapping[str, Any]) -> str:
        return urlsafe_b64encode(dumps(value).encode()).rstrip(b"=").decode()

    said = {"iss": _ISSUER, "aud": "avain", "sub": "x", "exp": 4_000_000_000, "iat": 1, "nonce": "n", **claims}
    for head in ({"alg": "none"}, {"alg": "HS256"}, {"alg": "None"}, {"alg": "RS256", "jwk": {"kty": "oct", "k": "eA"}}, {"alg": "ES256", "jku": "https://evil.test"}):  # fmt: skip
        token = f"{part(head)}.{part(said)}."
        provider = _Told(jwks_uri="https://127.0.0.1:8443/jwks")
        provider._keys, provider._keys_at = _keys(), float("inf")
        with network() as seen, pytest.raises(Permanent):
            provider._checked(token, nonce="n", access_token=None)
        assert seen.connected == []


def _keys() -> Any:
    from joserfc import jwk

    return jwk.KeySet([jwk.ECKey.generate_key("P-256", {"kid": "own", "use": "sig"})])
