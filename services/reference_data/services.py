"""Services and which may stand in for which, from `services.toml`."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.errors import InputError
from core.i18n import N_
from models.service import Service, ServiceAlternative
from services.reference_data.faults import FieldError, written
from services.reference_data.reading import Entry, Imported, put, read_file, record, rows_by, unique

#: UN/ECE Rec 20 codes services are planned in (DOMAIN "Money").
Unit = Literal["C62", "HUR", "DAY", "WEE", "MON", "LS", "KMT", "MIN", "H87", "E48", "ACT"]
Code = Annotated[
    str,
    AfterValidator(
        written(
            r"[A-Z0-9][A-Z0-9ÅÄÖ_.-]{0,39}",
            N_("is a code of at most 40 capital letters and digits, such as ADHD-VALMENNUS; also - _ . inside it"),
        )
    ),
]
_Cpv = Annotated[str, AfterValidator(written(r"\d{8}(-\d)?", N_("is a CPV code of eight digits, such as 85320000")))]


class ServiceEntry(Entry):
    """`[[service]]`: `alternatives` are codes of services that may replace this one."""

    code: Code
    name_fi: str = Field(min_length=1)
    name_sv: str = ""
    name_en: str = ""
    unit: Unit = "C62"
    accounting_cost: str | None = None
    cpv: _Cpv | None = None
    free_of_charge: bool = False
    alternatives: list[Code] = Field(default_factory=list)

    @model_validator(mode="after")
    def _not_its_own_alternative(self) -> Self:
        if self.code in self.alternatives:
            raise FieldError("alternatives", N_("a service cannot be its own alternative"))
        return self


class ServicesFile(Entry):
    """`services.toml`."""

    service: list[ServiceEntry] = Field(min_length=1)

    @model_validator(mode="after")
    def _codes_once(self) -> Self:
        unique(self.service, "code", "service")
        return self


def import_services(session: Session, path: Path, now: datetime, actor: str) -> Imported:
    """Add and correct services and their alternatives. Raises InputError; then nothing was changed."""
    entries = read_file(path, ServicesFile).service
    imported = Imported()
    unknown = write_services(session, entries, imported)
    if unknown:
        raise _unknown_services(unknown, path)
    return record(session, actor, "services", imported, path=path, now=now)


def write_services(session: Session, entries: list[ServiceEntry], imported: Imported) -> list[str]:
    """Add and correct services and their alternatives; the one way for files and pages. Returns codes that name no service: then nothing
    must be kept of it.
    """
    wanted = {code for entry in entries for code in (entry.code, *entry.alternatives)}
    known = rows_by(session, Service, "code", wanted)
    for entry in entries:
        row, what = put(session, Service, known.get(entry.code), entry.model_dump(exclude={"alternatives"}))
        known[entry.code] = row
        imported.note(what, entry.code)
    unknown = sorted(wanted - set(known))
    if unknown:
        return unknown
    session.flush()  # alternatives need the ids
    _import_alternatives(session, entries, known, imported)
    session.flush()
    return []


def check_known(wanted: set[str], known: dict[str, Service], path: Path) -> None:
    """Raise InputError when codes name no service."""
    unknown = sorted(wanted - set(known))
    if unknown:
        raise _unknown_services(unknown, path)


def _unknown_services(codes: list[str], path: Path) -> InputError:
    return InputError(
        "{path} names services that are not known: {codes}. Add them with: avain service import",
        path=str(path),
        codes=", ".join(codes),
    )


def _import_alternatives(
    session: Session, entries: list[ServiceEntry], known: dict[str, Service], imported: Imported
) -> None:
    baselines = [known[entry.code].id for entry in entries]
    existing = {
        (row.baseline_id, row.alternative_id)
        for row in session.execute(
            select(ServiceAlternative).where(ServiceAlternative.baseline_id.in_(baselines))  # type: ignore[attr-defined]
        ).scalars()
    }
    for entry in entries:
        for code in dict.fromkeys(entry.alternatives):
            pair = (known[entry.code].id, known[code].id)
            if pair in existing:
                imported.note("unchanged", entry.code)
                continue
            session.add(ServiceAlternative(baseline_id=pair[0], alternative_id=pair[1]))
            imported.note("added", entry.code)
