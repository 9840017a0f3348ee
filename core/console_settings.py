"""`[console]`: where people reach the web pages, how they sign in, and how long they stay signed in."""

from typing import Literal, Self, get_args
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from core.i18n import N_
from core.setting_groups import Group

LOOPBACK = ("127.0.0.1", "::1", "localhost")
Role = Literal["worker", "supervisor", "price_manager", "operator", "auditor"]


class Oidc(Group):
    """`[console.oidc]`: the organisation's login provider (OpenID Connect, code flow with PKCE)."""

    issuer: str = Field(description="as the provider writes it; its /.well-known/openid-configuration is read")
    client_id: str = Field(min_length=1)
    client_secret: SecretStr | None = Field(
        default=None, description="AVAIN_CONSOLE__OIDC__CLIENT_SECRET; none: a public client, PKCE alone"
    )
    scopes: list[str] = Field(default=["openid", "profile", "email"])
    roles_claim: str = Field(
        default="roles", description="claim that holds the roles; a dot goes into it: realm_access.roles"
    )
    roles: dict[Role, list[str]] = Field(
        default_factory=lambda: {role: [role] for role in get_args(Role)},
        description="which values of the claim mean which role",
    )
    subject_claim: str = Field(default="sub", description="claim that is compared with a worker's subject")
    ca_file: str | None = Field(default=None, description="authorities to trust instead of the system's")

    @field_validator("issuer")
    @classmethod
    def _https(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment or parts.username:
            raise ValueError(N_("must be an https address without a question mark"))
        return value.rstrip("/")


class Console(Group):
    """`[console]`."""

    host: str = Field(default="127.0.0.1", description="the address it listens on")
    port: int = Field(default=8765, ge=1, le=65535)
    public_url: str | None = Field(
        default=None, description="where people reach it, e.g. https://avain.example; needed with a login provider"
    )
    trusted_proxies: list[str] = Field(
        default_factory=list, description="addresses of proxies whose X-Forwarded-For is believed"
    )
    idle_minutes: int = Field(default=30, ge=1, le=24 * 60, description="signed out after so long without a click")
    session_hours: int = Field(default=9, ge=1, le=24, description="signed out after so long in any case")
    max_upload_mb: int = Field(default=20, ge=1, le=200)
    case_url: str | None = Field(
        default=None,
        description="page of a case in the client information system; {external_id}, {source} and {number} are filled in",
    )
    late_minutes: int = Field(
        default=60, ge=0, le=24 * 60, description="how late a scheduled read may be before it counts as late"
    )
    oidc: Oidc | None = None

    @field_validator("public_url")
    @classmethod
    def _origin(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        local = parts.hostname in LOOPBACK and parts.scheme == "http"
        if not parts.hostname or (parts.scheme != "https" and not local) or parts.path not in {"", "/"} or parts.query:
            raise ValueError(N_("must be an https address without a path"))
        return value.rstrip("/")

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.oidc is not None and self.public_url is None:
            raise ValueError(N_("with console.oidc, console.public_url says where people reach the console"))
        if self.oidc is None and self.host not in LOOPBACK:
            raise ValueError(N_("without console.oidc the console may listen on 127.0.0.1 only"))
        return self

    @property
    def origin(self) -> str:
        """Scheme, host and port as browsers see them."""
        return self.public_url or f"http://{self.host}:{self.port}"
