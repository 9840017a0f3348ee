"""Logs: one form for structlog and stdlib, and no personal data in it, whatever is handed over."""

import io
import json
import logging
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from core.errors import NotFound
from core.logging import REDACTED, configure_logging, redact
from core.settings import ROOT

HETU = "100190-999P"
MARKS = "0123456789ABCDEFHJKLMNPRSTUVWXY"


class Stream(io.StringIO):
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]


@pytest.fixture
def stream() -> Iterator[Stream]:
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    written = Stream()
    configure_logging("json", "INFO", stream=written)
    yield written
    root.setLevel(level)
    root.handlers[:] = handlers
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def last(stream: Stream) -> dict[str, Any]:
    return stream.events()[-1]


def test_an_event_has_level_time_and_values(stream: Stream) -> None:
    structlog.get_logger("orders").info(
        "order_delivered", order="HB-T-000123", count=3, total=Decimal("12.50"), day=date(2026, 1, 2)
    )
    event = last(stream)
    assert event.pop("timestamp").endswith("Z")
    assert event == {
        "event": "order_delivered", "logger": "orders", "level": "info", "order": "HB-T-000123", "count": 3, "total": "12.50", "day": "2026-01-02",
    }  # fmt: skip


def test_stdlib_records_take_the_same_form(stream: Stream) -> None:
    logging.getLogger("library").warning("client %s not found", HETU, extra={"case": "HB-2026-000001", "password": "x"})
    event = last(stream)
    assert event["event"] == f"client {REDACTED} not found"
    assert (event["logger"], event["level"], event["case"], event["password"]) == (
        "library",
        "warning",
        "HB-2026-000001",
        REDACTED,
    )


def test_bound_context_is_in_both(stream: Stream) -> None:
    with structlog.contextvars.bound_contextvars(run="r1", hetu="x"):
        structlog.get_logger().info("a")
        logging.getLogger("b").info("b")
    assert [(event["run"], event["hetu"]) for event in stream.events()] == [("r1", REDACTED)] * 2


@pytest.mark.parametrize("mark", "+-YXWVUABCDEF‐‑–−")
def test_every_century_mark_is_redacted_in_either_case(mark: str) -> None:
    number = f"010100{mark}999{MARKS[int('010100999') % 31]}"
    assert redact(f"a {number}, b") == f"a {REDACTED}, b"
    assert redact(f"({number.lower()})") == f"({REDACTED})"


@pytest.mark.parametrize(
    "text", [f"hetu={HETU}", f"<id>{HETU}</id>", f"_{HETU}_", f"ä{HETU}ä", "x=100190%2B999P&y", HETU, f"{HETU} {HETU}"]
)
def test_it_is_found_wherever_it_stands(text: str) -> None:
    assert "100190" not in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        f"?q=%20{HETU}", repr(f"\n{HETU}"), repr(f"a\t{HETU}"), json.dumps(f"ä{HETU}"), repr(f"\x1f{HETU}"), "100190 - 999P", "100190- 999p", "100190\u2014999P",
        "100190%2D999P", "100190%E2%80%93999P", json.dumps("100190\u2013999P"), json.dumps("100190\u2212999P"),
    ],
)  # fmt: skip
def test_it_is_found_as_programs_and_people_spell_it(text: str) -> None:
    assert REDACTED in redact(text)
    assert "999" not in redact(text)


@given(st.integers(0, 999_999), st.integers(0, 999), st.sampled_from(MARKS), st.sampled_from("+-A"))
def test_only_a_right_check_mark_is_redacted(day: int, individual: int, mark: str, century: str) -> None:
    number = f"{day:06}{century}{individual:03}{mark}"
    right = int(f"{day:06}{individual:03}") % 31 == MARKS.index(mark)
    assert redact(f"n {number}.") == (f"n {REDACTED}." if right else f"n {number}.")


@pytest.mark.parametrize(
    "text",
    [
        "HB-2026-000123",
        "2026-01-02 10:20:30",
        "100190-999X",
        "9100190-999P",
        "100190-999PX",
        "a100190-999P",
        "0037-1234567-1",
        "+358 40 100190 999",
    ],
)
def test_ordinary_numbers_stay(text: str) -> None:
    assert redact(text) == text


def test_a_password_in_a_url_is_redacted() -> None:
    assert redact("postgresql://avain:s3cret@127.0.0.1/avain") == f"postgresql://avain:{REDACTED}@127.0.0.1/avain"
    assert redact("redis://:s3cret@127.0.0.1") == f"redis://:{REDACTED}@127.0.0.1"
    assert redact("https://127.0.0.1:8443/a@b") == "https://127.0.0.1:8443/a@b"
    assert redact("postgresql://avain:s3@cr/et@127.0.0.1/avain") == f"postgresql://avain:{REDACTED}@127.0.0.1/avain"


@pytest.mark.parametrize(
    "text",
    [
        "host=db.test password=s3cret-value user=avain", "password = 's3cret-value'", "GET /a?token=s3cret-value&b=1", "Authorization: Bearer s3cret-value",
        "{'authorization': 'Basic s3cret-value'}", "AVAIN_SEAL_KEYS=s3cret-value", "api_key=s3cret-value;", "got eyJhbGciOiJub25lIn0.s3cret-value.x",
        "Settings(password='s3cret-value')", 'client_secret="s3cret-value"',
    ],
)  # fmt: skip
def test_a_secret_beside_its_name_is_redacted_in_any_text(text: str, stream: Stream) -> None:
    logging.getLogger("library").warning("%s", text)
    assert "s3cret" not in stream.getvalue()
    assert REDACTED in last(stream)["event"]


@pytest.mark.parametrize(
    "key", ["tokens", "Passwords", "passphrase", "secret_key", "client_key", "seal_key", "cookies", "henkilötunnukset", "client_hetut", "sukunimi", "etunimet"]
)  # fmt: skip
def test_keys_are_denied_in_the_plural_and_in_finnish(key: str, stream: Stream) -> None:
    structlog.get_logger().info("x", **{key: ["Kanarialintu"]})
    assert last(stream)[key] == REDACTED


def test_denied_keys_and_nested_values_are_redacted(stream: Stream) -> None:
    structlog.get_logger().info(
        "x",
        headers={"Authorization": "Bearer abc", "X-Api-Key": "k", "Accept": "*/*"},
        rows=[{"Henkilötunnus": "1", "client_first_name": "A", HETU: 1}, (HETU, {"note": HETU})],
        sealed=b"\0\1",
        found={HETU},
        error=ValueError(HETU),
        token=None,
    )
    event = last(stream)
    assert event["headers"] == {"Authorization": REDACTED, "X-Api-Key": REDACTED, "Accept": "*/*"}
    assert event["rows"] == [
        {"Henkilötunnus": REDACTED, "client_first_name": REDACTED, REDACTED: 1},
        [REDACTED, {"note": REDACTED}],
    ]
    assert (event["sealed"], event["found"], event["error"], event["token"]) == (
        "[2 bytes]",
        [REDACTED],
        REDACTED,
        None,
    )
    assert HETU not in stream.getvalue()


def fail_with_secret() -> None:
    local_secret = "visible only in " + "locals"
    raise ValueError(f"no client {HETU} ({len(local_secret)})")


@pytest.mark.parametrize("form", ["json", "console"])
def test_exceptions_are_redacted_and_show_no_locals(form: Any, stream: Stream) -> None:
    configure_logging(form, "INFO", stream=stream)
    for log in (structlog.get_logger("a"), logging.getLogger("b")):
        try:
            try:
                fail_with_secret()
            except ValueError as error:
                raise RuntimeError(f"while reading {HETU}") from error
        except RuntimeError:
            log.exception("failed")
    written = stream.getvalue()
    assert HETU not in written
    assert "in locals" not in written
    assert written.count(f"no client {REDACTED}") == written.count(f"while reading {REDACTED}") == 2
    assert written.count("fail_with_secret") >= 2


#: By name below, for tracebacks show lines of programs.
NAME = "Kanarialintu"
FOREIGN: tuple[tuple[Callable[[], Any], str], ...] = (
    (lambda: int(NAME), "invalid literal for int() with base 10: '…'"),
    (lambda: dict[str, int]()[NAME], "KeyError: '…'"),
    (lambda: Path(f"/nowhere/{NAME}.xml").read_bytes(), "[Errno 2] No such file or directory: '…'"),
    (lambda: TypeAdapter(int).validate_python({"name": NAME}), "input_type=dict"),
    (lambda: _raise(psycopg.errors.UniqueViolation(f"Key (name)=({NAME}) already exists.")), "sqlstate"),
    (lambda: getattr(None, "number"), "'NoneType' object has no attribute 'number'"),  # noqa: B009
    (lambda: _raise(NotFound("There is no case {number}.", number="HB-2026-000001")), "There is no case HB-2026-000001."),
)  # fmt: skip


def _raise(error: Exception) -> None:
    raise error


@pytest.mark.parametrize(("fail", "kept"), FOREIGN)
@pytest.mark.parametrize("form", ["json", "console"])
def test_what_an_error_quotes_is_not_logged(form: Any, fail: Any, kept: str, stream: Stream) -> None:
    """Not as a traceback, not as a value, and not where a library writes it into its own line, as far as PostgreSQL's own words go."""
    configure_logging(form, "INFO", stream=stream)
    try:
        fail()
    except Exception as error:
        logging.getLogger("a").exception("failed")
        structlog.get_logger().warning("failed", error=error)
    assert "Kanarialintu" not in stream.getvalue()
    assert stream.getvalue().replace('\\"', '"').count(kept) >= 1


@pytest.mark.parametrize(
    "said",
    [
        "UniqueViolation('duplicate key value violates unique constraint \"x\"\\nDETAIL:  Key (name)=(Kanarialintu) already exists.')",
        '(psycopg.errors.InvalidTextRepresentation) invalid input syntax for type integer: "Kanaria""lintu"',
        'date/time field value out of range: "Kanarialintu"',
        'COPY failed\nCONTEXT:  COPY case_staging, line 1: "Kanarialintu"',
    ],
)
def test_what_postgresql_quotes_is_redacted_in_any_text(said: str) -> None:
    assert "Kanaria" not in redact(said)
    assert REDACTED in redact(said)


def test_what_nobody_caught_is_logged_like_the_rest() -> None:
    """In the main thread, in others, and in what is thrown away: Python would print each as it is."""
    script = """
import sys, threading
from core.logging import catch_the_uncaught, configure_logging
configure_logging("json", "INFO")
catch_the_uncaught()
class Dropped:
    def __del__(self):
        raise ValueError("no client 'Kanarialintu'")
Dropped()
one = threading.Thread(target=lambda: int("Kanarialintu"))
one.start()
one.join()
raise KeyError("Kanarialintu")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 1
    assert [json.loads(line)["event"] for line in done.stderr.splitlines()] == ["uncaught"] * 3
    assert "Kanarialintu" not in done.stdout + done.stderr


def test_a_stack_is_redacted_too(stream: Stream) -> None:
    logging.getLogger("a").info("here", stack_info=True)
    structlog.get_logger().info("here", stack_info=True)
    assert all("test_a_stack_is_redacted_too" in event["stack"] for event in stream.events())


def test_a_record_that_cannot_be_written_is_named_without_its_arguments(
    stream: Stream, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = logging.getLogger()  # pytest's own handlers would raise
    monkeypatch.setattr(root, "handlers", [handler for handler in root.handlers if handler.name == "avain"])
    logging.getLogger("library").warning("two %s %s", HETU)  # noqa: PLE1206 - on purpose
    assert stream.getvalue() == "a log record of library could not be written: TypeError\n"
    assert HETU not in capsys.readouterr().err


def test_levels_hold_and_chatty_libraries_keep_quiet(stream: Stream) -> None:
    structlog.get_logger("a").debug("no")
    logging.getLogger("a").debug("no")
    logging.getLogger("httpx2").info("GET https://127.0.0.1/?hetu=1")
    assert stream.getvalue() == ""
    configure_logging("json", "DEBUG", stream=stream)
    structlog.get_logger("a").debug("yes")
    assert [event["event"] for event in stream.events()] == ["yes"]


def test_warnings_become_events(stream: Stream) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn(f"old call for {HETU}", stacklevel=1)
        logging.captureWarnings(capture=False)
    assert last(stream)["logger"] == "py.warnings"
    assert HETU not in stream.getvalue()


def test_console_form_is_plain_text_away_from_a_terminal(stream: Stream) -> None:
    configure_logging("console", "INFO", stream=stream)
    structlog.get_logger().info("order_delivered", order="HB-T-000123", hetu=HETU)
    assert "order_delivered" in stream.getvalue()
    assert "order=HB-T-000123" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()
    assert HETU not in stream.getvalue()


def test_who_logs_after_the_stream_was_closed_does_not_fail_of_it() -> None:
    closed = io.StringIO()
    configure_logging("console", "INFO", stream=closed)
    closed.close()
    structlog.get_logger().info("order_delivered")
