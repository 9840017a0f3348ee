"""Reading what is held of a client: one statement a section, however much there is."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import ConfigurationError, InputError
from core.i18n import language
from core.identity import Sealer, SealError, client_row
from services.access.non_disclosure import HIDDEN
from services.audit_actors import actors_of
from services.client_export.sections import SECTIONS
from services.retention.removed import no_case

#: Rows in: a number. Rows out: the case, its client, and whether anything of the client is under non-disclosure.
_CLIENT: Final = text(
    f"""
    SELECT client_case.id, client_case.client_id, {HIDDEN} AS non_disclosure
    FROM client_case JOIN client ON client.id = client_case.client_id WHERE client_case.number = :number
    """  # noqa: S608 - our own words
)
#: Rows in: a case. Rows out: the client's cases, also those of another source where the henkilötunnus tells that it is the same person.
_CASES: Final = text(
    """
    SELECT other.id, other.number FROM client_case AS this
    JOIN client ON client.id = this.client_id
    JOIN client AS same ON same.id = client.id OR same.blind_index = client.blind_index
    JOIN client_case AS other ON other.client_id = same.id
    WHERE this.id = :case AND (other.id = this.id OR NOT :only) ORDER BY other.id
    """
)
_SEALED: Final = text("SELECT source, external_id, sealed_identity FROM client WHERE id = :client")
#: Rows in: cases. Rows out: the orders as they were approved and sent.
_DOCUMENTS: Final = text(
    """
    SELECT purchase_order.number, document FROM purchase_order JOIN decision ON decision.id = decision_id
    WHERE case_id = ANY(:cases) ORDER BY purchase_order.id
    """
)

Rows = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Held:
    """A client and the cases that are theirs; `number` is the one that was asked for."""

    number: str
    client_id: int
    cases: dict[int, str]
    non_disclosure: bool


def held_of(session: Session, number: str, *, only_this_case: bool) -> Held:
    """Whose the case is. Raises NotFound."""
    row = session.execute(_CLIENT, {"number": number if number.isprintable() else ""}).one_or_none()
    if row is None:
        raise no_case(session, number)
    cases = {one.id: one.number for one in session.execute(_CASES, {"case": row.id, "only": only_this_case})}
    return Held(number, row.client_id, cases, row.non_disclosure)


def read(session: Session, held: Held) -> Rows:
    """Every section's rows, those who acted by the names people call them."""
    values = {"cases": list(held.cases), "language": language()}
    found: Rows = {
        one.name: [dict(row) for row in session.execute(text(one.rows), values).mappings()] for one in SECTIONS
    }
    keys = [(section.name, column.key) for section in SECTIONS for column in section.columns if column.actor]
    acted = {row[key] for name, key in keys for row in found[name] if row[key]}
    people = actors_of(session, acted)
    for name, key in keys:
        for row in found[name]:
            row[key] = people[row[key]].name if row[key] else row[key]
    return found


def documents(session: Session, held: Held) -> dict[str, bytes]:
    """The orders' documents by their numbers."""
    return {row.number: bytes(row.document) for row in session.execute(_DOCUMENTS, {"cases": list(held.cases)})}


def identity(session: Session, held: Held, sealer: Sealer | None) -> dict[str, Any]:
    """Who the client is. Raises InputError where nothing is kept or it cannot be opened."""
    if sealer is None:
        raise InputError("This installation keeps nothing of who clients are.")
    row = session.execute(_SEALED, {"client": held.client_id}).one()
    if row.sealed_identity is None:
        return {}
    place = client_row(row.source, row.external_id)
    return _opened(sealer, row.sealed_identity, table="client", row=place, column="sealed_identity")


def open_words(rows: Rows, wish_sealer: Sealer, note_sealer: Sealer | None, *, by: str, notes: bool) -> None:
    """Open what the asker wrote, and with `notes` what workers noted; take the other seals out unopened. Raises InputError for what cannot be."""
    for one in rows["wishes"]:
        sealed, row = one.pop("sealed_words"), f"{one.pop('case_id')}/{one.pop('place')}"
        if sealed is not None and one["voice"] == by:
            one["words"] = _opened(wish_sealer, sealed, table="family_wish", row=row, column="sealed_words")["words"]
    for one in rows["follow_ups"]:
        sealed, id_ = one.pop("sealed_note"), one.pop("id")
        if sealed is not None and notes:
            if note_sealer is None:
                raise InputError("What was noted cannot be opened here: AVAIN_SEAL_KEYS is not set.")
            one["note"] = _opened(note_sealer, sealed, table="follow_up", row=id_, column="sealed_note")["note"]


def _opened(sealer: Sealer, blob: Any, *, table: str, row: object, column: str) -> dict[str, Any]:
    try:
        return sealer.unseal(bytes(blob), table=table, row=row, column=column)
    except (SealError, ConfigurationError):
        # the place names the client's reference at the source: not for a terminal
        raise InputError(
            "What was sealed cannot be opened here: the key is missing, or it has been changed. Nothing was exported."
        ) from None
