"""`[family]`: the page on which a family sees its own budget. Off until the organisation turns it on."""

from typing import ClassVar, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from core.console_settings import origin_of
from core.i18n import N_
from core.login_settings import LoginProvider
from core.setting_groups import Group


class FamilyOidc(LoginProvider):
    """`[family.oidc]`: the broker through which clients log in (Suomi.fi). Only where identity is sealed."""

    section: ClassVar[str] = "family.oidc"

    client_secret: SecretStr | None = Field(default=None, description="AVAIN_FAMILY__OIDC__CLIENT_SECRET")
    scopes: list[str] = Field(default=["openid"])
    henkilotunnus_claim: str = Field(
        default="urn:oid:1.2.246.21", description="the claim that holds the henkilötunnus; it is never kept"
    )

    @property
    def needed_claim(self) -> str:
        return self.henkilotunnus_claim


class Family(Group):
    """`[family]`."""

    enabled: bool = Field(default=False, description="whether families may see their own budget by themselves")
    public_url: str | None = Field(
        default=None,
        description="an address of its own for families, e.g. https://oma.avain.example; else the console's, under /my",
    )
    link_hours: int = Field(default=72, ge=1, le=720, description="how long a link handed over in person opens")
    support_link_days: int = Field(default=30, ge=1, le=180, description="how long a support person's link opens")
    wrong_codes: int = Field(default=5, ge=3, le=20, description="so many wrong codes end a link")
    idle_minutes: int = Field(default=15, ge=1, le=120, description="signed out after so long without a click")
    session_minutes: int = Field(default=120, ge=5, le=720, description="signed out after so long in any case")
    wish_days: int = Field(
        default=30, ge=1, le=365, description="the words of a wish are removed after so long, written down or not"
    )
    oidc: FamilyOidc | None = None

    @property
    def host_name(self) -> str | None:
        """The name that is families' own, if they have one."""
        return urlsplit(self.public_url).hostname if self.public_url else None

    @field_validator("public_url")
    @classmethod
    def _origin(cls, value: str | None) -> str | None:
        return None if value is None else origin_of(value)

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.enabled and self.oidc is not None and self.public_url is None:
            raise ValueError(N_("with family.oidc, family.public_url says where families reach their page"))
        return self
