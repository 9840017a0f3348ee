"""What a database answers when it cannot or will not, as errors that say what to do. Never with the URL's password, nor with a row's data."""

from typing import Final, NoReturn

from sqlalchemy import URL
from sqlalchemy.exc import (
    DBAPIError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
)

from core.errors import ConfigurationError, NotFound, Permanent, Transient
from core.i18n import N_
from core.logging import redact

_LONGEST_DETAIL: Final = 200
#: SQLSTATE classes of faults that pass: connection, roll-back, resources, intervention of an operator or a timeout, locks.
_PASSING: Final = ("08", "40", "53", "55", "57")
_NOT_THERE: Final = ("42P01", "42S02", "42703", "42S22", "3F000")
_NOT_ALLOWED: Final = "42501"
_WRITING: Final = "25006"
#: What PostgreSQL says when no second try can help; its errors at the door carry no code.
_NOT_LET_IN: Final = (
    "password authentication failed",
    "pg_hba.conf",
    "does not exist",
    "Access denied",
    "Login failed",
)
_REFUSED: Final = N_("The database refused the query sql.{query}: {detail}")


def no_driver(error: Exception) -> NoReturn:
    """The URL asks for a database whose driver is not there, or is no URL."""
    if isinstance(error, ModuleNotFoundError):
        raise ConfigurationError(
            "The driver {name} that the URL of the database asks for is not installed.", name=error.name or "?"
        ) from None
    raise ConfigurationError(
        "The URL of the database is not one that SQLAlchemy knows: it looks like postgresql://reader@db.example/reports."
    ) from None


def not_reached(error: DBAPIError, url: URL) -> NoReturn:
    """The connection could not be made."""
    detail = _detail(error, url)
    if any(words in detail for words in _NOT_LET_IN):
        raise Permanent("The database does not let Avain in: {detail}", detail=detail) from None
    raise Transient("The database cannot be reached: {detail}", detail=detail) from None


def query_failed(error: DBAPIError, query: str, url: URL) -> NoReturn:
    """The query `query` (cases, decisions or plan_items) could not be carried out, or its rows not be read to the end."""
    state = getattr(error.orig, "sqlstate", None)
    detail = _detail(error, url)
    if state in _NOT_THERE:
        raise NotFound("What the query sql.{query} names is not there: {detail}", query=query, detail=detail) from None
    if state == _NOT_ALLOWED:
        raise Permanent(
            "The database does not let Avain read what the query sql.{query} names: {detail}",
            query=query,
            detail=detail,
        ) from None
    if state == _WRITING:
        raise Permanent("The query sql.{query} would change something; Avain only reads.", query=query) from None
    lost = error.connection_invalidated or isinstance(error, InterfaceError)
    if lost or (state is not None and state.startswith(_PASSING)):
        raise Transient("The database broke off the query sql.{query}: {detail}", query=query, detail=detail) from None
    raise Permanent(_REFUSED, query=query, detail=detail) from None


def _detail(error: DBAPIError, url: URL) -> str:
    """The first line of what the database says, as far as it is about the query and not about what rows hold."""
    if not isinstance(error, OperationalError | ProgrammingError | InterfaceError | InternalError | NotSupportedError):
        return type(error.orig).__name__
    diagnosis = getattr(error.orig, "diag", None)
    said = getattr(diagnosis, "message_primary", None) or str(error.orig)
    if url.password:
        said = said.replace(str(url.password), "…")
    return redact(said.strip().partition("\n")[0])[:_LONGEST_DETAIL]
