"""Something sealed in every place there is, and opening all of it again with whatever keys a test has."""

import base64
from collections import Counter
from datetime import date, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from core import keys
from core.clock import business_now
from core.identity import client_row, key_of
from core.settings import Settings
from models.case import CaseStaging, Client
from models.follow_up import FollowUp
from services.family import wishes
from services.family.sessions import FamilyCase
from services.follow_ups.notes import seal_note
from services.sealing import PLACES, kept
from tests.factories.case import make_case
from tests.factories.price import make_run
from tests.support.in_process import InProcess

SOURCE = "lifecare"
NUMBER = "100190-999P"
#: Keys by a letter.
KEYS = {letter: base64.b64encode(letter.encode() * 32).decode() for letter in "abcxy"}


def ring(*letters: str) -> str:
    """AVAIN_SEAL_KEYS of these keys; their ids are `key-a` and so on."""
    return ",".join(f"key-{letter}:{KEYS[letter]}" for letter in letters)


def configure(here: InProcess, *letters: str, index: str = "x") -> Settings:
    """Keys of the test's installation from now on. `index`: letters of index keys, the newest first."""
    here.configure(
        privacy__identity="sealed",
        hash_key="h" * 40,
        seal_keys=ring(*letters),
        index_key=",".join(KEYS[letter] for letter in index),
    )
    from core.settings import settings

    return settings()


def fill(session: Session, configured: Settings, *, clients: int = 5) -> None:
    """Clients, one of a run that is held, a note and two wishes, one of them from before identity was sealed."""
    sealer = keys.sealer(configured)
    assert sealer is not None
    for number in range(clients):
        external = f"K {number}"
        blob = sealer.seal(_who(external), **_of_client(external))
        session.add(
            Client(source=SOURCE, external_id=external, sealed_identity=blob, blind_index=sealer.blind_index(NUMBER))
        )
    run = make_run(session, "sync_cases")
    session.execute(
        text("UPDATE work SET arguments = jsonb_build_object('source', CAST(:source AS text)) WHERE id = :id"),
        {"source": SOURCE, "id": run.work_id},
    )
    blob = sealer.seal(_who("K held"), **_of_client("K held"))
    session.add(
        CaseStaging(
            run_id=run.id, position=1, kind="record", file=0, place="1", client="K held", sealed=blob, blind=sealer.blind_index(NUMBER)
        )
    )  # fmt: skip
    case = make_case(session, source=SOURCE)
    note = FollowUp(case_id=case.id, kind="final", planned_for=date(2026, 11, 20), due=date(2026, 11, 20))
    session.add(note)
    session.flush()
    note.sealed_note = seal_note(note, "They like it.", sealer)
    now = business_now(session)
    for place, how in (("1" * 32, configured), ("2" * 32, configured.model_copy(update={"seal_keys": None}))):
        _wish(session, FamilyCase(case.id, case.number, open=True), place, how, now)


def opened(session: Session, configured: Settings) -> list[dict[str, Any]]:
    """What all blobs hold, opened with the keys of `configured`. Raises where one cannot be."""
    own = kept(configured)
    found = []
    for place in PLACES:
        sealer = own.of(place)
        assert sealer is not None
        rows = session.execute(
            text(
                f"SELECT {place.parts}, {place.table}.{place.column} AS blob FROM {place.table} {place.joined}"
                f" WHERE {place.column} IS NOT NULL"
            )
        )
        found += [place.open(sealer, row) for row in rows]
    return sorted(found, key=str)


def sealed_by(session: Session) -> Counter[str]:
    """How many blobs each key sealed."""
    found: Counter[str] = Counter()
    for place in PLACES:
        blobs = session.execute(
            text(f"SELECT {place.column} FROM {place.table} WHERE {place.column} IS NOT NULL")
        ).scalars()
        found.update(key_of(bytes(blob)) for blob in blobs)
    return found


def indexes(session: Session) -> set[bytes]:
    """Every blind index there is, of clients and of held runs."""
    rows = session.execute(
        text("SELECT blind_index FROM client WHERE blind_index IS NOT NULL UNION SELECT blind FROM case_staging")
    )
    return {bytes(one) for one in rows.scalars()}


def _who(external: str) -> dict[str, str]:
    return {"name": f"Anna {external} Keksitty", "henkilotunnus": NUMBER}


def _of_client(external: str) -> dict[str, Any]:
    return {"table": "client", "row": client_row(SOURCE, external), "column": "sealed_identity"}


def _wish(session: Session, case: FamilyCase, place: str, configured: Settings, now: datetime) -> None:
    sealer = keys.wish_sealer(configured)
    assert wishes.write(
        session, case, place=place, ticks=[], words="More time.", voice="parent", actor="family:link-1", sealer=sealer, now=now
    )  # fmt: skip
