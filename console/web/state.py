"""What one console process knows: its settings, and the ways to the database, the queue's server and the login provider."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal

from sqlalchemy.orm import Session
from starlette.responses import Response

from connectors.oidc import Provider
from console.web.limits import Limiter
from core.settings import Settings
from workers.configuration import current_settings

#: Names a browser's cookie in the time between the way to the login provider and back.
_LOGIN = "login"


@dataclass(frozen=True)
class Console:
    """`transaction` opens a session that commits when its block ends well; tests hand in one of their own. `provider`: None without
    `[console.oidc]`.
    """

    settings: Settings
    transaction: Callable[[], AbstractContextManager[Session]]
    redis_url: Callable[[], str]
    limiter: Limiter
    provider: Provider | None
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
    def cookie(self) -> str:
        """The session cookie's name; `__Host-` binds it to this very host, and browsers allow that by https only."""
        return "__Host-avain" if self.secure else "avain"

    @property
    def family_cookie(self) -> str:
        """The name of the cookie of a family's session."""
        return f"{self.cookie}-my"

    @property
    def login_cookie(self) -> str:
        """The name of the cookie that ties a login to the browser in which it was begun."""
        return f"{self.cookie}-{_LOGIN}"

    @property
    def links(self) -> bool:
        """Whether one-time links sign people in: where no login provider does, and never in production."""
        return self.settings.console.oidc is None and self.settings.environment != "production"

    def set_cookie(self, answer: Response, name: str, value: str, *, seconds: int | None = None) -> None:
        """Hand the browser a value that no script sees and no other site's form sends. None: until the browser closes."""
        lax: Literal["lax"] = "lax"  # not strict: the login provider and links in e-mails lead here
        answer.set_cookie(name, value, max_age=seconds, path="/", secure=self.secure, httponly=True, samesite=lax)

    def drop_cookie(self, answer: Response, name: str) -> None:
        """Take a value back."""
        answer.delete_cookie(name, path="/", secure=self.secure, httponly=True, samesite="lax")
