"""Sending the day's mails, beside a bare smtplib loop over one connection: in turns, to the same mail server in a process of its own.

Avain's side is what a worker's child does for a message of the queue (`perform`): claim, commit to sending, send, record, mail after mail, with
leases kept by its thread. The bare loop says MAIL, RCPT and DATA (`smtplib.SMTP.sendmail`) with the same bytes and keeps no record at all.
"""

import os
import smtplib
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from datetime import date
from pathlib import Path
from typing import Final, NamedTuple

from sqlalchemy import text

from connectors.mail import Letter, compose
from connectors.mail_server import leave
from core.clock import business_now, business_today
from core.database import transaction
from core.settings import ROOT, settings
from workers import series
from workers.task import perform
from workers.tasks.reminders import send_digest

_SENDER: Final = "avain@avain-esimerkki.invalid"
#: So many mails in turn; then the other side.
TURN: Final = 250
WARM_UP: Final = 20

#: Rows in: mails. Rows out: their Work, in that order, not due yet.
_WRITE: Final = text(
    """
    WITH mail AS (
        SELECT * FROM unnest(CAST(:names AS text[]), CAST(:addresses AS text[]), CAST(:ids AS text[]), CAST(:documents AS text[]))
            WITH ORDINALITY AS one(name, address, message_id, document, place)
    ), person AS (
        INSERT INTO worker (external_id, name, email, language) SELECT name, name, address, 'fi' FROM mail RETURNING id, external_id
    ), heard AS (
        INSERT INTO notice (worker_id, kind, subject, event, message, told_at)
        SELECT id, 'budget_over', 'case:HB-2026-000001', 'bench', '{}', now() FROM person RETURNING id, worker_id
    ), written AS (
        INSERT INTO digest (worker_id, local_date, message_id, state, document, items)
        SELECT person.id, :today, message_id, 'composed', document,
               jsonb_build_object('announced', '[]'::jsonb, 'escalated', '[]'::jsonb, 'news', jsonb_build_array(heard.id))
        FROM mail JOIN person ON external_id = name JOIN heard ON worker_id = person.id
        RETURNING id, message_id
    )
    INSERT INTO work (kind, key, subject_id, arguments, queue, next_at)
    SELECT 'send_digest', 'digest:' || name || ':' || :today, written.id, '{}', 'reminders', 'infinity'
    FROM mail JOIN written USING (message_id) ORDER BY place
    RETURNING id
    """
)
_DUE: Final = text("UPDATE work SET next_at = clock_timestamp() WHERE id = ANY(:ids)")
_SENT: Final = text(
    "SELECT count(*) FROM digest JOIN work ON work.subject_id = digest.id AND work.kind = 'send_digest'"
    " WHERE work.id = ANY(:ids) AND digest.state = 'sent' AND work.done_at IS NOT NULL"
)


class _Mail(NamedTuple):
    work_id: int
    address: str
    message: bytes


def ratio(count: int) -> dict[str, float]:
    """How near sending `count` mails comes to the bare loop with as many: `{"ratio_smtp": bare seconds / Avain's seconds}`.

    The database that this process is configured for gets that many workers and mails of today.
    """
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), _server() as port, _sending_to(port):
        mails = _written(count + WARM_UP)
        _avain(mails[:WARM_UP])
        with smtplib.SMTP("127.0.0.1", port, "avain-esimerkki.invalid") as bare:
            _bare(bare, mails[:WARM_UP])
            seconds = {"avain": 0.0, "bare": 0.0}
            for start in range(WARM_UP, len(mails), TURN):
                share = mails[start : start + TURN]
                began = time.perf_counter()
                _avain(share)
                between = time.perf_counter()
                _bare(bare, share)
                seconds["avain"] += between - began
                seconds["bare"] += time.perf_counter() - between
        with transaction() as session:
            sent = session.execute(_SENT, {"ids": [one.work_id for one in mails]}).scalar_one()
    if sent != len(mails):
        raise SystemExit(f"{sent} of {len(mails)} mails were sent")
    return {"ratio_smtp": round(seconds["bare"] / seconds["avain"], 3)}


@contextmanager
def _server() -> Iterator[int]:
    """A mail server in a process of its own; its port."""
    command = [sys.executable, "-m", "demo.smtp_sink", "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield int(server.stdout.readline().rpartition(":")[2])
        finally:
            server.terminate()


@contextmanager
def _sending_to(port: int) -> Iterator[None]:
    """This process sends its mail there."""
    before = dict(os.environ)
    os.environ.update({"AVAIN_MAIL__HOST": "127.0.0.1", "AVAIN_MAIL__PORT": str(port), "AVAIN_MAIL__SENDER": _SENDER})
    settings.cache_clear()
    try:
        yield
    finally:
        leave()
        os.environ.clear()
        os.environ.update(before)
        settings.cache_clear()


def _written(count: int) -> list[_Mail]:
    """So many mails of today, each to a worker of its own, with Work that sends it and is not due."""
    with transaction() as session:
        today, now = business_today(session), business_now(session)
        letters = [_letter(number, today) for number in range(count)]
        documents = [
            compose(Letter(_SENDER, address, "Avain: 5 asiaa odottaa", body, message_id, now, html=page))
            for address, message_id, body, page in letters
        ]
        ids = session.execute(
            _WRITE,
            {
                "names": [f"BENCH-{number}" for number in range(count)],
                "addresses": [one[0] for one in letters],
                "ids": [one[1] for one in letters],
                "documents": [one.decode("ascii") for one in documents],
                "today": today,
            },
        ).scalars()
        return [_Mail(*one) for one in zip(ids, (one[0] for one in letters), documents, strict=True)]


def _letter(number: int, today: date) -> tuple[str, str, str, str]:
    """Five items, as long as a worker's mail is."""
    address = f"bench-{number}@avain-esimerkki.invalid"
    links = [f"https://avain.invalid/follow-ups/{number * 5 + each}" for each in range(5)]
    lines = "".join(f"- HB-2026-{number:06}, väliseuranta, määräpäivä 7.12.2026\n\n  {link}\n" for link in links)
    rows = "".join(
        f'<tr><td style="padding:6px 12px 6px 0">HB-2026-{number:06}</td><td>väliseuranta</td><td>7.12.2026</td>'
        f'<td><a href="{link}" style="color:#0b4aa2">Avaa Avaimessa</a></td></tr>\n'
        for link in links
    )
    page = (
        f'<!doctype html>\n<html lang="fi"><body style="margin:0;padding:24px"><table>\n{rows}</table></body></html>\n'
    )
    return address, f"<digest.{today}.{number}@avain-esimerkki.invalid>", f"Muistutukset\n\n{lines}", page


def _avain(mails: Sequence[_Mail]) -> None:
    with transaction() as session:
        session.execute(_DUE, {"ids": [one.work_id for one in mails]})
    for first in mails[
        :: series.SHARE
    ]:  # as its queue hands them out; what a task sent before is nothing to do any more
        perform(first.work_id, send_digest)


def _bare(server: smtplib.SMTP, mails: Sequence[_Mail]) -> None:
    for one in mails:
        server.sendmail(_SENDER, [one.address], one.message)
