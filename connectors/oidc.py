"""A login provider (the organisation's, or the one families log in by), spoken to as OpenID Connect: code flow with PKCE (RFC 7636), answers checked by Authlib.

Every request goes through the HTTP door. The provider's own host may stand inside the organisation's network; other hosts that it names for
parts of itself (userinfo, as at Microsoft) must be public. What people read of a failure says what is wrong and never what a token held.
"""

import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, Final
from urllib.parse import quote_plus, urlencode, urlsplit

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import ClaimError, ExpiredTokenError, InvalidKeyIdError, JoseError
from joserfc.jwk import JWKRegistry, KeySet

from connectors.http import HostRule, HttpDoor, Outbound
from core.console_settings import Oidc
from core.errors import AvainError, Message, Permanent, Transient
from core.login_settings import LoginProvider
from documents import plain_json

#: Signatures that only the provider can make; `none` and those with a shared secret are not among them.
_ALGORITHMS: Final = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
#: How far the provider's clock may be off.
_LEEWAY_SECONDS: Final = 60
#: Discovery and keys are read again after so long; keys earlier, but not more often than the second, when a token names one nobody knows.
_KEEP_SECONDS: Final = 3600.0
_KEYS_AGAIN_SECONDS: Final = 30.0
_MAX_BYTES: Final = 1024 * 1024
#: OpenID Connect Core 2 allows 255.
_LONGEST_SUBJECT: Final = 255
_HTTPS_PORT: Final = 443


class NotStrongEnoughError(Permanent):
    """The person proved who they are in a way that the settings do not take."""


@dataclass(frozen=True)
class SignedIn:
    """The person that the workers' provider answers for, with what `Provider.exchange` tells of them."""

    claims: Mapping[str, Any] = field(repr=False)
    settings: Oidc = field(repr=False)

    @property
    def subject(self) -> str:
        """What the person is known by, here and to a worker's `subject`. Raises Permanent."""
        value = claim_at(self.claims, self.settings.subject_claim)
        if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_SUBJECT or not value.isprintable():
            raise Permanent(
                "The login provider does not say who you are: the claim {claim} is missing. Tell whoever runs Avain.",
                claim=self.settings.subject_claim,
            )
        return value

    @property
    def email(self) -> str | None:
        """The person's address, if the provider says it has checked it, or says nothing and the settings trust it all the same.

        ASCII only: other letters may fall together with these when cases are disregarded (the sign for kelvin with k), and so make
        somebody else's address of one's own.
        """
        value, checked = (
            self.claims.get("email"),
            self.claims.get("email_verified", self.settings.trust_unchecked_email),
        )
        plain = isinstance(value, str) and value.isascii() and value.isprintable()
        return value if plain and (checked is True or checked == "true") else None

    @property
    def name(self) -> str:
        """What to call them on the page."""
        for claim in ("name", "preferred_username", "email"):
            value = self.claims.get(claim)
            if isinstance(value, str) and value.strip() and value.isprintable():
                return value.strip()[:200]
        return self.subject

    @property
    def roles(self) -> frozenset[str]:
        """Avain's roles for what the roles claim holds: a list, or words with spaces between."""
        held = claim_at(self.claims, self.settings.roles_claim)
        listed = held.split() if isinstance(held, str) else held if isinstance(held, list) else []
        values = {one for one in listed if isinstance(one, str)}
        return frozenset(role for role, wanted in self.settings.roles.items() if not values.isdisjoint(wanted))


class Provider:
    """One provider for one console; may be shared by threads. `clock` counts seconds and serves the caches alone."""

    def __init__(self, settings: LoginProvider, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings, self._clock = settings, clock
        self._lock = Lock()
        self._metadata: dict[str, Any] = {}
        self._metadata_at = self._keys_at = float("-inf")
        self._keys: KeySet | None = None
        self._keys_again_at = float("-inf")

    def authorization_url(
        self, *, redirect_uri: str, state: str, nonce: str, verifier: str, language: str | None = None
    ) -> str:
        """Where the browser is sent. Raises Transient, Permanent."""
        asked = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(self._settings.scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": create_s256_code_challenge(verifier),
            "code_challenge_method": "S256",
            **({"acr_values": " ".join(self._settings.acr_values)} if self._settings.acr_values else {}),
            **({"ui_locales": language} if language else {}),
        }
        return _with(self._endpoint("authorization_endpoint"), asked)

    def exchange(self, code: str, *, redirect_uri: str, nonce: str, verifier: str) -> dict[str, Any]:
        """What the provider says of whom a code stands for, every check passed: the ID token's claims, and userinfo's where the token lacks
        the one that is needed. They may hold a henkilötunnus: not for logs. Raises Transient, Permanent.
        """
        tokens = self._tokens(code, redirect_uri=redirect_uri, verifier=verifier)
        id_token, access_token = tokens.get("id_token"), tokens.get("access_token")
        if not isinstance(id_token, str):
            raise Permanent("The login provider sent no ID token. Tell whoever runs Avain.")
        claims = self._checked(id_token, nonce=nonce, access_token=access_token)
        lacking = claim_at(claims, self._settings.needed_claim) is None
        if lacking and isinstance(access_token, str) and "userinfo_endpoint" in self._discovered():
            told = self._json("GET", self._endpoint("userinfo_endpoint"), {"authorization": f"Bearer {access_token}"})
            if told.get("sub") == claims["sub"]:  # OpenID Connect Core 5.3.2: else it may not be used
                claims = {**told, **claims}
        return claims

    def sign_out_url(self, *, return_to: str) -> str | None:
        """Where a browser signs out of the provider as well (RP-initiated logout); None if the provider has no such place."""
        end = self._discovered().get("end_session_endpoint")
        if not _is_address(end):
            return None
        return _with(str(end), {"client_id": self._settings.client_id, "post_logout_redirect_uri": return_to})

    def check(self) -> None:
        """Read what logins need. Raises Transient, Permanent."""
        for name in ("authorization_endpoint", "token_endpoint"):
            self._endpoint(name)
        self._key_set(again=True)

    def issued_by(self, issuer: str | None) -> bool:
        """Whether an answer comes from this provider, where it says from whom (RFC 9207)."""
        return issuer is None or issuer == self._settings.issuer

    def _tokens(self, code: str, *, redirect_uri: str, verifier: str) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        headers = {"content-type": "application/x-www-form-urlencoded"}
        secret = self._settings.client_secret
        # a provider that does not say takes basic (OpenID Connect Discovery 3)
        taken = self._discovered().get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if secret is not None and (not isinstance(taken, list) or "client_secret_basic" in taken):
            pair = f"{quote_plus(self._settings.client_id)}:{quote_plus(secret.get_secret_value())}"  # RFC 6749 2.3.1
            headers["authorization"] = "Basic " + b64encode(pair.encode()).decode()
        else:
            form["client_id"] = self._settings.client_id
            if secret is not None:
                form["client_secret"] = secret.get_secret_value()
        answer = self._json("POST", self._endpoint("token_endpoint"), headers, urlencode(form).encode(), (400, 401))
        if "error" in answer:
            if answer["error"] == "invalid_grant":
                raise Permanent("This login was used already or took too long. Sign in again.")
            raise Permanent(
                "The login provider does not let Avain ask who you are ({error}). Tell whoever runs Avain.",
                error=_word(answer["error"]),
            )
        return answer

    def _checked(self, id_token: str, *, nonce: str, access_token: Any) -> dict[str, Any]:
        """The claims of an ID token (OpenID Connect Core 3.1.3.7)."""
        try:
            token = self._decoded(id_token)
            claims = CodeIDToken(
                token.claims,
                token.header,
                options={
                    "iss": {"essential": True, "value": self._settings.issuer},
                    "aud": {"essential": True, "value": self._settings.client_id},
                },
                params={"nonce": nonce, "client_id": self._settings.client_id, "access_token": access_token},
            )
            claims.validate(leeway=_LEEWAY_SECONDS)
            self._strong_enough(claims)
        except ExpiredTokenError as error:
            raise Permanent(
                "The login provider's answer is too old already: the clocks of the two differ. Tell whoever runs Avain."
            ) from error
        except ClaimError as error:
            if error.claim in {"iat", "nbf"}:
                raise Permanent(
                    "The login provider's answer is not valid yet: the clocks of the two differ. Tell whoever runs Avain."
                ) from error
            raise Permanent(
                "The login provider's answer was not meant for this login ({claim}). Sign in again; if it happens again, tell whoever runs Avain.",
                claim=error.claim,
            ) from error
        except (JoseError, ValueError, TypeError) as error:
            raise Permanent(
                "The login provider's answer is not signed with one of its keys. Tell whoever runs Avain."
            ) from error
        return dict(claims)

    def _strong_enough(self, claims: Mapping[str, Any]) -> None:
        """The level of assurance is one that was asked for: `acr_values` is a wish to the provider, so its answer is looked at (Core 3.1.2.1)."""
        if self._settings.acr_values and claims.get("acr") not in self._settings.acr_values:
            raise NotStrongEnoughError(
                Message("You signed in in a way that is not strong enough here. Choose another way to sign in.")
            )

    def _decoded(self, id_token: str) -> jwt.Token:
        try:
            return jwt.decode(id_token, self._key_set(), algorithms=_ALGORITHMS)
        except InvalidKeyIdError:
            return jwt.decode(id_token, self._key_set(again=True), algorithms=_ALGORITHMS)

    def _key_set(self, *, again: bool = False) -> KeySet:
        """The provider's keys. `again`: a token names one that is not among them; it may be newer than what we know."""
        with self._lock:
            now = self._clock()
            due = now - self._keys_at >= _KEEP_SECONDS
            if again and now - self._keys_again_at >= _KEYS_AGAIN_SECONDS:
                due, self._keys_again_at = True, now
            if self._keys is None or due:
                self._keys = _usable_keys(self._json("GET", self._endpoint("jwks_uri")))
                self._keys_at = now
            return self._keys

    def _endpoint(self, name: str) -> str:
        value = self._discovered().get(name)
        if not _is_address(value):
            raise Permanent(
                "The login provider does not say where its {name} is. See {setting} in avain.toml.",
                name=name,
                setting=f"{self._settings.section}.issuer",
            )
        return str(value)

    def _discovered(self) -> dict[str, Any]:
        """The provider's own description (OpenID Connect Discovery 4)."""
        now = self._clock()
        if now - self._metadata_at >= _KEEP_SECONDS:
            issuer = self._settings.issuer
            found = self._json("GET", issuer.rstrip("/") + "/.well-known/openid-configuration")
            if found.get("issuer") != issuer:
                raise Permanent(
                    "The login provider calls itself {found}, and {setting} says {expected}. They must be the same to the letter.",
                    found=str(found.get("issuer"))[:200], expected=issuer, setting=f"{self._settings.section}.issuer",
                )  # fmt: skip
            self._metadata, self._metadata_at = found, now
        return self._metadata

    def _json(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        answers: tuple[int, ...] = (),
    ) -> dict[str, Any]:
        """A JSON object of the provider's."""
        host = urlsplit(url).hostname or ""
        reply, body = self._door(url).request(
            method, url, headers={"accept": "application/json", **(headers or {})}, content=content, answers=answers
        )
        answer = plain_json.read_object(body)
        if not answer or (reply.status in answers and "error" not in answer):
            raise Permanent(
                "{host} does not answer as a login provider does ({status}).", host=host, status=reply.status
            )
        return answer

    def _door(self, url: str) -> HttpDoor:
        own, asked = urlsplit(self._settings.issuer), urlsplit(url)
        rule = HostRule(allow_private=asked.hostname == own.hostname, ports=frozenset({asked.port or _HTTPS_PORT}))
        if asked.hostname != own.hostname:
            rule = HostRule()
        ca_file = self._settings.ca_file
        return HttpDoor(
            Outbound(
                hosts={asked.hostname or "": rule},
                read_seconds=10,
                total_seconds=15,
                max_bytes=_MAX_BYTES,
                max_redirects=0,
                ca_file=Path(ca_file) if ca_file else None,
                proxy=self._settings.proxy,
            )
        )


def claim_at(claims: Mapping[str, Any], path: str) -> Any:
    """A claim by its name, or by a dotted path into it: `realm_access.roles`. None if there is none."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for part in path.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(part)
    return found


def refusal(error: str, description: str | None = None) -> AvainError:
    """What the provider's error in the answer to the browser means (RFC 6749 4.1.2.1); its own words are not shown."""
    if error == "access_denied":
        return Permanent("The login provider did not let you in, or you turned back. You can sign in again.")
    if error in {"server_error", "temporarily_unavailable"}:
        return Transient("The login provider cannot sign you in just now. Try again in a moment.")
    return Permanent(
        "The login provider refuses the login ({error}). Tell whoever runs Avain.", error=_word(error or description)
    )


def _word(value: Any) -> str:
    """An error code of the other side's, if it is one."""
    text = str(value)
    return text if text.isascii() and text.replace("_", "").isalnum() and len(text) <= 60 else "?"


def _is_address(value: Any) -> bool:
    """Whether a provider's word is the address of something: https, nothing but what stands in an address, and nobody's name in it."""
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or " " in value or "\\" in value:
        return False
    try:
        found = urlsplit(value)
        return found.scheme == "https" and bool(found.hostname) and "@" not in found.netloc and (found.port or 1) > 0
    except ValueError:  # brackets without an end, a port beyond all ports
        return False


def _with(url: str, values: Mapping[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(values)}"


def _usable_keys(answer: Mapping[str, Any]) -> KeySet:
    """Keys that verify signatures; others that stand among them (for encryption, of kinds nobody here knows) are left out."""
    keys = []
    listed = answer.get("keys")
    for one in listed if isinstance(listed, list) else []:
        if isinstance(one, dict) and one.get("kty") in {"RSA", "EC"} and one.get("use", "sig") == "sig":
            try:
                keys.append(JWKRegistry.import_key(one))
            except (JoseError, ValueError, TypeError):
                continue
    if not keys:
        raise Permanent("The login provider has no keys that signatures can be checked with. Tell whoever runs Avain.")
    return KeySet(keys)
