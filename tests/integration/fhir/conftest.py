"""A real FHIR server."""

from collections.abc import Callable, Iterator

import pytest

from core.source_settings import Fhir
from tests.support.fhir_server import Sekmet, sekmet


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sekmet]:
    with sekmet(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def server(started: Sekmet) -> Sekmet:
    """The module's server, emptied: it takes two seconds to start."""
    return started.emptied()


@pytest.fixture
def settings(server: Sekmet) -> Callable[..., Fhir]:
    return lambda **more: Fhir(**{"base_url": server.base, "allow_private": True, "allow_http": True, **more})
