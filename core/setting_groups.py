"""What the groups of settings are made of."""

from pydantic import BaseModel, ConfigDict

from core.errors import Message


class RefusedSettingError(ValueError):
    """What a validator raises when its sentence holds values; pydantic collects it with the others."""

    def __init__(self, message: Message) -> None:
        self.message = message
        super().__init__(message.text("en"))


class Group(BaseModel):
    """A table of avain.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True)
