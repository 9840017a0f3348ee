"""`[mail]`: the organisation's outgoing mail server, and who is told when something fails."""

import re
from typing import Literal

from pydantic import Field, SecretStr, field_validator

from core.i18n import N_
from core.setting_groups import Group

#: One plain mailbox; what else could be written in a header is refused (connectors/mail.py looks once more).
_MAILBOX = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")


def one_address(value: str | None) -> str | None:
    """The address, if it is one or none. Raises ValueError."""
    if value is not None and not _MAILBOX.fullmatch(value):
        raise ValueError(N_("is not one e-mail address"))
    return value


class Mail(Group):
    """The organisation's outgoing mail server."""

    host: str = "127.0.0.1"
    port: int = Field(default=25, ge=1, le=65535)
    security: Literal["none", "starttls", "tls"] = "none"
    username: str | None = None
    password: SecretStr | None = None
    sender: str = "avain@example.invalid"
    timeout_seconds: float = Field(default=20, gt=0, le=300)
    per_minute: int = Field(
        default=0,
        ge=0,
        description="so many reminders a minute at most, by all processes together; 0: as fast as it goes",
    )
    operator_email: str | None = Field(
        default=None,
        description="told when a job finally fails and when it works again, and when reminders are held or cannot be delivered",
    )

    @field_validator("operator_email")
    @classmethod
    def _is_one_address(cls, value: str | None) -> str | None:
        return one_address(value)
