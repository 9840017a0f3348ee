"""What stands on this machine: Python, the settings, the folder for orders by file."""

import os
import sys

from core.errors import Message
from services.health.findings import Finding, Ground


def python(_ground: Ground) -> list[Finding]:
    """Its version."""
    name, version = Message("Python"), ".".join(str(part) for part in sys.version_info[:3])
    good = sys.version_info >= (3, 11)
    return [
        Finding(name, "ok" if good else "broken", version, None if good else Message("Install Python 3.11 or newer."))
    ]


def settings(ground: Ground) -> list[Finding]:
    """What kind of installation it is."""
    configured = ground.settings
    found = Message("production") if configured.environment == "production" else Message("development")
    if configured.embedded:
        found = Message("{kind}, embedded services", kind=found)
    lacks_key = not configured.hash_key and configured.environment != "development"
    return [Finding(Message("Settings"), "ok", found, Message("Set AVAIN_HASH_KEY.") if lacks_key else None)]


def outbox(ground: Ground) -> list[Finding]:
    """Whether orders by file can be written."""
    name, folder = Message("Outbox"), ground.settings.order_outbox
    existing = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if os.access(existing, os.W_OK) and existing.is_dir():
        return [Finding(name, "ok", str(folder))]
    advice = Message("Let the workers write there, or set [orders] outbox: orders by file wait until then.")
    return [Finding(name, "broken", str(folder), advice)]
