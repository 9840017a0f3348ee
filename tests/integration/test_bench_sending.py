"""The measurement of sending does what it says: both sides send every mail, and the figure comes out."""

import os

from bench.reminder_load import sending
from tests.support.in_process import InProcess


def test_both_sides_send_every_mail(here: InProcess) -> None:
    count = int(os.environ.get("COUNT", "30"))
    figures = sending.ratio(count)
    assert figures.keys() == {"ratio_smtp"}
    assert figures["ratio_smtp"] > 0
    if "COUNT" in os.environ:
        print(figures)  # noqa: T201 - who asks for a count wants to see it
    (row,) = here.rows("SELECT count(*) AS n, count(DISTINCT recipient) AS recipients FROM digest WHERE state = 'sent'")
    assert row.n == row.recipients == count + sending.WARM_UP
