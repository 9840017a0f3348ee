"""Taking orders to their providers, beside a bare loop that claims, has the same effect, and closes: in turns, over the same database.

Avain's side is what a worker's child does for a message of the queue (`perform`): claim, commit to sending, send, record, with the lease kept
by its thread. The bare loop claims and closes by the same two statements in two transactions and has the same effect in between: the same
channel's `send`, for e-mail of a letter composed and set as a PDF the same way. It commits to nothing before it sends, so it could send twice
without knowing it; it keeps no lease, no paper and no log.

`file`: the effect is a file forced to disk; `email`: a letter over SMTP to a sink on this machine. The worse of the two is the figure.
"""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Final

from sqlalchemy import text

from connectors.channels.base import Delivery, Destination
from connectors.channels.registry import open_channel
from core.clock import business_now
from core.database import transaction
from core.settings import settings
from demo.smtp_sink import SmtpSink
from services.orders.sending import papers
from services.work import claim, close
from workers.task import perform
from workers.tasks.orders import deliver_order, means

CHANNELS: Final = ("file", "email")
#: So many in turn; then the other side.
TURN: Final = 10
WARM_UP: Final = 2

#: Rows in: how many, and a channel. Rows changed: so many orders that wait, which go by that channel now. Rows out: the Work that delivers each.
_TAKE: Final = text(
    """
    WITH waiting AS (
        SELECT work.id, subject_id FROM work JOIN purchase_order ON purchase_order.id = subject_id
        WHERE kind = 'deliver_order' AND token IS NULL AND done_at IS NULL AND dead_at IS NULL AND purchase_order.state = 'approved'
        ORDER BY work.id LIMIT :count
    ), taken AS (
        UPDATE purchase_order SET channel = :channel FROM waiting WHERE purchase_order.id = subject_id RETURNING purchase_order.id
    )
    SELECT waiting.id FROM waiting JOIN taken ON taken.id = subject_id ORDER BY waiting.id
    """
)
#: Rows in: an order. Rows out: what is sent of it, and where to.
_ORDER: Final = text(
    """
    SELECT purchase_order.id, number, document, document_sha256, purchase_order.channel, approved_at, link_epoch, upper(period) - 1 AS last_day,
           provider.business_id, provider.email, provider.language, provider.channel_settings
    FROM purchase_order JOIN provider ON provider.id = provider_id WHERE purchase_order.id = :id
    """
)
_SENT: Final = text("UPDATE purchase_order SET state = 'sent', sent_at = :now WHERE id = :id")


def ratio(count: int) -> dict[str, float]:
    """How near dispatching comes to the bare loop, by channel (bare seconds / Avain's seconds), and the worse of them as `ratio_dispatch`.

    The database that this process is configured for must hold 4 × (`count` + 2) orders waiting to be delivered, of providers with an
    e-mail address.
    """
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):  # a line of log for each delivery
        by_channel = {channel: _ratio(channel, count) for channel in CHANNELS}
    return {
        "ratio_dispatch": min(by_channel.values()),
        **{f"ratio_dispatch_{name}": one for name, one in by_channel.items()},
    }


def _ratio(channel: str, count: int) -> float:
    with SmtpSink() as sink, _sending_to(sink):
        works = _waiting(channel, 2 * (count + WARM_UP))
        sides = (_avain, _bare)
        for side in sides:  # the first of a process loads what it needs
            side([works.pop() for _ in range(WARM_UP)])
        seconds = dict.fromkeys(sides, 0.0)
        for start in range(0, len(works), 2 * TURN):
            both = works[start : start + 2 * TURN]
            for side, share in zip(sides, (both[::2], both[1::2]), strict=True):
                began = time.perf_counter()
                side(share)
                seconds[side] += time.perf_counter() - began
        if channel == "email" and len(sink.messages) != 2 * (count + WARM_UP):
            raise SystemExit(f"{len(sink.messages)} letters arrived")
    return round(seconds[_bare] / seconds[_avain], 3)


def _waiting(channel: str, count: int) -> list[int]:
    """Work that delivers so many orders, which go by that channel now."""
    with transaction() as session:
        works = list(session.execute(_TAKE, {"count": count, "channel": channel}).scalars())
    if len(works) < count:
        raise SystemExit(f"only {len(works)} orders wait to be delivered")
    return works


@contextmanager
def _sending_to(sink: SmtpSink) -> Iterator[None]:
    """This process sends its mail to the sink."""
    os.environ.update({"AVAIN_MAIL__HOST": sink.host, "AVAIN_MAIL__PORT": str(sink.port)})
    settings.cache_clear()
    try:
        yield
    finally:
        del os.environ["AVAIN_MAIL__HOST"], os.environ["AVAIN_MAIL__PORT"]
        settings.cache_clear()


def _avain(works: Sequence[int]) -> None:
    for work_id in works:
        perform(work_id, deliver_order)


def _bare(works: Sequence[int]) -> None:
    configured = settings()
    for work_id in works:
        with transaction() as session:
            claimed = claim(session, work_id)
            if claimed is None:
                raise SystemExit(f"work {work_id} is not there to be claimed")
            order = session.execute(_ORDER, {"id": claimed.subject_id}).one()
            now = business_now(session)
            letter = None
            if order.channel == "email":
                _, letter = papers.write(
                    session, order, order.email, epoch=order.link_epoch, settings=configured, now=now
                )
        delivery = Delivery(
            order_id=order.id,
            number=order.number,
            document=order.document,
            sha256=order.document_sha256,
            channel=order.channel,
            destination=Destination(order.business_id, order.email, order.language, order.channel_settings),
            approved_at=order.approved_at,
            mail=letter,
            recipient=order.email,
        )
        receipt = open_channel(order.channel, means(configured)).send(delivery)
        with transaction() as session:
            session.execute(_SENT, {"id": order.id, "now": now})
            close(session, claimed, reply=receipt.reply)
