"""A copy of everything about one client: all that is theirs, nothing of anybody else's, no secret; and who made it is recorded."""

import io
import json
import zipfile
from typing import Any

import pytest
from lxml import html
from sqlalchemy import text
from sqlalchemy.orm import Session

from core import keys
from core.errors import InputError, NotFound
from core.identity import client_row
from core.settings import Settings
from models.case import Client
from models.family import FamilyWish
from models.follow_up import FollowUp
from services.client_export import Asked, Export, export
from services.client_export.sections import SECTIONS
from tests.support.aged import NOW, Whole, secret, whole_case
from tests.support.browsing import settings_for
from tests.support.queries import recording

KEY = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVoxMjM0NTY="
INDEX_KEY = "MTIzNDU2Nzg5MEFCQ0RFRkdISUpLTE1OT1BRUlNUVVY="
SETTINGS: Settings = Settings.model_validate(
    settings_for().model_dump() | {"privacy": {"identity": "sealed"}, "seal_keys": f"k1:{KEY}", "index_key": INDEX_KEY}
)
HETU = "100190-999P"


@pytest.fixture
def made(session: Session) -> Whole:
    """A whole case whose client, wish and note are sealed as Avain seals them; the wish is the child's. Beside it somebody else's."""
    whole_case(session, "xqmuu")
    made = whole_case(session, "xqoma")
    client = session.get_one(Client, made.case.client_id)
    sealer = keys.sealer(SETTINGS)
    assert sealer is not None
    place = client_row(client.source, client.external_id)
    client.sealed_identity = sealer.seal(
        {"name": "Aino Keksitty", "henkilotunnus": HETU}, table="client", row=place, column="sealed_identity"
    )
    client.blind_index = sealer.blind_index(HETU)
    wish = session.query(FamilyWish).filter_by(case_id=made.case.id).one()
    words = {"words": "Haluan soittaa kitaraa <b>"}
    wish.sealed_words = keys.wish_sealer(SETTINGS).seal(
        words, table="family_wish", row=f"{made.case.id}/{wish.place}", column="sealed_words"
    )
    note = session.query(FollowUp).filter_by(case_id=made.case.id, kind="final").one()
    note.sealed_note = sealer.seal(
        {"note": "isosisko tuli mukaan"}, table="follow_up", row=note.id, column="sealed_note"
    )
    session.flush()
    return made


def asking(session: Session, whole: Whole, by: str = "child", **over: Any) -> Export:
    asked = Asked(by, over.pop("reason", "pyyntö 12.11.2026"), **over)
    return export(session, whole.case.number, asked, "fi", actor="cli:enni", now=NOW, settings=SETTINGS)


def opened(one: Export) -> tuple[dict[str, Any], str, dict[str, bytes]]:
    """The data, the page's text, and every file."""
    with zipfile.ZipFile(io.BytesIO(one.content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    return json.loads(files["tiedot.json"]), " ".join(map(str, html.fromstring(files["index.html"]).itertext())), files


def test_everything_of_the_client_is_there_and_nothing_of_anybody_else(session: Session, made: Whole) -> None:
    one = asking(session, made)
    data, page, files = opened(one)
    assert set(files) == {"index.html", "tiedot.json", f"tilaukset/{made.order.number}.xml"}
    assert files[f"tilaukset/{made.order.number}.xml"] == bytes(made.order.document)
    assert [section.name for section in SECTIONS if not data[section.name]] == []
    assert data["cases"][0]["case"] == made.case.number
    assert data["wishes"][0]["words"] == "Haluan soittaa kitaraa <b>"
    assert "Haluan soittaa kitaraa <b>" in page
    everything = b"".join(files.values()).decode()
    for word in ("xqmuu", secret("xqoma").decode(), "isosisko", "Aino Keksitty", HETU, "msgid_plural"):
        assert word not in everything, word
    assert "<b>" not in files["index.html"].decode()


def test_it_is_the_same_file_for_the_same_data(session: Session, made: Whole) -> None:
    assert asking(session, made).sha256 == asking(session, made).sha256


def test_what_others_of_the_family_said_is_theirs(session: Session, made: Whole) -> None:
    one = asking(session, made, "parent")
    data, page, files = opened(one)
    assert (data["wishes"][0]["words"], data["wishes"][0]["voice"]) == (None, "child")
    assert data["ratings"][0]["rating"] is None
    assert data["proposals"][0]["provider"] is None
    assert "kitaraa" not in b"".join(files.values()).decode()
    assert len(one.left_out) == 2
    assert all(sentence.text("fi") in page for sentence in one.left_out)


def test_names_and_notes_come_only_when_asked_for_and_are_recorded(session: Session, made: Whole) -> None:
    one = asking(session, made, identity=True, notes=True)
    data, _page, _files = opened(one)
    assert data["client"] == {"name": "Aino Keksitty", "henkilotunnus": HETU}
    assert [row["note"] for row in data["follow_ups"]] == ["isosisko tuli mukaan", None]
    assert one.left_out == ()
    events = session.execute(text("SELECT action, subject, reason, details FROM audit_event ORDER BY id")).all()
    assert [row.action for row in events] == ["case.identity_viewed", "case.identity_viewed", "case.exported"]
    assert {row.subject for row in events} == {f"case:{made.case.number}"}
    assert {row.reason for row in events} == {"pyyntö 12.11.2026"}
    assert events[-1].details["sha256"] == one.sha256
    assert events[-1].details["cases"] == [made.case.number]
    assert HETU not in str(events)


def test_what_cannot_be_opened_is_not_left_out_silently(session: Session, made: Whole) -> None:
    session.execute(text("UPDATE client SET sealed_identity = 'x'"))
    with pytest.raises(InputError, match="Nothing was exported"):
        asking(session, made, identity=True)
    asked = Asked("adult", "x", identity=True)
    with pytest.raises(InputError, match="keeps nothing"):
        export(session, made.case.number, asked, "fi", actor="cli:a", now=NOW, settings=settings_for())


def test_under_non_disclosure_it_is_for_hand_over_in_person(session: Session, made: Whole) -> None:
    session.execute(text("UPDATE client SET non_disclosure = true WHERE id = :id"), {"id": made.case.client_id})
    session.execute(text("UPDATE order_response SET note = 'tavataan Kallion pisteessä'"))
    with pytest.raises(InputError, match="in person"):
        asking(session, made)
    data, page, files = opened(asking(session, made, in_person=True))
    assert "Kallion" in page
    assert data["in_person"] in page
    one = asking(session, made, "parent", in_person=True)
    data, page, files = opened(one)
    everything = b"".join(files.values()).decode()
    assert set(files) == {"index.html", "tiedot.json"}
    names = session.execute(
        text("SELECT name FROM provider UNION SELECT name FROM unit UNION SELECT name FROM worker")
    ).scalars()
    assert [word for word in (*names, "Kallion") if word in everything] == []
    assert data["orders"][0]["provider"] is None


def test_the_clients_other_cases_are_theirs_too(session: Session, made: Whole) -> None:
    other = whole_case(session, "effica", source="lifecare")
    session.execute(text("UPDATE family_wish SET sealed_words = NULL WHERE case_id = :id"), {"id": other.case.id})
    session.execute(
        text(
            "UPDATE client SET source = 'effica', blind_index = (SELECT blind_index FROM client WHERE id = :same) WHERE id = :id"
        ),
        {"id": other.case.client_id, "same": made.case.client_id},
    )
    assert asking(session, made).cases == (made.case.number, other.case.number)
    assert asking(session, made, only_this_case=True).cases == (made.case.number,)


def test_what_is_asked_wrongly_is_refused(session: Session, made: Whole) -> None:
    for over, said in (
        ({"by": "neighbour"}, "not allowed"),
        ({"reason": " "}, "A reason is needed"),
        ({"reason": HETU}, "henkilötunnus"),
    ):
        with pytest.raises(InputError, match=said):
            asking(session, made, **over)
    with pytest.raises(NotFound):
        export(session, "HB-1999-000001", Asked("child", "x"), "fi", actor="cli:a", now=NOW, settings=SETTINGS)
    with pytest.raises(InputError, match="languages"):
        export(session, made.case.number, Asked("child", "x"), "de", actor="cli:a", now=NOW, settings=SETTINGS)
    assert session.execute(text("SELECT count(*) FROM audit_event")).scalar_one() == 0


def test_many_rows_take_as_many_statements_as_few(session: Session, made: Whole) -> None:
    with recording(session) as few:
        asking(session, made)
    session.execute(
        text(
            "INSERT INTO family_rating (case_id, plan_item_id, voice, rating, rated_by, rated_at) SELECT case_id, plan_item_id, voice, 4, 'family:link-' || n, rated_at FROM family_rating CROSS JOIN generate_series(1, 50) AS n WHERE case_id = :id"
        ),
        {"id": made.case.id},
    )
    with recording(session) as many:
        data, _page, _files = opened(asking(session, made))
    assert len(data["ratings"]) == 51
    assert len(many) == len(few)
