"""The `avain` command: gathers the groups and turns every error into a sentence and an exit code."""

import os
import sys

import typer
from rich.text import Text

from cli import budget, case, compare, installation, order, price, reference, rejected, reminder, run, schedule, source
from cli.common import ERROR, complaints
from core.errors import AvainError
from core.i18n import _

app = typer.Typer(
    name="avain",
    help=_("Personal budgets in social services: cases, prices, budgets, orders and follow-ups, kept in step."),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=True,
)
installation.register(app)
app.add_typer(source.app, name="source")
app.add_typer(reference.provider_app, name="provider")
app.add_typer(reference.service_app, name="service")
app.add_typer(
    reference.worker_app,
    name="worker",
    invoke_without_command=True,
    callback=installation.worker,
    no_args_is_help=False,
)
app.add_typer(price.app, name="price")
app.add_typer(case.app, name="case")
compare.register(app)
app.add_typer(budget.app, name="budget")
app.add_typer(order.app, name="order")
app.add_typer(reminder.app, name="reminder")
app.add_typer(run.app, name="run")
app.add_typer(rejected.app, name="rejected")
app.add_typer(schedule.app, name="schedule")


def main() -> None:
    """Entry point of the `avain` command."""
    try:
        app()
    except AvainError as error:
        complaints().print(Text.assemble((_("Error") + ": ", "bold red"), str(error)))
        if os.environ.get("AVAIN_LOG_LEVEL") == "DEBUG":
            raise
        sys.exit(ERROR)


if __name__ == "__main__":
    main()
