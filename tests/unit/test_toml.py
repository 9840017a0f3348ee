"""TOML that ends the standard parser in other ways than its own error, and the words for it."""

import tomllib

import pytest

from core.reasons import toml_reason
from core.toml import parse_toml


@pytest.mark.parametrize("content", ["x = " + "[" * 5000, "x = " + "9" * 5000])
def test_too_much_is_an_error_of_toml_and_told_as_such(content: str) -> None:
    with pytest.raises(tomllib.TOMLDecodeError) as caught:
        parse_toml(content)
    assert "brackets in brackets" in toml_reason(caught.value).text("en")


@pytest.mark.parametrize("content", ['x = "\\u0000"', '"\\u0001" = 1', 'x = [{y = "a\\u001bb"}]', 'x = "\\uffff"'])
def test_a_character_that_is_none_is_told_as_such(content: str) -> None:
    with pytest.raises(tomllib.TOMLDecodeError) as caught:
        parse_toml(content)
    assert "control character" in toml_reason(caught.value).text("en")


def test_tabs_line_ends_and_letters_by_their_number_are_text() -> None:
    assert parse_toml('x = "a\\tb\\r\\n\\u00e4"') == {"x": "a\tb\r\nä"}


def test_a_plain_mistake_is_told_with_its_place() -> None:
    with pytest.raises(tomllib.TOMLDecodeError) as caught:
        parse_toml("a = 1\nb = ?\n")
    assert toml_reason(caught.value).text("en") == "line 2, column 5"
