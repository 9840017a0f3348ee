"""Orders on their way out, and the names their servers go by."""

import hashlib
from datetime import UTC, datetime
from typing import Any

from connectors.channels.base import Delivery, Destination
from core.order_settings import Orders

HOST = "point.test"
NUMBER = "T-2026-000001"
DOCUMENT = "<Order>ä & €</Order>\n".encode()


def here(_host: str, _port: int) -> list[str]:
    """A resolver that finds every name on this machine."""
    return ["127.0.0.1"]


def connections(**settings: dict[str, Any]) -> Any:
    """Connections by name, as avain.toml states them."""
    return Orders.model_validate({"connections": settings}).connections


def delivery(
    channel: str,
    document: bytes = DOCUMENT,
    *,
    repeated: bool = False,
    endpoint: str | None = "003799999968",
    **settings: Any,
) -> Delivery:
    """An order that goes by the connection `out`."""
    return Delivery(
        order_id=1,
        number=NUMBER,
        document=document,
        sha256=hashlib.sha256(document).hexdigest(),
        channel=channel,
        destination=Destination(
            "9999996-8", settings={"connection": "out", **settings}, endpoint_scheme="0216", endpoint_id=endpoint
        ),
        approved_at=datetime(2026, 11, 16, tzinfo=UTC),
        repeated=repeated,
    )
