"""The command-line library's own words, in the reader's language: panels, usage lines, and what it says of a mistyped command.

typer translates a few of its texts through the process's gettext and writes the others in English where they arise. Everything
leaves it through a handful of doors, though: the constants of `typer.rich_utils`, the usage formatter, the text of a help row,
the name of a value's type, and the sentence of an error. `install` stands at those doors and says the same in our catalogues'
words. A sentence that is not in the tables below goes through as it is, so a new version of typer can cost a translation but
never an answer.
"""

import re
import sys
from functools import cache
from typing import Any

from typer import completion, core, rich_utils
from typer._click import exceptions, formatting
from typer._click.core import Context

from core.i18n import N_, _

#: Constants of `typer.rich_utils` and what they say.
_CONSTANTS = {
    "ARGUMENTS_PANEL_TITLE": N_("Arguments"),
    "OPTIONS_PANEL_TITLE": N_("Options"),
    "COMMANDS_PANEL_TITLE": N_("Commands"),
    "ERRORS_PANEL_TITLE": N_("Error"),
    "ABORTED_TEXT": N_("Aborted."),
    "DEFAULT_STRING": N_("[default: {}]"),
    "ENVVAR_STRING": N_("[env var: {}]"),
    "REQUIRED_LONG_STRING": N_("[required]"),
    "RICH_HELP": N_("Try [blue]'{command_path} {help_option}'[/] for help."),
}

#: Placeholders of a usage line.
_USAGE = (N_("[OPTIONS]"), N_("COMMAND [ARGS]..."))

#: Python's names of what a value must be.
_TYPES = {
    "str": N_("text"),
    "int": N_("whole number"),
    "int range": N_("whole number"),
    "float": N_("number"),
    "float range": N_("number"),
    "Decimal": N_("number"),
    "path": N_("path"),
    "Path": N_("path"),
    "file": N_("file"),
    "dir": N_("directory"),
    "%Y-%m-%d": N_("YYYY-MM-DD"),
}

#: Sentences of typer, its vendored click and pydantic, the more particular first. A placeholder stands for anything, and what it
#: stands for is looked up in the same way.
_SENTENCES = (
    N_("Show this message and exit."),
    N_("Install completion for the current shell."),
    N_("Show completion for the current shell, to copy it or customize the installation."),
    N_("Missing command."),
    N_("No such command {command}. Did you mean {suggestions}?"),
    N_("No such command {command}."),
    N_("No such option: {option} (Possible options: {options})"),
    N_("No such option: {option}"),
    N_("Option {option} does not take a value."),
    N_("Option {option} requires an argument."),
    N_("Option {option} requires {count} arguments."),
    N_("Got unexpected extra argument(s) ({arguments})"),
    N_("Missing argument {name}. Choose from:{choices}"),
    N_("Missing argument {name}."),
    N_("Missing option {name}. Choose from:{choices}"),
    N_("Missing option {name}."),
    N_("Invalid value for {name}: {reason}"),
    N_("Invalid value: {reason}"),
    N_("Input should be greater than or equal to {limit}"),
    N_("Input should be less than or equal to {limit}"),
    N_("Input should be greater than {limit}"),
    N_("Input should be less than {limit}"),
    N_("Input should be a valid integer, unable to parse string as an integer"),
    N_("Unable to parse input string as an integer, exceeded maximum size"),
    N_("Input should be a valid number, unable to parse string as a number"),
    N_("Input should be a finite number"),
    N_("{value} is not one of {choices}."),
    N_("{value} does not match the formats {formats}."),
    N_("{kind} {name} does not exist."),
    N_("{kind} {name} is a file."),
    N_("{kind} {name} is a directory."),
    N_("{kind} {name} is not readable."),
    N_("{kind} {name} is not writable."),
    N_("Shell {shell} is not supported."),
)
#: The type of what may be given more than once, as Python writes it.
_SEVERAL = re.compile(r"<list\[(\w+)\]>")
_PLACEHOLDER = re.compile(r"\\{(\w+)\\}")


@cache
def _pattern(msgid: str) -> re.Pattern[str]:
    return re.compile(_PLACEHOLDER.sub(r"(?P<\1>.+)", re.escape(msgid)), re.DOTALL)


def retold(sentence: str) -> str:
    """What the library says, in the reader's language; unchanged where it is none of the library's sentences we know."""
    sentence = sentence.removeprefix("Value error, ")
    if sentence in _TYPES:
        return _(_TYPES[sentence])
    if sentence == "'%Y-%m-%d'":
        return _("YYYY-MM-DD")
    for msgid in _SENTENCES:
        found = _pattern(msgid).fullmatch(sentence)
        if found:
            return _(msgid).format(**{name: retold(value) for name, value in found.groupdict().items()})
    return sentence


class _Usage(formatting.HelpFormatter):
    """The usage line: `Käyttö: avain case show [VALITSIMET] {ASIAKKUUS}`."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        for placeholder in _USAGE:
            args = args.replace(placeholder, _(placeholder))
        super().write_usage(prog, args, prefix if prefix is not None else _("Usage: "))


def install() -> None:
    """Let the library speak the process's language from now on. Called once, before the first command is read."""
    for name, msgid in _CONSTANTS.items():
        setattr(rich_utils, name, _(msgid))
    Context.formatter_class = _Usage
    _translate_help()
    _translate_types()
    _translate_errors()
    _translate_completion()


def _translate_help() -> None:
    original = rich_utils._make_rich_text  # noqa: SLF001 - every help text passes here, also those the library adds

    def in_our_words(*, text: str, **how: Any) -> Any:
        return original(text=retold(text), **how)

    rich_utils._make_rich_text = in_our_words  # noqa: SLF001


def _translate_types() -> None:
    original = core._TyperParameter.display_type  # noqa: SLF001 - the one place that names a value's type

    def in_our_words(self: Any, ctx: Context) -> str:
        if getattr(self, "is_flag", False):
            return ""  # given or not: there is no value to describe
        shown = original(self, ctx)
        several = _SEVERAL.fullmatch(shown)
        return f"<{retold(several[1] if several else shown[1:-1])}>"

    core._TyperParameter.display_type = in_our_words  # type: ignore[method-assign]  # noqa: SLF001


def _translate_errors() -> None:
    original = rich_utils.rich_format_error

    def in_our_words(self: exceptions.ClickException) -> None:
        sentence = retold(self.format_message())
        self.format_message = lambda: sentence  # type: ignore[method-assign]
        original(self)

    rich_utils.rich_format_error = in_our_words


def _translate_completion() -> None:
    original = vars(completion)["install"]

    def in_our_words(*args: Any, **options: Any) -> Any:
        shell, path = original(*args, **options)
        sys.stdout.write(
            _("Completion for {shell} is in {path}. Open a new terminal to use it.").format(shell=shell, path=path)
            + "\n"
        )
        sys.exit(0)

    vars(completion)["install"] = in_our_words
