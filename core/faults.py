"""Fault points: named steps at which a test may kill the process.

`FAULT_POINT=name` in the environment of a process under test makes it die by SIGKILL at that step, as a power cut would.
The hook exists only where AVAIN_TEST_FAULTS=1 was set before the process started; elsewhere it is an empty function.
`FAULT_ONCE=path` makes the fault happen once: the file is created first, and a process that finds it goes on. `FAULT_PASS=n` lets the
step be passed n - 1 times before. `FAULT_TRACE=path` has every step that is passed noted there, one a line.

`FAULT_ORDERS=folder` is for processes that run already: a file there, named as a step and saying `child`, `main` or `group`, has whoever
passes that step next kill itself, the leader of its process group (a worker's main process), or the whole group. The file goes first, so it
happens once.
"""

import os
import signal
from collections import Counter
from pathlib import Path

#: Steps of a day of an installation, from reading its sources to telling its workers.
DAY_POINTS = (
    "work.claimed",
    "work.before_close",
    "work.after_close",
    "tick.slots_called",
    "tick.expired",
    "tick.enqueued",
    "tick.published",
    "fetch.spooled",
    "sync.parsed",
    "sync.staged",
    "sync.merged",
    "price_mail.opened",
    "letter.sending",
    "letter.sent",
    "prices.parsed",
    "prices.applied",
    "budgets.spread",
    "budgets.taken",
    "budgets.written",
    "orders.stored",
    "delivery.paper",
    "delivery.sending",
    "delivery.sent",
    "follow_ups.planned",
    "digest.composed",
    "digest.sending",
    "digest.sent",
)
#: Steps of visits to sources beside these: what only some sources have, and what a person does about a run.
VISIT_POINTS = (
    "fetch.copied",
    "sync.copied",
    "sync.held",
    "source.remembered",
    "files.moved",
    "run.called",
    "approve.recorded",
    "approve.committed",
)
#: Steps of statements made for many cases.
STATEMENT_POINTS = ("statements.recorded", "statements.written")
#: Steps of price lists that people upload.
UPLOAD_POINTS = ("price_upload.read",)
#: Steps of telling a provider that an order is cancelled.
CANCELLATION_POINTS = ("cancellation.sending", "cancellation.sent")
#: Steps of telling the operator that a job failed for good: between the death and the letter.
FAILURE_POINTS = ("work.given_up", "failures.noticed", "failures.told")
#: Steps of reading who is away.
ABSENCE_POINTS = ("absences.parsed",)
#: Steps of sealing the audit trail.
AUDIT_POINTS = ("audit.sealed", "audit.anchoring", "audit.anchored")
#: Steps of sealing anew when keys change.
KEY_POINTS = ("keys.resealed", "keys.indexed")
#: Every step that can be named, so that tests can walk all of them and a misspelt name is refused.
FAULT_POINTS = (
    DAY_POINTS
    + VISIT_POINTS
    + STATEMENT_POINTS
    + UPLOAD_POINTS
    + CANCELLATION_POINTS
    + FAILURE_POINTS
    + ABSENCE_POINTS
    + AUDIT_POINTS
    + KEY_POINTS
)

_passed: Counter[str] = Counter()


def _nothing(_name: str) -> None:
    return


def _die_here(name: str) -> None:
    if name not in FAULT_POINTS:
        raise ValueError(name)
    orders = os.environ.get("FAULT_ORDERS")
    if orders:
        _obey(Path(orders) / name)
    trace = os.environ.get("FAULT_TRACE")
    if trace:
        with Path(trace).open("a", encoding="ascii") as file:
            file.write(f"{name}\n")
    _passed[name] += 1
    if os.environ.get("FAULT_POINT") != name or _passed[name] < int(os.environ.get("FAULT_PASS", "1")):
        return
    once = os.environ.get("FAULT_ONCE")
    if once:
        try:
            Path(once).touch(exist_ok=False)
        except FileExistsError:
            return
    os.kill(os.getpid(), signal.SIGKILL)


def _obey(order: Path) -> None:
    taken = order.with_name(f"{order.name}.{os.getpid()}")
    try:
        order.rename(taken)  # one of many processes gets it
    except FileNotFoundError:
        return
    whom = taken.read_text(encoding="ascii").strip()
    if whom == "group":
        os.killpg(0, signal.SIGKILL)
    os.kill(os.getpgrp() if whom == "main" else os.getpid(), signal.SIGKILL)


fault_point = _die_here if os.environ.get("AVAIN_TEST_FAULTS") == "1" else _nothing
