"""A server with TLS on 127.0.0.1, and doors that lead to it."""

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from pytest_httpserver import HTTPServer

from connectors.http import HostRule, HttpDoor, Outbound
from tests.support.http_door import HOST, OTHER, MakeDoor, Names


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


@pytest.fixture(scope="module")
def running(authority: trustme.CA) -> Iterator[HTTPServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST, OTHER).configure_cert(context)
    with HTTPServer(host="127.0.0.1", port=0, ssl_context=context, threaded=True) as server:
        yield server


@pytest.fixture
def server(running: HTTPServer) -> Iterator[HTTPServer]:
    yield running
    running.clear()


@pytest.fixture(scope="module")
def plain() -> Iterator[HTTPServer]:
    with HTTPServer(host="127.0.0.1", port=0) as server:
        server.expect_request("/x").respond_with_data("plain")
        yield server


@pytest.fixture
def door(server: HTTPServer, ca_file: Path) -> MakeDoor:
    def make(
        *,
        names: Names | None = None,
        hosts: tuple[str, ...] = (HOST,),
        rule: dict[str, Any] | None = None,
        **policy: Any,
    ) -> HttpDoor:
        chosen = HostRule(**{"allow_private": True, "ports": frozenset({server.port}), **(rule or {})})
        return HttpDoor(
            Outbound(**{"hosts": dict.fromkeys(hosts, chosen), "ca_file": ca_file, **policy}), resolver=names or Names()
        )

    return make
