"""A fault of one value, for validators of records and lists alike; and a value that both hold."""

from stdnum.exceptions import ValidationError as NumberError
from stdnum.fi import ytunnus

from core.errors import Message


class FaultError(ValueError):
    """What is wrong with one value, as a sentence: pydantic carries it out of a validator."""

    def __init__(self, message: Message) -> None:
        self.message = message
        super().__init__(message.msgid)


def business_id(value: str, shown: str) -> str:
    """A Y-tunnus as 1234567-1. `shown` is the value as a sentence may quote it. Raises FaultError."""
    try:
        ytunnus.validate(value)
    except NumberError:
        raise FaultError(
            Message("{value} is not a business id (1234567-1): its form or check digit is wrong.", value=shown)
        ) from None
    return str(ytunnus.format(value))
