"""PostgreSQL: its version, time zone, roles, clock and shape."""

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import text

from core.errors import Message
from core.schema import revisions
from services.health.findings import Finding, Ground

_OLDEST_VERSION: Final = 15
_DRIFT_SECONDS: Final = 5
#: Rows out: one; `owner`: whether the application's role owns the tables, None before there are any.
_STATE: Final = text(
    """
    SELECT current_setting('server_version') AS version, current_setting('timezone') AS zone, clock_timestamp() AS clock,
           (SELECT pg_get_userbyid(relowner) = current_user FROM pg_class WHERE relname = 'audit_event') AS owner
    """
)


def database(ground: Ground) -> list[Finding]:
    """A finding for the version and one for migrations; more where something is amiss."""
    with ground.looking() as session:
        row = session.execute(_STATE).one()
        drift = abs((row.clock - datetime.now(UTC)).total_seconds())
        current, wanted = revisions(session.connection())
    return [
        _version(row.version),
        *_amiss(row.zone, drift, owner=bool(row.owner)),
        Finding(
            Message("Migrations"),
            "ok" if current == wanted else "broken",
            current or "–",
            None if current == wanted else Message("Run: avain db upgrade"),
        ),
    ]


def _version(version: str) -> Finding:
    old = int(version.split(".", maxsplit=1)[0]) < _OLDEST_VERSION
    advice = Message("Use PostgreSQL 15 or newer.") if old else None
    return Finding(Message("Database"), "broken" if old else "ok", f"PostgreSQL {version}", advice)


def _amiss(zone: str, drift: float, *, owner: bool) -> list[Finding]:
    findings = []
    if zone not in ("UTC", "Etc/UTC"):
        advice = Message("Run: ALTER DATABASE … SET timezone TO 'UTC'")
        findings.append(Finding(Message("Database time zone"), "broken", zone, advice))
    if owner:
        advice = Message(
            "Give the application a role of its own (AVAIN_DATABASE_URL) and keep the owner for migrations (AVAIN_DATABASE_OWNER_URL)."
        )
        found = Message("the application owns the tables")
        findings.append(Finding(Message("Database role"), "warning", found, advice))
    if drift > _DRIFT_SECONDS:
        found, advice = Message("{seconds} s apart", seconds=round(drift)), Message("Synchronise the clocks (NTP).")
        findings.append(Finding(Message("Clocks"), "warning", found, advice))
    return findings
