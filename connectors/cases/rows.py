"""Canonical records as rows: the text form in which PostgreSQL copies them in, one line per case, decision and planned service.

The slow way makes them from a validated record (`add`), the fast way of XML (xml/fast/) writes them itself, without a record in between.
A test holds the two together. This module imports nothing heavy: parsing children load it.
"""

import re
import sys
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import date
    from typing import BinaryIO

    from connectors.cases.record import CaseRecord, DecisionPart, PlanItemPart

CASE_COLUMNS: Final = (
    "position", "kind", "file", "place", "external_id", "record_hash", "client", "non_disclosure", "sealed", "blind", "responsible_worker",
    "co_worker", "supervisor", "unit", "status", "assessment_date", "plan_date", "kykyviisari_date", "support_person", "goals",
)  # fmt: skip
DECISION_COLUMNS: Final = (
    "position", "external_id", "number", "stand_date", "decided_on", "valid", "granted_amount", "baseline_service", "baseline_quantity",
    "baseline_unit",
)  # fmt: skip
ITEM_COLUMNS: Final = (
    "position", "external_id", "decision", "service", "quantity", "unit", "period", "provider", "follow_up",
)  # fmt: skip
#: Records that are as they were known to be: only that they are there.
SAME_COLUMNS: Final = ("position", "file", "place", "record_hash")

_BLOCK: Final = 65_536
NULL: Final = "\\N"
_SPECIAL: Final = re.compile(r'[\\\t\n\r"]')
_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def escaped(text: str) -> str:
    """A text as it stands between two tabs of a row."""
    return text.translate(_ESCAPES)


def texts(values: Sequence[str]) -> str:
    """An array of texts, each in quotes, as a row's value."""
    if not values:
        return "{}"
    if not _SPECIAL.search("".join(values)):
        return '{"' + '","'.join(values) + '"}'
    inside = ",".join('"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values)
    return escaped("{" + inside + "}")


class SlowWayNeededError(Exception):
    """The rows handed out so far may not be used: the files must be read record by record, which tells what is the matter."""


@dataclass(frozen=True)
class Doubt:
    """A record (or word that one is gone) that is to be read the slow way. `content` is a whole document around it."""

    position: int
    line: int
    record_hash: bytes
    content: bytes


@dataclass(frozen=True)
class RowBatch:
    """What a piece of a file held: how many records, their lines for each table, and what the fast way was not sure of."""

    records: int
    cases: bytes
    decisions: bytes
    items: bytes
    same: bytes
    doubts: tuple[Doubt, ...]


@dataclass
class Rows:
    """Lines of the three tables, and of what is as known."""

    cases: list[str] = field(default_factory=list)
    decisions: list[str] = field(default_factory=list)
    items: list[str] = field(default_factory=list)
    same: list[str] = field(default_factory=list)

    def add_gone(self, position: int, file: int, place: str, external_id: str) -> None:
        """Word that a case is there no more."""
        nothing = "\t".join([NULL] * (len(CASE_COLUMNS) - 5))
        self.cases.append(f"{position}\tgone\t{file}\t{escaped(place)}\t{escaped(external_id)}\t{nothing}\n")

    def add(  # noqa: PLR0917 - the columns that are no part of the record, in order
        self,
        position: int,
        file: int,
        place: str,
        record_hash: bytes,
        record: "CaseRecord",
        sealed: bytes | None = None,
        blind: bytes | None = None,
    ) -> None:
        """A record and its parts. Identity only as what was sealed of it."""
        self.cases.append(
            f"{position}\trecord\t{file}\t{escaped(place)}\t{escaped(record.external_id)}\t\\\\x{record_hash.hex()}"
            f"\t{escaped(record.client.external_id)}\t{_flag(value=record.client.non_disclosure)}\t{_bytes(sealed)}\t{_bytes(blind)}"
            f"\t{escaped(record.responsible_worker)}\t{_text(record.co_worker)}\t{_text(record.supervisor)}"
            f"\t{_text(record.unit)}\t{record.status}\t{_day(record.assessment_date)}\t{_day(record.plan_date)}\t{_day(record.kykyviisari_date)}"
            f"\t{_flag(value=record.support_person)}\t{texts(record.goals)}\n"
        )
        self.decisions += [_decision(position, one) for one in record.decisions]
        self.items += [_item(position, one) for one in record.plan_items]


def _decision(position: int, one: "DecisionPart") -> str:
    valid = NULL
    if one.valid_from or one.valid_to:
        valid = f"[{one.valid_from or ''},{one.valid_to or ''}]"
    baseline = f"{NULL}\t{NULL}\t{NULL}"
    if one.baseline is not None:
        baseline = f"{escaped(one.baseline.service)}\t{one.baseline.quantity:f}\t{one.baseline.unit}"
    amount = NULL if one.granted_amount is None else f"{one.granted_amount:f}"
    return (
        f"{position}\t{escaped(one.external_id)}\t{_text(one.number)}\t{_day(one.stand_date)}\t{_day(one.decided_on)}"
        f"\t{valid}\t{amount}\t{baseline}\n"
    )


def _item(position: int, one: "PlanItemPart") -> str:
    rhythm = NULL
    if one.follow_up is not None:
        rhythm = one.follow_up.model_dump_json(exclude_none=True)
    return (
        f"{position}\t{escaped(one.external_id)}\t{escaped(one.decision)}\t{escaped(one.service)}\t{one.quantity:f}\t{one.unit}"
        f"\t[{one.start},{one.end}]\t{_text(one.provider)}\t{rhythm}\n"
    )


def _text(value: str | None) -> str:
    return NULL if value is None else escaped(value)


def _day(value: "date | None") -> str:
    return NULL if value is None else value.isoformat()


def _flag(*, value: bool) -> str:
    return "t" if value else "f"


def _bytes(value: bytes | None) -> str:
    return NULL if value is None else f"\\\\x{value.hex()}"


def write_known(beginnings: Iterable[bytes], file: "BinaryIO") -> None:
    """Write the first eight bytes of each known hash, which come in order, as numbers: what a reader of rows looks a hash up in."""
    ahead = iter(beginnings)
    while block := b"".join(islice(ahead, _BLOCK)):
        numbers = array("Q", block)
        if sys.byteorder == "little":
            numbers.byteswap()
        numbers.tofile(file)
