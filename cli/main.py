"""The `avain` command: gathers the groups and turns every error into a sentence and an exit code."""

import logging
import os
import sys

import typer
from redis.exceptions import RedisError
from rich.text import Text
from sqlalchemy.exc import ArgumentError, InterfaceError, OperationalError, ProgrammingError

from cli import (
    audit,
    budget,
    case,
    case_keeping,
    compare,
    console,
    effects,
    family,
    family_acts,
    incoming,
    installation,
    invoice,
    keys,
    order,
    order_answers,
    price,
    price_mail,
    price_reply,
    reference,
    rejected,
    reminder,
    retention,
    run,
    schedule,
    source,
    unit,
    words,
)
from cli.common import ERROR, complaints
from core.errors import AvainError
from core.i18n import _
from core.logging import catch_the_uncaught, configure_logging
from core.reasons import os_reason

words.install()
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
app.add_typer(console.app, name="console", invoke_without_command=True, callback=console.serve, no_args_is_help=False)
price.app.add_typer(price_mail.app, name="mail")
price_reply.register(price.app)
app.add_typer(price.app, name="price")
case_keeping.register(case.app)
app.add_typer(case.app, name="case")
compare.register(app)
app.add_typer(budget.app, name="budget")
family_acts.register(family.app)
app.add_typer(family.app, name="family")
order_answers.register(order.app)
app.add_typer(order.app, name="order")
app.add_typer(incoming.app, name="incoming")
app.add_typer(reminder.app, name="reminder")
app.add_typer(unit.app, name="unit")
app.add_typer(run.app, name="run")
app.add_typer(invoice.app, name="invoice")
app.add_typer(rejected.app, name="rejected")
app.add_typer(schedule.app, name="schedule")
app.add_typer(audit.app, name="audit")
app.add_typer(retention.app, name="retention")
app.add_typer(effects.app, name="effects")
app.add_typer(keys.app, name="keys")


def main() -> None:
    """Entry point of the `avain` command."""
    configure_logging("console", "WARNING")  # to stderr: stdout belongs to the command, and to its one JSON document
    catch_the_uncaught()
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:  # whatever it is, people get a sentence and scripts an exit code
        complaints().print(Text.assemble((_("Error") + ": ", "bold red"), _sentence(error)))
        if os.environ.get("AVAIN_LOG_LEVEL") == "DEBUG":  # as a log may hold it, and not as Python would print it
            logging.getLogger("avain").exception("command_failed")
        sys.exit(ERROR)


def _sentence(error: Exception) -> str:
    """What went wrong, in words. A database error's own text may hold data of clients and is not shown."""
    if isinstance(error, AvainError):
        file = getattr(error, "file", None)  # of RefusedFile: which one of several
        return f"{file}: {error}" if file else str(error)
    if isinstance(error, ProgrammingError) and getattr(error.orig, "sqlstate", "") == "42P01":
        return _("The database has no tables yet. Run: avain db upgrade")
    if isinstance(error, ArgumentError):
        return _("AVAIN_DATABASE_URL is not a database URL; write it like postgresql://user:password@host/database")
    if isinstance(error, OperationalError | InterfaceError | RedisError):
        return _("The database or Redis does not answer. See what is wrong with: avain doctor")
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {os_reason(error)}"
    return _("An unexpected error ({error}). AVAIN_LOG_LEVEL=DEBUG shows where.").format(error=type(error).__name__)


if __name__ == "__main__":
    main()
