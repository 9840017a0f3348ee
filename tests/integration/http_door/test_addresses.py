"""The HTTP door: where it leads and where it must not, names that change, redirects."""

import socket

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors.addresses import checked_addresses, resolve
from core.errors import AvainError, Permanent, Transient
from tests.support.http_door import HOST, OTHER, MakeDoor, Names, head, raw_door, raw_server, refused, url


def test_an_answer_comes_whole_with_host_and_tls_name_kept(server: HTTPServer, door: MakeDoor) -> None:
    server.expect_request(
        "/x", query_string="a=%C3%A4", headers={"Host": f"{HOST}:{server.port}", "X-Key": "k"}
    ).respond_with_data("päivää", headers={"ETag": '"1"'})
    names = Names()
    reply, body = door(names=names).request("GET", url(server, "/x?a=%C3%A4"), headers={"X-Key": "k"})
    assert (reply.status, reply.headers["etag"], body.decode()) == (200, '"1"', "päivää")
    assert names.asked == [HOST]


def test_a_post_carries_its_body_and_idempotency_key(server: HTTPServer, door: MakeDoor) -> None:
    content = b"x" * 300_000
    server.expect_oneshot_request(
        "/orders", method="POST", data=content, headers={"Idempotency-Key": "HB-T-000123"}
    ).respond_with_data(status=201)
    reply, _ = door().request(
        "POST", url(server, "/orders"), content=content, headers={"Idempotency-Key": "HB-T-000123"}
    )
    assert reply.status == 201
    server.check_assertions()


def test_a_body_can_be_streamed_as_a_file(server: HTTPServer, door: MakeDoor) -> None:
    server.expect_request("/x").respond_with_data(b"a line\n" * 100_000)
    with door().stream("GET", url(server)) as reply:
        assert reply.body.readline() == b"a line\n"
        assert len(reply.body.read()) == 7 * 99_999


def test_not_modified_is_an_answer(server: HTTPServer, door: MakeDoor) -> None:
    server.expect_request("/x", headers={"If-None-Match": '"1"'}).respond_with_data(status=304)
    assert door().request("GET", url(server), headers={"If-None-Match": '"1"'})[0].status == 304


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("https://evil.test/x", "not on the list"),
        ("https://provider.test.evil.test/x", "not on the list"),
        ("https://127.0.0.1/x", "not on the list"),
        ("https://2130706433/x", "not on the list"),
        ("https://[::1]/x", "not on the list"),
        ("https://provider.test@evil.test/x", "carries a user name"),
        ("https://user:word@provider.test/x", "carries a user name"),
        ("https://provider.test/x", "Port 443"),
        ("https://provider.test:22/x", "Port 22"),
        ("http://provider.test/x", "https only"),
        ("ftp://provider.test/x", "ftp"),
        ("file:///etc/passwd", "file"),
        ("//provider.test/x", "Only https"),
        ("provider.test/x", "Only https"),
        ("https://", "Only https"),
        ("https://provider.test:port/", "not a valid URL"),
        ("https://provi der.test/", "not on the list"),
    ],
)
def test_an_address_outside_the_policy_is_refused_before_anything_is_looked_up(
    address: str, says: str, door: MakeDoor
) -> None:
    names = Names()
    sentence = refused(Permanent, lambda: door(names=names).request("GET", address))
    assert says in sentence
    assert "word" not in sentence.replace("password", "")
    assert names.asked == []


def test_a_name_is_compared_without_case_and_final_dot(server: HTTPServer, door: MakeDoor) -> None:
    server.expect_request("/x").respond_with_data("ok")
    assert door().request("GET", url(server, host="PROVIDER.test"))[1] == b"ok"
    assert "not on the list" not in refused(
        AvainError, lambda: door().request("GET", url(server, host="provider.test.", path="/none"))
    )


PUBLIC = ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::5db8:d70e"]
PRIVATE = [
    "127.0.0.1",
    "127.8.8.8",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "::1",
    "fd00::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
]
NEVER = [
    "169.254.169.254", "fe80::1", "fe80::1%eth0", "0.0.0.0", "::", "224.0.0.1", "ff02::1", "255.255.255.255", "240.0.0.1", "fec0::1",
    "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "::127.0.0.1", "64:ff9b:1::1", "nonsense",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_may_be_connected_to(address: str) -> None:
    assert checked_addresses(HOST, 443, lambda *_: [address], allow_private=False) == [address]


@pytest.mark.parametrize("address", [*PRIVATE, "100.64.0.1", "2002:7f00:1::1", "64:ff9b::7f00:1"])
def test_inside_addresses_need_permission(address: str) -> None:
    with pytest.raises(Permanent):
        checked_addresses(HOST, 443, lambda *_: [address], allow_private=False)


def test_who_meets_an_inside_address_is_told_the_setting_where_it_would_help() -> None:
    for address, helps in (("10.1.2.3", True), ("169.254.169.254", False)):
        with pytest.raises(Permanent) as error:
            checked_addresses(HOST, 443, lambda *_, at=address: [at], allow_private=False)
        assert ("allow_private = true" in error.value.message.text("en")) is helps


@pytest.mark.parametrize("address", PRIVATE)
def test_inside_addresses_are_open_to_a_host_that_may_stand_inside(address: str) -> None:
    assert checked_addresses(HOST, 443, lambda *_: [address], allow_private=True) == [address]


@pytest.mark.parametrize("address", NEVER)
def test_some_addresses_are_never_connected_to(address: str) -> None:
    for allow_private in (False, True):
        with pytest.raises(Permanent):
            checked_addresses(HOST, 443, lambda *_: [address], allow_private=allow_private)


def test_one_bad_address_among_good_ones_spoils_all() -> None:
    with pytest.raises(Permanent) as error:
        checked_addresses(HOST, 443, lambda *_: [*PUBLIC, "10.0.0.1"], allow_private=False)
    assert "10.0.0.1" in error.value.message.text("en")


def test_the_system_resolver_answers_for_an_address() -> None:
    assert list(resolve("127.0.0.1", 443)) == ["127.0.0.1"]


def test_an_inside_address_is_refused_at_connect(server: HTTPServer, door: MakeDoor) -> None:
    assert "127.0.0.1" in refused(Permanent, lambda: door(rule={"allow_private": False}).request("GET", url(server)))


def test_an_answer_that_changes_after_the_look_changes_nothing(server: HTTPServer, door: MakeDoor) -> None:
    """DNS rebinding: the second answer would lead to the metadata address. There is no second question."""
    server.expect_request("/x").respond_with_data("ok")
    names = Names(["127.0.0.1"], ["169.254.169.254"])
    assert door(names=names).request("GET", url(server))[1] == b"ok"
    assert names.asked == [HOST]
    assert "169.254.169.254" in refused(Permanent, lambda: door(names=names).request("GET", url(server)))


def test_the_next_judged_address_is_tried_when_one_is_dead(server: HTTPServer, door: MakeDoor) -> None:
    server.expect_request("/x").respond_with_data("ok")
    assert door(names=Names(["::1", "127.0.0.1"])).request("GET", url(server))[1] == b"ok"


def test_an_unknown_name_and_a_closed_port_may_pass_by_themselves(server: HTTPServer, door: MakeDoor) -> None:
    def unknown(*_: object) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    for names in (unknown, Names([])):
        assert "connection to provider.test failed" in refused(Transient, door(names=names).request, "GET", url(server))
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    refused(Transient, lambda: raw_door(port).request("GET", f"http://{HOST}:{port}/"))


def test_a_redirect_to_an_allowed_host_is_followed_without_the_keys(server: HTTPServer, door: MakeDoor) -> None:
    seen: dict[str, str] = {}

    def note(request: Request) -> Response:
        seen.update(request.headers)
        return Response("there")

    server.expect_request("/x").respond_with_data(status=302, headers={"Location": url(server, "/y", OTHER)})
    server.expect_request("/y").respond_with_handler(note)
    headers = {"Authorization": "Bearer secret", "X-Road-Client": "FI/x", "Cookie": "a=b", "Accept": "text/csv"}
    _, body = door(hosts=(HOST, OTHER)).request("GET", url(server), headers=headers)
    assert body == b"there"
    assert not {"Authorization", "X-Road-Client", "Cookie"} & set(seen)
    assert (seen["Accept"], seen["Host"]) == ("text/csv", f"{OTHER}:{server.port}")


def test_a_redirect_within_a_host_keeps_the_keys(server: HTTPServer, door: MakeDoor) -> None:
    server.expect_request("/x").respond_with_data(status=307, headers={"Location": "/y?z=1"})
    server.expect_request("/y", query_string="z=1", headers={"X-Key": "k"}).respond_with_data("there")
    assert door().request("GET", url(server), headers={"X-Key": "k"})[1] == b"there"


@pytest.mark.parametrize(
    ("location", "says"),
    [
        ("https://evil.test/", "not on the list"),
        ("http://169.254.169.254/latest", "not on the list"),
        ("//evil.test/", "not on the list"),
        ("file:///etc/passwd", "file"),
        ("https://a:b@provider.test/", "carries a user name"),
        ("https://provider.test:22/", "Port 22"),
    ],
)
def test_a_redirect_passes_the_same_checks(location: str, says: str, server: HTTPServer, door: MakeDoor) -> None:
    server.expect_request("/x").respond_with_data(status=302, headers={"Location": location})
    assert says in refused(Permanent, lambda: door().request("GET", url(server)))


def test_a_redirect_to_nonsense_is_refused() -> None:
    def say(connection: socket.socket) -> None:
        head(connection)
        connection.sendall(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: https://provider.test:port/\r\n\r\n")

    with raw_server(say) as port:
        assert "not a valid URL" in refused(Permanent, lambda: raw_door(port).request("GET", f"http://{HOST}:{port}/"))


def test_a_redirect_to_an_allowed_name_is_looked_up_and_judged_again(server: HTTPServer, door: MakeDoor) -> None:
    server.expect_request("/x").respond_with_data(status=302, headers={"Location": url(server, "/y", OTHER)})
    names = Names(["127.0.0.1"], ["169.254.169.254"])
    assert OTHER in refused(Permanent, lambda: door(names=names, hosts=(HOST, OTHER)).request("GET", url(server)))
    assert names.asked == [HOST, OTHER]


def test_https_does_not_fall_back_to_http(server: HTTPServer, plain: HTTPServer, door: MakeDoor) -> None:
    server.expect_request("/x").respond_with_data(status=302, headers={"Location": f"http://{HOST}:{plain.port}/x"})
    rule = {"allow_http": True, "ports": frozenset({server.port, plain.port})}
    assert "from https to http" in refused(Permanent, lambda: door(rule=rule).request("GET", url(server)))
    assert door(rule=rule).request("GET", f"http://{HOST}:{plain.port}/x")[1] == b"plain"


def test_redirects_are_counted_and_can_be_off_and_never_repeat_a_post(server: HTTPServer, door: MakeDoor) -> None:
    server.expect_request("/x").respond_with_data(status=302, headers={"Location": "/x"})
    assert "more than 2 times" in refused(Permanent, lambda: door(max_redirects=2).request("GET", url(server)))
    assert "302" in refused(Permanent, lambda: door(max_redirects=0).request("GET", url(server)))
    assert "302" in refused(Permanent, lambda: door().request("POST", url(server), content=b"1"))
