"""Real servers that take orders: SFTP, and HTTPS with a certificate of an authority of their own."""

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from pytest_httpserver import HTTPServer

from tests.support.orders_out import HOST
from tests.support.sftp_server import HOST_KEY, OWN_KEY, sftp_server


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root/in").mkdir(parents=True)
    return tmp_path / "root"


@pytest.fixture
def port(root: Path) -> Iterator[int]:
    with sftp_server(root, host_keys=[HOST_KEY], known=[OWN_KEY]) as port:
        yield port


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
    authority.issue_cert(HOST).configure_cert(context)
    with HTTPServer(host="127.0.0.1", port=0, ssl_context=context, threaded=True) as server:
        yield server


@pytest.fixture
def server(running: HTTPServer) -> Iterator[HTTPServer]:
    yield running
    running.clear()


@pytest.fixture
def point(server: HTTPServer, ca_file: Path) -> Callable[..., dict[str, Any]]:
    """The settings of a connection to the server, as avain.toml states them."""

    def settings(**over: Any) -> dict[str, Any]:
        return {
            "kind": "https",
            "url": f"https://{HOST}:{server.port}/orders",
            "allow_private": True,
            "ca_file": str(ca_file),
            "bearer_token": "a-word",
            "seconds": 5,
            **over,
        }

    return settings
