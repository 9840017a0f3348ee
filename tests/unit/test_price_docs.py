"""The examples in docs/prices/ are read without a complaint."""

import re
from pathlib import Path

import pytest

from connectors.prices import read_price_list
from core.settings import ROOT

_EXAMPLE = re.compile(r"^```(?:csv|json)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = [ROOT / "docs/prices/tables.md", ROOT / "docs/prices/json.md"]
EXAMPLES = [(page, example) for page in PAGES for example in _EXAMPLE.findall(page.read_text("utf-8"))]


@pytest.mark.parametrize(("page", "example"), EXAMPLES)
def test_an_example_is_read(page: Path, example: str) -> None:
    document = read_price_list(example.encode(), file_name=page.name)
    assert document.rejections == []
    assert document.unknown_columns == []
    assert len(document.rows) >= 3


def test_there_are_examples_on_every_page() -> None:
    assert {page for page, _ in EXAMPLES} == set(PAGES)
