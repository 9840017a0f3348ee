"""Database drivers that are not installed here, as far as what is sent goes: they write it down, and answer every question with one row.

What the databases themselves make of it is tried by hand; MariaDB 10.11 was.
"""

import sys
from types import ModuleType
from typing import Any, Self

import pytest

_PARAMSTYLES = {"pymysql": "pyformat", "oracledb": "named"}


class _Driver(ModuleType):
    """What PEP 249 asks of a driver. Whatever type or constant a dialect looks for beside it, is there."""

    apilevel, threadsafety, version, __version__ = "2.0", 1, "2.0.0", "2.0.0"
    Error = InterfaceError = DatabaseError = DataError = OperationalError = IntegrityError = InternalError = ProgrammingError = (
        NotSupportedError
    ) = RuntimeError  # fmt: skip

    def __init__(self, name: str, paramstyle: str, server: str, sent: list[str]) -> None:
        super().__init__(name)
        self.paramstyle, self._server, self._sent = paramstyle, server, sent

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {"__init__": lambda *_, **__: None})

    def connect(self, *_: Any, **__: Any) -> "_Connection":
        return _Connection(self._server, self._sent)


class _Connection:
    def __init__(self, server: str, sent: list[str]) -> None:
        self.version, self._sent = server, sent

    def get_server_info(self) -> str:
        return self.version

    def character_set_name(self) -> str:
        return "utf8mb4"

    def cursor(self, *_: Any, **__: Any) -> "_Cursor":
        return _Cursor(self.version, self._sent)

    def rollback(self) -> None:
        self._sent.append("ROLLBACK")

    def commit(self) -> None:
        self._sent.append("COMMIT")

    def close(self) -> None:
        pass


class _Cursor:
    description = (("answer", None, None, None, None, None, None),)
    rowcount, lastrowid = -1, None

    def __init__(self, server: str, sent: list[str]) -> None:
        self._server, self._sent, self._rows = server, sent, list[tuple[str]]()

    def execute(self, statement: str, *_: Any, **__: Any) -> None:
        self._sent.append(statement)
        self._rows = [(self._server if "VERSION" in statement else "1.1" if "DUAL" in statement else "0",)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def fetchone(self) -> tuple[str] | None:
        return self._rows.pop() if self._rows else None

    def fetchall(self) -> list[tuple[str]]:
        rows, self._rows = self._rows, []
        return rows

    def fetchmany(self, *_: Any) -> list[tuple[str]]:
        return self.fetchall()

    def close(self) -> None:
        pass


def recording(monkeypatch: pytest.MonkeyPatch, name: str, server: str) -> list[str]:
    """Put such a driver in the place of the module `name`; gives the list it writes into."""
    sent: list[str] = []
    driver = _Driver(name, _PARAMSTYLES[name], server, sent)
    monkeypatch.setitem(sys.modules, name, driver)
    monkeypatch.setitem(sys.modules, f"{name}.cursors", driver)
    return sent
