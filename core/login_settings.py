"""What Avain needs to know of a login provider (OpenID Connect, code flow with PKCE), whoever logs in by it."""

from abc import ABC, abstractmethod
from typing import ClassVar
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from core.i18n import N_
from core.setting_groups import Group
from core.transport_settings import ProxyAddress


class LoginProvider(Group, ABC):
    """One provider: the workers' (`[console.oidc]`) or the one families log in by (`[family.oidc]`)."""

    #: Where it stands in avain.toml, for sentences.
    section: ClassVar[str]

    issuer: str = Field(description="as the provider writes it; its /.well-known/openid-configuration is read")
    client_id: str = Field(min_length=1)
    client_secret: SecretStr | None = Field(
        default=None, description="from the environment; none: a public client, PKCE alone"
    )
    scopes: list[str] = Field(default=["openid", "profile", "email"])
    acr_values: list[str] = Field(
        default_factory=list, description="levels of assurance asked for; an answer with another, or none, is refused"
    )
    ca_file: str | None = Field(default=None, description="authorities to trust instead of the system's")
    proxy: ProxyAddress | None = Field(default=None, description="the only way to it: http://host:port")

    @property
    @abstractmethod
    def needed_claim(self) -> str:
        """The claim that is asked for at userinfo where the ID token lacks it."""

    @field_validator("client_secret")
    @classmethod
    def _none_if_empty(cls, value: SecretStr | None) -> SecretStr | None:
        return value if value is not None and value.get_secret_value() else None

    @field_validator("issuer")
    @classmethod
    def _https(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment or parts.username:
            raise ValueError(N_("must be an https address without a question mark"))
        return value  # to the letter: tokens name it, and some providers end it with a slash
