"""The verdict over a day sees what is lost, done twice or left undone: each thing is spoilt once and must be named."""

import email
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from connectors.mail import Letter, compose
from core.embedded import Embedded
from core.redis import redis_client_url
from demo.smtp_sink import Received
from tests.chaos.whole.installed import READ
from tests.chaos.whole.outside import outside
from tests.chaos.whole.rig import Rig
from tests.chaos.whole.tables import left
from tests.chaos.whole.verdict import found_amiss
from tests.chaos.whole.wire import Wire
from tests.chaos.whole.world import Size, make_world
from tests.factories.case import NOW, make_case, make_decision
from tests.factories.order import make_order
from tests.factories.provider import make_provider

CHANNELS = ("https", "sftp", "file", "email")
TO = "tilaukset@tuottaja.invalid"
LETTER = compose(Letter("avain@county.invalid", TO, "T-2026-000004", "Hei!", "<order.4@county.invalid>", NOW))


@pytest.fixture
def made(database: Embedded, tmp_path: Path) -> Iterator[Rig]:
    """A day with an order by each channel, which ended well."""
    (tmp_path / "home/outbox").mkdir(parents=True)
    with outside(tmp_path / "outside") as others:
        wire = Wire(Path(redis_client_url(database.redis_url).removeprefix("unix://").partition("?")[0]))
        world = make_world(0, Size(cases=10, lists=5, orders=2, reminders=2))
        rig = Rig(world, tmp_path / "home", tmp_path, running=database, outside=others, wire=wire)
        put, read = others.sftp.root / "in", others.sftp.root / READ
        for folder in (put, read):
            folder.mkdir(parents=True)
        for name, content in (world.mail_before, world.mail_after):
            (read / name).write_bytes(content)
        with Session(rig.engine) as session, session.begin():
            _orders(session)
        others.point.documents["T-2026-000001"] = b"<Order/>"
        (put / "T-2026-000002.xml").write_bytes(b"<Order/>")
        (rig.home / "outbox/T-2026-000003.xml").write_bytes(b"<Order/>")
        others.mail.messages.append(Received("avain@county.invalid", (TO,), LETTER))
        yield rig
        rig.close()
        wire.close()


def _orders(session: Session) -> None:
    provider = make_provider(session, email=TO)
    for number, channel in enumerate(CHANNELS, start=1):
        case = make_case(session, number=f"HB-2026-{number:06}", external_id=f"C-{number}")
        order = make_order(
            session, make_decision(session, case), provider, number=f"T-2026-{number:06}", channel=channel, sent_at=NOW
        )
        values = {"order": order.id, "number": order.number, "letter": LETTER}
        session.execute(
            text(
                "INSERT INTO work (kind, key, subject_id, arguments, queue, done_at)"
                " VALUES ('deliver_order', 'deliver_order:' || :number, :order, '{}', 'orders', clock_timestamp())"
            ),
            values,
        )
        if channel == "email":
            session.execute(
                text("INSERT INTO order_paper (order_id, kind, content, sha256) VALUES (:order, 'mail', :letter, '')"),
                values,
            )
    session.execute(text("INSERT INTO counter (series, value) VALUES ('HB-2026', 4), ('T-2026', 4)"))


def sql(statement: str) -> Callable[[Rig], None]:
    def spoil(rig: Rig) -> None:
        with rig.engine.begin() as connection:
            connection.execute(text(statement))

    return spoil


def _strange(rig: Rig) -> None:
    other = email.message_from_bytes(LETTER)
    other.replace_header("Message-ID", "<another@county.invalid>")
    rig.outside.mail.messages.append(Received("avain@county.invalid", (TO,), other.as_bytes()))


def _elsewhere(rig: Rig) -> None:
    rig.outside.mail.messages[0] = Received("avain@county.invalid", ("somebody@else.invalid",), LETTER)


#: How a day is spoilt, and what must be said then.
SPOILT: list[tuple[Callable[[Rig], object], str]] = [
    (lambda rig: rig.outside.point.documents.clear(), "at the access point 1 orders are missing"),
    (lambda rig: rig.outside.point.others.append("T-2026-000001"), "got something else under T-2026-000001"),
    (lambda rig: (rig.outside.sftp.root / "in/T-1.xml").touch(), "at the SFTP server 1 orders are nobody's"),
    (lambda rig: (rig.home / "outbox/T-2026-000003.xml").write_bytes(b""), "in the outbox 1 orders are not as stored"),
    (lambda rig: (rig.outside.sftp.root / READ / rig.world.mail_after[0]).unlink(), "1 e-mails are missing"),
    (lambda rig: rig.outside.mail.messages.append(rig.outside.mail.messages[0]), "order T-2026-000004 arrived 2 times"),
    (_strange, "1 mails arrived that nothing in the tables tells of"),
    (_elsewhere, "order T-2026-000004 went to ['somebody@else.invalid'"),
    (lambda rig: rig.outside.mail.messages.clear(), "order T-2026-000004 did not arrive"),
    (sql("UPDATE work SET done_at = NULL WHERE key LIKE '%1'"), "Work that is neither done nor dead: 1"),
    (sql("UPDATE work SET dead_at = done_at, done_at = NULL WHERE key LIKE '%3'"), "Work that died without a reason: 1"),
    (sql("DELETE FROM work WHERE key LIKE '%2'"), "an order without its delivery: 1"),
    (sql("UPDATE purchase_order SET state = 'failed' WHERE channel = 'sftp'"), "an order that did not go: 1"),
    (sql("UPDATE counter SET value = 5 WHERE series = 'T-2026'"), "a gap in the numbers: 1"),
    (sql("UPDATE client_case SET goals = '{another}' WHERE number = 'HB-2026-000001'"), "table client_case: 1 rows"),
    (sql("INSERT INTO client (source, external_id) VALUES ('x', 'y')"), "table client: 0 rows are missing and 1 too many"),
]  # fmt: skip


@pytest.mark.slow
def test_whatever_is_spoilt_is_named(made: Rig) -> None:
    undisturbed = left(made.engine)
    assert found_amiss(made, undisturbed) == []
    for spoil, said in SPOILT:
        before = set(found_amiss(made, undisturbed))
        spoil(made)
        told = [one for one in found_amiss(made, undisturbed) if one not in before]
        assert any(said in one for one in told), (said, told)


def test_days_are_told_apart_by_what_they_are_about(made: Rig) -> None:
    found = left(made.engine)
    assert found["purchase_order"].total() == len(CHANNELS)
    assert not any("T-2026-0" in row or "HB-2026-0" in row for rows in found.values() for row in rows)
    assert str(date(2026, 11, 16)) in next(iter(found["purchase_order"]))
