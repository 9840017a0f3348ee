"""A real OpenID provider for tests, served over HTTPS by this process: discovery, a login form, tokens with PKCE, keys, userinfo, logout.

    with OidcProvider(users={"aino": {"name": "Aino Esimerkki", "email": "aino@esimerkki.invalid", "roles": ["worker"]}}) as provider:
        settings_for(public_url="http://127.0.0.1:8765", oidc=provider.settings)

`/authorize` signs in whom `login_hint` names, and without one shows a button for each user. `twist` makes it misbehave in one named way.
"""

import html
import json
import secrets
import ssl
import tempfile
import threading
import time
from base64 import b64decode, urlsafe_b64encode
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

import trustme
from joserfc import jwk, jwt

CLIENT_ID = "avain"
#: Invented.
CLIENT_SECRET = "a secret: with/odd+signs, only for tests"
USERS: dict[str, dict[str, Any]] = {
    "aino": {"name": "Aino Esimerkki", "email": "aino@esimerkki.invalid", "roles": ["worker"]},
    "olli": {"name": "Olli Operaattori", "email": "olli@esimerkki.invalid", "roles": ["operator"]},
    "nelli": {"name": "Nelli Roolitta", "email": "nelli@esimerkki.invalid", "roles": ["something_else"]},
}
#: How `twist` changes an ID token's claims; a value is called with the present claim.
_CLAIM_TWISTS: dict[str, dict[str, Any]] = {
    "wrong_nonce": {"nonce": lambda _: "another"},
    "wrong_audience": {"aud": lambda _: "another-client"},
    "more_audiences": {"aud": lambda own: [own, "another-client"]},
    "wrong_azp": {"azp": lambda _: "another-client"},
    "wrong_issuer": {"iss": lambda _: "https://another.invalid"},
    "expired": {"exp": lambda now: now - 3600, "iat": lambda now: now - 4000},
    "from_the_future": {"iat": lambda now: now + 3600},
    "a_little_late": {"exp": lambda now: now - 330},
    "no_subject": {"sub": lambda _: None},
}


class OidcProvider:
    """Serves on a free port (or `port`) of 127.0.0.1 while its block lasts. `users`: claims by user name; `sub` is `id-<name>` unless given."""

    def __init__(self, users: dict[str, dict[str, Any]] | None = None, *, port: int = 0) -> None:
        self.users = users if users is not None else USERS
        self.twist = ""
        self.roles_in_userinfo = False
        self.in_userinfo: set[str] = set()
        self.token_requests = self.key_requests = 0
        self.signed_out: list[dict[str, str]] = []
        self._codes: dict[str, dict[str, str]] = {}
        self._tokens: dict[str, str] = {}
        self._key_number = 0
        self.rotate()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer._serve(self, dict(parse_qsl(urlsplit(self.path).query)))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", "0")))
                outer._serve(self, dict(parse_qsl(body.decode())))

            def log_message(self, *_: Any) -> None:
                """Not to the tests' screen."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self._folder = tempfile.TemporaryDirectory()
        self.ca_file = Path(self._folder.name) / "authority.pem"
        self._thread = threading.Thread(target=self._server.serve_forever, name="oidc", daemon=True)

    @property
    def issuer(self) -> str:
        return f"https://127.0.0.1:{self._server.server_port}/realms/county"

    @property
    def settings(self) -> dict[str, Any]:
        """`[console.oidc]` of a console that uses it."""
        return {
            "issuer": self.issuer,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "ca_file": str(self.ca_file),
        }

    @property
    def environment(self) -> dict[str, str]:
        """The same for a console that is a process of its own."""
        return {f"AVAIN_CONSOLE__OIDC__{name.upper()}": value for name, value in self.settings.items()}

    def rotate(self) -> None:
        """Sign with a new key from now on; the old one is no longer published."""
        self._key_number += 1
        self._key = jwk.RSAKey.generate_key(2048, {"kid": f"key-{self._key_number}", "use": "sig", "alg": "RS256"})

    def __enter__(self) -> Self:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.ca_file)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
        self._folder.cleanup()

    def _serve(self, request: BaseHTTPRequestHandler, sent: dict[str, str]) -> None:
        path = urlsplit(request.path).path.removeprefix("/realms/county")
        pages = {
            "/.well-known/openid-configuration": self._discovery,
            "/authorize": self._authorize,
            "/token": self._token,
            "/jwks": self._jwks,
            "/userinfo": self._userinfo,
            "/end": self._end,
        }
        answer: Any = {}
        status = 404
        if self.twist == "down":
            status = 503
        elif path in pages:
            status, answer = pages[path](sent, request)
        headers = {"content-type": "application/json"}
        if isinstance(answer, str) and 300 <= status < 400:
            headers, content = {"location": answer}, b""
        elif isinstance(answer, str):
            headers, content = {"content-type": "text/html; charset=utf-8"}, answer.encode()
        else:
            content = json.dumps(answer).encode()
        request.send_response(status)
        for name, value in {**headers, "content-length": str(len(content))}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(content)

    def _discovery(self, _sent: dict[str, str], _request: BaseHTTPRequestHandler) -> tuple[int, Any]:
        base = self.issuer
        found = {
            "issuer": "https://another.invalid" if self.twist == "wrong_discovery" else base,
            "authorization_endpoint": f"{base}/authorize",
            "token_endpoint": f"{base}/token",
            "jwks_uri": f"{base}/jwks",
            "userinfo_endpoint": f"{base}/userinfo",
            "end_session_endpoint": f"{base}/end",
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        }
        if self.twist == "no_logout":
            del found["end_session_endpoint"]
        if self.twist == "no_token_endpoint":
            del found["token_endpoint"]
        return 200, "<p>Moved</p>" if self.twist == "not_json" else found

    def _authorize(self, sent: dict[str, str], request: BaseHTTPRequestHandler) -> tuple[int, Any]:
        hint = sent.get("login_hint")
        if self.twist == "denied":
            return 303, _with(sent["redirect_uri"], error="access_denied", state=sent["state"])
        if self.twist == "server_error":
            return 303, _with(sent["redirect_uri"], error="server_error", state=sent["state"])
        if self.twist == "odd_error":
            return 303, _with(sent["redirect_uri"], error="<b>odd</b>", state=sent["state"])
        if sent.get("code_challenge_method") != "S256" or sent.get("client_id") != CLIENT_ID:
            return 400, "<p>Bad request</p>"
        if hint not in self.users:
            return 200, self._form(sent)
        code = secrets.token_urlsafe(16)
        self._codes[code] = {**sent, "user": hint}
        iss = "https://another.invalid" if self.twist == "wrong_iss" else self.issuer
        return 303, _with(sent["redirect_uri"], code=code, state=sent["state"], iss=iss)

    def _form(self, sent: dict[str, str]) -> str:
        hidden = "".join(
            f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
            for name, value in sent.items()
            if name != "login_hint"
        )
        buttons = "".join(
            f'<p><button name="login_hint" value="{html.escape(user)}">{html.escape(str(claims.get("name", user)))}</button></p>'
            for user, claims in self.users.items()
        )
        return f'<!doctype html><html lang="en"><title>County login</title><h1>County login</h1><form method="get" action="/realms/county/authorize">{hidden}{buttons}</form>'

    def _token(self, sent: dict[str, str], request: BaseHTTPRequestHandler) -> tuple[int, Any]:
        self.token_requests += 1
        given = request.headers.get("authorization", "")
        pair = b64decode(given.removeprefix("Basic ")).decode() if given.startswith("Basic ") else ""
        if pair != f"{_quoted(CLIENT_ID)}:{_quoted(CLIENT_SECRET)}" or self.twist == "wrong_secret":
            return 401, {"error": "invalid_client"}
        asked = self._codes.pop(sent.get("code", ""), None)
        proof = urlsafe_b64encode(sha256(sent.get("code_verifier", "").encode()).digest()).decode().rstrip("=")
        if (
            asked is None
            or asked["code_challenge"] != proof
            or asked["redirect_uri"] != sent.get("redirect_uri")
            or self.twist == "old_code"
        ):
            return 400, {"error": "invalid_grant"}
        access_token = secrets.token_urlsafe(16)
        self._tokens[access_token] = asked["user"]
        answer = {"access_token": access_token, "token_type": "Bearer", "expires_in": 300}
        if self.twist != "no_id_token":
            answer["id_token"] = self._id_token(asked)
        return 200, answer

    def _claims(self, user: str) -> dict[str, Any]:
        return {"sub": f"id-{user}", "email_verified": True, **self.users[user]}

    def _id_token(self, asked: dict[str, str]) -> str:
        now = int(time.time())
        claims = self._claims(asked["user"])
        if self.roles_in_userinfo:
            claims.pop("roles")
        claims = {name: value for name, value in claims.items() if name not in self.in_userinfo}
        claims |= {"iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        for name, change in _CLAIM_TWISTS.get(self.twist, {}).items():
            claims[name] = change(claims.get(name, CLIENT_ID))
        key, header = self._key, {"alg": "RS256", "kid": str(self._key.kid)}
        if self.twist == "bad_signature":
            key = jwk.RSAKey.generate_key(2048, {"kid": str(self._key.kid)})
        if self.twist == "unknown_key":
            header["kid"] = "nobody-knows-it"
        if self.twist == "shared_secret":
            return jwt.encode({"alg": "HS256"}, claims, jwk.OctKey.import_key(CLIENT_SECRET.ljust(64, "x")))
        if self.twist == "unsigned":
            parts = ({"alg": "none"}, claims)
            return ".".join(urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=") for one in parts) + "."
        return jwt.encode(header, claims, key)

    def _jwks(self, _sent: dict[str, str], _request: BaseHTTPRequestHandler) -> tuple[int, Any]:
        self.key_requests += 1
        encryption = jwk.RSAKey.generate_key(2048, {"kid": "enc", "use": "enc"})
        keys = [encryption.as_dict(private=False), {"kty": "odd"}, self._key.as_dict(private=False)]
        return 200, {"keys": [] if self.twist == "no_keys" else keys}

    def _userinfo(self, _sent: dict[str, str], request: BaseHTTPRequestHandler) -> tuple[int, Any]:
        user = self._tokens.get(request.headers.get("authorization", "").removeprefix("Bearer "))
        if user is None:
            return 401, {}
        claims = self._claims(user)
        return 200, {**claims, "sub": "somebody-else"} if self.twist == "other_userinfo" else claims

    def _end(self, sent: dict[str, str], _request: BaseHTTPRequestHandler) -> tuple[int, Any]:
        self.signed_out.append(sent)
        return 303, sent["post_logout_redirect_uri"]


def _with(url: str, **values: str) -> str:
    return f"{url}?{urlencode(values)}"


def _quoted(value: str) -> str:
    return urlencode({"": value})[1:]
