"""Copies into the spool: no larger than they may be, and nothing of one that was not finished."""

from pathlib import Path

import pytest

from connectors.transports.spooling import incoming
from core.errors import RefusedInput


def test_a_copy_that_grows_beyond_the_limit_leaves_nothing(tmp_path: Path) -> None:
    """Whatever the size was said to be before: a file may grow while it is carried over."""
    with (
        pytest.raises(RefusedInput, match="larger than the accepted 5 bytes"),
        incoming(tmp_path, "a.xml", limit=5) as copy,
    ):
        list(map(copy.write, (b"12345", b"6")))
    assert list(tmp_path.iterdir()) == []


def test_a_copy_of_just_the_limit_is_kept(tmp_path: Path) -> None:
    with incoming(tmp_path, "a.xml", limit=5) as copy:
        copy.write(b"12345")
        made = copy.finish()
    assert list(tmp_path.iterdir()) == [made.path]
    assert made.size == 5
