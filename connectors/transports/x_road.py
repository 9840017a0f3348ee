"""X-Road (Suomi.fi-palveluväylä) by its REST protocol: what a request to a security server carries, and what its faults mean.

The security server stands in our own network; it signs, logs and passes on. Whether a failure is its own or the provider's decides
whom to call, so its faults have sentences of their own. Source: X-Road Message Protocol for REST (PR-REST) 4.2, 4.3, 4.6. Used by the
HTTPS transport and by whatever else speaks HTTP (FHIR) behind X-Road:

    headers(configured) + address(url, configured) -> the door, redirects off -> raise_fault(status, headers, host=…) -> answer_id(headers)
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote as percent_encoded
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import structlog

from connectors.http import retry_after
from connectors.rejection import quote
from core.errors import Permanent, Transient
from core.transport_settings import XRoad

log = structlog.get_logger()

#: Faults that only a person can mend, though their type says Server: rights and names are set up there.
_FINAL: Final = frozenset({"AccessDenied", "UnknownService", "UnknownMember"})


def address(url: str, configured: XRoad) -> str:
    """The security server's `url` with `/r1/{service}` put before its path; what follows the service's code is the provider's path."""
    parts = urlsplit(url)
    path = "" if parts.path == "/" else parts.path
    return urlunsplit(parts._replace(path=f"/r1/{_encoded(configured.service)}{path}"))


def headers(configured: XRoad) -> dict[str, str]:
    """The headers of one request. Its X-Road-Id is new each time and logged: the provider's log knows the request by it."""
    request_id = str(uuid4())
    log.info("x_road_request", x_road_id=request_id, service=configured.service)
    sent = {"X-Road-Client": _encoded(configured.client), "X-Road-Id": request_id}
    if configured.user_id is not None:
        sent["X-Road-UserId"] = configured.user_id
    if configured.issue is not None:
        sent["X-Road-Issue"] = configured.issue
    return sent


def answer_id(answered: Mapping[str, str]) -> str | None:
    """The security server's own number of the exchange (X-Road-Request-Id), logged; None if it gave none."""
    number = answered.get("x-road-request-id")
    if number is None:
        return None
    number = quote(number)
    log.info("x_road_answer", request_id=number, x_road_id=quote(answered.get("x-road-id", "")))
    return number


def raise_fault(status: int, answered: Mapping[str, str], *, host: str) -> None:
    """Raise what a fault of a security server means; return for an answer that is the provider's, whatever its status.

    Transient: a server or the network between the two fails. Permanent: the request itself, its rights or the service's name is wrong.
    """
    fault = answered.get("x-road-error")
    if fault is None:
        return
    number = answer_id(answered) or "–"
    kind = quote(fault)
    parts = fault.strip().split(".")
    if _FINAL & set(parts) or (parts[0] != "Server" and status < 500):
        raise Permanent(
            "X-Road does not let the request through ({fault}, request {number}). This is said by the security server {host}, "
            "not by the provider: have the service's name and the access rights checked.",
            fault=kind,
            number=number,
            host=host,
        )
    raise Transient(
        "X-Road cannot pass the request on now ({fault}, request {number}). This is a fault of the security servers or the network "
        "between them (reported by {host}), not an answer of the provider.",
        fault=kind,
        number=number,
        host=host,
        retry_after=retry_after(answered, datetime.now(UTC)),
    )


def _encoded(identifier: str) -> str:
    """An identifier with each part percent-encoded as UTF-8 (PR-REST 4.2)."""
    return "/".join(percent_encoded(part, safe="") for part in identifier.split("/"))
