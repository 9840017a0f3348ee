"""Nothing that a day leaves is forgotten when two days are compared: every table, every column is decided about."""

import pytest
from sqlalchemy import BigInteger, LargeBinary

from models.base import metadata
from tests.chaos.whole.tables import COMPARED, LEFT_OUT, compared_columns, refers_to

TABLES = sorted(metadata.tables)


def test_every_table_is_compared_or_left_out_with_a_reason():
    assert sorted([*COMPARED, *LEFT_OUT]) == TABLES
    assert all(LEFT_OUT.values())


@pytest.mark.parametrize("name", sorted(COMPARED))
def test_what_is_said_of_a_table_is_true_of_it(name):
    table, compared = metadata.tables[name], COMPARED[name]
    columns = set(table.columns.keys())
    assert set(compared.key) <= columns
    without = compared.without or {}
    assert without.keys() <= columns
    assert all(without.values())
    assert compared_columns(table), "else it is left out"
    for column in compared_columns(table):
        target = refers_to(column)
        assert target is None or COMPARED[target].key, f"{column} is told by what it refers to"
        assert target is not None or not (isinstance(column.type, BigInteger) and column.name.endswith("_id")), (
            f"{column} is an id that nobody can tell what it is of"
        )
        assert not isinstance(column.type, LargeBinary) or column.name in {
            "record_hash",
            "sealed_identity",
            "blind_index",
            "sealed_note",
            "sealed_words",
            "content",
        }
