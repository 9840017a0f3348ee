"""What one console process knows: its settings, and the ways to the database, the queue's server and the login provider."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal

from sqlalchemy.orm import Session
from starlette.responses import Response

from connectors.oidc import Provider
from console.web.hosts import of_family
from console.web.limits import Limiter
from core.settings import Settings
from workers.configuration import current_settings

#: Names a browser's cookie in the time between the way to the login provider and back.
_LOGIN = "login"
#: Browsers bind a cookie of such a name to this very host, and allow that by https only.
_HOST = "__Host-"


@dataclass(frozen=True)
class Console:
    """`transaction` opens a session that commits when its block ends well; tests hand in one of their own. `provider`: None without
    `[console.oidc]`; `family_provider`: None without `[family.oidc]`.
    """

    settings: Settings
    transaction: Callable[[], AbstractContextManager[Session]]
    redis_url: Callable[[], str]
    limiter: Limiter
    provider: Provider | None
    family_provider: Provider | None = None
    #: Whether what avain.toml says of follow-ups counts as soon as it is changed there; what the console serves under is read once.
    follows: bool = False

    @property
    def current(self) -> Settings:
        """The settings as they are in force."""
        if not self.follows:
            return self.settings
        now = current_settings().follow_ups
        return (
            self.settings if now == self.settings.follow_ups else self.settings.model_copy(update={"follow_ups": now})
        )

    @property
    def secure(self) -> bool:
        """Whether browsers reach it by https."""
        return self.settings.console.origin.startswith("https:")

    @property
    def family_origin(self) -> str:
        """Scheme, host and port under which families reach their page."""
        return self.settings.family.public_url or self.settings.console.origin

    @property
    def cookie(self) -> str:
        """The session cookie's name."""
        return f"{_HOST}avain" if self.secure else "avain"

    @property
    def family_cookie(self) -> str:
        """The name of the cookie of a family's session."""
        return f"{_HOST}avain-my" if self.family_origin.startswith("https:") else "avain-my"

    @property
    def login_cookie(self) -> str:
        """The name of the cookie that ties a login to the browser in which it was begun."""
        return f"{self.cookie}-{_LOGIN}"

    @property
    def family_login_cookie(self) -> str:
        """The same for a family's login."""
        return f"{self.family_cookie}-{_LOGIN}"

    @property
    def links(self) -> bool:
        """Whether one-time links sign people in: where no login provider does, and never in production."""
        return self.settings.console.oidc is None and self.settings.environment != "production"

    def origins(self, path: str) -> frozenset[str]:
        """What a browser may say that a form to this address came from."""
        own = self.settings.family.public_url
        return frozenset({own.lower()}) if own and of_family(path) else self.settings.console.origins

    def set_cookie(self, answer: Response, name: str, value: str, *, seconds: int | None = None) -> None:
        """Hand the browser a value that no script sees and no other site's form sends. None: until the browser closes."""
        lax: Literal["lax"] = "lax"  # not strict: the login provider and links in e-mails lead here
        secure = name.startswith(_HOST)
        answer.set_cookie(name, value, max_age=seconds, path="/", secure=secure, httponly=True, samesite=lax)

    def drop_cookie(self, answer: Response, name: str) -> None:
        """Take a value back."""
        answer.delete_cookie(name, path="/", secure=name.startswith(_HOST), httponly=True, samesite="lax")
