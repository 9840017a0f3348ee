"""Every kind of Work there is: where it queues, how long one attempt may take, how often and after what pauses it is tried."""

import random
from dataclasses import dataclass

#: A hanging source delays no other kind of work: outside reads have slots of their own.
QUEUES = ("fetch", "sync", "prices", "budgets", "orders", "reminders", "default")

#: An attempt is lost when its process has not renewed the lease for this long.
LEASE_SECONDS = 20.0
RENEW_SECONDS = 5.0


@dataclass(frozen=True)
class Kind:
    """One kind of Work. `deadline` seconds bound an attempt (Celery's hard limit, and the lease is never renewed past it).

    `effect`: what it does is seen outside: somebody gets an order or a mail, or a file is moved at a source; not done while effects are
    paused (services/effects). Reading is no effect. `numbers`: it gives out numbers that people see (T-…, HB-…); not done in a restored
    database until it is known which were given out meanwhile.
    """

    name: str
    queue: str
    deadline: float = 300.0
    max_attempts: int = 5
    first_pause: float = 5.0
    longest_pause: float = 3600.0
    effect: bool = False
    numbers: bool = False

    def pause_after(self, attempts: int, chance: float | None = None) -> float:
        """Seconds to wait after `attempts` failures: doubling, capped, with jitter so that many do not return together.

        `chance` in [0, 1) replaces the random draw.
        """
        drawn = random.random() if chance is None else chance  # noqa: S311 - spreading load, not keeping secrets
        return min(self.longest_pause, self.first_pause * 2.0 ** max(0, attempts - 1)) * (0.75 + 0.5 * drawn)


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("fetch_cases", "fetch", deadline=900),
        Kind("sync_cases", "sync", deadline=3600, numbers=True),
        Kind("put_away_files", "fetch", deadline=300, effect=True),
        Kind("look_at_source", "fetch", deadline=900),
        Kind("fetch_prices", "fetch", deadline=300),
        Kind("import_prices", "prices", deadline=900),
        Kind("read_price_mail", "prices", deadline=900),
        Kind("read_price_upload", "prices", deadline=300),
        Kind("fetch_incoming", "fetch", deadline=300),
        Kind("read_incoming", "orders", deadline=900),
        Kind("fetch_absences", "fetch", deadline=300),
        Kind("read_absences", "sync", deadline=300),
        Kind("fetch_bounces", "fetch", deadline=300),
        Kind("read_bounces", "reminders", deadline=300),
        Kind("watch_prices", "default", deadline=300),
        Kind("send_letter", "reminders", deadline=120, max_attempts=8, first_pause=60, effect=True),
        Kind("recompute_budgets", "budgets", deadline=1800),
        Kind("plan_statements", "default", deadline=300),
        Kind("write_statements", "default", deadline=600),
        Kind("tidy_family", "default", deadline=300),
        Kind("generate_orders", "orders", deadline=1800, numbers=True),
        Kind("watch_orders", "orders", deadline=600),
        Kind("deliver_order", "orders", deadline=120, max_attempts=8, first_pause=30, effect=True),
        Kind("tell_cancelled", "orders", deadline=120, max_attempts=8, first_pause=30, effect=True),
        Kind("send_test_order", "orders", deadline=120, max_attempts=1, effect=True),
        Kind("plan_follow_ups", "reminders", deadline=900),
        Kind("count_units", "default", deadline=900),
        Kind("daily_reminders", "reminders", deadline=900),
        Kind("send_digest", "reminders", deadline=120, max_attempts=8, first_pause=60, effect=True),
        Kind("seal_audit", "default", deadline=1800),
        Kind("verify_audit", "default", deadline=1800),
        Kind("reseal", "default", deadline=3600),
        Kind("check_consistency", "default", deadline=1800),
        Kind("retention", "default", deadline=3600),
        Kind("nightly_prices", "default", deadline=300),
        Kind("nightly_cases", "default", deadline=300),
        Kind("ask_incoming", "default", deadline=300),
        Kind("ask_absences", "default", deadline=300),
        Kind("ask_bounces", "default", deadline=300),
    )
}

#: Kinds whose doing is seen outside.
EFFECTS = tuple(kind.name for kind in KINDS.values() if kind.effect)
#: Kinds that give out numbers.
NUMBERING = tuple(kind.name for kind in KINDS.values() if kind.numbers)


def kind_of(name: str) -> Kind:
    """The kind by name; Work of a kind this version does not know is kept in `default` until a version that knows it runs."""
    return KINDS.get(name, Kind(name, "default"))
