"""The demo's mail server as a program: it keeps exact bytes, numbers on after a restart, and misbehaves when told to."""

import os
import signal
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.settings import ROOT

MESSAGE = b"Subject: T-2026-000001\r\n\r\n.dot\r\n"


@contextmanager
def program(directory: Path, script: str = "") -> Iterator[int]:
    """The program on a free port, ended with SIGTERM, which it must obey."""
    command = [sys.executable, "-m", "demo.smtp_sink", "--port", "0", "--directory", str(directory), "--script", script]
    process = subprocess.Popen(command, cwd=ROOT, env=dict(os.environ), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout:
        yield int(process.stdout.readline().rpartition(":")[2])
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def post(port: int) -> None:
    with smtplib.SMTP("127.0.0.1", port, local_hostname="test.invalid", timeout=5) as server:
        server.sendmail("avain@county.invalid", "orders@provider.invalid", MESSAGE)


def test_it_keeps_what_it_is_given_and_numbers_on(tmp_path: Path) -> None:
    for _ in range(2):
        with program(tmp_path) as port:
            post(port)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0001.eml", "0002.eml"]
    assert (tmp_path / "0001.eml").read_bytes() == MESSAGE


def test_it_follows_its_script_and_then_behaves(tmp_path: Path) -> None:
    with program(tmp_path, "451,550,accept") as port:
        for code in (451, 550):
            with pytest.raises(smtplib.SMTPDataError) as raised:
                post(port)
            assert raised.value.smtp_code == code
        post(port)
        post(port)
    assert len(list(tmp_path.iterdir())) == 2
