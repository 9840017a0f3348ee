"""How long a price list may be."""

import pytest

from connectors.prices import table
from connectors.prices.row import Reading
from core.errors import RefusedInput

HEAD = "Palvelu;Yksikkö;Hinta\n"
ROW = "ADHD-valmennus;h;60,00\n"


def test_a_list_of_more_rows_than_a_sheet_has_is_refused(monkeypatch):
    monkeypatch.setattr(table, "MOST_ROWS", 4)
    assert table.read_table((HEAD + ROW * 3).encode(), file_name="a.csv", reading=Reading())
    for content in (HEAD + ROW * 4, "nothing;of;it\n" * 5):
        with pytest.raises(RefusedInput) as error:
            table.read_table(content.encode(), file_name="a.csv", reading=Reading())
        assert str(error.value) == "The price list has more than 4 rows."
