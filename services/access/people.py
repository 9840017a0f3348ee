"""A person who is signed in, and workers as the login finds them."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

WORKER: Final = "worker"
SUPERVISOR: Final = "supervisor"
PRICE_MANAGER: Final = "price_manager"
OPERATOR: Final = "operator"
AUDITOR: Final = "auditor"


@dataclass(frozen=True)
class Person:
    """Who is signed in. `everything`: the local user of an embedded installation, whom no row is kept from.

    `actor` is what the audit trail calls them: `worker:W-101` for a worker, else `user:<subject>`.
    """

    session_id: int
    subject: str
    name: str
    roles: frozenset[str]
    worker_id: int | None
    worker: str | None
    language: str | None
    everything: bool
    csrf: str

    @property
    def actor(self) -> str:
        return f"worker:{self.worker}" if self.worker else f"user:{self.subject}"

    @property
    def lacks_worker(self) -> bool:
        """Whether the person's only roles are about cases, and no worker is known to be them: they would see nothing and not know why."""
        return self.worker_id is None and not self.everything and self.roles <= {WORKER, SUPERVISOR}

    def is_one_of(self, *roles: str) -> bool:
        """Whether the person has at least one of these roles."""
        return self.everything or not self.roles.isdisjoint(roles)


@dataclass(frozen=True)
class KnownWorker:
    """A worker as the login needs it."""

    id: int
    external_id: str
    name: str
    language: str


#: Rows in: a subject and an e-mail address, either may be NULL. Rows out: active workers known by one of them; by subject first.
_FIND = text(
    """
    SELECT id, external_id, name, language, subject = CAST(:subject AS text) AS by_subject FROM worker
    WHERE active AND (subject = CAST(:subject AS text) OR (subject IS NULL AND lower(email) = lower(CAST(:email AS text))))
    ORDER BY subject = CAST(:subject AS text) DESC NULLS LAST, id LIMIT 2
    """
)


def find_worker(session: Session, *, subject: str | None, email: str | None) -> KnownWorker | None:
    """The active worker a login belongs to: by subject, else by e-mail if that names exactly one."""
    rows = session.execute(_FIND, {"subject": subject, "email": email}).all()
    if not rows or (len(rows) > 1 and not rows[0].by_subject):
        return None
    return KnownWorker(rows[0].id, rows[0].external_id, rows[0].name, rows[0].language)
