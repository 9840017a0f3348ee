"""The daily e-mail's templates: Avain's own, and an organisation's that stand in for them (`follow_ups.templates`).

Templates of an organisation are somebody's handiwork and run where everybody's mail is written: they are read whole and once, compiled in
a sandbox that knows the mail's values and a few filters and nothing else, bounded in loops and length, and written out with sample
values in every language before one of them is used. What is wrong is said with file and line, at the start of every process and by
`avain doctor`; in a running process a folder that was changed into something unusable leaves the former templates in force.
"""

from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import structlog
from jinja2 import (
    FunctionLoader,
    StrictUndefined,
    Template,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
    nodes,
    pass_eval_context,
)
from jinja2.exceptions import SecurityError
from jinja2.meta import find_undeclared_variables
from jinja2.sandbox import SandboxedEnvironment
from jinja2.visitor import NodeTransformer
from markupsafe import Markup, escape

from core.errors import ConfigurationError, InputError, Message
from core.i18n import N_

log = structlog.get_logger()

TEXT: Final = "digest.txt"
HTML: Final = "digest.html"
BUILT_IN: Final = Path(__file__).parent / "templates"

#: What a template is handed (`message.py`; docs/reminder-mails.md).
VALUES: Final = frozenset({"count", "footer", "heading", "language", "sections", "subject", "words"})
#: What a template may do with a value.
_FILTERS: Final = frozenset(
    {"capitalize", "count", "d", "default", "e", "escape", "first", "join", "last", "length", "lower", "trim", "upper"}
)  # fmt: skip
_LONGEST_FILE: Final = 256 * 1024
_MOST_FILES: Final = 50
#: Steps of loops and calls in writing one mail; the largest real one takes some thousands.
_MOST_STEPS: Final = 50_000

#: Signs of any text that a template puts together: far more than the longest mail, far less than a machine's memory.
_LONGEST_TEXT: Final = 4 * 1024 * 1024

_steps: ContextVar[int] = ContextVar("steps", default=0)


@dataclass(frozen=True)
class Templates:
    """The two templates of the mail, compiled."""

    text: Template
    html: Template

    def write(self, view: dict[str, Any]) -> tuple[str, str]:
        """Text and HTML. Raises ConfigurationError, with file and line, for what only these values bring to light."""
        return _render(self.text, view), _render(self.html, view)


@lru_cache(maxsize=1)
def built_in() -> Templates:
    """Avain's own templates."""
    return _compiled(None)


def read(folder: Path) -> Templates:
    """An organisation's templates, compiled but not yet tried. Raises ConfigurationError with file, line and what to do."""
    return _compiled(folder)


def write_built_in(folder: Path) -> list[str]:
    """Put Avain's own templates into a folder, to be edited; the names of those written. Raises InputError: what is there is not overwritten."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        there = [name for name in (TEXT, HTML) if (folder / name).exists()]
        if there:
            raise InputError("{path} is there already.", path=str(folder / there[0]))
        for name in (TEXT, HTML):
            with (folder / name).open("xb") as file:
                file.write((BUILT_IN / name).read_bytes())
    except OSError as error:
        raise InputError(
            "{path} cannot be written ({detail}).", path=str(folder), detail=error.strerror or ""
        ) from error
    return [TEXT, HTML]


def _compiled(folder: Path | None) -> Templates:
    sources = {name: (BUILT_IN / name, (BUILT_IN / name).read_text("utf-8")) for name in (TEXT, HTML)}
    if folder is not None:
        sources |= _sources(folder)
    environment = _Bounded(
        loader=FunctionLoader(lambda name: _loaded(sources, name)),
        # by the name, as for Avain's own: what ends in .txt is no HTML
        autoescape=lambda name: name is None or not name.endswith(".txt"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        cache_size=-1,
        auto_reload=False,
    )
    for path, source in sources.values():
        if path.parent != BUILT_IN:
            _look_through(environment, path, source, sources)
    return Templates(environment.get_template(TEXT), environment.get_template(HTML))


def _loaded(sources: dict[str, tuple[Path, str]], name: str) -> tuple[str, str, Callable[[], bool]] | None:
    if name not in sources:
        return None
    path, source = sources[name]
    return source, str(path), lambda: True


def _sources(folder: Path) -> dict[str, tuple[Path, str]]:
    """The folder's files by name: the two of the mail, and what they include."""
    if not folder.is_dir():
        raise _refused(N_("there is no such folder. Make one with: avain reminder template {folder}"), folder)
    files = sorted(path for path in folder.iterdir() if path.suffix in {".txt", ".html"} and path.is_file())
    if not {path.name for path in files} & {TEXT, HTML}:
        raise _refused(
            N_("holds neither digest.txt nor digest.html. Write them with: avain reminder template {folder}"), folder
        )
    if len(files) > _MOST_FILES:
        raise _refused(N_("holds more than {most} templates. Keep only those of the e-mail there."), folder)
    return {path.name: (path, _source(path)) for path in files}


def _source(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _refused(N_("cannot be read ({detail})."), path, detail=error.strerror or "") from error
    if len(content) > _LONGEST_FILE:
        raise _refused(N_("is longer than {kilobytes} kB, which no e-mail needs."), path)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise _refused(N_("is not UTF-8. Save it in that encoding."), path, line) from error


def _look_through(
    environment: SandboxedEnvironment, path: Path, source: str, sources: dict[str, tuple[Path, str]]
) -> None:
    """Compile one file, and look for names that would be found wanting only in a branch that sample values do not take."""
    try:
        environment.compile(source, path.name, str(path))
        parsed = environment.parse(source, path.name, str(path))
    except TemplateSyntaxError as error:
        raise _refused(
            N_("{detail} Correct that line."), path, error.lineno, detail=_sentence(error.message)
        ) from error
    unknown = find_undeclared_variables(parsed) - VALUES
    for value in parsed.find_all(nodes.Name):
        if value.name in unknown:
            raise _refused(
                N_("there is no value {name}. There are: {values}"),
                path,
                value.lineno,
                name=value.name,
                values=", ".join(sorted(VALUES)),
            )
    for one in parsed.find_all((nodes.Include, nodes.Extends, nodes.Import, nodes.FromImport)):
        wanted = getattr(one, "template", None)
        if (
            isinstance(wanted, nodes.Const)
            and wanted.value not in sources
            and not getattr(one, "ignore_missing", False)
        ):
            raise _refused(
                N_("{name} is not in the folder. Put it there, or take the line away."),
                path,
                one.lineno,
                name=str(wanted.value),
            )


class _Bounded(SandboxedEnvironment):
    """The sandbox, without what could run or grow without end."""

    intercepted_binops = frozenset({"*", "**", "%", "+"})

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.globals.clear()
        own = {"_stepped": _stepped, "_beside": _beside, "join": _joined}
        self.filters = {name: self.filters[name] for name in _FILTERS} | own
        self.concat = _together  # type: ignore[method-assign]
        self.tests = {
            name: self.tests[name] for name in ("defined", "none", "number", "string", "undefined", "even", "odd")
        }

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:  # noqa: ARG002 - the sandbox's signature
        """No multiplication: of texts it makes gigabytes out of a few signs, and there is nothing to calculate. Nor does adding, unbounded."""
        if operator == "+":
            if isinstance(left, str) and isinstance(right, str):
                return _together((left, right))
            if isinstance(left, int | float) and isinstance(right, int | float):
                return left + right
        raise SecurityError(f"the operator {operator} is not available in templates of e-mails.")

    def call(self, context: Any, callee: Any, *given: Any, **named: Any) -> Any:
        """Macros count as steps. Methods of texts are left alone, but for those that pad: they make gigabytes as well."""
        _step()
        if getattr(callee, "__name__", "") in {
            "format",
            "format_map",
            "center",
            "ljust",
            "rjust",
            "zfill",
            "expandtabs",
            "join",
            "replace",
            "translate",
        }:
            raise SecurityError(f"{callee.__name__} is not available in templates of e-mails.")
        return super().call(context, callee, *given, **named)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        """Every loop counts its steps, and every `~` what it puts together."""
        parsed: nodes.Template = _Bounding().visit(super()._parse(source, name, filename))
        for loop in parsed.find_all(nodes.For):
            loop.iter = nodes.Filter(loop.iter, "_stepped", [], [], None, None, lineno=loop.lineno)
        return parsed


class _Bounding(NodeTransformer):
    """Puts a filter of ours in the place of what the sandbox does not ask us about."""

    def visit_Concat(self, node: nodes.Concat) -> nodes.Filter:  # noqa: N802 - the library's name
        """`a ~ b`."""
        self.generic_visit(node)
        parts = nodes.List(node.nodes, lineno=node.lineno)
        return nodes.Filter(parts, "_beside", [], [], None, None, lineno=node.lineno)


def _together(texts: Iterable[str]) -> str:
    """Texts as one, if that is no longer than anything a mail can need."""
    kept, length = [], 0
    for one in texts:
        length += len(one)
        if length > _LONGEST_TEXT:
            raise SecurityError("the template makes a text longer than any e-mail.")
        kept.append(one)
    return "".join(kept)


@pass_eval_context
def _beside(context: nodes.EvalContext, values: list[Any]) -> str:
    """What `~` makes: of a text that is marked as HTML and one that is not, HTML."""
    if not context.autoescape and not any(hasattr(one, "__html__") for one in values):
        return _together(str(one) for one in values)
    return Markup(_together(escape(one) for one in values))  # noqa: S704 - each was escaped


@pass_eval_context
def _joined(context: nodes.EvalContext, values: Iterable[Any], between: str = "") -> str:
    """Jinja's `join`, bounded."""
    parts: list[Any] = []
    for one in _stepped(values):
        parts += [between, one] if parts else [one]
    return _beside(context, parts)


def _step() -> None:
    left = _steps.get()
    if left <= 0:
        raise SecurityError("the template goes round too often.")
    _steps.set(left - 1)


def _stepped(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        _step()
        yield value


def _render(template: Template, view: dict[str, Any]) -> str:
    token = _steps.set(_MOST_STEPS)
    try:
        return template.render(view)
    except TemplateNotFound as error:
        raise _at(
            template, error, N_("{name} is not in the folder. Put it there, or take the line away."), name=str(error)
        ) from error
    except (
        TemplateError,
        ArithmeticError,
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        raise _at(template, error, N_("{detail} Correct that line."), detail=_sentence(str(error))) from error
    finally:
        _steps.reset(token)


def _at(template: Template, error: Exception, why: str, **params: Any) -> ConfigurationError:
    """The refusal with the template's file and line in which it went wrong: Jinja rewrites tracebacks to those."""
    path, line, frame = Path(str(template.filename)), getattr(error, "lineno", None), error.__traceback__
    while frame is not None:
        file = frame.tb_frame.f_code.co_filename
        if file.endswith((".txt", ".html")):
            path, line = Path(file), frame.tb_lineno
        frame = frame.tb_next
    return _refused(why, path, line, **params)


def _sentence(detail: str | None) -> str:
    """Jinja's own words, as a sentence."""
    words = " ".join((detail or "").split())
    return f"{words[:1].upper()}{words[1:].rstrip('.')}."


def _refused(why: str, path: Path, line: int | None = None, **params: Any) -> ConfigurationError:
    given = {"folder": str(path), "most": _MOST_FILES, "kilobytes": _LONGEST_FILE // 1024, **params}
    where = f"{path}:{line}" if line else str(path)
    return ConfigurationError(N_("Template of e-mails {path}: {why}"), path=where, why=Message(why, **given))
