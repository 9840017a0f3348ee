"""The file: a zip that is the same for the same data on the same day, with a page to read, the same as JSON, and the orders. Making it is recorded."""

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy.orm import Session

from core import keys
from core.clock import local_date
from core.errors import InputError, Message
from core.i18n import LANGUAGES, N_, _, day, language, moment, number, speaking
from core.settings import Settings
from core.units import unit_name
from services import audit
from services.client_export import reading
from services.client_export.asking import Asked, checked
from services.client_export.columns import Column
from services.client_export.leaving_out import hides_whereabouts, leave_out
from services.client_export.sections import SECTIONS

VERSION: Final = 1

_EXPLAINED: Final = (
    N_(
        "This is a copy of what the system Avain holds of you (General Data Protection Regulation, article 15). The client information system of the same organisation holds more: your documents and your contact details. Ask for those there."
    ),
    N_(
        "What it is used for: to look after a personal budget, to order the services that were decided on, to pay what was ordered, and to follow whether they help."
    ),
    N_(
        "Where it comes from: the client information system, the workers who look after you, the providers, and you and your family."
    ),
    N_(
        "Who is given what: a provider gets an order with the service, the days and the price, and no name. Your contact details are handed over by a worker, outside Avain; when that was stands beside the order."
    ),
    N_(
        "How long it is kept: invoices and delivered quantities {vouchers} years after the year they are of; a family's case {family} years and a working-age client's {adult} years after it was closed. Who has used your data is told by the log, for which you can ask separately."
    ),
    N_(
        "You may ask that what is wrong be corrected, and that its use be restricted. If you think that your data are handled wrongly, tell the organisation's data protection officer, or complain to the Data Protection Ombudsman (tietosuojavaltuutettu)."
    ),
)
_IN_PERSON: Final = N_(
    "Under non-disclosure (turvakielto): to be handed over in person only, to somebody who has shown who they are."
)
_NAMED: Final = {"name": N_("Name"), "henkilotunnus": N_("Henkilötunnus")}


@dataclass(frozen=True)
class Export:
    """A copy as a file: `cases` are the numbers it holds, `left_out` what it says that it does not."""

    content: bytes
    sha256: str
    name: str
    cases: tuple[str, ...]
    left_out: tuple[Message, ...]


def export(
    session: Session, number_: str, asked: Asked, spoken: str, *, actor: str, now: datetime, settings: Settings
) -> Export:
    """Make a copy of everything about the client of a case, and record it in the same transaction.

    Raises NotFound; InputError without a fit reason, for a language that is none, for a client under non-disclosure unless it is handed over in
    person, or for what was sealed and cannot be opened.
    """
    if spoken not in LANGUAGES:
        raise InputError("A copy is made in these languages: {languages}", languages=", ".join(LANGUAGES))
    asked = checked(asked)
    held = reading.held_of(session, number_, only_this_case=asked.only_this_case)
    if held.non_disclosure and not asked.in_person:
        raise InputError(
            "The client is under non-disclosure (turvakielto). The copy may be handed over in person only, to somebody who has shown who they are: say so with --in-person."
        )
    with speaking(spoken):
        rows = reading.read(session, held)
        unopened = 0 if asked.notes else sum(one["sealed_note"] is not None for one in rows["follow_ups"])
        reading.open_words(rows, keys.wish_sealer(settings), keys.sealer(settings), by=asked.by, notes=asked.notes)
        who = reading.identity(session, held, keys.sealer(settings)) if asked.identity else {}
        left_out = leave_out(rows, asked, non_disclosure=held.non_disclosure, notes=unopened)
        hidden = hides_whereabouts(asked, non_disclosure=held.non_disclosure)
        papers = {} if hidden else reading.documents(session, held)
        about = {
            **_about(held, asked, settings, local_date(now)),
            "left_out": [one.text() for one in left_out],
            "client": who,
        }
        content = _zip(_files(rows, papers, about, settings))
    made = Export(
        content,
        hashlib.sha256(content).hexdigest(),
        f"tiedot-{number_}-{local_date(now).isoformat()}.zip",
        tuple(held.cases.values()),
        tuple(left_out),
    )
    _record(session, held, asked, made, actor=actor, now=now)
    return made


def _record(session: Session, held: reading.Held, asked: Asked, made: Export, *, actor: str, now: datetime) -> None:
    """That it was made, of which cases and for whom; and, of each part of the identity that it holds, that it was looked at."""
    parts = tuple(_NAMED) if asked.identity else ()
    for part in parts:
        audit.record(
            session,
            actor,
            "case.identity_viewed",
            f"case:{held.number}",
            now=now,
            reason=asked.reason,
            part=part,
            how="export",
        )
    audit.record(
        session, actor, "case.exported", f"case:{held.number}", now=now, reason=asked.reason, sha256=made.sha256, by=asked.by,
        cases=list(made.cases), notes=asked.notes, identity=asked.identity,
    )  # fmt: skip


def _about(held: reading.Held, asked: Asked, settings: Settings, today: date) -> dict[str, Any]:
    return {
        "version": VERSION,
        "organisation": settings.organisation.name,
        "cases": list(held.cases.values()),
        "asked_by": asked.by,
        "made_on": today,
        "in_person": Message(_IN_PERSON).text() if held.non_disclosure else "",
    }


def _files(rows: reading.Rows, papers: dict[str, bytes], about: dict[str, Any], settings: Settings) -> dict[str, bytes]:
    """Every file of the zip by its name."""
    data = {**about, **rows}
    told = json.dumps(data, default=_json_value, ensure_ascii=False, indent=2) + "\n"
    page = _template().render(
        language=language(),
        title=_("What is held of you"),
        labels={
            "organisation": _("Organisation"),
            "cases": _("Cases"),
            "made_on": _("Made on"),
            "client": _("Client"),
            "orders": _("The orders as they were sent"),
        },
        about={**about, "made_on": day(about["made_on"])},
        explained=[_explained(one, settings) for one in _EXPLAINED],
        client=[(_(label), about["client"][key]) for key, label in _NAMED.items() if about["client"].get(key)],
        sections=[(_(one.title), _table(rows[one.name], one.columns)) for one in SECTIONS],
        papers=[f"tilaukset/{name}.xml" for name in papers],
        nothing=_("Nothing."),
    )
    return {
        "index.html": page.encode(),
        "tiedot.json": told.encode(),
        **{f"tilaukset/{name}.xml": content for name, content in papers.items()},
    }


def _explained(sentence: str, settings: Settings) -> str:
    kept = settings.retention
    return _(sentence).format(vouchers=kept.voucher_years, family=kept.family_case_years, adult=kept.working_age_years)


def _table(rows: list[dict[str, Any]], columns: tuple[Column, ...]) -> tuple[list[str], list[list[str]]] | None:
    """Headings and cells of the columns in which something stands; None without rows."""
    used = [column for column in columns if any(row[column.key] not in (None, "", [], {}) for row in rows)]
    return (
        ([_(one.label) for one in used], [[_cell(row[one.key], one) for one in used] for row in rows]) if used else None
    )


def _cell(value: Any, column: Column) -> str:
    if value is None or value == "":
        return ""
    if column.say is not None:
        return column.say(value)
    if column.key.endswith("unit") and not column.place:
        return unit_name(value)
    return _shown(value)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, date):
        return day(value)
    if isinstance(value, Decimal):
        return number(value)
    return " · ".join(value) if isinstance(value, list) else str(value)


def _json_value(value: Any) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(type(value).__name__)


def _zip(files: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            # no moment of its own: the same data make the same file
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            archive.writestr(entry, content)
    return made.getvalue()


def _template() -> Any:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("copy.html")
