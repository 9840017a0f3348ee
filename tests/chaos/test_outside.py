"""The bad moods of the servers outside are what they are called, seen with Avain's own connectors; the wire can be cut and left half-open."""

import smtplib
import socket
from contextlib import ExitStack
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from connectors.channels.base import Delivery, Destination
from connectors.channels.sftp import SftpChannel
from connectors.http import HostRule, HttpDoor, Outbound
from connectors.transports.base import Visit
from core.channel_settings import SftpConnection
from core.errors import AlreadyDone, Transient, Unclear
from tests.chaos.whole.outside import HOST_KEY, TAKEN_AND_GONE, USER, WORD, Outside, outside
from tests.chaos.whole.wire import wire
from tests.support.sftp_server import make

LIST = b"code;price\n" * 200


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    with outside(tmp_path_factory.mktemp("outside")) as made:
        made.http.files["/list.csv"] = LIST
        (made.sftp.root / "out").mkdir()
        (made.sftp.root / "in").mkdir()
        (made.sftp.root / "out" / "cases.xml").write_bytes(LIST)
        yield made


@pytest.fixture(autouse=True)
def _calm(out):
    yield
    out.calm()


def door(out: Outside) -> HttpDoor:
    rule = HostRule(allow_private=True, ports=frozenset({out.http.port}))
    return HttpDoor(Outbound(hosts={"127.0.0.1": rule}, ca_file=out.ca_file, read_seconds=1, total_seconds=2))


def read(out: Outside) -> bytes:
    return door(out).request("GET", out.http.url("/list.csv"))[1]


@pytest.mark.parametrize("mood", ["trickle", "hang", "truncate", "500", "429"])
def test_a_file_read_in_a_bad_mood_is_no_file(out, mood):
    out.http.moods.set(mood, seconds=0.3)
    with pytest.raises(Transient) as error:
        read(out)
    assert (error.value.retry_after == 1.0) == (mood == "429")
    assert read(out) == LIST
    assert out.http.moods.met[mood] == 1


def post(out: Outside, key: str) -> int:
    headers = {"Idempotency-Key": key}
    return (
        door(out).request("POST", out.http.url("/orders"), headers=headers, content=b"<x/>", answers=(409,))[0].status
    )


@pytest.mark.parametrize(("mood", "kept"), [("500", False), ("429", False), ("hang", False), (TAKEN_AND_GONE, True)])
def test_an_access_point_in_a_bad_mood(out, mood, kept):
    out.point.moods.set(mood, seconds=0.3)
    with pytest.raises(Transient):
        post(out, mood)
    assert (mood in out.point.documents) == kept
    assert post(out, mood) == (409 if kept else 202)
    assert out.point.repeats[mood] == int(kept)


@pytest.mark.parametrize("mood", ["trickle", "hang", "truncate", "500"])
def test_a_file_server_in_a_bad_mood(out, mood, tmp_path):
    out.sftp.moods.set(mood, seconds=0.3)
    source = make(out.sftp.port, path="/out/cases.xml")
    try:
        source.fetch(Visit(tmp_path))
    except Transient:
        pass
    else:
        assert mood == "trickle"
    assert out.sftp.moods.met[mood] == 1
    assert [one.path.read_bytes() for one in source.fetch(Visit(tmp_path)).files] == [LIST]


def put(out: Outside, number: str) -> None:
    connection = SftpConnection(
        kind="sftp", host="127.0.0.1", port=out.sftp.port, username=USER, password=WORD, folder="/in",
        host_key=HOST_KEY.export_public_key().decode().strip(),
    )  # fmt: skip
    to = Destination("9999999-2", settings={"connection": "files"})
    order = Delivery(1, number, b"<x/>", sha256(b"<x/>").hexdigest(), "sftp", to, datetime.now(UTC))
    SftpChannel({"files": connection}).send(order)


@pytest.mark.parametrize(("mood", "error"), [("hang", Transient), ("500", Transient), (TAKEN_AND_GONE, Unclear)])
def test_a_box_that_orders_are_put_into_in_a_bad_mood(out, mood, error):
    out.sftp.putting.set(mood, seconds=0.3)
    with pytest.raises(error):
        put(out, mood)
    if mood == TAKEN_AND_GONE:
        with pytest.raises(AlreadyDone):
            put(out, mood)
    else:
        put(out, mood)
    assert (out.sftp.root / "in" / f"{mood}.xml").read_bytes() == b"<x/>"


@pytest.mark.parametrize(("mood", "kept"), [("451", 0), ("550", 0), ("timeout", 0), (TAKEN_AND_GONE, 1)])
def test_a_mail_server_in_a_bad_mood(out, mood, kept):
    before, unheard = len(out.mail.messages), len(out.mail.unheard)
    out.mail.moods.set(mood, seconds=0.3)
    with smtplib.SMTP("127.0.0.1", out.mail.port, timeout=5) as server, pytest.raises(smtplib.SMTPException):
        server.sendmail("a@county.invalid", ["b@provider.invalid"], b"Subject: x\r\n\r\nx\r\n")
    assert len(out.mail.messages) - before == len(out.mail.unheard) - unheard == kept


def test_a_wire_is_cut_left_half_open_and_mended(tmp_path: Path):
    with ExitStack() as stack:
        server = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        server.bind(str(tmp_path / "s"))
        server.listen()
        made = stack.enter_context(wire(tmp_path / "s"))

        def pair() -> tuple[socket.socket, socket.socket]:
            client = stack.enter_context(socket.create_connection(("127.0.0.1", made.port), timeout=2))
            inside = stack.enter_context(server.accept()[0])
            client.sendall(b"ping")
            assert inside.recv(9) == b"ping"
            return client, inside

        client, inside = pair()
        assert made.reset() == 1
        assert client.recv(9) == inside.recv(9) == b""
        client, inside = pair()
        assert made.leave_half_open() == 1
        assert inside.recv(9) == b""
        client.sendall(b"anybody there?")
        client.settimeout(0.1)
        with pytest.raises(TimeoutError):
            client.recv(9)
        pair()
        assert made.resume() == 1
        client.settimeout(2)
        assert client.recv(9) == b""
