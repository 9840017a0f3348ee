"""What is stored where, about whom, and for how long: what docs/review/stored-data.md shows, from stored-data.toml."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import BigInteger, DateTime, MetaData, Table

from deploy.supply_chain.exceptions import ROOT

FOLDER: Final = ROOT / "docs" / "review"
SOURCE: Final = FOLDER / "stored-data.toml"
KINDS: Final = ("identity", "words", "facts", "secrets", "technical")
#: What tells of a person; the last kind does not.
PERSONAL: Final = KINDS[:4]
ABOUT: Final = {"client": "client", "worker": "worker", "provider": "provider", "nobody": "–"}


@dataclass(frozen=True)
class Stored:
    """One table as the list says. `columns`: by kind, the columns of it."""

    table: str
    holds: str
    about: tuple[str, ...]
    kept: str
    columns: dict[str, tuple[str, ...]]

    @property
    def named(self) -> list[str]:
        return [column for columns in self.columns.values() for column in columns]


def read(path: Path = SOURCE) -> tuple[list[Stored], dict[str, str], list[dict[str, str]]]:
    """The tables in the list's order, what each word of `kept` means, and what lies beside the database. Raises ValueError for a word that
    means nothing there.
    """
    told = tomllib.loads(path.read_text("utf-8"))
    return [_stored(name, entry, told["kept"]) for name, entry in told["tables"].items()], told["kept"], told["beside"]


def _stored(name: str, entry: dict[str, Any], kept: dict[str, str]) -> Stored:
    unknown = set(entry) - {"holds", "about", "kept", *KINDS}
    if unknown or entry["kept"] not in kept or not set(entry["about"]) <= ABOUT.keys():
        raise ValueError(f"stored-data.toml, {name}: {unknown or entry['kept']} or about {entry['about']} is not known")
    columns = {kind: tuple(entry[kind]) for kind in KINDS if entry.get(kind)}
    return Stored(name, entry["holds"], tuple(entry["about"]), entry["kept"], columns)


def to_be_named(table: Table) -> set[str]:
    """The columns of a table that the list must name: all but ids, references to other rows and moments."""
    return {
        column.name
        for column in table.columns
        if not (
            column.foreign_keys
            or isinstance(column.type, DateTime)
            or column.name == "id"
            or (isinstance(column.type, BigInteger) and column.name.endswith("_id"))
            or column.name == "purged_by"  # the id of the event that records the removal
        )
    }


def faults(metadata: MetaData, path: Path = SOURCE) -> list[str]:
    """What the list says otherwise than the tables are, a sentence each; empty when they agree."""
    tables, _, _ = read(path)
    listed = {one.table: one for one in tables}
    found = [f"{name}: no such table any more" for name in listed.keys() - metadata.tables.keys()]
    for name, table in sorted(metadata.tables.items()):
        if name not in listed:
            found.append(f"{name}: say in docs/review/stored-data.toml what it holds, about whom and for how long")
            continue
        named, wanted = listed[name].named, to_be_named(table)
        found += [f"{name}.{one}: say whether it is about a person" for one in sorted(wanted - set(named))]
        found += [f"{name}.{one}: no such column to be named" for one in sorted(set(named) - wanted)]
        found += [f"{name}.{one}: named twice" for one in sorted({one for one in named if named.count(one) > 1})]
        personal = any(kind in listed[name].columns for kind in ("identity", "words", "facts"))
        if personal and listed[name].about == ("nobody",):
            found.append(f"{name}: about nobody, and its columns say otherwise")
    return found


def tables_block(path: Path = SOURCE) -> str:
    """The table of tables, as Markdown."""
    tables, _, _ = read(path)
    head = [
        "| table | holds | about | identifying | written words | facts | secrets | kept |",
        "|---|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*head, *(_row(one) for one in tables)])


def kept_block(path: Path = SOURCE) -> str:
    """What the words of its last column mean."""
    _, kept, _ = read(path)
    return "\n".join(
        ["| kept | that is |", "|---|---|", *(f"| {word} | {meaning} |" for word, meaning in kept.items())]
    )


def beside_block(path: Path = SOURCE) -> str:
    """What lies beside the database."""
    _, _, beside = read(path)
    rows = (f"| {one['where']} | {one['holds']} | {one['about']} | {one['kept']} |" for one in beside)
    return "\n".join(["| where | holds | about | kept |", "|---|---|---|---|", *rows])


def _row(one: Stored) -> str:
    about = ", ".join(ABOUT[who] for who in one.about)
    cells = [", ".join(f"`{column}`" for column in one.columns.get(kind, ())) for kind in PERSONAL]
    return f"| `{one.table}` | {one.holds} | {about} | {' | '.join(cells)} | {one.kept} |".replace("|  |", "| |")
