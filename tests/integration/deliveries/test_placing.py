"""Orders that are placed outside Avain: the worker is asked to, and writes down that it was done."""

import pytest

from core.errors import InputError, NotFound
from services.orders.sending.placing import placed
from tests.support.delivering import deliver, notices, ordered, state
from tests.support.in_process import InProcess
from tests.support.office import NOW


def written(here: InProcess, number: str, reference: str = "PSOP-77") -> tuple[str | None, str | None]:
    with here.transaction() as session:
        placed(session, number, reference=reference, actor="worker:W-101", now=NOW)
    (row,) = here.rows("SELECT placed_reference, placed_by FROM purchase_order WHERE number = :number", number=number)
    return row.placed_reference, row.placed_by


def test_the_worker_is_asked_once_and_writes_it_down(here: InProcess) -> None:
    world, number = ordered(here, "external")
    deliver(here)
    assert state(here, number) == "sent"
    assert notices(here, world) == [("order_to_place", f"order:{number}")]
    assert written(here, number) == ("PSOP-77", "worker:W-101")
    assert written(here, number, " PSOP-78 ")[0] == "PSOP-78"
    assert written(here, number, "")[0] is None
    rows = here.rows("SELECT details FROM audit_event WHERE action = 'order.placed' ORDER BY id")
    assert [row.details["again"] for row in rows] == [False, True, True]


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("x" * 65, "at most 64 characters"),
        ("a\nb", "on one line"),
        ("HB-2026-000001", "case number"),
        ("100190-999P", "identity code"),
    ],
)
def test_a_reference_that_cannot_stand_there(here: InProcess, reference: str, said: str) -> None:
    _, number = ordered(here, "external")
    deliver(here)
    with pytest.raises(InputError, match=said):
        written(here, number, reference)


def test_what_nobody_places(here: InProcess) -> None:
    _, number = ordered(here, "external")
    with pytest.raises(InputError, match="not waiting to be placed"):
        written(here, number)
    deliver(here)
    _, ours = ordered(here, "file")
    deliver(here)
    with pytest.raises(InputError, match="goes out by Avain itself"):
        written(here, ours)
    for unknown in ("T-2026-999999", "T-\x00"):
        with pytest.raises(NotFound):
            written(here, unknown)
