"""Death: of a child, of a main process, of a whole group, at a named step of its work, as a power cut or the kernel's memory killer deal it."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

from core.faults import AUDIT_POINTS
from tests.chaos.whole.faults.base import BUSY, CATALOGUE, Fault, Outcome, Rig, named_processes, outcome, until_felt

#: Which steps a stage of the day passes; those of every Work and of the tick are passed in all of them.
STEPS_OF_A_STAGE: Final[dict[str, tuple[str, ...]]] = {
    "nightly_prices": ("fetch.spooled", "fetch.copied", "prices.parsed", "prices.applied", "source.remembered", "budgets.spread", "letter.sending", "letter.sent", "price_mail.opened"),
    "nightly_cases": ("fetch.spooled", "fetch.copied", "sync.parsed", "sync.staged", "sync.merged", "source.remembered"),
    "read_absences": ("absences.parsed",),
    "recompute_budgets": ("budgets.spread", "budgets.taken", "budgets.written"),
    "generate_orders": ("orders.stored", "delivery.paper", "delivery.sending", "delivery.sent"),
    "plan_follow_ups": ("follow_ups.planned",),
    "daily_reminders": ("digest.composed", "digest.sending", "digest.sent"),
}  # fmt: skip
#: Steps that are passed whatever there is to do.
EVERYWHERE: Final = (
    "work.claimed",
    "work.before_close",
    "work.after_close",
    "tick.slots_called",
    "tick.expired",
    "tick.enqueued",
    "tick.published",
    "failures.noticed",
    *AUDIT_POINTS,
)
#: The trail is sealed as soon as the clock is moved, where something was added: on the evening before, and by orders.
SEALING: Final = ("nightly_prices", "watch_orders")
#: Every step of a day, at which a process is killed.
STEPS: Final = tuple(dict.fromkeys((*EVERYWHERE, *(step for steps in STEPS_OF_A_STAGE.values() for step in steps))))
WHOM: Final = ("child", "main", "group")


def stages_of(step: str) -> tuple[str, ...]:
    """The stages of the day in which somebody passes a step."""
    if step in AUDIT_POINTS:
        return SEALING
    return tuple(stage for stage, steps in STEPS_OF_A_STAGE.items() if step in steps) or BUSY


def killed(rig: Rig, how: Mapping[str, Any]) -> Outcome:
    """Whoever passes the step next kills his child process, main process or group."""
    order = rig.orders_folder / str(how["step"])
    known = named_processes(rig)
    beside = rig.orders_folder / f".{order.name}"
    beside.write_text(str(how["whom"]), "ascii")
    beside.rename(order)  # whole at once: somebody may pass this very moment

    def obeyed() -> bool:
        known.update(named_processes(rig))
        return not order.exists()

    if not until_felt(rig, obeyed):
        with suppress(FileNotFoundError):
            order.unlink()
            return Outcome("nobody passed the step", met=False)
    since = datetime.now(UTC)
    taken = next(rig.orders_folder.glob(f"{order.name}.[0-9]*"), None)
    who = known.get(int(taken.name.rpartition(".")[2]), "a process") if taken else "a process"
    if taken:
        taken.unlink()
    return outcome(rig, f"{who.split()[0].rstrip('-0123456789')} killed", since)


def _draw(rng: Random) -> dict[str, Any]:
    return {"step": rng.choice(STEPS), "whom": rng.choice(WHOM)}


#: One fault in the code, three in the table: whom it kills is its name.
for _whom in WHOM:
    CATALOGUE[f"SIGKILL of the {_whom} at a step"] = Fault(
        f"SIGKILL of the {_whom} at a step", "processes", killed, BUSY, _draw, latest=2.0
    )
