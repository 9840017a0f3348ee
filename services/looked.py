"""What the first records of a source are like: read, judged and sampled, without applying any of it.

A person sees it at once (`avain source test`, `sample`), or has it looked at by a worker and reads on a page what was found. What is kept
for the page holds nothing of anybody: of cases all values are invented ones, of price lists there are only prices, and mails are not shown.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session
from sqlalchemy.sql import bindparam

from connectors.cases.fhir.values import UNITS
from connectors.cases.packed import unpacked
from connectors.cases.registry import case_connector
from connectors.cases.sampling import Sample, Table, fake, take_sample
from connectors.cases.trial import Fault, Trial, group_faults, try_records
from connectors.prices import read_price_list
from connectors.prices.row import PriceDocument, Reading
from connectors.rejection import Rejection
from connectors.transports.base import SourceFile
from core.errors import AvainError, InputError, Message
from core.i18n import N_
from core.settings import Settings, configuration_file
from core.source_settings import AbsenceSource, CaseSource
from core.toml import parse_toml
from documents.absence_table import read_absences
from documents.delivery_report import read_reports
from services.orders.replies.incoming import open_file
from services.price_mail.opening import open_mail
from services.prices.columns import meanings_for_reading
from services.sources import Source, price_settings

#: So many records are judged, and so many of them shown.
LOOKED_AT: Final = 100
SHOWN: Final = 3
#: So many names of files are kept.
_NAMES: Final = 20
#: A sample is to be looked at, not kept: longer ones are cut.
_SAMPLE_CHARACTERS: Final = 20_000
_OF_OTHERS: Final = N_("E-mails are not shown here: who wrote them is nobody else's business.")
_ABOUT_WORKERS: Final = N_("Absences are not shown here: why somebody is away may stand beside them.")
#: What a path compares with: `s:Summa[@laji='myonnetty']`.
_LITERAL: Final = re.compile(r"\"([^\"]*)\"|'([^']*)'")

_KEEP = text(
    """
    INSERT INTO source_look (source, run_id, findings) VALUES (:source, :run_id, :findings)
    ON CONFLICT (source) DO UPDATE SET
        run_id = excluded.run_id, findings = excluded.findings, looked_at = clock_timestamp()
    """
).bindparams(bindparam("findings", type_=JSONB))


@dataclass(frozen=True)
class Shown:
    """A file of a sample, as text, or as rows where it is a table. `cut`: there is more of it."""

    name: str
    text: str | None
    rows: list[list[str]]
    cut: bool = False


@dataclass(frozen=True)
class Found:
    """What a look found: names of files at the source, how many of the first records are valid, what is wrong with the others, fields that
    no record fills, and a sample. `unsampled` says why there is none.
    """

    files: list[str]
    read: int
    valid: int
    faults: list[Fault]
    empty: list[str]
    sample: list[Shown]
    unsampled: Message | None = None
    looked_at: datetime | None = None
    run_id: int | None = None

    def to_json(self) -> dict[str, Any]:
        """The form kept in the database."""
        return {
            "files": self.files,
            "read": self.read,
            "valid": self.valid,
            "faults": [{**vars(one), "reason": one.reason.to_json()} for one in self.faults],
            "empty": self.empty,
            "sample": [vars(one) for one in self.sample],
            "unsampled": self.unsampled.to_json() if self.unsampled else None,
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any], looked_at: datetime, run_id: int) -> "Found":
        """Read back what `to_json` wrote."""
        unsampled = kept.get("unsampled")
        return cls(
            list(kept.get("files", ())),
            kept.get("read", 0),
            kept.get("valid", 0),
            [Fault(**{**one, "reason": Message.from_json(one["reason"])}) for one in kept.get("faults", ())],
            list(kept.get("empty", ())),
            [Shown(**one) for one in kept.get("sample", ())],
            Message.from_json(unsampled) if unsampled else None,
            looked_at,
            run_id,
        )


def keep(session: Session, source: str, run_id: int, found: Found) -> None:
    """Keep what a look found until the next."""
    session.execute(_KEEP, {"source": source, "run_id": run_id, "findings": found.to_json()})


def last_look(session: Session, source: str) -> Found | None:
    """What the latest look at a source found; None: nobody looked."""
    row = session.execute(
        text("SELECT findings, looked_at, run_id FROM source_look WHERE source = :source"), {"source": source}
    ).one_or_none()
    return None if row is None else Found.from_json(row.findings, row.looked_at, row.run_id)


def meanings(session: Session, configured: Settings, source: Source) -> Mapping[str, str]:
    """What the titles of the source's columns are known to mean; nothing for cases."""
    if source.kind != "prices":
        return {}
    return meanings_for_reading(session, price_settings(configured.sources, source).provider)


def look_into(
    configured: Settings, source: Source, names: Sequence[str], files: Sequence[SourceFile], columns: Mapping[str, str]
) -> Found:
    """Judge the first records of fetched files and take a sample of them. `names`: what is at the source.

    Raises RefusedInput when the files are malformed.
    """
    tried = try_files(configured, source, files, columns, LOOKED_AT)
    sample: list[Shown] = []
    unsampled = None
    if source.kind == "incoming":
        unsampled = Message("Answers and invoices are not shown here: they may tell of a client.")
    elif source.kind == "absences":
        unsampled = Message(_ABOUT_WORKERS)
    elif source.form == "mail":
        unsampled = Message(_OF_OTHERS)
    else:
        try:
            sample = [shown(one) for one in sample_for_all(configured, source, files, SHOWN)]
        except AvainError as error:
            unsampled = error.message
    return Found(
        sorted(names)[:_NAMES], tried.read, tried.valid, list(tried.faults), list(tried.empty), sample, unsampled
    )


def sample_for_all(configured: Settings, source: Source, files: Sequence[SourceFile], records: int) -> list[Sample]:
    """A few records that anybody may see: of cases with invented values; of a price list the first rows. Raises InputError, RefusedInput."""
    if source.kind == "incoming":
        raise InputError("Answers and invoices are not shown here: they may tell of a client.")
    if source.kind == "absences":
        raise InputError(_ABOUT_WORKERS)
    if source.kind == "bounces":
        raise InputError(_OF_OTHERS)
    if source.kind == "prices":
        return take_sample(None, files, records)
    settings, folder = configured.sources.cases[source.name], configuration_file().parent
    return fake(take_sample(case_connector(settings, folder), files, records), kept_words(folder, settings))


def shown(sample: Sample) -> Shown:
    """A sample as a page shows it."""
    if isinstance(sample.content, list) and any(isinstance(one, Table) for one in sample.content):
        rows = [row for one in sample.content for row in ([[one.sheet]] if one.sheet else []) + one.rows]
        return Shown(sample.name, None, [["" if cell is None else str(cell) for cell in row] for row in rows])
    written = sample.to_bytes().decode("utf-8", "replace")
    return Shown(sample.name, written[:_SAMPLE_CHARACTERS], [], cut=len(written) > _SAMPLE_CHARACTERS)


def try_files(
    configured: Settings, source: Source, files: Sequence[SourceFile], columns: Mapping[str, str], records: int
) -> Trial:
    """What is valid of the first records of fetched files. Raises RefusedInput when they are malformed."""
    if source.kind == "incoming":
        return _try_incoming(files)
    if source.kind == "absences":
        return _try_absences(configured.sources.absences[source.name], files)
    if source.kind == "bounces":
        return _try_bounces(files)
    if source.form == "mail":
        return _try_mails(configured, source, files)
    if source.kind == "prices":
        document = price_document(configured, source, files, columns)
        bad = [(document.file_name, one) for one in document.rejections]
        return Trial(len(document.rows) + len(bad), len(document.rows), group_faults(bad), ())
    connector = case_connector(configured.sources.cases[source.name], configuration_file().parent)
    return try_records(connector, unpacked(files), identity=configured.privacy.identity, limit=records)


def price_document(
    configured: Settings, source: Source, files: Sequence[SourceFile], columns: Mapping[str, str]
) -> PriceDocument:
    """The list among fetched files: of several the last by name, as in workers/tasks/prices.py. Raises RefusedInput."""
    file = files[-1]
    reading = Reading(configured.sources.prices[source.name].encoding, columns)
    return read_price_list(file.path.read_bytes(), file_name=file.name, reading=reading)


def _try_mails(configured: Settings, source: Source, files: Sequence[SourceFile]) -> Trial:
    """Mails as records: one is valid when a list on it can be read. Whose it is, the reading itself says."""
    bad = []
    reading = Reading(configured.sources.prices[source.name].encoding)
    for file in files:
        mail = open_mail(file, file.path.parent / "lists", reading=reading, own={configured.organisation.business_id})
        reasons = [mail.refused] if mail.refused else [one.reason for one in mail.lists if one.reason is not None]
        if not any(one.reason is None for one in mail.lists):
            reason = reasons[0] if reasons else Message("It brings no price list.")
            bad.append((file.name, Rejection("", None, None, reason)))
    return Trial(len(files), len(files) - len(bad), group_faults(bad), ())


def _try_incoming(files: Sequence[SourceFile]) -> Trial:
    """Documents about orders as records: one is valid when it can be read. Whether it fits an order, the reading itself says."""
    opened = [open_file(file) for file in files]
    bad = [(one.file.name, Rejection("", None, None, one.refused)) for one in opened if one.refused is not None]
    return Trial(len(files), len(files) - len(bad), group_faults(bad), ())


def _try_bounces(files: Sequence[SourceFile]) -> Trial:
    """Reports as records. Of which reminders they are, the reading itself says."""
    reports, others = 0, 0
    for file in files:
        for one in read_reports(file.path.read_bytes()):
            reports, others = (reports + 1, others) if one is not None else (reports, others + 1)
    return Trial(reports + others, reports, (), ())


def _try_absences(settings: AbsenceSource, files: Sequence[SourceFile]) -> Trial:
    """Rows as records. Whether there are such workers, the reading itself says."""
    valid, bad = 0, []
    for file in files:
        table = read_absences(file.path.read_bytes(), encoding=settings.encoding, titles=settings.columns)
        valid += len(table.rows)
        bad += [(file.name, Rejection(str(one.row), one.field, None, one.reason)) for one in table.faults]
    return Trial(valid + len(bad), valid, group_faults(bad), ())


def kept_words(folder: Path, configured: CaseSource) -> set[str]:
    """Every word of the profile, or of what takes its place for a FHIR server: codes, constants, what paths compare with. The organisation
    wrote them; they are no client's.
    """
    kept = (
        set(words_of(configured.fhir.reading.model_dump(mode="json"))) | set(UNITS)
        if configured.fhir is not None
        else set()
    )
    if configured.profile is not None:
        kept.update(words_of(parse_toml((folder / configured.profile).read_text("utf-8"))))
    return kept


def words_of(data: Any) -> Iterator[str]:
    """The words of a profile: names, values, and what its paths compare with."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield key
            yield from words_of(value)
    elif isinstance(data, list):
        for value in data:
            yield from words_of(value)
    elif isinstance(data, str):
        yield data
        yield from (double or single for double, single in _LITERAL.findall(data))
