"""While nothing leaves Avain every page of whoever is signed in says so, and costs no statement more."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from core.errors import Message
from services import effects
from tests.factories.worker import make_worker
from tests.support.queries import recording

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


def said(page: Any) -> str:
    (line,) = page.all("//p[contains(@class, 'flash')]") or [None]
    return "" if line is None else " ".join(line.text_content().split())


def test_every_page_says_it(session: Session, sign_in: Any) -> None:
    worker = sign_in("supervisor", worker=make_worker(session).external_id)
    worker.get("/?lang=en")
    with recording(session) as usually:
        assert said(worker.get("/?lang=en")) == ""
    effects.pause(session, actor="cli:anna", why="The mail server is moved.", now=NOW)
    with recording(session) as paused:
        assert said(worker.get("/?lang=en")).startswith(
            "No order and no e-mail leaves Avain for now: The mail server is moved."
        )
    assert len(paused) == len(usually)
    effects.disown(session, Message("x"), now=NOW)
    assert said(worker.get("/cases?lang=en")).startswith(
        "The database of this Avain was restored from a backup or moved to another server."
    )
