"""The measurement of dispatching does what it says: both sides send every order, and the figures come out."""

import os

import pytest

from bench.order_load import dispatching
from tests.support.in_process import InProcess
from tests.support.ordering import make_world, order


def test_both_sides_send_every_order(here: InProcess) -> None:
    count = int(os.environ.get("COUNT", "4"))
    with here.transaction() as session:
        for _ in range(4 * (count + dispatching.WARM_UP)):
            order(session, make_world(session).item)
    each = 2 * (count + dispatching.WARM_UP)
    figures = dispatching.ratio(count)
    assert figures["ratio_dispatch"] == min(figures["ratio_dispatch_file"], figures["ratio_dispatch_email"]) > 0
    sent = here.rows(
        "SELECT channel, count(*) AS n FROM purchase_order WHERE state = 'sent' GROUP BY channel ORDER BY channel"
    )
    assert [(one.channel, one.n) for one in sent] == [("email", each), ("file", each)]
    with pytest.raises(SystemExit, match="only 0 orders"):
        dispatching.ratio(1)
