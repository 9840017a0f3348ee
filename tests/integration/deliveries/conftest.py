"""A mail server of the test's own."""

from collections.abc import Iterator

import pytest

from demo.smtp_sink import SmtpSink
from tests.support.in_process import InProcess


@pytest.fixture
def sink(here: InProcess) -> Iterator[SmtpSink]:
    with SmtpSink() as made:
        here.configure(mail__port=made.port, mail__sender="avain@county.invalid", mail__timeout_seconds=5)
        yield made
