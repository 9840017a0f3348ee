"""A real FHIR server."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.source_settings import Fhir
from tests.support.fhir_server import Sekmet, sekmet


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Sekmet]:
    folder = tmp_path / "server"
    folder.mkdir()
    with sekmet(folder) as running:
        yield running


@pytest.fixture
def settings(server: Sekmet) -> Callable[..., Fhir]:
    return lambda **more: Fhir(**{"base_url": server.base, "allow_private": True, "allow_http": True, **more})
