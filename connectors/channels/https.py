"""Channel `https`: the order is posted to an access point's REST API, or to the provider itself.

Every attempt carries the order number as its idempotency key, so that whoever takes it can tell a repeat. What the answers mean:

    2xx                       taken
    409                       known already: success if the answer names the order, or an earlier attempt of ours is in doubt; "later" if it
                              says when to come again (the first is still being worked on); else a person looks
    408, 425, 429             later, when it says so
    5xx, silence, cut off     perhaps taken: again, under the same key
    others, redirects         refused: a person looks. A POST is never sent on to another address.
"""

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, Self
from urllib.parse import urlsplit

import httpx2

from connectors.addresses import Resolver, host_of, resolve
from connectors.channels.base import Delivery, Destination, Means, Receipt
from connectors.channels.connecting import connection_of, connection_problem
from connectors.http import HostRule, HttpDoor, Outbound, Reply, raise_for, retry_after
from core.channel_settings import DOCUMENT_PART, Connections, HttpsConnection, filled, read_envelope
from core.errors import AlreadyDone, Message, Permanent, RefusedInput, Transient, Unclear
from core.setting_groups import RefusedSettingError
from core.settings import Organisation

_CUSTOMIZATION: Final = "urn:fdc:peppol.eu:poacc:trns:order:3"
_DOCUMENT_TYPE: Final = f"urn:oasis:names:specification:ubl:schema:xsd:Order-2::Order##{_CUSTOMIZATION}::2.1"
_PROCESS: Final = "urn:fdc:peppol.eu:poacc:bis:{profile}:3"
_CONFLICT: Final = 409
_SERVER_ERROR: Final = 500
#: Of an answer no more is read; one that announces more than the second is not looked at.
_READ_OF_ANSWER: Final = 64 * 1024
_LARGEST_ANSWER: Final = 64 * 1024 * 1024
_LONGEST_REPLY: Final = 300
#: What can go wrong before the first byte of the order has left.
_NOT_CONNECTED: Final = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


@dataclass(frozen=True)
class _Body:
    content: bytes
    media_type: str


class HttpsChannel:
    """Posts orders to the connection's address."""

    name: ClassVar[str] = "https"
    recognises_repeats: ClassVar[bool] = True
    settings: ClassVar[frozenset[str]] = frozenset({"connection"})

    def __init__(self, connections: Connections, organisation: Organisation, *, resolver: Resolver = resolve) -> None:
        self._connections, self._organisation, self._resolver = connections, organisation, resolver

    @classmethod
    def ready(cls, means: Means) -> Self:
        """With the installation's connections."""
        return cls(means.connections, means.organisation)

    @staticmethod
    def problem(destination: Destination, connections: Connections) -> Message | None:
        """The connection must be there, and through Peppol the provider needs an address."""
        return connection_problem(destination, connections, HttpsConnection)

    def send(self, delivery: Delivery) -> Receipt:
        """Post the order; the reply is the status and the other side's own number for it, or the beginning of what it said."""
        connection = connection_of(delivery.destination, self._connections, HttpsConnection)
        body = self._body(delivery, connection)
        host = urlsplit(connection.url).hostname or ""
        try:
            with self._door(connection).stream(
                "POST",
                connection.url,
                headers=_headers(connection, delivery, body),
                content=body.content,
                answers=range(200, 600),
            ) as reply:
                packed = reply.headers.get("content-encoding", "identity").lower() != "identity"
                status, answer = reply.status, b"" if packed else reply.body.read(_READ_OF_ANSWER)
        except RefusedInput as error:
            raise Unclear(error.message) from error
        except Transient as error:
            if isinstance(error.__cause__, _NOT_CONNECTED):
                raise
            raise Unclear(
                "{host} fell silent after the order was handed over; it may or may not have taken it.", host=host
            ) from error
        _judge(reply, answer, delivery, host)
        return Receipt(reply=f"{status} {_said(answer, connection.reply_id)}".strip())

    def _body(self, delivery: Delivery, connection: HttpsConnection) -> _Body:
        if connection.body == "xml":
            return _Body(delivery.document, "application/xml")
        try:
            envelope = read_envelope(connection)
        except RefusedSettingError as error:
            raise Permanent("The envelope of the connection cannot be used: {error}", error=error.message) from error
        said = self._said_of(delivery)
        if connection.body == "json":
            return _Body(json.dumps(filled(envelope, said), ensure_ascii=False).encode(), "application/json")
        return _multipart(envelope, said, delivery)

    def _said_of(self, delivery: Delivery) -> dict[str, str]:
        """What an envelope can name (core/channel_settings.py: PLACEHOLDERS)."""
        buyer, to = self._organisation, delivery.destination
        scheme, address = to.endpoint_scheme or "", to.endpoint_id or ""
        return {
            "number": delivery.number,
            "sender": f"{buyer.endpoint_scheme}:{buyer.endpoint_id}",
            "sender_scheme": buyer.endpoint_scheme,
            "sender_id": buyer.endpoint_id,
            "receiver": f"{scheme}:{address}" if address else "",
            "receiver_scheme": scheme,
            "receiver_id": address,
            "document_type": _DOCUMENT_TYPE,
            "process": _PROCESS.format(profile=delivery.profile),
            "sha256": delivery.sha256,
            "document_base64": base64.b64encode(delivery.document).decode("ascii"),
        }

    def _door(self, connection: HttpsConnection) -> HttpDoor:
        parts = urlsplit(connection.url)
        rule = HostRule(
            allow_private=connection.allow_private,
            allow_http=connection.allow_http,
            ports=frozenset({parts.port or (80 if parts.scheme == "http" else 443)}),
        )
        certificate, key = connection.client_certificate, connection.client_key
        policy = Outbound(
            hosts={host_of(connection.url): rule},
            connect_seconds=min(10.0, connection.seconds),
            read_seconds=connection.seconds,
            total_seconds=connection.seconds,
            max_bytes=_LARGEST_ANSWER,
            max_redirects=0,
            ca_file=connection.ca_file,
            proxy=connection.proxy,
            client_certificate=(certificate, key) if certificate is not None and key is not None else None,
            packed=True,  # the status says whether the order was taken
        )
        return HttpDoor(policy, resolver=self._resolver)


def _headers(connection: HttpsConnection, delivery: Delivery, body: _Body) -> dict[str, str]:
    token = connection.bearer_token
    return {
        **connection.headers,
        connection.idempotency_header: delivery.number,
        "Content-Type": body.media_type,
        **({"Authorization": f"Bearer {token.get_secret_value()}"} if token is not None else {}),
    }


def _multipart(envelope: dict[str, Any], said: dict[str, str], delivery: Delivery) -> _Body:
    """RFC 7578: a part for each key of the envelope; tables and lists as JSON. The boundary is the document's own, so repeats are equal."""
    boundary = f"avain-{delivery.sha256}"
    parts = bytearray()
    for name, value in envelope.items():
        if value == DOCUMENT_PART:
            head, content = (
                f'; filename="{delivery.number}.xml"\r\nContent-Type: application/xml',
                delivery.document,
            )
        elif isinstance(value, str):
            head, content = "\r\nContent-Type: text/plain; charset=utf-8", str(filled(value, said)).encode()
        else:
            head = "\r\nContent-Type: application/json"
            content = json.dumps(filled(value, said), ensure_ascii=False).encode()
        disposition = f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(name)}"{head}\r\n\r\n'
        parts += disposition.encode() + content + b"\r\n"
    parts += f"--{boundary}--\r\n".encode()
    return _Body(bytes(parts), f'multipart/form-data; boundary="{boundary}"')


def _quoted(name: str) -> str:
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def _judge(reply: Reply, answer: bytes, delivery: Delivery, host: str) -> None:
    """Raise what an answer means that does not say "taken"."""
    status = reply.status
    if status == _CONFLICT:
        _judge_conflict(reply, answer, delivery, host)
    try:
        raise_for(status, reply.headers, host=host)
    except Permanent as error:
        said = _said(answer, None)
        if not said:
            raise
        raise Permanent(
            "{host} refused the order ({status}): {answer}", host=host, status=status, answer=said
        ) from error
    except Transient as error:
        if status >= _SERVER_ERROR:
            raise Unclear(error.message, retry_after=error.retry_after) from error
        raise


def _judge_conflict(reply: Reply, answer: bytes, delivery: Delivery, host: str) -> None:
    """409: the key is known. Only what is ours counts as taken."""
    if "retry-after" in reply.headers:  # draft-ietf-httpapi-idempotency-key-header: the first is still being worked on
        raise Unclear(
            "{host} is still working on an earlier attempt.",
            host=host,
            retry_after=retry_after(reply.headers, datetime.now(UTC)),
        )
    if delivery.repeated or delivery.number.encode() in answer:
        raise AlreadyDone("{host} already has it (409).", host=host)
    raise Permanent(
        "{host} says that it has something under {order} already (409), but Avain has not sent it before: {answer}",
        host=host,
        order=delivery.number,
        answer=_said(answer, None),
    )


def _said(answer: bytes, reply_id: str | None) -> str:
    """The other side's number for the order where the connection says where it stands, else the beginning of the answer, on one line."""
    found = _at(answer, reply_id) if reply_id is not None else None
    return _one_line(found or "") or _one_line(answer[: _LONGEST_REPLY * 4].decode("utf-8", "replace"))


def _one_line(text: str) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:_LONGEST_REPLY]


def _at(answer: bytes, path: str) -> str | None:
    """The text or number at a path such as `data.0.id` of a JSON document."""
    try:
        value: Any = json.loads(answer)
        for part in path.split("."):
            value = value[int(part)] if isinstance(value, list) else value[part]
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        return None
    return str(value)[:_LONGEST_REPLY] if isinstance(value, str | int) else None
