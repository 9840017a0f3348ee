"""The rows of one case to its record, or the reason why not, told with the row that is at fault."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NoReturn

from connectors.cases.base import Found
from connectors.cases.profile import FieldFaultError, FieldRule, GroupRule, Profile, read_part
from connectors.cases.record import Fault, FoundGone, FoundRecord, readable_id, validated
from connectors.cases.table.store import LARGEST_CASE, StoredRow
from connectors.rejection import Rejection, quote_code
from core.errors import Message
from core.i18n import N_

_MISSING: Final = N_("A value that must be there is missing.")


@dataclass(frozen=True)
class Part:
    """Files of one kind: the groups of the record whose columns stand in them, and the name or pattern of the files (None: every file)."""

    groups: Mapping[str, GroupRule]
    pattern: str | None
    gone: str | None = None

    @property
    def makes_cases(self) -> bool:
        """Whether a row is word that a case exists."""
        return "cases" in self.groups

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """What is read of a row: the column that names the case first, each once."""
        key = [group.case for group in self.groups.values() if group.case is not None]
        if self.makes_cases:
            key = [*self.groups["cases"].rule("external_id").sources]
        read = [column for group in self.groups.values() for column in group.columns]
        return tuple(dict.fromkeys([*key[:1], *read, *([self.gone] if self.gone is not None else [])]))

    @cached_property
    def _places(self) -> Mapping[str, int]:
        return {column: place for place, column in enumerate(self.columns)}

    def texts(self, row: StoredRow, rule: FieldRule) -> list[str]:
        """The texts of a rule in a row of this part."""
        return [row.cells[self._places[source]] for source in rule.sources]

    def text(self, row: StoredRow, column: str) -> str:
        """The text of a column in a row of this part."""
        return row.cells[self._places[column]]

    def own_columns(self, group: str) -> list[str]:
        """The columns of a group that no other group of this part reads."""
        others = {column for name, rule in self.groups.items() if name != group for column in rule.columns}
        return [column for column in self.groups[group].columns if column not in others]


def parts_of(profile: Profile, patterns: Mapping[str, str | None]) -> list[Part]:
    """The parts of an export, the cases' first: each group with a pattern of its own, and the cases with all others."""
    groups = {"cases": profile.cases, "decisions": profile.decisions, "plan_items": profile.plan_items}
    there = {name: group for name, group in groups.items() if group is not None}
    beside = {name: group for name, group in there.items() if name == "cases" or patterns.get(name) is None}
    return [
        Part(beside, patterns.get("cases"), None if profile.gone is None else profile.gone.source),
        *(Part({name: group}, patterns[name]) for name, group in there.items() if name not in beside),
    ]


class _RowFaultError(Exception):
    def __init__(self, row: StoredRow, field: str | None, reason: Message) -> None:
        super().__init__(reason.msgid)
        self.row, self.field, self.reason = row, field, reason


class CaseRows:
    """Reads the rows of cases whose columns stand in `parts`."""

    def __init__(self, profile: Profile, parts: Sequence[Part]) -> None:
        self._profile, self._parts = profile, parts

    def read(self, rows: Sequence[StoredRow]) -> Iterator[tuple[int, Found]]:
        """What the rows of one case say, with the number of the file it stands in.

        One row a case is the rule; a case that is there twice in a file of its own is handed out twice.
        """
        try:
            _refuse_faulty(rows)
            for row in self._case_rows(rows):
                yield row.file, self._gone(row) or self._record(row, rows)
        except _RowFaultError as fault:
            yield fault.row.file, _rejection(fault)

    def stray(self, row: StoredRow) -> tuple[int, Rejection]:
        """Why a row that belongs to no case is left out."""
        if row.fault is not None:
            fault = _RowFaultError(row, None, row.fault)
        elif row.case_id:
            fault = _RowFaultError(
                row,
                next(iter(self._parts[row.part].groups)),
                Message("The row belongs to a case that is not in the export."),
            )
        else:
            fault = _RowFaultError(row, "external_id", Message(_MISSING))
        return row.file, _rejection(fault)

    def _case_rows(self, rows: Sequence[StoredRow]) -> list[StoredRow]:
        """The rows that make records: each of a file of cases alone, else the first, with which the others must agree."""
        made = [row for row in rows if self._parts[row.part].makes_cases]
        part = self._parts[made[0].part]
        if len(part.groups) == 1:
            return made
        columns = [*part.groups["cases"].columns, *([part.gone] if part.gone is not None else [])]
        for row in made[1:]:
            other = next((one for one in columns if part.text(row, one) != part.text(made[0], one)), None)
            if other is not None:
                reason = Message("The row says otherwise of its case than row {row} does.", row=made[0].number)
                raise _RowFaultError(row, _field_of(part.groups["cases"], other), reason)
        return made[:1]

    def _gather(self, group: str, rows: Sequence[StoredRow]) -> list[tuple[dict[str, Any], StoredRow]]:
        """The decisions or plan items of the rows, each with the row it was first seen in."""
        gathered: dict[str, tuple[dict[str, Any], StoredRow]] = {}
        for row in rows:
            part = self._parts[row.part]
            if group not in part.groups:
                continue
            rules = part.groups[group]
            (external_id,) = part.texts(row, rules.rule("external_id"))
            if not external_id:
                if any(part.text(row, column) for column in part.own_columns(group)):
                    raise _RowFaultError(row, f"{group}.external_id", Message(_MISSING))
                continue
            found = _read(part, row, rules, f"{group}.")
            same, first = gathered.setdefault(external_id, (found, row))
            if same != found:
                reason = Message(
                    "{id} is there twice, and row {row} says otherwise.", id=quote_code(external_id), row=first.number
                )
                raise _RowFaultError(row, group, reason)
        return list(gathered.values())

    def _gone(self, row: StoredRow) -> FoundGone | None:
        """The row's word that its case is there no more; what else it says does not matter then."""
        part, gone = self._parts[row.part], self._profile.gone
        if gone is None or part.text(row, gone.source) not in gone.values:
            return None
        external_id = readable_id(row.case_id)
        if external_id is None:
            raise _RowFaultError(row, "external_id", Message(_MISSING))
        return FoundGone(str(row.number), external_id)

    def _record(self, row: StoredRow, rows: Sequence[StoredRow]) -> FoundRecord:
        part = self._parts[row.part]
        data = _read(part, row, part.groups["cases"], "")
        parts = {group: self._gather(group, rows) for group in ("decisions", "plan_items")}
        record = validated({**data, **{group: [one for one, _ in gathered] for group, gathered in parts.items()}})
        if isinstance(record, Fault):
            _raise_where_it_is(record, row, parts)
        return FoundRecord(str(row.number), record)


def _read(part: Part, row: StoredRow, rules: GroupRule, above: str) -> dict[str, Any]:
    try:
        return read_part(rules.fields, lambda rule: part.texts(row, rule))
    except FieldFaultError as fault:
        raise _RowFaultError(row, f"{above}{fault.field}", fault.message) from None


def _raise_where_it_is(
    fault: Fault, row: StoredRow, parts: Mapping[str, Sequence[tuple[dict[str, Any], StoredRow]]]
) -> NoReturn:
    """Tell a fault of the whole record with the row of the part that it is about."""
    match fault.location:
        case ("decisions" | "plan_items" as group, int() as index, *_):
            row = parts[group][index][1]
        case ():  # the parts do not go together: the sentence names the item
            named = fault.reason.params.get("item")
            row = next((one for item, one in parts["plan_items"] if quote_code(item["external_id"]) == named), row)
    raise _RowFaultError(row, fault.field, fault.reason)


def _refuse_faulty(rows: Sequence[StoredRow]) -> None:
    """A row that cannot be read costs its whole case: without it, what it held would look as if it had ended."""
    if len(rows) > LARGEST_CASE:
        raise _RowFaultError(rows[0], None, Message("More than {limit} rows belong to the case.", limit=LARGEST_CASE))
    for row in rows:
        if row.fault is not None:
            raise _RowFaultError(row, None, row.fault)


def _field_of(group: GroupRule, column: str) -> str | None:
    return next((rule.name for rule in group.fields if column in rule.sources), None)


def _rejection(fault: _RowFaultError) -> Rejection:
    return Rejection(str(fault.row.number), fault.field, readable_id(fault.row.case_id), fault.reason)
