"""What the commands share: exit codes, who acts, JSON or tables, a transaction that hints the queue afterwards."""

import getpass
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderHook, RenderResult
from rich.table import Table
from rich.text import Text
from sqlalchemy.orm import Session

from core.errors import Message
from core.i18n import _
from core.steering import escaped_json, unsteered

#: Whether what the command is about to tell was taken back.
_taken_back: ContextVar[bool] = ContextVar("taken_back", default=False)
#: DESIGN "Command line".
DONE, ERROR, USAGE, SOME_REJECTED, CHANGES_PENDING = 0, 1, 2, 3, 4

Json = Annotated[bool, typer.Option("--json", help=_("Print one JSON document and nothing else."))]
As = Annotated[
    str | None, typer.Option("--as", metavar=_("ACTOR"), help=_("Who acts; else the user of the operating system."))
]
#: The largest number a row can have (bigint).
LARGEST_ID = 2**63 - 1
Limit = Annotated[int, typer.Option("--limit", min=1, max=100_000, help=_("At most so many."))]
DryRun = Annotated[bool, typer.Option("--dry-run", help=_("Show what would happen and change nothing."))]


def console() -> Console:
    """Where people read. Made anew each time, so that it follows redirections. No text is markup: most of it somebody else has written."""
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 120
    return _unsteered(Console(highlight=False, markup=False, width=width))


def complaints() -> Console:
    """Where errors go."""
    return _unsteered(Console(stderr=True, highlight=False, markup=False, soft_wrap=True))


class _Unsteered(RenderHook):
    """What is printed, without what would steer the terminal, wherever it came from: the names and titles in a provider's list are its own. Rich
    counts it as of no width, so that leaving it out moves nothing.
    """

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        return [_Harmless(one) for one in renderables]


class _Harmless:
    """A renderable whose own text cannot steer the terminal; rich's styles around it can."""

    def __init__(self, inner: ConsoleRenderable) -> None:
        self._inner = inner

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for one in console.render(self._inner, options):
            yield one if one.control else one._replace(text=unsteered(one.text))


def _unsteered(made: Console) -> Console:
    made.push_render_hook(_Unsteered())
    return made


def sub_app(help_text: str) -> typer.Typer:
    """A group of commands."""
    return typer.Typer(help=help_text, no_args_is_help=True, pretty_exceptions_enable=False)


def actor(as_: str | None) -> str:
    """The name an act is recorded under: `cli:<user>`."""
    return f"cli:{as_ or getpass.getuser()}"


@contextmanager
def transaction(*, dry_run: bool = False) -> Iterator[Session]:
    """A transaction for one command; afterwards fresh Work is hinted to the queue.

    A dry run is rolled back at the end and says so, on stderr: the command's own sentences read as if it had been done.
    """
    from core.database import engine
    from core.database import transaction as committing

    if dry_run:
        with Session(engine(), expire_on_commit=False) as session:
            yield session
            session.rollback()
        _taken_back.set(True)
        complaints().print(_("Dry run: nothing was changed."))
        return
    with committing() as session:
        yield session
    called = session.info.get("called", [])
    if called:
        from workers.queue import hint

        hint(called)


def emit(data: Any, as_json: bool, render: Callable[[], None]) -> None:
    """Print `data` as the one JSON document, or let `render` print it for people. After a dry run an object says `dry_run`."""
    dry_run = _taken_back.get()
    _taken_back.set(False)
    if as_json:
        if dry_run and isinstance(data, dict):
            data = {**data, "dry_run": True}
        sys.stdout.write(as_text(data))
    else:
        render()


def as_text(data: Any) -> str:
    """One JSON document, as it is printed or put into a file."""
    return escaped_json(json.dumps(data, default=_json_value, ensure_ascii=False, indent=2)) + "\n"


def _json_value(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Message):
        return value.text()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(type(value).__name__)


def table(title: str, columns: Iterable[str], rows: Iterable[Iterable[Any]], *, right: Iterable[int] = ()) -> Table:
    """A rich table; `right` names the columns (by position) that hold figures. Cells are plain text, or rich's own Text.

    One without rows says so by a dash: headings alone look like something that went wrong.
    """
    made = Table(
        title=Text(title, style="bold"), title_justify="left", header_style="bold", show_edge=False, pad_edge=False
    )
    for position, column in enumerate(columns):
        made.add_column(column, justify="right" if position in set(right) else "left", overflow="fold")
    for row in rows:
        made.add_row(*(cell if isinstance(cell, Text) else Text("" if cell is None else str(cell)) for cell in row))
    if not made.row_count:
        made.add_row("–")
    return made


@contextmanager
def ended_in_order() -> Iterator[None]:
    """A terminal that is closed (SIGHUP) or a `kill` (SIGTERM) ends the block as Ctrl-C does, so that what it tidies up is tidied up."""

    def end(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():  # it alone hears signals
        yield
        return
    numbers = [
        one for one in (signal.SIGHUP, signal.SIGTERM) if signal.getsignal(one) == signal.SIG_DFL
    ]  # not under nohup
    for number in numbers:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)


def stop(code: int) -> None:
    """End the command with an exit code of its own."""
    raise typer.Exit(code)
