"""Who Avain says it is to a FHIR server: tokens, a fixed bearer, a certificate; and where it goes at all."""

import base64
import json
import re
import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme
from pydantic import SecretStr
from pytest_httpserver import HTTPServer
from werkzeug import Response

from core.errors import ConfigurationError, Permanent, Transient
from tests.support.fhir_fake import FakeFhir, refused
from tests.support.fhir_resources import numbered_cases
from tests.support.fhir_server import cases_in, visit


def _oauth(server: FakeFhir, **more: Any) -> Any:
    return server.settings(
        token_url=server.server.url_for("/token"), client_id="avain", client_secret=SecretStr("s+cret"), **more
    )


def _tokens(server: HTTPServer, *answers: Response) -> list[Any]:
    given, asked = list(answers), list[Any]()

    def give(request: Any) -> Response:
        asked.append(request)
        return given.pop(0)

    server.expect_request("/token", method="POST").respond_with_handler(give)
    return asked


def _token(name: str, **more: Any) -> Response:
    return Response(json.dumps({"access_token": name, "token_type": "Bearer", **more}), content_type="application/json")


@pytest.fixture
def guarded(httpserver: HTTPServer) -> FakeFhir:
    server = FakeFhir(httpserver, numbered_cases(1))
    httpserver.clear_all_handlers()
    return server


def _serve(server: FakeFhir, *tokens: Response, taken: tuple[str, ...] = ("one", "two")) -> list[Any]:
    asked = _tokens(server.server, *tokens)

    def answer(request: Any) -> Response:
        name = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return server.answer(request) if name in taken else refused(401, "login")

    server.server.expect_request(re.compile("^/fhir")).respond_with_handler(answer)
    return asked


def test_a_token_is_fetched_once_for_its_life(guarded: FakeFhir, tmp_path: Path) -> None:
    asked = _serve(guarded, _token("one", expires_in=3600))
    settings = _oauth(guarded, scope="system/*.read")
    assert cases_in(visit(settings, tmp_path), settings) == ["C-0"]
    (request,) = asked
    assert request.form.to_dict() == {"grant_type": "client_credentials", "scope": "system/*.read"}
    assert request.headers["Authorization"] == "Basic " + base64.b64encode(b"avain:s%2Bcret").decode()


def test_a_token_is_fetched_again_before_its_end(guarded: FakeFhir, tmp_path: Path) -> None:
    asked = _serve(guarded, *[_token("one", expires_in=100)] * 20)
    times = iter(range(0, 100_000, 20))
    settings = _oauth(guarded)
    visit(settings, tmp_path, clock=lambda: float(next(times)))
    assert 1 < len(asked) < len(guarded.asked)


def test_a_token_that_is_no_longer_taken_is_fetched_anew_once(guarded: FakeFhir, tmp_path: Path) -> None:
    asked = _serve(guarded, _token("zero"), _token("one"))
    settings = _oauth(guarded)
    assert cases_in(visit(settings, tmp_path), settings) == ["C-0"]
    assert len(asked) == 2


def test_tokens_that_are_never_taken_end_the_visit(guarded: FakeFhir, tmp_path: Path) -> None:
    _serve(guarded, *[_token("zero")] * 20)
    with pytest.raises(Permanent, match=r"refused the request \(401: login\)"):
        visit(_oauth(guarded), tmp_path)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (
            Response("{}", 401),
            "The server of tokens refused this client (401). See client_id, client_secret and scope.",
        ),
        (Response("no"), "The server of tokens answered without a token."),
        (_token("a\r\nb: c"), "The server of tokens answered without a token."),
    ],
)
def test_no_token_no_visit(guarded: FakeFhir, tmp_path: Path, answer: Response, sentence: str) -> None:
    _serve(guarded, answer)
    with pytest.raises(Permanent) as error:
        visit(_oauth(guarded), tmp_path)
    assert error.value.message.text("en") == sentence


def test_a_fixed_token_goes_with_every_request(guarded: FakeFhir, tmp_path: Path) -> None:
    _serve(guarded, taken=("fixed",))
    settings = guarded.settings(bearer_token=SecretStr("fixed"))
    assert cases_in(visit(settings, tmp_path), settings) == ["C-0"]


@pytest.mark.parametrize("shown", [True, False])
def test_a_client_certificate_opens_the_door(tmp_path: Path, shown: bool) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    mine = authority.issue_cert("avain@example.test")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    mine.cert_chain_pems[0].write_to_path(tmp_path / "own.pem")
    mine.private_key_pem.write_to_path(tmp_path / "own.key")
    own = {"client_certificate": tmp_path / "own.pem", "client_key": tmp_path / "own.key"} if shown else {}
    with HTTPServer(host="127.0.0.1", port=0, ssl_context=context) as running:
        server = FakeFhir(running, numbered_cases(1))
        settings = server.settings(allow_http=False, ca_file=tmp_path / "ca.pem", **own)
        if shown:
            assert cases_in(visit(settings, tmp_path), settings) == ["C-0"]
        else:
            with pytest.raises(Transient):
                visit(settings, tmp_path)


def test_only_https_and_public_addresses_unless_said(httpserver: HTTPServer, tmp_path: Path) -> None:
    server = FakeFhir(httpserver)
    with pytest.raises(Permanent, match="https only"):
        visit(server.settings(allow_http=False), tmp_path)
    with pytest.raises(Permanent, match="to which Avain may not connect"):
        visit(server.settings(allow_private=False), tmp_path)
    assert server.asked == []


@pytest.mark.parametrize("url", ["fhir.example.test", "ftp://fhir.test/r4", "https://[broken/r4", "https://fhir.test/r4?x=1", "https://fhir.test:x/"])  # fmt: skip
def test_an_address_that_is_none_is_said_at_once(httpserver: HTTPServer, tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigurationError, match="base_url and token_url must be addresses"):
        visit(FakeFhir(httpserver).settings(base_url=url), tmp_path)
