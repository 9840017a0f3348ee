"""The copy of a query's result in the spool: one that was cut or changed is never taken for a whole one."""

import io
from pathlib import Path

import pytest

from connectors.cases.sql.wire import read_result, write_result
from core.errors import RefusedInput

WHOLE = b'{"columns":["id","name"]}\n["1","a"]\n["2","b"]\n{"rows":2}\n'


def test_what_is_written_is_read(tmp_path: Path) -> None:
    made = write_result(tmp_path, "cases", ["id", "name"], [["1", "a"], ["2", "b"]])
    assert made.path.read_bytes() == WHOLE
    assert [(row.number, row.cells) for row in read_result(io.BytesIO(WHOLE), ["name"])] == [(1, ["a"]), (2, ["b"])]


@pytest.mark.parametrize(
    "spoiled",
    [
        WHOLE.replace(b'["2","b"]\n', b""),
        WHOLE.replace(b'{"rows":2}\n', b""),
        WHOLE.replace(b'"rows":2', b'"rows":3'),
        WHOLE.replace(b'"rows":2', b'"gone":2'),
        WHOLE + b'["3","c"]\n',
        WHOLE + WHOLE,
        WHOLE.replace(b'["2","b"]', b'["2"]'),
        WHOLE[:-20],
    ],
)
def test_one_that_is_not_whole_is_refused(spoiled: bytes) -> None:
    with pytest.raises(RefusedInput, match="cut short or changed"):
        list(read_result(io.BytesIO(spoiled), ["id"]))
