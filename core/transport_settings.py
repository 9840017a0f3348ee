"""The settings of places files come from, and of the servers behind them: this machine, HTTPS (also through X-Road), SFTP."""

import base64
import binascii
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from core.errors import Message
from core.i18n import N_
from core.setting_groups import Group, RefusedSettingError

_MEBIBYTE = 1024 * 1024
#: What becomes of a file at the source once it has been applied. `move`: into `move_to`, a folder at the source.
After = Literal["leave", "move"]
_AFTER: Final = "what becomes of a file at the source once it was applied"


def _check_moving(after: After, move_to: Path | str | None) -> None:
    if (after == "move") != (move_to is not None):
        raise ValueError(N_('after = "move" needs move_to, and move_to needs after = "move"'))


class LocalFiles(Group):
    """Files of this machine or of a mounted share."""

    kind: Literal["local"] = "local"
    path: str = Field(description="a file, or a pattern such as /srv/export/cases-*.xml")
    after: After = Field(default="leave", description=_AFTER)
    move_to: Path | None = Field(default=None, description="a folder; relative to the file's own")

    @model_validator(mode="after")
    def _move_has_a_place(self) -> Self:
        _check_moving(self.after, self.move_to)
        return self


def _x_road_id(parts: int) -> AfterValidator:
    """An identifier of so many parts, none empty, without the characters X-Road forbids in them (PR-REST 4.8)."""

    def check(value: str) -> str:
        named = value.split("/")
        wrong = any(not part.strip() or part in {".", ".."} or not part.isprintable() for part in named)
        if wrong or set(value) & set(":;%\\"):
            raise ValueError(
                N_(
                    "an X-Road identifier is names between slashes, without colons, semicolons, percent signs or backslashes"
                )
            )
        if len(named) != parts:
            raise RefusedSettingError(
                Message(
                    "an X-Road identifier has {parts} parts here, this one has {count}", parts=parts, count=len(named)
                )
            )
        return value

    return AfterValidator(check)


def _one_line(value: str) -> str:
    if not value.isascii() or not value.isprintable():
        raise ValueError(N_("goes into a header: only printable ASCII characters"))
    return value


def _proxy(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme != "http" or not parts.hostname or parts.port is None or parts.path.strip("/") or parts.username:
        raise ValueError(N_("must be an address such as http://proxy.example.fi:3128, without user name and password"))
    return value


#: The organisation's own way out, where a server can be reached through it alone. What the environment says of proxies counts for nothing.
ProxyAddress = Annotated[str, AfterValidator(_proxy)]
HeaderValue = Annotated[str, Field(min_length=1), AfterValidator(_one_line)]


class XRoad(Group):
    """A security server of X-Road (Suomi.fi-palveluväylä) in front of the service; `url` of the transport is the server's."""

    client: Annotated[str, _x_road_id(4)] = Field(
        description="instance/class/member/subsystem of this organisation: the header X-Road-Client"
    )
    service: Annotated[str, _x_road_id(5)] = Field(
        description="instance/class/member/subsystem/service: the path after /r1/"
    )
    user_id: HeaderValue | None = Field(default=None, description="the header X-Road-UserId")
    issue: HeaderValue | None = Field(default=None, description="the header X-Road-Issue")


class HttpsServer(Group):
    """An HTTPS server: where it is, whom it is known by, and how Avain shows who it is itself."""

    url: str = Field(description="the whole address, without user name and password")
    allow_private: bool = Field(default=False, description="the host may stand in a private network")
    allow_http: bool = Field(default=False, description="plain http, for a security server in the same network")
    ca_file: Path | None = Field(default=None, description="the authority (PEM) that the server's certificate is of")
    client_certificate: Path | None = Field(default=None, description="by which Avain shows who it is (PEM)")
    client_key: Path | None = Field(default=None, description="the key of client_certificate (PEM)")
    bearer_token: SecretStr | None = Field(default=None, description="sent as Authorization: Bearer …")
    proxy: ProxyAddress | None = Field(default=None, description="the only way to it: http://host:port")

    @model_validator(mode="after")
    def _url_is_whole(self) -> Self:
        check_url(self.url, allow_http=self.allow_http)
        if (self.client_certificate is None) != (self.client_key is None):
            raise ValueError(N_("client_certificate and client_key go together"))
        return self


class HttpsFile(HttpsServer):
    """One file by HTTPS."""

    kind: Literal["https"]
    redirect_hosts: tuple[str, ...] = Field(
        default=(), description="hosts beside the url's own that may be redirected to"
    )
    username: str | None = Field(default=None, description="of HTTP Basic, with password")
    password: SecretStr | None = Field(default=None, description="of HTTP Basic")
    max_bytes: int = Field(default=1024 * _MEBIBYTE, gt=0, description="a larger file is refused")
    x_road: XRoad | None = Field(default=None, description="where the file comes through X-Road")

    @model_validator(mode="after")
    def _redirects_are_hosts(self) -> Self:
        if any(set(host) & set("/:@?# ") for host in self.redirect_hosts):
            raise ValueError(N_("redirect_hosts are names of hosts alone, such as files.example.fi"))
        if self.x_road is not None and self.redirect_hosts:
            raise ValueError(N_("redirects are not followed through X-Road; leave redirect_hosts out"))
        return self

    @model_validator(mode="after")
    def _credentials_are_whole(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError(N_("username and password go together"))
        if self.username is not None and self.bearer_token is not None:
            raise ValueError(N_("a server is told username and password or bearer_token, not both"))
        return self


def check_url(url: str, *, allow_http: bool) -> None:
    """Raise ValueError unless `url` is https (or http where that is allowed) with a host and without credentials."""
    try:
        parts = urlsplit(url)
        whole = bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        whole = False
    if not whole or any(letter.isspace() or not letter.isprintable() for letter in url):
        raise ValueError(N_("the url is not a whole address such as https://files.example.fi/cases.xml"))
    if "@" in parts.netloc:
        raise ValueError(N_("the url must not hold a user name or password; there are settings for them"))
    if parts.scheme != "https" and not (allow_http and parts.scheme == "http"):
        raise ValueError(N_("the url must begin with https:// (http:// only with allow_http = true)"))


class SftpServer(Group):
    """An SFTP server and how Avain signs in there. The server's key is pinned: another key is refused."""

    host: str = Field(description="the server's name or address")
    port: int = Field(default=22, ge=1, le=65535, description="the server's port")
    username: str = Field(description="who Avain is at the server")
    host_key: str = Field(description="the server's public key: ssh-ed25519 AAAA…")
    private_key: Path | None = Field(default=None, description="the file of the key by which Avain is let in")
    passphrase: SecretStr | None = Field(default=None, description="that opens private_key")
    password: SecretStr | None = Field(default=None, description="instead of private_key")
    allow_private: bool = Field(default=True, description="the host may stand in a private network")

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if (self.private_key is None) == (self.password is None):
            raise ValueError(N_("an SFTP server is entered with exactly one of: private_key, password"))
        if self.passphrase is not None and self.private_key is None:
            raise ValueError(N_("passphrase opens the private_key; there is none"))
        return self

    @model_validator(mode="after")
    def _host_key_is_a_key(self) -> Self:
        kind, _, key = self.host_key.strip().partition(" ")
        try:
            inside = base64.b64decode(key.split(" ")[0], validate=True)
        except (binascii.Error, ValueError):
            inside = b""
        if len(inside) < 4 or inside[4 : 4 + int.from_bytes(inside[:4])] != kind.encode():
            raise ValueError(N_("host_key is the server's public key as one line: ssh-ed25519 AAAA…"))
        return self


class SftpFiles(SftpServer):
    """Files by SFTP."""

    kind: Literal["sftp"]
    path: str = Field(description="a file, or a pattern such as /out/cases-*.xml")
    max_bytes: int = Field(default=1024 * _MEBIBYTE, gt=0, description="a larger file is refused")
    after: After = Field(default="leave", description=_AFTER)
    move_to: str | None = Field(default=None, description="a folder at the server; relative to the file's own")

    @model_validator(mode="after")
    def _move_has_a_place(self) -> Self:
        _check_moving(self.after, self.move_to)
        return self


#: Any of them.
Transport = Annotated[LocalFiles | HttpsFile | SftpFiles, Field(discriminator="kind")]
