"""Whether a day ended as it should: what is wrong, as sentences; none is what one wants to read.

Three things are held against each other: the tables of this day and of the same day undisturbed; the tables and what arrived outside; and
what must hold of any installation (Work that has ended, numbers without gaps, an audit trail as it was sealed, processes that stop).
"""

import email
import email.policy
import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

from sqlalchemy.orm import Session

from core.follow_up_settings import FollowUps
from core.settings import ROOT
from schedules.jobs import jobs
from services.jobs import named, trigger
from tests.chaos.whole.installed import READ
from tests.chaos.whole.rig import Rig, rig
from tests.chaos.whole.tables import Left, differences, left
from tests.chaos.whole.world import World

#: Done once more at the end of every day, so that what came late has told on everything.
_EVENING: Final = ("recompute_budgets", "watch_orders", "plan_follow_ups", "count_units")
#: From here on one worker is there alone: one that only seems to live would be found out.
_ALONE_FROM: Final = "plan_follow_ups"
#: How often a person looks again whether something was given up.
_ROUNDS: Final = 3
_KEPT: Final = ROOT / "var" / "chaos" / "undisturbed"
#: Attempts of which nobody knows how far they got, or that the other side broke off.
_IN_DOUBT: Final = ("lost", "retry", "failed")

#: Sources whose latest run did not bring what they show.
_UNREAD: Final = """
    SELECT split_part(lane, ':', 2) AS name, outcome FROM (
        SELECT DISTINCT ON (lane) lane, run.outcome FROM run JOIN work ON work.id = work_id WHERE lane LIKE 'source:%' ORDER BY lane, run.id DESC
    ) AS latest WHERE outcome NOT IN ('succeeded', 'partly', 'nothing_to_do', 'held')
"""

#: There must be no rows of these.
_NONE: Final = {
    "Work that is neither done nor dead": "SELECT kind, key FROM work WHERE done_at IS NULL AND dead_at IS NULL",
    "Work that died without a reason": "SELECT kind, key FROM work WHERE dead_at IS NOT NULL AND dead_reason = ''",
    "Work that is dead although somebody tried it again": "SELECT kind, key, dead_reason FROM work WHERE dead_at IS NOT NULL AND kind <> 'poison'",
    "a Run that nobody ended": "SELECT run.kind, work.key FROM run JOIN work ON work.id = work_id WHERE finished_at IS NULL",
    "a budget that is noted and not recomputed": "SELECT budget_id, cause FROM budget_dirty",
    "an order without its delivery": "SELECT number FROM purchase_order WHERE 'deliver_order:' || number NOT IN (SELECT key FROM work)",
    "an order that did not go": "SELECT number, state FROM purchase_order WHERE state <> 'sent' OR sent_at IS NULL",
    "a service ordered twice": "SELECT plan_item_id, period FROM order_coverage WHERE live GROUP BY 1, 2 HAVING count(*) > 1",
    "a worker with two mails on one day": "SELECT worker_id, local_date FROM digest GROUP BY 1, 2 HAVING count(*) > 1",
    "a gap in the numbers": (
        "SELECT series, value, count(number), count(DISTINCT number) FROM counter LEFT JOIN ("
        " SELECT number FROM purchase_order UNION ALL SELECT number FROM client_case) AS numbered ON number LIKE series || '-%'"
        " GROUP BY 1, 2 HAVING value <> count(DISTINCT number) OR count(number) <> count(DISTINCT number)"
        "   OR value <> max(split_part(number, '-', 3)::bigint)"
    ),
}


@dataclass
class Mended:
    """What a person did in the course of a day: tried given-up work again, sent orders again, had sources read again."""

    retried: int = 0
    resent: int = 0
    read_again: int = 0


def mend(made: Rig, done: Mended) -> None:
    """What a person does who is told that something was given up, by the commands there are; counted in `done`."""
    for _ in range(_ROUNDS):
        dead = made.rows("SELECT id FROM work WHERE dead_at IS NOT NULL AND kind <> 'poison'")
        failed = made.rows("SELECT number FROM purchase_order WHERE state = 'failed' ORDER BY number")
        unread = made.rows(_UNREAD)
        if not dead and not failed and not unread:
            return
        for row in failed:
            _command(made, "order", "resend", row.number, "--reason", "it failed", "--as", "olli")
        if made.rows("SELECT id FROM work WHERE dead_at IS NOT NULL AND kind <> 'poison'"):
            _command(made, "run", "retry", "--all", "--as", "olli")
        for row in unread:
            made.avain("source", "run", row.name)
        done.retried += len(dead)
        done.resent += len(failed)
        done.read_again += len(unread)
        made.settle()


def evening(made: Rig) -> None:
    """The jobs that bring everything in line, once more; the last of them while one of the workers, by the seed, is there alone."""
    made.look_at_processes()
    for name in _EVENING:
        if name == _ALONE_FROM:
            made.stop_one(made.workers[made.world.seed % len(made.workers)])
        with Session(made.engine) as session, session.begin():
            trigger(session, named(jobs(FollowUps()), name), actor="olli", now=made.business_now())
        made.settle()


def _command(made: Rig, *words: str) -> None:
    done = made.avain(*words)
    if done.returncode:
        raise AssertionError(f"avain {' '.join(words)}: {done.stdout[-500:]}{done.stderr[-500:]}")


def expected(world: World) -> Left:
    """What the same day leaves when nothing happens: lived through once, and kept under var/chaos."""
    file = _KEPT / f"{_mark(world)}.json"
    if file.exists():
        return {name: Counter(rows) for name, rows in json.loads(file.read_text("utf-8")).items()}
    with rig(world, keep_home=_KEPT / "logs") as made:
        made.live()
        evening(made)
        made.stop()
        found = left(made.engine)
        wrong = verdict(made, found) + [f"source {row.name}: {row.outcome}" for row in made.rows(_UNREAD)]
    if wrong:
        raise AssertionError("the undisturbed day is wrong already: " + "; ".join(wrong))
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_suffix(".part")
    beside.write_text(json.dumps(found), "utf-8")
    beside.replace(file)
    return found


def _mark(world: World) -> str:
    """Of a world, and of all code that a day runs through."""
    found = hashlib.sha256(repr(asdict(world)).encode())
    for folder in (
        "workers",
        "schedules",
        "services",
        "connectors",
        "documents",
        "models",
        "core",
        "migrations",
        "tests/chaos/whole",
    ):
        for file in sorted((ROOT / folder).rglob("*.py")):
            found.update(file.read_bytes())
    return found.hexdigest()[:24]


def verdict(made: Rig, undisturbed: Left) -> list[str]:
    """What is wrong after a day whose processes have been stopped."""
    return [
        *(f"process {name} did not stop within 30 s of being asked" for name in made.unstoppable),
        *made.ailing,
        *(f"{one.name} ended by itself ({code})" for one in made.processes for code in one.ended),
        *_rows_there_should_not_be(made),
        *differences(undisturbed, left(made.engine)),
        *_arrivals(made),
        *_audit(made),
        *_consistency(made),
    ]


def found_amiss(made: Rig, undisturbed: Left) -> list[str]:
    """What is wrong in the tables, and with what arrived outside."""
    return [*_rows_there_should_not_be(made), *differences(undisturbed, left(made.engine)), *_arrivals(made)]


def _rows_there_should_not_be(made: Rig) -> Iterator[str]:
    for what, sql in _NONE.items():
        found = made.rows(sql)
        if found:
            yield f"{what}: {len(found)}, such as {', '.join(map(str, found[:3]))}"


def _audit(made: Rig) -> Iterator[str]:
    done = made.avain("audit", "verify", "--json")
    if done.returncode:
        yield f"the audit trail is not as it was sealed: {done.stdout[-500:]}{done.stderr[-500:]}"


def _consistency(made: Rig) -> Iterator[str]:
    """What the nightly check finds, looking at everything."""
    done = made.avain("doctor", "--deep", "--all", "--json")
    if done.returncode:
        broken = json.loads(done.stdout or "{}").get("checks", [])
        told = [one for check in broken for one in check["broken"]]
        yield f"avain doctor --deep finds: {json.dumps(told, ensure_ascii=False)[:1500]}{done.stderr[-500:]}"


def _arrivals(made: Rig) -> Iterator[str]:
    """Orders and mails in the tables against what the servers outside have."""
    orders: dict[str, dict[str, bytes]] = defaultdict(dict)
    for row in made.rows("SELECT channel, number, document FROM purchase_order"):
        orders[row.channel][row.number] = bytes(row.document)
    point = made.outside.point
    put = {path.name: path.read_bytes() for path in (made.outside.sftp.root / "in").iterdir()}
    outbox = {path.name: path.read_bytes() for path in (made.home / "outbox").rglob("*") if path.is_file()}
    yield from _compared("at the access point", orders["https"], point.documents)
    yield from (f"the access point got something else under {key}" for key in point.others)
    yield from _compared("at the SFTP server", _as_files(orders["sftp"]), put)
    yield from _compared("in the outbox", _as_files(orders["file"]), outbox)
    read = {path.name: path.read_bytes() for path in (made.outside.sftp.root / READ).iterdir()}
    yield from _compared(
        "among e-mails that were read", dict((made.world.mail_before, made.world.mail_after)), read, "e-mails"
    )
    yield from _mails(made)


def _as_files(orders: dict[str, bytes]) -> dict[str, bytes]:
    return {f"{number}.xml": document for number, document in orders.items()}


def _compared(where: str, wanted: dict[str, bytes], found: dict[str, bytes], things: str = "orders") -> Iterator[str]:
    for what, names in (
        ("missing", wanted.keys() - found.keys()),
        ("nobody's", found.keys() - wanted.keys()),
        ("not as stored", {name for name in wanted.keys() & found.keys() if wanted[name] != found[name]}),
    ):
        if names:
            yield f"{where} {len(names)} {things} are {what}, such as {', '.join(sorted(names)[:3])}"


#: Every mail that was to be sent, once: what it is, its Work, its bytes or its Message-ID.
_MAILS: Final = """
    SELECT 'order ' || number AS what, 'deliver_order:' || number AS key, order_paper.content, NULL AS message_id, provider.email AS recipient
    FROM order_paper JOIN purchase_order ON purchase_order.id = order_id JOIN provider ON provider.id = provider_id
    WHERE kind = 'mail' AND superseded_at IS NULL
    UNION ALL
    SELECT 'mail of ' || worker.external_id || ' of ' || local_date, work.key, convert_to(digest.document, 'UTF8'), message_id, recipient
    FROM digest JOIN worker ON worker.id = worker_id LEFT JOIN work ON work.kind = 'send_digest' AND work.subject_id = digest.id
    UNION ALL
    SELECT 'letter to ' || recipient, work.key, convert_to(letter.document, 'UTF8'), message_id, recipient
    FROM letter LEFT JOIN work ON work.kind = 'send_letter' AND work.subject_id = letter.id
"""
_DOUBTS: Final = "SELECT work.key, count(*) AS n FROM run JOIN work ON work.id = work_id WHERE outcome = ANY(:doubt) OR attempt > 1 GROUP BY 1"


def _mails(made: Rig) -> Iterator[str]:
    received: dict[str, list[bytes]] = defaultdict(list)
    whom: dict[str, set[str]] = defaultdict(set)
    for message in made.outside.mail.messages:
        message_id = str(email.message_from_bytes(message.content, policy=email.policy.default)["Message-ID"])
        received[message_id].append(message.content)
        whom[message_id].update(message.recipients)
    doubts = {row.key: row.n for row in made.rows(_DOUBTS, doubt=list(_IN_DOUBT))}
    known = set()
    for row in made.rows(_MAILS):
        message_id = row.message_id or str(email.message_from_bytes(bytes(row.content))["Message-ID"])
        known.add(message_id)
        copies = received.get(message_id, [])
        if not copies:
            yield f"{row.what} did not arrive"
        elif whom[message_id] != {row.recipient}:
            yield f"{row.what} went to {sorted(whom[message_id])} and not to {row.recipient}"
        if len(set(copies)) > 1:
            yield f"{row.what} arrived with other content under the same Message-ID"
        if len(copies) > 1 + doubts.get(row.key, 0):
            yield f"{row.what} arrived {len(copies)} times, and only {doubts.get(row.key, 0)} attempts were in doubt"
    strange = received.keys() - known
    if strange:
        yield f"{len(strange)} mails arrived that nothing in the tables tells of, such as {min(strange)}"


def repeats(made: Rig) -> dict[str, Any]:
    """How often something arrived once more, which may happen where a process died between the other side's yes and our record."""
    ids = Counter(
        str(email.message_from_bytes(message.content)["Message-ID"]) for message in made.outside.mail.messages
    )
    return {"mails": sum(ids.values()) - len(ids), "posts": sum(made.outside.point.repeats.values())}
