"""The settings of connections that orders go out by: an SFTP server, or an access point's HTTPS address.

Connections stand in avain.toml under a name (`[orders.connections.<name>]`), since they hold secrets
(AVAIN_ORDERS__CONNECTIONS__<name>__PASSWORD); a provider's `channel_settings` say which of them its orders take.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from core.errors import Message
from core.i18n import N_
from core.reasons import os_reason
from core.setting_groups import RefusedSettingError
from core.transport_settings import HeaderValue, HttpsServer, SftpServer

#: What an envelope can say of an order, written `{name}` inside its texts.
PLACEHOLDERS: Final = {
    "number": "the order's number, which is also the idempotency key",
    "sender": "the buyer's electronic address with its scheme, 0216:003799999992",
    "sender_scheme": "the scheme alone",
    "sender_id": "the address alone",
    "receiver": "the provider's electronic address with its scheme",
    "receiver_scheme": "the scheme alone",
    "receiver_id": "the address alone",
    "document_type": "the Peppol document type, from urn:oasis:… to ::2.1",
    "process": "the Peppol process: urn:fdc:peppol.eu:poacc:bis:order_only:3 or …:ordering:3",
    "sha256": "of the document, hexadecimal",
    "document_base64": "the document",
}
#: The whole text of a multipart envelope's part that is the document itself.
DOCUMENT_PART: Final = "{document}"
_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
#: Headers that Avain writes itself.
_OURS: Final = frozenset(
    {"authorization", "content-type", "content-length", "host", "accept", "accept-encoding", "user-agent"}
)


def _header_name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9-]{1,64}", value) or value.lower() in _OURS:
        raise ValueError(
            N_("is the name of a header, of letters, digits and hyphens, and none that Avain writes itself")
        )
    return value


def _folder(value: str) -> str:
    if any(part in {".", ".."} for part in value.split("/")) or not value.isprintable():
        raise ValueError(N_("is a folder at the server, such as /in/orders"))
    return value.rstrip("/") if value != "/" else value


HeaderName = Annotated[str, AfterValidator(_header_name)]


class SftpConnection(SftpServer):
    """Orders are put into a folder of an SFTP server."""

    kind: Literal["sftp"]
    folder: Annotated[str, AfterValidator(_folder)] = Field(
        default=".", description="where orders are put; a provider may have a folder of its own in it"
    )
    peppol: bool = Field(default=False, description="orders go on through Peppol: a provider needs an address there")


class HttpsConnection(HttpsServer):
    """Orders are posted to an access point, or to the provider itself.

    `body`: the document as it is (xml), or an envelope around it (json, multipart) whose texts say `{number}`, `{receiver}`,
    `{document_base64}` and so on (PLACEHOLDERS). `reply_id`: where the answer's number stands in its JSON, such as `data.id`.
    """

    kind: Literal["https"]
    allow_private: bool = Field(default=False, description="the host may stand in a private network")
    peppol: bool = Field(default=True, description="orders go on through Peppol: a provider needs an address there")
    body: Literal["xml", "json", "multipart"] = Field(
        default="xml", description="the document as it is, or an envelope around it"
    )
    envelope: dict[str, Any] | None = Field(default=None, description="the JSON around the document, as a table")
    envelope_file: Path | None = Field(default=None, description="the same in a file")
    reply_id: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_$-]+(\.[A-Za-z0-9_$-]+)*$",
        description="where the other side's number of the order stands in its JSON answer, such as data.id",
    )
    headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict, description="further headers, by name")
    idempotency_header: HeaderName = Field(
        default="Idempotency-Key", description="the header that tells an order sent twice from two orders"
    )
    seconds: float = Field(default=60, ge=1, le=90, description="for one delivery, from the name to the last byte")

    @model_validator(mode="after")
    def _envelope_goes_with_the_body(self) -> Self:
        both = self.envelope is not None and self.envelope_file is not None
        stated = self.envelope is not None or self.envelope_file is not None
        if both or stated != (self.body != "xml"):
            raise ValueError(
                N_('body = "json" and body = "multipart" need envelope or envelope_file, body = "xml" neither')
            )
        if self.envelope is not None:
            check_envelope(self.envelope, self.body)
        return self


#: Any of them.
Connection = Annotated[SftpConnection | HttpsConnection, Field(discriminator="kind")]
ConnectionName = Annotated[str, Field(pattern="^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
Connections = Mapping[str, SftpConnection | HttpsConnection]
NO_CONNECTIONS: Final[Connections] = MappingProxyType({})


def read_envelope(configured: HttpsConnection) -> dict[str, Any]:
    """The envelope of a connection, from its file if it has one. Raises RefusedSettingError with what is wrong."""
    if configured.envelope is not None:
        return configured.envelope
    path = configured.envelope_file
    if path is None:
        return {}
    try:
        envelope = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise RefusedSettingError(
            Message("{path} cannot be read: {error}", path=str(path), error=os_reason(error))
        ) from error
    except ValueError as error:
        raise RefusedSettingError(Message("{path} is not JSON.", path=str(path))) from error
    if not isinstance(envelope, dict):
        raise RefusedSettingError(Message("{path} is not JSON.", path=str(path)))
    check_envelope(envelope, configured.body)
    return envelope


def check_envelope(envelope: Mapping[str, Any], body: str) -> None:
    """Raise unless every placeholder is known and the document is in it."""
    known = {f"{{{name}}}" for name in PLACEHOLDERS} | ({DOCUMENT_PART} if body == "multipart" else set())
    named = {match.group() for words in _texts(envelope) for match in _PLACEHOLDER.finditer(words)}
    if named - known:
        raise RefusedSettingError(
            Message(
                "the envelope names {unknown}; it may name: {known}",
                unknown=", ".join(sorted(named - known)),
                known=", ".join(sorted(known)),
            )
        )
    if not named & {"{document_base64}", DOCUMENT_PART}:
        raise RefusedSettingError(
            Message(
                "the envelope must hold the document: {inside}, or in a multipart body {part}",
                inside="{document_base64}",
                part=DOCUMENT_PART,
            )
        )
    if body == "multipart" and any(
        DOCUMENT_PART in words and (words != DOCUMENT_PART or name is None) for name, words in _top(envelope)
    ):
        raise RefusedSettingError(Message("{part} is the whole text of a part of its own", part=DOCUMENT_PART))


def filled(value: Any, said: Mapping[str, str]) -> Any:
    """A value of an envelope with its placeholders filled in; braces that name none of them stay as they are."""
    match value:
        case str():
            return _PLACEHOLDER.sub(lambda match: said.get(match.group(1), match.group()), value)
        case list():
            return [filled(one, said) for one in value]
        case dict():
            return {name: filled(one, said) for name, one in value.items()}
        case _:
            return value


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list() | tuple():
            for one in value:
                yield from _texts(one)
        case Mapping():
            for one in value.values():
                yield from _texts(one)


def _top(envelope: Mapping[str, Any]) -> Iterator[tuple[str | None, str]]:
    """The texts of an envelope with the name of their part, None for those deeper inside."""
    for name, value in envelope.items():
        if isinstance(value, str):
            yield name, value
        else:
            yield from ((None, words) for words in _texts(value))
