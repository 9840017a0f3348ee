"""A folder, and a server that serves it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.sftp_server import HOST_KEY, OWN_KEY, sftp_server


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root/out").mkdir(parents=True)
    return tmp_path / "root"


@pytest.fixture
def port(root: Path) -> Iterator[int]:
    with sftp_server(root, host_keys=[HOST_KEY], known=[OWN_KEY]) as port:
        yield port
