"""Orders by HTTPS to a real server: what is posted, under which key, and what every kind of answer means."""

import base64
import gzip
import json
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors.channels.https import HttpsChannel
from core.errors import AlreadyDone, AvainError, Permanent, Transient, Unclear
from core.settings import Organisation
from tests.support.http_door import head, raw_server, refused
from tests.support.orders_out import DOCUMENT, HOST, NUMBER, connections, delivery, here

Point = Callable[..., dict[str, Any]]
ENVELOPE = {
    "from": {"id": "iso6523-actorid-upis::{sender}"},
    "to": "iso6523-actorid-upis::{receiver}",
    "type": "busdox-docid-qns::{document_type}",
    "process": "cenbii-procid-ubl::{process}",
    "reference": "{number}",
    "documents": [{"content": "{document_base64}", "digest": "{sha256}"}],
    "priority": 1,
    "test": False,
}


def channel(settings: dict[str, Any]) -> HttpsChannel:
    return HttpsChannel(connections(out=settings), Organisation(), resolver=here)


def answered(server: HTTPServer, *answers: Response) -> list[Request]:
    """Give these answers one after the other, the last for ever; the requests that came."""
    came: list[Request] = []

    def answer(request: Request) -> Response:
        request.get_data()
        came.append(request)
        return answers[min(len(came), len(answers)) - 1]

    server.expect_request("/orders").respond_with_handler(answer)
    return came


def test_the_document_is_posted_under_its_number(server: HTTPServer, point: Point) -> None:
    came = answered(server, Response("accepted", 202))
    receipt = channel(point(headers={"X-Tenant": "county"})).send(delivery("https"))
    assert receipt.reply == "202 accepted"
    (request,) = came
    assert (request.method, request.get_data()) == ("POST", DOCUMENT)
    assert request.headers["Idempotency-Key"] == NUMBER
    assert request.headers["Content-Type"] == "application/xml"
    assert request.headers["Authorization"] == "Bearer a-word"
    assert request.headers["X-Tenant"] == "county"


def test_the_envelope_of_an_access_point(server: HTTPServer, point: Point, tmp_path: Path) -> None:
    came = answered(server, Response('{"data": [{"id": "m-77"}]}', 201))
    file = tmp_path / "envelope.json"
    file.write_text(json.dumps(ENVELOPE))
    for stated in ({"envelope": ENVELOPE}, {"envelope_file": str(file)}):
        settings = point(body="json", reply_id="data.0.id", idempotency_header="X-Request-Id", **stated)
        assert channel(settings).send(delivery("https")).reply == "201 m-77"
    first, second = came
    assert first.get_data() == second.get_data()
    assert first.headers["X-Request-Id"] == NUMBER
    said = json.loads(first.get_data())
    assert said["from"]["id"] == "iso6523-actorid-upis::0216:003799999992"
    assert said["to"] == "iso6523-actorid-upis::0216:003799999968"
    assert said["type"].endswith("Order-2::Order##urn:fdc:peppol.eu:poacc:trns:order:3::2.1")
    assert said["process"] == "cenbii-procid-ubl::urn:fdc:peppol.eu:poacc:bis:order_only:3"
    assert said["reference"] == NUMBER
    assert base64.b64decode(said["documents"][0]["content"]) == DOCUMENT
    assert (said["priority"], said["test"]) == (1, False)


def test_an_envelope_in_parts(server: HTTPServer, point: Point) -> None:
    came = answered(server, Response("", 200))
    envelope = {"metadata": {"to": "{receiver}"}, "key": "{number}", "file": "{document}"}
    for _ in range(2):
        channel(point(body="multipart", envelope=envelope)).send(delivery("https"))
    first, second = came
    assert first.get_data() == second.get_data()
    assert first.content_type == second.content_type
    parts = Request.from_values(
        method="POST", data=first.get_data(), content_type=first.headers["Content-Type"]
    )  # fmt: skip
    assert json.loads(parts.form["metadata"]) == {"to": "0216:003799999968"}
    assert parts.form["key"] == NUMBER
    assert parts.files["file"].read() == DOCUMENT
    assert parts.files["file"].filename == f"{NUMBER}.xml"
    parts.close()


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (Response("no receiver", 400), Permanent, f"{HOST} refused the order (400): no receiver"),
        (Response("", 401), Permanent, f"{HOST} refused the request (401)"),
        (Response("", 403), Permanent, "(403)"),
        (Response("", 404), Permanent, "(404)"),
        (Response("too large", 413), Permanent, "(413): too large"),
        (Response('{"error":"BIS"}', 422), Permanent, '(422): {"error":"BIS"}'),
        (Response("", 307, {"Location": "https://other.test/orders"}), Permanent, "(307)"),
        (Response("", 302, {"Location": "/elsewhere"}), Permanent, "(302)"),
        (Response("", 408), Transient, "(408)"),
        (Response("", 429, {"Retry-After": "120"}), Transient, "(429)"),
        (Response("", 500), Unclear, "(500)"),
        (Response("", 502), Unclear, "(502)"),
        (Response("", 503, {"Retry-After": "60"}), Unclear, "(503)"),
    ],
    ids=lambda value: str(value.status_code) if isinstance(value, Response) else "",
)
def test_what_an_answer_means(
    server: HTTPServer, point: Point, answer: Response, kind: type[AvainError], said: str
) -> None:
    came = answered(server, answer)
    with pytest.raises(kind) as raised:
        channel(point()).send(delivery("https"))
    assert type(raised.value) is kind
    assert said in raised.value.message.text("en")
    assert len(came) == 1, "a POST goes to no other address"
    if "Retry-After" in answer.headers and isinstance(raised.value, Transient):
        assert raised.value.retry_after == float(answer.headers["Retry-After"])


def test_409_is_success_only_if_it_is_ours(server: HTTPServer, point: Point) -> None:
    answered(
        server,
        Response("that key was used", 409),
        Response("that key was used", 409),
        Response(f'{{"existing": "{NUMBER}"}}', 409),
        Response("in progress", 409, {"Retry-After": "30"}),
    )
    out = channel(point())
    assert "has not sent it before: that key was used" in refused(Permanent, out.send, delivery("https"))
    refused(AlreadyDone, out.send, delivery("https", repeated=True))
    refused(AlreadyDone, out.send, delivery("https"))
    with pytest.raises(Unclear) as still:
        out.send(delivery("https", repeated=True))
    assert still.value.retry_after == 30.0


@pytest.mark.parametrize("body", [b"\xff\xfe\x00 \x1b[31m red", b"x" * 100_000, b""], ids=["bytes", "long", "none"])
def test_whatever_is_said_with_a_yes_is_a_yes_on_one_line(server: HTTPServer, point: Point, body: bytes) -> None:
    answered(server, Response(body, 200))
    reply = channel(point(reply_id="data.id")).send(delivery("https")).reply
    assert reply.startswith("200")
    assert reply.isprintable()
    assert len(reply) < 320


def test_a_yes_that_comes_packed_is_a_yes(server: HTTPServer, point: Point) -> None:
    answered(server, Response(gzip.compress(b"accepted"), 202, {"Content-Encoding": "gzip"}))
    assert channel(point()).send(delivery("https")).reply == "202"


def slow(connection: socket.socket) -> None:
    """A drop at a time, for longer than anybody waits."""
    head(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    connection.settimeout(0.05)
    for _ in range(200):
        try:
            if connection.recv(1) == b"":
                return
        except TimeoutError:
            connection.sendall(b".")


def silent(connection: socket.socket) -> None:
    head(connection)
    connection.settimeout(10)
    connection.recv(1)


def closed(connection: socket.socket) -> None:
    head(connection)


def closed_in_the_body(connection: socket.socket) -> None:
    head(connection)
    connection.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 100\r\n\r\nacc")


@pytest.mark.parametrize("answer", [slow, silent, closed, closed_in_the_body], ids=lambda one: one.__name__)
def test_silence_leaves_a_doubt(answer: Callable[[socket.socket], None]) -> None:
    with raw_server(answer) as port:
        settings = {
            "kind": "https", "url": f"http://{HOST}:{port}/orders", "allow_private": True, "allow_http": True, "seconds": 1,
        }  # fmt: skip
        assert "may or may not" in refused(Unclear, channel(settings).send, delivery("https"))


def test_nobody_there_leaves_none(point: Point) -> None:
    with pytest.raises(Transient) as raised:
        channel(point(url=f"https://{HOST}:1/orders")).send(delivery("https"))
    assert type(raised.value) is Transient


def test_another_certificate_and_a_private_address_send_nothing(server: HTTPServer, point: Point) -> None:
    came = answered(server, Response("", 200))
    assert "certificate" in refused(Permanent, channel(point(ca_file=None)).send, delivery("https"))
    assert "may not connect" in refused(Permanent, channel(point(allow_private=False)).send, delivery("https"))
    assert not came


def test_a_provider_without_an_electronic_address_is_reached_but_not_through_peppol(
    server: HTTPServer, point: Point
) -> None:
    answered(server, Response("", 200))
    nobody = delivery("https", endpoint=None)
    assert "goes through Peppol" in refused(Permanent, channel(point()).send, nobody)
    assert channel(point(peppol=False)).send(nobody).reply == "200"


def test_an_envelope_that_is_gone(point: Point, tmp_path: Path) -> None:
    out = channel(point(body="json", envelope_file=str(tmp_path / "gone.json")))
    assert "gone.json cannot be read" in refused(Permanent, out.send, delivery("https"))
    (tmp_path / "gone.json").write_text("[]")
    assert "is not JSON" in refused(Permanent, out.send, delivery("https"))


def test_both_sides_show_who_they_are(authority: trustme.CA, ca_file: Path, tmp_path: Path, point: Point) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(context)
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    own = authority.issue_cert("avain@county.test")
    own.private_key_pem.write_to_path(tmp_path / "key.pem")
    own.cert_chain_pems[0].write_to_path(tmp_path / "certificate.pem")
    shown = {"client_certificate": str(tmp_path / "certificate.pem"), "client_key": str(tmp_path / "key.pem")}
    with HTTPServer(host="127.0.0.1", port=0, ssl_context=context) as server:
        came = answered(server, Response("", 202))
        address = {"url": f"https://{HOST}:{server.port}/orders", "bearer_token": None}
        with pytest.raises(Transient):  # TLS 1.3 refuses a stranger after the handshake
            channel(point(**address)).send(delivery("https"))
        assert channel(point(**address, **shown)).send(delivery("https")).reply == "202"
    assert len(came) == 1
