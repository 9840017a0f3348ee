"""What a provider may answer to an order, whichever way it came, and what Avain makes of it."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Literal

from core.errors import Message

#: Peppol's codes (UNCL 4343): the order has arrived, is accepted, rejected, accepted with changes.
Code = Literal["AB", "AP", "RE", "CA"]
#: UNCL 1229: added, changed, accepted, rejected, already delivered.
LineCode = Literal["1", "3", "5", "7", "42"]

#: An order in one of these waits for its answer. One that is being sent, or failed, evidently arrived if it is answered.
OPEN: Final = ("approved", "sending", "sent", "failed", "received", "changed")


@dataclass(frozen=True)
class LineAnswer:
    """What is answered to one line. `line_number` is the order's; what is None is as ordered. `amount`: euros without VAT for `base_quantity`."""

    line_number: int | None
    code: LineCode
    quantity: Decimal | None = None
    unit: str | None = None
    amount: Decimal | None = None
    base_quantity: Decimal = Decimal(1)
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True)
class Answer:
    """An answer to the order `number`. `external_id` is the answer's own number, where it is a document.

    `business_id` and `endpoint` say who answers, where the document says it; who holds a signed link, and a person who writes down what
    was said on the telephone, need not. `by`: that person, whose word settles what a document would leave open. `starts_on`: the first day
    promised; `ends_on` the last, where one is.
    """

    number: str
    code: Code
    external_id: str | None = None
    issued_on: date | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    lines: tuple[LineAnswer, ...] = ()
    business_id: str | None = None
    endpoint: str | None = None
    note: str = ""
    incoming_id: int | None = None
    by: str | None = None


@dataclass(frozen=True)
class Taken:
    """What became of an answer: `applied`, `held` for a person, `refused`, `repeated` (said before: nothing happened). `reason`: why not applied."""

    state: Literal["applied", "held", "refused", "repeated"]
    number: str
    reason: Message | None = None
    order_id: int | None = None
    response_id: int | None = None


@dataclass(frozen=True)
class Line:
    """A line as it was ordered; days both included."""

    line_number: int
    plan_item_id: int
    first: date
    last: date
    quantity: Decimal
    unit: str
    net: Decimal


@dataclass(frozen=True)
class Standing:
    """An answer that was taken before."""

    id: int
    code: str
    state: str
    external_id: str | None
    starts_on: date | None
    note: str
    answered_at: datetime
    lines: tuple[LineAnswer, ...] = ()


@dataclass(frozen=True)
class Held:
    """An order as it stands, held until the transaction ends. `standing`: its answers, the latest last."""

    id: int
    number: str
    state: str
    first: date
    last: date
    link_epoch: int
    business_id: str
    endpoint: str | None
    approval_id: int | None
    lines: tuple[Line, ...] = ()
    standing: tuple[Standing, ...] = ()

    @property
    def proposal(self) -> Standing | None:
        """The changes that somebody must decide on."""
        return next((one for one in reversed(self.standing) if one.code == "CA" and one.state == "held"), None)
