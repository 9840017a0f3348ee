"""What was a fault once is none now, and valid documents are read."""

from pathlib import Path

import pytest

from tests.fuzz import found
from tests.fuzz.outcome import outcome_of
from tests.fuzz.readers import READERS


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AVAIN_DATABASE_URL", "AVAIN_REDIS_URL", "AVAIN_HOME"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("reader", "what"),
    [(reader, what) for reader, documents in found.FOUND.items() for what in documents],
)
def test_what_was_found_stays_mended(reader: str, what: str, tmp_path: Path) -> None:
    content = found.FOUND[reader][what]()
    assert outcome_of(READERS[reader].read, content, tmp_path).kind in {"read", "refused"}


@pytest.mark.parametrize("reader", READERS)
def test_the_first_seed_is_a_document_that_is_read(reader: str, tmp_path: Path) -> None:
    """Else all that is made from it would be refused for the same reason."""
    one = READERS[reader]
    assert any(outcome_of(one.read, content, tmp_path).kind == "read" for content in one.valid())


def test_every_reader_that_was_found_wanting_is_one() -> None:
    assert set(found.FOUND) <= set(READERS)
