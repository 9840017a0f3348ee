"""`avain doctor --deep`: whether what is kept agrees with itself (services/consistency), looked at now."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.status import Status
from rich.text import Text

from cli.common import actor, complaints, console, table, transaction
from core.clock import business_now
from core.database import engine
from core.errors import Message
from core.i18n import _
from core.settings import settings
from services.consistency import Result, examine, keep


def look(*, whole: bool, quiet: bool) -> Result:
    """Look at everything, say on a terminal how far it is, and keep what was found. `whole`: all budgets, the whole audit trail."""
    with _status(quiet=quiet) as tell:
        found = examine(engine(), settings(), whole=whole, tell=tell)
    with transaction() as session:
        keep(session, found, settings(), actor=actor(None), now=business_now(session))
    return found


def show(found: Result) -> None:
    """Print what was looked at, then what is broken: what, where, and what to do."""
    marks = {False: Text("✓", "green"), True: Text("✗", "bold red")}
    console().print(
        table(
            "avain doctor --deep",
            ["", _("Examined"), _("How many"), _("Left out"), _("Broken")],
            [
                [
                    marks[bool(one.broken)],
                    one.name.text(),
                    one.examined,
                    one.left_out,
                    sum(each.count for each in one.broken),
                ]
                for one in found.looked
            ],
            right=[2, 3, 4],
        )
    )
    for one in found.broken:
        console().print()
        console().print(Text(f"{_(one.sort.meaning)}: {one.count}", "bold red"))
        for thing in one.things:
            console().print(f"  {thing.name}" + (f": {thing.how}" if str(thing.how) else ""))
        if one.count > len(one.things):
            console().print("  " + _("and {count} more").format(count=one.count - len(one.things)))
        console().print(_(one.sort.advice))


@contextmanager
def _status(*, quiet: bool) -> Iterator[Callable[[Message, int], None]]:
    """A line on a terminal that says how far it is."""
    with Status("", console=complaints()) as status:
        if quiet or not status.console.is_terminal:
            status.stop()
        yield lambda what, count: status.update(f"{what}: {count} …")
