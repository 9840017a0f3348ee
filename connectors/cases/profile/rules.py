"""A loaded profile as values: what connectors compile their reading from."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from connectors.cases.profile.days import DateFormat
from connectors.cases.profile.paths import XmlPath

Kind = Literal["xml", "table", "sql"]
#: The code that stands for every other one.
ANY_OTHER: Final = "*"
_IDENTITY: Final = ("client", "identity")


@dataclass(frozen=True)
class FieldRule:
    """Where one field of the canonical record comes from, and what is done to it on the way (`convert`).

    `target` is the field's path in its group: ("client", "external_id"). `sources` are XML paths or column names as written, several
    only where the field is `repeated` (goals); `paths` the same for XML, understood. With a `constant` there are none.
    """

    target: tuple[str, ...]
    sources: tuple[str, ...] = ()
    paths: tuple[XmlPath, ...] = ()
    constant: str | None = None
    codes: Mapping[str, str] | None = None
    date_format: DateFormat | None = None
    split: str | None = None
    default: str | None = None
    decimal_comma: bool = False
    repeated: bool = False

    @property
    def name(self) -> str:
        """The field as rejections name it, without its group: `client.external_id`."""
        return ".".join(self.target)

    @property
    def is_simple_path(self) -> bool:
        """Whether child steps alone lead there: no XPath is needed."""
        return all(path.is_simple for path in self.paths)

    @property
    def is_identity(self) -> bool:
        """Whether the field says who the client is."""
        return self.target[:2] == _IDENTITY


@dataclass(frozen=True)
class GroupRule:
    """The fields of a case, of its decisions or of its plan items.

    `each` leads from the record element to every element of the group (XML; None for the case itself). `file` is a pattern of file names and
    `case` the column that names the case (one file or query per entity); both None where the columns stand beside the case's.
    """

    fields: tuple[FieldRule, ...]
    each: XmlPath | None = None
    file: str | None = None
    case: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is read, each once."""
        read = [source for rule in self.fields for source in rule.sources]
        return tuple(dict.fromkeys([*([self.case] if self.case is not None else []), *read]))

    def rule(self, *target: str) -> FieldRule:
        """The rule of a field that every profile has, such as `external_id`."""
        return next(one for one in self.fields if one.target == target)


@dataclass(frozen=True)
class GoneRule:
    """The column that says that a case is there no more, and the values by which it says so (tables and views)."""

    source: str
    values: frozenset[str]


@dataclass(frozen=True)
class XmlShape:
    """Where records stand in a document. Names are in Clark notation (`{namespace}local`).

    `root` None: any. `record` and `gone` are steps from the root element to a record and to the word that a case is gone; `gone_id`
    leads from that element to the case's id.
    """

    record: tuple[str, ...]
    root: str | None = None
    gone: tuple[str, ...] | None = None
    gone_id: XmlPath | None = None
    namespaces: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TableShape:
    """How table files are written; None: found out.

    That a CSV file is whole shows in its last row: it ends with a line break (`line_break_at_end`), or is the `footer`, which begins with
    this cell and may name the number of rows in the next.
    """

    encoding: str = "cp1252"
    separator: str | None = None
    sheet: str | None = None
    footer: str | None = None
    line_break_at_end: bool = True


@dataclass(frozen=True)
class Profile:
    """What is known of a foreign export. `version` changes with whatever the profile says, not with its comments."""

    name: str
    kind: Kind
    version: str
    cases: GroupRule
    decisions: GroupRule | None = None
    plan_items: GroupRule | None = None
    gone: GoneRule | None = None
    xml: XmlShape | None = None
    table: TableShape | None = None

    def without_identity(self) -> "Profile":
        """The profile of an installation that does not want to know who clients are: their fields are never read."""
        kept = tuple(one for one in self.cases.fields if not one.is_identity)
        return replace(self, cases=replace(self.cases, fields=kept))
