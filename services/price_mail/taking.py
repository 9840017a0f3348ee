"""What is done with the mails of a visit: each is taken, or waits for a person with the reason why. One that cannot be understood stops
no other; of several of one provider the latest counts, also if it came in an earlier night.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from connectors.prices.mailed import MailedList
from connectors.transports.base import SourceFile
from core.errors import Message
from models.price_mail import PriceMail
from services.price_mail.whose import Known, is_proven, known_providers, whose

#: States in which a mail wants nothing more.
DONE = frozenset({"taken", "overtaken", "discarded"})

#: Rows in: a provider's share of a mail source. Rows out: whether a list of it waits for a person.
_HELD = text(
    """
    SELECT EXISTS (
        SELECT FROM price_list JOIN price_source ON price_source.id = source_id WHERE name = :share AND price_list.state = 'held')
    """
)

#: Rows in: a source and a provider. Rows out: when the latest mail was sent whose list was taken.
_LATEST = text(
    """
    SELECT max(sent_at) FROM price_mail
    WHERE source = :source AND state = 'taken' AND attachments @> jsonb_build_array(jsonb_build_object('provider', CAST(:business_id AS text)))
    """
)


@dataclass(frozen=True)
class Opened:
    """A mail that was read: `refused` says why nothing of it can be; `lists` are the attachments that may be price lists. `senders` are its
    own and those of mails within it, `sender` its own alone.
    """

    file: SourceFile
    senders: tuple[str, ...] = ()
    sent_at: datetime | None = None
    lists: tuple[MailedList, ...] = ()
    others: tuple[str, ...] = ()
    refused: Message | None = None
    sender: str | None = None


@dataclass(frozen=True)
class Taken:
    """A list to be imported: of which provider (business id), from which mail. Not `proven`: it did not come from the provider's address,
    and no person said that it is theirs.
    """

    business_id: str
    one: MailedList
    mail_id: int
    proven: bool = True


@dataclass
class Sorted:
    """What came of a visit: lists to import; files that want nothing more; ids of mails that wait, and of those that wait newly."""

    taken: list[Taken] = field(default_factory=list)
    settled: list[SourceFile] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)
    fresh: list[int] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """`mails, taken, waiting`."""
        return {
            "mails": len(self.settled) + len(self.waiting),
            "taken": len(self.taken),
            "waiting": len(self.waiting),
        }


def settled_already(session: Session, source: str, files: Iterable[SourceFile], *, keep: bool = False) -> set[str]:
    """The sha256 of those mails that want nothing more: they need not even be opened. With `keep` that stays so until the transaction
    ends: a person who has one taken anew meanwhile is heard after it.
    """
    statement = select(PriceMail.sha256).where(  # type: ignore[call-overload]
        PriceMail.source == source,
        PriceMail.state.in_(DONE),  # type: ignore[attr-defined]
        PriceMail.sha256.in_([one.sha256 for one in files]),  # type: ignore[attr-defined]
    )
    if keep:
        statement = statement.order_by(PriceMail.id).with_for_update(read=True)
    return set(session.execute(statement).scalars())


def unseen_first(session: Session, source: str, files: Iterable[SourceFile]) -> list[SourceFile]:
    """In the order they are opened in: mails that wait already last, since there may not be time for all."""
    statement = select(PriceMail.sha256).where(PriceMail.source == source, PriceMail.state == "waiting")  # type: ignore[call-overload]
    waiting = set(session.execute(statement).scalars())
    return sorted(files, key=lambda one: one.sha256 in waiting)


def take(session: Session, source: str, mails: Sequence[Opened], *, run_id: int, now: datetime) -> Sorted:
    """Record the mails of a visit of `source` and say which of their lists are to be imported, at most one for each provider."""
    known, found = known_providers(session), Sorted()
    best: dict[str, tuple[PriceMail, bool]] = {}
    for mail in sorted(mails, key=lambda one: (_when(one, now), one.file.name)):
        row, is_new = _row(session, source, mail)
        if row.state in DONE:
            found.settled.append(mail.file)
            continue
        lists = _lists_of(row, mail, known)
        if not isinstance(lists, Message):
            proven = _proven(row, lists, mail, known)
            lists = _not_older(session, source, lists, _when(mail, now), known)
        if not isinstance(lists, Message):
            sure = {business_id for business_id, (_, is_sure) in best.items() if is_sure}
            lists = _in_nobodys_way(session, source, lists, proven, sure, known)
        if isinstance(lists, Message):
            row.state = "waiting"
            row.reason, row.provider_id, row.chosen = lists.to_json(), None, None
            session.flush()  # its number is needed
            found.waiting.append(row.id)
            if is_new:
                found.fresh.append(row.id)
            continue
        _hand_over(session, row, lists, proven, known, found, best, run_id, _when(mail, now))
        found.settled.append(mail.file)
    return found


def _hand_over(  # noqa: PLR0917 - the one place where all of it meets
    session: Session, row: PriceMail, lists: dict[str, MailedList], proven: Collection[str], known: Known, found: Sorted,
    best: dict[str, tuple[PriceMail, bool]], run_id: int, sent_at: datetime,
) -> None:  # fmt: skip
    row.state, row.reason, row.run_id, row.sent_at = "taken", None, run_id, sent_at
    row.provider_id = known.ids[next(iter(lists))] if len(lists) == 1 else None
    whose_is = {one.file.sha256: business_id for business_id, one in lists.items()}
    row.attachments = [{**each, "provider": whose_is.get(each["sha256"])} for each in row.attachments]
    session.flush()  # its number is needed
    for business_id, one in lists.items():
        if business_id in best:  # mails come in the order they were sent
            best[business_id][0].state = "overtaken"
            found.taken = [each for each in found.taken if each.business_id != business_id]
        best[business_id] = (row, business_id in proven)
        found.taken.append(Taken(business_id, one, row.id, business_id in proven))


def _row(session: Session, source: str, mail: Opened) -> tuple[PriceMail, bool]:
    """The mail's row, and whether it was made now. What was decided already stays as it is."""
    row = session.execute(
        # locked: a person may be saying whose it is
        select(PriceMail)
        .where(PriceMail.source == source, PriceMail.sha256 == mail.file.sha256)  # type: ignore[arg-type]
        .with_for_update()
    ).scalar_one_or_none()
    is_new = row is None
    if row is None:
        row = PriceMail(source=source, sha256=mail.file.sha256, file_name=mail.file.name, state="waiting")
        session.add(row)
    if row.state in DONE:
        return row, is_new
    row.file_name, row.sender = mail.file.name, mail.senders[0] if mail.senders else None
    row.sent_at = row.sent_at or mail.sent_at
    row.attachments = _attachments(mail)
    return row, is_new


def _attachments(mail: Opened) -> list[dict[str, Any]]:
    return [
        {"name": one.name, "sha256": one.file.sha256, "reason": one.reason.to_json() if one.reason else None}
        for one in mail.lists
    ] + [{"name": name, "sha256": None, "reason": _NOT_A_TABLE.to_json()} for name in mail.others]


_NOT_A_TABLE = Message("A file of this kind cannot be a price list: CSV, XLSX, ODS, XML and JSON can.")


def _lists_of(row: PriceMail, mail: Opened, known: Known) -> dict[str, MailedList] | Message:
    """The lists of a mail by provider, or why it must wait."""
    if mail.refused is not None or not mail.lists:
        names = ", ".join(mail.others) or "–"
        return mail.refused or Message("The e-mail brings no file that could be a price list ({names}).", names=names)
    readable = _once(one for one in mail.lists if one.reason is None)
    if row.state == "assigned" and row.provider_id is not None:
        return _as_assigned(row, readable, mail, known)
    if not readable:
        return _unreadable(mail, known)
    found: dict[str, MailedList] = {}
    for one in readable:
        verdict = whose(one, mail.senders, known)
        if isinstance(verdict, Message):
            return verdict
        if verdict in found:
            return _several([found[verdict], one])
        found[verdict] = one
    return found


def _as_assigned(
    row: PriceMail, readable: list[MailedList], mail: Opened, known: Known
) -> dict[str, MailedList] | Message:
    """What a person has said: whose list it is, perhaps which of several files."""
    business_id = next((one for one, provider_id in known.ids.items() if provider_id == row.provider_id), None)
    if business_id is None:
        return Message("The provider it was assigned to is not active any more.")
    chosen = [one for one in mail.lists if one.name == row.chosen] if row.chosen else readable or list(mail.lists)
    return {business_id: chosen[0]} if len(chosen) == 1 else _several(chosen or list(mail.lists))


def _unreadable(mail: Opened, known: Known) -> dict[str, MailedList] | Message:
    """A known sender's only file is handed over all the same, so that its fault is told of as any other list's."""
    senders = known.senders(mail.senders)
    if len(senders) == 1 and len(mail.lists) == 1:
        return {next(iter(senders)): mail.lists[0]}
    first = mail.lists[0]
    return Message("{file} cannot be read: {reason}", file=first.name, reason=first.reason or "")


def _once(lists: Iterable[MailedList]) -> list[MailedList]:
    """Without repetitions: the same file may hang on a mail twice."""
    return list({one.file.sha256: one for one in lists}.values())


def _several(lists: Collection[MailedList]) -> Message:
    return Message(
        "The e-mail brings several price lists of one provider: {names}. Say which of them counts.",
        names=", ".join(one.name for one in lists),
    )


def _not_older(
    session: Session, source: str, lists: dict[str, MailedList], sent_at: datetime, known: Known
) -> dict[str, MailedList] | Message:
    """The lists, unless a newer one of the same provider was taken: an old mail must not undo it."""
    for business_id in lists:
        values = {"source": source, "business_id": business_id}
        latest = session.execute(_LATEST, values).scalar_one()
        if latest is not None and sent_at < latest:
            return Message(
                "A newer e-mail of {provider} ({moment}) was taken already.",
                provider=known.named(business_id),
                moment=latest.isoformat(),
            )
    return lists


def _proven(row: PriceMail, lists: Collection[str], mail: Opened, known: Known) -> set[str]:
    """Those of the providers a mail brings lists of that it surely came from, or that a person named."""
    return {one for one in lists if row.state == "assigned" or is_proven(one, mail.sender, known)}


def _in_nobodys_way(  # noqa: PLR0917 - what it is judged by
    session: Session, source: str, lists: dict[str, MailedList], proven: Collection[str], sure: Collection[str],
    known: Known,
) -> dict[str, MailedList] | Message:  # fmt: skip
    """The lists, unless one that anybody may have sent would take the place of a list that is the provider's own, or that a person is
    looking at. `sure`: providers of whom this visit brought a list of their own.
    """
    for business_id in lists.keys() - proven:
        share = f"{source}/{business_id}"
        if business_id in sure or session.execute(_HELD, {"share": share}).scalar_one():
            return Message(
                "It did not come from the known address of {provider}, of whom another list is looked at first.",
                provider=known.named(business_id),
            )
    return lists


def _when(mail: Opened, now: datetime) -> datetime:
    """When a mail was sent: as it says, but never later than now."""
    return min(mail.sent_at or now, now)
