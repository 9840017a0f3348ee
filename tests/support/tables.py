"""Cases as tables, made by code: the columns a county might name, and the profiles that explain them."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from connectors.cases.base import Found, IdentityMode, RefusedFile
from connectors.cases.contract import a_record, fetched
from connectors.cases.profile import Profile, load_profile
from connectors.cases.record import CaseRecord, FoundRecord
from connectors.cases.table.client import TableCases
from connectors.rejection import Rejection

#: The column of each field, by group.
CASE = {
    "external_id": "Asiakkuus", "client.external_id": "Asiakas", "client.non_disclosure": "Turvakielto",
    "client.identity.henkilotunnus": "Hetu", "client.identity.name": "Nimi", "responsible_worker": "Omatyöntekijä",
    "co_worker": "Työpari", "supervisor": "Esihenkilö", "unit": "Yksikkö", "status": "Tila", "support_person": "Tukihenkilö", "assessment_date": "Arvio",
    "plan_date": "Suunnitelma", "kykyviisari_date": "Kykyviisari",
}  # fmt: skip
GOALS = ("Tavoite 1", "Tavoite 2", "Tavoite 3")
DECISION = {
    "external_id": "Päätös", "number": "Päätösnumero", "stand_date": "Kannanotto", "decided_on": "Päätöspäivä", "valid_from": "Voimassa",
    "valid_to": "Päättyy", "granted_amount": "Myönnetty", "baseline.service": "Vertailupalvelu", "baseline.quantity": "Vertailumäärä",
    "baseline.unit": "Vertailuyksikkö",
}  # fmt: skip
ITEM = {
    "external_id": "Palvelurivi", "decision": "Rivin päätös", "service": "Palvelu", "quantity": "Määrä", "unit": "Palveluyksikkö",
    "start": "Alkaa", "end": "Loppuu", "provider": "Tuottaja", "follow_up.start_working_days": "Aloitus",
    "follow_up.interval_days": "Väli", "follow_up.before_end_days": "Ennen loppua",
    "follow_up.plan_review_months": "Suunnitelman tarkistusväli",
}  # fmt: skip
OWN_FILES = {"cases": "asiakkuudet*.*", "decisions": "paatokset*.*", "plan_items": "palvelut*.*"}
CASE_OF = "Asiakkuuden tunnus"


def profile_text(
    *, own_files: bool = False, own_queries: bool = False, sections: str = "", over: Mapping[str, str] | None = None
) -> str:
    """A profile over these columns. `sections` go before the groups; `over` replaces the right side of fields (`cases.status`)."""
    lines = ["[profile]", 'name = "vienti"', sections]
    for group, columns in (("cases", CASE), ("decisions", DECISION), ("plan_items", ITEM)):
        lines.append(f"[{group}]")
        if own_files:
            lines.append(f'file = "{OWN_FILES[group]}"')
        if group != "cases" and (own_files or own_queries):
            lines.append(f'case = "{CASE_OF}"')
        lines += [f"{name} = {(over or {}).get(f'{group}.{name}', f'{column!r}')}" for name, column in columns.items()]
        if group == "cases":
            lines.append(f"goals = {{ from = {list(GOALS)} }}")
    return "\n".join(lines)


def profile(folder: Path, text: str, kind: Any = "table") -> Profile:
    """The profile of a text."""
    path = folder / "profile.toml"
    path.write_text(text, "utf-8")
    return load_profile(path, kind)


def one_table(records: Iterable[Mapping[str, Any]]) -> list[list[str]]:
    """Everything in one table: a row for each decision, with as many of the plan items beside them."""
    rows = [[*CASE.values(), *GOALS, *DECISION.values(), *ITEM.values()]]
    for record in records:
        decisions, items = record.get("decisions", []), record.get("plan_items", [])
        for place in range(max(len(decisions), len(items), 1)):
            decision = decisions[place] if place < len(decisions) else {}
            item = items[place] if place < len(items) else {}
            rows.append([*case_cells(record), *cells(decision, DECISION), *cells(item, ITEM)])
    return rows


def own_tables(records: Sequence[Mapping[str, Any]]) -> dict[str, list[list[str]]]:
    """A table for each entity, by the name of its group."""
    tables = {
        "cases": [[*CASE.values(), *GOALS]],
        "decisions": [[CASE_OF, *DECISION.values()]],
        "plan_items": [[CASE_OF, *ITEM.values()]],
    }
    for record in records:
        tables["cases"].append(case_cells(record))
        for group, columns in (("decisions", DECISION), ("plan_items", ITEM)):
            tables[group] += [[record["external_id"], *cells(one, columns)] for one in record.get(group, ())]
    return tables


def case_cells(record: Mapping[str, Any]) -> list[str]:
    goals = [*record.get("goals", ()), "", "", ""][:3]
    return [*cells(record, CASE), *goals]


def cells(part: Mapping[str, Any], columns: Mapping[str, str]) -> list[str]:
    return [_at(part, name) for name in columns]


def _at(part: Any, name: str) -> str:
    for step in name.split("."):
        part = part.get(step, {})
    return part if isinstance(part, str) else ""


def as_csv(rows: Iterable[Sequence[str]], *, separator: str = ";", encoding: str = "utf-8") -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode(encoding)


def as_xlsx(sheets: Mapping[str, Iterable[Sequence[Any]]]) -> bytes:
    book = Workbook(write_only=True)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def csv_of(*records: dict[str, Any], **how: Any) -> bytes:
    return as_csv(one_table(records or [a_record()]), **how)


class Reader:
    """Reads files by a profile."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def found(
        self, files: dict[str, bytes] | bytes, text: str | None = None, identity: IdentityMode = "none"
    ) -> list[tuple[str, Found]]:
        connector = TableCases(profile(self.folder, text or profile_text()))
        with fetched(files if isinstance(files, dict) else {"asiakkuudet.csv": files}) as copies:
            return [(file.name, one) for file, one in connector.read(copies, identity=identity)]

    def records(self, content: bytes, text: str | None = None) -> list[CaseRecord]:
        found = [one for _, one in self.found(content, text)]
        assert all(isinstance(one, FoundRecord) for one in found), found
        return [one.record for one in found if isinstance(one, FoundRecord)]

    def rejection(
        self, files: dict[str, bytes] | bytes, text: str | None = None, identity: IdentityMode = "none"
    ) -> Rejection:
        (found,) = [one for _, one in self.found(files, text, identity) if isinstance(one, Rejection)]
        return found

    def refusal(self, files: dict[str, bytes] | bytes, text: str | None = None) -> str:
        with pytest.raises(RefusedFile) as refused:
            self.found(files, text)
        return f"{refused.value.file}: {refused.value}"
