"""Steps at which a process under test may be killed by an order that is given while it runs."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from core.settings import ROOT

#: A main process with a child that passes two steps; says how the child ended, if it lives itself.
TWO_STEPS = """
import os
child = os.fork()
if child == 0:
    from core.faults import fault_point
    fault_point("work.claimed")
    fault_point("work.before_close")
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def passes(orders: Path) -> tuple[int, str]:
    environment = {**os.environ, "AVAIN_TEST_FAULTS": "1", "FAULT_ORDERS": str(orders)}
    done = subprocess.run([sys.executable, "-c", TWO_STEPS], cwd=ROOT, env=environment, capture_output=True, text=True, check=False, start_new_session=True)  # fmt: skip
    return done.returncode, done.stdout.strip()


@pytest.mark.parametrize(
    ("whom", "ended"),
    [("child", (0, str(-signal.SIGKILL))), ("main", (-signal.SIGKILL, "")), ("group", (-signal.SIGKILL, ""))],
)
def test_an_order_is_obeyed_once(tmp_path: Path, whom: str, ended: tuple[int, str]) -> None:
    (tmp_path / "work.before_close").write_text(whom, "ascii")
    assert passes(tmp_path) == ended
    assert not (tmp_path / "work.before_close").exists()
    assert passes(tmp_path) == (0, "0"), "the second time nobody dies"
