"""A sentence may quote whatever somebody wrote, and can be kept and told all the same."""

import json

import pytest

from core.errors import Message


@pytest.mark.parametrize(
    ("quoted", "kept"), [("a\0b", "a�b"), ("a\ud800b", "a?b"), ("äö 😀", "äö 😀"), ("plain", "plain")]
)
def test_what_cannot_be_kept_is_replaced(quoted: str, kept: str) -> None:
    message = Message("{value} is not a number.", value=quoted)
    assert message.params["value"] == kept
    assert "\\u0000" not in json.dumps(message.to_json())
    assert message.text("en").encode() == f"{kept} is not a number.".encode()


def test_other_values_stay_what_they_are() -> None:
    params = {"count": 3, "flag": True, "nothing": None, "inner": Message("x")}
    assert Message("{count}", **params).params == params
