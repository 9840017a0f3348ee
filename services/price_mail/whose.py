"""Whose price list a mail brings: the provider its file names, or else the one whose address sent it. Where the two disagree, and where
neither is known, a person says so: anybody can write any address into a mail, and a wrong provider's prices are nobody's prices.

A business id is public: that a file names it says whose prices they are meant to be, not who sent them. So a list counts by itself only
when the mail itself came from the provider's known address; any other is held for a person (`is_proven`).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from connectors.prices.mailed import MailedList
from core.errors import Message

#: Rows out: providers that are still active, with the address each is known by.
_PROVIDERS = text("SELECT id, business_id, name, lower(email) AS email FROM provider WHERE active ORDER BY id")


@dataclass(frozen=True)
class Known:
    """The providers there are: names by business id, and business ids by address."""

    names: Mapping[str, str]
    ids: Mapping[str, int]
    by_address: Mapping[str, frozenset[str]]

    def senders(self, addresses: Iterable[str]) -> frozenset[str]:
        """The providers that some addresses belong to."""
        return frozenset().union(*(self.by_address.get(one, frozenset()) for one in addresses))

    def named(self, business_id: str) -> str:
        """A provider as people know it."""
        return self.names.get(business_id, business_id)


def is_proven(business_id: str, sender: str | None, known: Known) -> bool:
    """Whether a mail from an address came from the provider itself, as far as mails tell. `sender` is not that of a mail forwarded within
    it: nobody checked that one.
    """
    return sender is not None and business_id in known.senders([sender])


def known_providers(session: Session) -> Known:
    """Who there is."""
    rows = session.execute(_PROVIDERS).all()
    by_address: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row.email:
            by_address[row.email].add(row.business_id)
    return Known(
        {row.business_id: row.name for row in rows},
        {row.business_id: row.id for row in rows},
        {address: frozenset(found) for address, found in by_address.items()},
    )


def whose(one: MailedList, addresses: Iterable[str], known: Known) -> str | Message:
    """The business id of the provider a list is of, or the sentence that says why a person must look."""
    senders = known.senders(addresses)
    named = frozenset(found for found in one.stated or one.near if found in known.names)
    strangers = one.stated - named
    if strangers:
        return Message(
            "{file} says it is the price list of {business_id}, which is not a known provider.",
            file=one.name,
            business_id=", ".join(sorted(strangers)),
        )
    if len(named) > 1:
        return Message("{file} names several providers: {providers}.", file=one.name, providers=_names(named, known))
    if named and senders and not named <= senders:
        return Message(
            "{file} names {provider}, but the e-mail was sent by {sender}.",
            file=one.name,
            provider=_names(named, known),
            sender=_names(senders, known),
        )
    if named or len(senders) == 1:
        return next(iter(named or senders))
    if senders:
        return Message(
            "The sender's address is that of several providers: {providers}.", providers=_names(senders, known)
        )
    return Message("Neither the sender's address nor {file} says whose price list it is.", file=one.name)


def _names(found: Iterable[str], known: Known) -> str:
    return ", ".join(sorted(known.named(one) for one in found))
