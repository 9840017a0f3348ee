"""Logs without personal data: one structured form for Avain's own events and for every library's.

Avain logs ids, never people. This is the net below that rule: values under telling keys are dropped, and a henkilötunnus in any text
(message, exception, nested value) is replaced if its check mark is right, so that ordinary numbers stay. structlog and stdlib
records pass the same processors; tracebacks never carry local variables.
"""

import json
import logging
import re
import sys
import threading
import traceback
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Literal, TextIO

import psycopg
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from core.errors import AvainError
from core.steering import escaped_json, escaped_line, unsteered

REDACTED: Final = "[redacted]"

#: Keys whose values never reach a log; compared in lower case, without - and _, wherever they end a key (`client_hetu`, `X-Api-Key`), also
#: in the plural.
_DENIED: Final = (
    "password", "passwd", "passphrase", "secret", "token", "authorization", "cookie", "apikey", "privatekey", "secretkey", "clientkey", "sealkey", "indexkey",
    "hashkey", "credential", "dsn", "henkilotunnus", "henkilötunnus", "henkilotunnukset", "henkilötunnukset", "hetu", "hetut", "ssn",
    "personalidentitycode", "firstname", "lastname", "familyname", "givenname", "fullname", "clientname", "etunimi", "etunimet", "sukunimi", "birthdate",
    "dateofbirth", "syntymäaika", "osoite", "puhelin", "streetaddress", "postaladdress", "phone", "phonenumber", "identity", "email", "payload",
    "argsrepr", "kwargsrepr",
)  # fmt: skip
#: ddmmyy, century mark, individual number, check mark, as people and programs write it: any dash, spaces around it, URL-encoded or as Python or
#: JSON spell it out; the last letter of what is spelled out before it (`%20`, `\\n`) is none of a word's.
_HENKILOTUNNUS: Final = re.compile(
    r"(?=[0-9]{6})(?:(?<![0-9A-Za-z])|(?<=%[0-9A-F]{2})|(?<=\\[abfnrtv])|(?<=\\x[0-9A-F]{2})|(?<=\\u[0-9A-F]{4}))"
    r"([0-9]{6}) ?(?:[-+\u2010-\u2015\u2212A-FU-Y]|%2[BD]|%E2%80%9[0-5]|%E2%88%92|\\u201[0-5]|\\u2212) ?([0-9]{3})([0-9A-FHJ-NPR-Y])(?![0-9A-Za-z])",
    re.IGNORECASE,
)
#: Of a henkilötunnus, by the remainder of its digits divided by 31.
CHECK_MARKS: Final = "0123456789ABCDEFHJKLMNPRSTUVWXY"
#: What PostgreSQL adds to an error, up to the end: rows and values as they are. It alone writes two spaces there.
_QUOTED_ROW: Final = re.compile(r"(?:\b|(?<=\\n))(DETAIL|CONTEXT):  .*", re.DOTALL)
#: The value that PostgreSQL quotes in an error's own sentence.
_QUOTED_VALUE: Final = re.compile(r'\b(invalid input (?:syntax|value) for [^:"\n]+|out of range): "(?:[^"]|"")*"')
#: What Python, and most libraries, put between quotes: the value that an error is about. An apostrophe inside of a word quotes nothing.
_QUOTED: Final = re.compile(r"""(?<![^\W_])(['"])(?:\\.|(?!\1).)*\1""", re.DOTALL)
#: What errors of these kinds quote stands in the program: names of attributes, modules, types.
_OF_THE_PROGRAM: Final = (AttributeError, ImportError, NameError, TypeError)
#: A password may hold @ and /; what is digits up to a / is a port.
_URL_PASSWORD: Final = re.compile(r"(://[^/\s:@]{0,200}:)(?![0-9]{1,5}/)\S{1,200}@")
#: A secret that stands in a text with its name, as in addresses and libpq's own form; and tokens, which say themselves what they are.
_NAMED_SECRET: Final = re.compile(
    r"""((?:password|passwd|passphrase|secret|token|api[-_]?key|seal_keys|index_key)["']?\s?=\s?["']?|\bauthorization["']?\s?[:=]\s?["']?[a-z]{0,20}\s)[^\s&;,'"]+""",
    re.IGNORECASE,
)
_TOKEN: Final = re.compile(r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_.-]+")
#: What an event holds that has lines of its own.
_OF_LINES: Final = ("exception", "stack")
#: Our handler on the root logger, so that a second set-up replaces it.
LOG_HANDLER: Final = "avain"
#: Libraries that log addresses or whole requests when asked for less than a warning.
_CHATTY: Final = ("httpx2", "httpcore2", "asyncssh", "urllib3", "faker", "asyncio", "alembic")


def redact(text: str) -> str:
    """`text` without henkilötunnukset (any century mark, either case, check mark right), without passwords in URLs and without what PostgreSQL
    quotes of rows and values.
    """
    text = _QUOTED_VALUE.sub(rf"\g<1>: {REDACTED}", _QUOTED_ROW.sub(rf"\g<1>: {REDACTED}", text))
    return _URL_PASSWORD.sub(rf"\g<1>{REDACTED}@", _HENKILOTUNNUS.sub(_hide, text))


def redact_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A structlog processor: every value under a denied key goes, every text is redacted, what is no JSON value becomes text."""
    return {key: _clean_entry(key, value) for key, value in event.items()}


def render_exception(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A structlog processor: `exc_info` becomes `exception`, frames and messages, without what PostgreSQL quotes of a row."""
    given = event.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event["exception"] = "\n\n".join(_told(one) for one in reversed(_chain(error)))
    return event


def _chain(error: BaseException) -> list[BaseException]:
    """An error and what it came from, the latest first."""
    found: list[BaseException] = []
    at: BaseException | None = error
    while at is not None and at not in found:
        found.append(at)
        at = at.__cause__ or (None if at.__suppress_context__ else at.__context__)
    return found


def _told(error: BaseException) -> str:
    """One error of a chain."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    return f"{frames}{type(error).__module__}.{type(error).__qualname__}: {words_of(error)}"


def words_of(error: BaseException) -> str:
    """What an error says, fit for a log. Of a database error, which can hold a whole row, only its code and names stay; of any other that is
    not Avain's own nothing that it quotes, for that is the value it failed at, and may be somebody's name.
    """
    original = getattr(error, "orig", error)
    if isinstance(original, psycopg.Error):
        return f"sqlstate {original.sqlstate}, table {original.diag.table_name}, constraint {original.diag.constraint_name}"
    if isinstance(error, (AvainError, *_OF_THE_PROGRAM)):
        return redact(str(error))
    return redact(_QUOTED.sub(r"\1…\1", str(error)))


def catch_the_uncaught() -> None:
    """What ends this process, or a thread of it, unforeseen is logged as everything else; Python would print it as it is."""

    def uncaught(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
        if not issubclass(kind, KeyboardInterrupt | SystemExit):
            logging.getLogger(__name__).error("uncaught", exc_info=(kind, error or kind(), trace))

    sys.excepthook = uncaught
    threading.excepthook = lambda told: uncaught(told.exc_type, told.exc_value, told.exc_traceback)
    sys.unraisablehook = lambda told: uncaught(told.exc_type, told.exc_value, told.exc_traceback)


def configure_logging(form: Literal["console", "json"], level: str, *, stream: TextIO | None = None) -> None:
    """Send structlog and stdlib logging to `stream` (default stderr) in one form; calling it again replaces the former set-up.

    For Celery, `worker_hijack_root_logger = False` must be set, or it would put its own handler beside this one.
    """
    target = sys.stderr if stream is None else stream
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    handler = _Handler(target)
    handler.name = LOG_HANDLER
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*before, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.StackInfoRenderer(),
                render_exception,  # plain tracebacks: no local variables, and no rows the database quotes
                redact_event,
                *_renderers(form, target),
            ],
        )
    )
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *before, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    for former in [former for former in root.handlers if former.name == LOG_HANDLER]:
        root.removeHandler(former)
    root.addHandler(handler)
    root.setLevel(level)
    logging.captureWarnings(capture=True)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


def _renderers(form: Literal["console", "json"], target: TextIO) -> list[Processor]:
    """One event, one line: what others have named (files, hosts, addresses of pages) cannot write lines of its own, or steer a terminal."""
    if form == "json":
        return [structlog.processors.JSONRenderer(_json, ensure_ascii=False)]
    return [
        _on_one_line,
        structlog.dev.ConsoleRenderer(colors=target.isatty(), exception_formatter=structlog.dev.plain_traceback),
    ]


def _json(event: EventDict, **how: Any) -> str:
    return escaped_json(json.dumps(event, **how))


def _on_one_line(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Texts with such characters spelled out; a traceback keeps its lines."""
    return {
        key: value if not isinstance(value, str) else unsteered(value) if key in _OF_LINES else escaped_line(value)
        for key, value in event.items()
    }


class _Handler(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name of the base class
        """A record that cannot be written is named only: stdlib would print its arguments as they are. Where not even that can be written,
        as after the stream was closed, whoever logs is not to fail of it.
        """
        kind = sys.exc_info()[0]
        with suppress(ValueError, OSError):
            self.stream.write(
                f"a log record of {record.name} could not be written: {kind.__name__ if kind else ''}{self.terminator}"
            )


def _hide(found: re.Match[str]) -> str:
    right = CHECK_MARKS[int(found[1] + found[2]) % len(CHECK_MARKS)]
    return REDACTED if right == found[3].upper() else found[0]


def _is_denied(key: str) -> bool:
    plain = key.lower().replace("-", "").replace("_", "")
    return plain.endswith(_DENIED) or plain.removesuffix("s").endswith(_DENIED)


def _clean_entry(key: Any, value: Any) -> Any:
    return REDACTED if isinstance(key, str) and _is_denied(key) and value is not None else _clean(value)


def _clean(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return _TOKEN.sub(REDACTED, _NAMED_SECRET.sub(rf"\g<1>{REDACTED}", redact(value)))
    if isinstance(value, Mapping):
        return {_clean(key): _clean_entry(key, item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(item) for item in value]
    if isinstance(value, bytes | bytearray | memoryview):
        return f"[{len(value)} bytes]"
    return _clean(words_of(value) if isinstance(value, BaseException) else str(value))
