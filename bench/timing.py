"""`make bench-timing`: whether somebody who guesses learns anything by how long an answer takes. Writes bench/results/timing.json.

Each pair is two requests that a guesser must not tell apart, made in turn, as often as asked: a code for a link that there is and for one that there
is not; a signed link wrong in its first and in its last sign; a form's token the same; a session that is over and one that never was.

median_ms of each side; apart: how often an answer of the one side took longer than an answer of the other, of all pairs of answers. At 0.5 they
cannot be told apart; at 0 or 1 one answer tells. A machine that does other things beside shifts neither side, for they take turns.
"""

import argparse
import secrets
import sys
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import Any, Final

from sqlalchemy import text
from starlette.testclient import TestClient

from bench import figures
from bench.budgets import Bench
from console.app import create_app
from console.web.limits import Limiter
from core.errors import InputError
from core.keys import family_code_key, link_secret
from core.settings import Settings
from services.access import sessions
from services.family import links
from services.orders.sending import reply_links

RESULTS: Final = Path(__file__).with_name("results") / "timing.json"
#: How far from a half `apart` may be.
LIMITS: Final = {"apart_most": ("<=", 0.1)}
_COUNTY: Final = "bench_template"
_ORIGIN: Final = "http://127.0.0.1:8765"
#: So many answers of each side come before those that count.
_WARM: Final = 5
_WRONG_CODE: Final = "00000000"

Way = Callable[[], object]


def main() -> int:
    """Measure; 0 when nothing can be told apart."""
    parser = argparse.ArgumentParser(prog="python -m bench.timing", description=__doc__)
    parser.add_argument("--answers", type=int, default=200, help="answers of each side, over the pages")
    parser.add_argument("--checks", type=int, default=20_000, help="checks of each side, without a page")
    parser.add_argument("--json", type=Path, default=RESULTS, metavar="FILE", help="where the figures go")
    chosen = parser.parse_args()
    with figures.home() as home:
        found = Guesser(home, chosen.answers).measured(chosen.answers, chosen.checks)
    return figures.tell(found, chosen.json, LIMITS)


class Unlimited(Limiter):
    """Who guesses here is let."""

    def wait(self, what: str, who: str, at_most: str) -> int:  # noqa: ARG002 - as it is called
        return 0


class Guesser(Bench):
    """A small county with the console over it, and links that may be tried as often as one likes."""

    def __init__(self, home: Path, tries: int) -> None:
        super().__init__(home, 50)
        self.settings = Settings(
            database_url=self.app_url(_COUNTY), redis_url=self.running.redis_url, home=home, family={"enabled": True}
        )
        app = create_app(
            self.settings, transaction=lambda: self.session(_COUNTY), redis_url=lambda: self.running.redis_url
        )
        object.__setattr__(app.state.console, "limiter", Unlimited())
        self.client = TestClient(app, base_url=_ORIGIN, client=("127.0.0.1", 50000))
        self.cookie = app.state.console.cookie
        self.made = self._links(tries // (self.settings.family.wrong_codes - 1) + _WARM)

    def measured(self, answers: int, checks: int) -> dict[str, Any]:
        """Every pair."""
        wanted = answers + _WARM
        tried = iter([one.secret for one in self.made for _ in range(self.settings.family.wrong_codes - 1)][:wanted])
        over = self._session_that_is_over()
        signed = link_secret(self.settings)
        token = reply_links.link(signed, "", "T-2026-000001", "reply", expires=date(2027, 1, 1), epoch=0).rpartition(
            "/"
        )[2]
        payload, _, signature = token.rpartition(".")
        csrf = secrets.token_urlsafe(32)
        pairs: dict[str, tuple[int, Way, Way]] = {
            "family code: a link that there is, or not": (
                wanted, lambda: self._code(next(tried)), lambda: self._code("0000-0000-0000-0000"),
            ),
            "session: one that is over, or never was": (
                wanted, lambda: self._page(over), lambda: self._page(secrets.token_urlsafe(32)),
            ),
            "signed link: wrong in the first sign, or the last but one": (
                checks, partial(_opens, signed, f"{payload}.{_changed(signature, 0)}"),
                partial(_opens, signed, f"{payload}.{_changed(signature, -2)}"),
            ),
            "form's token: wrong in the first sign, or the last": (
                checks, partial(secrets.compare_digest, _changed(csrf, 0).encode(), csrf.encode()),
                partial(secrets.compare_digest, _changed(csrf, -1).encode(), csrf.encode()),
            ),
        }  # fmt: skip
        found = {name: compared(*pair) for name, pair in pairs.items()}
        return {"pairs": found, "apart_most": max(abs(one["apart"] - 0.5) for one in found.values())}

    def _links(self, many: int) -> list[links.MadeLink]:
        """So many links, of one case after the other: a case may have ten."""
        key, settings = family_code_key(self.settings), self.settings.family
        with self.session(_COUNTY) as session:
            numbers = session.scalars(text("SELECT number FROM client_case ORDER BY id")).all()
            return [
                links.make_link(
                    session, number, holder="client", actor="bench", now=datetime.now(UTC), key=key, settings=settings
                )
                for number in islice(cycle(numbers), many)
            ]

    def _session_that_is_over(self) -> str:
        with self.session(_COUNTY) as session:
            secret = sessions.open_session(
                session, subject="bench", name="", roles=frozenset({"operator"}), worker_id=None, hours=8, now=datetime.now(UTC),
                actor="bench", how="bench",
            )  # fmt: skip
            session.execute(text("UPDATE console_session SET revoked_at = clock_timestamp()"))
            return secret

    def _code(self, link: str) -> None:
        sent = {"link": link, "code": _WRONG_CODE}
        answer = self.client.post("/my/in", data=sent, headers={"origin": _ORIGIN}, follow_redirects=False)
        assert answer.status_code == 403, answer.status_code

    def _page(self, cookie: str) -> None:
        answer = self.client.get("/", headers={"cookie": f"{self.cookie}={cookie}"}, follow_redirects=False)
        assert answer.status_code == 303, answer.status_code


def _changed(value: str, place: int) -> str:
    """The value with one sign changed."""
    signs = list(value)
    signs[place] = "x" if signs[place] != "x" else "y"
    return "".join(signs)


def _opens(secret: bytes, token: str) -> None:
    try:
        reply_links.opened(secret, token)
    except InputError:
        return
    raise AssertionError(token)


def compared(times: int, one: Way, other: Way) -> dict[str, float]:
    """What each side took, in turn."""
    taken: tuple[list[float], list[float]] = [], []
    for turn in range(times):
        for side, way in ((0, one), (1, other)) if turn % 2 else ((1, other), (0, one)):
            began = time.perf_counter()
            way()
            if turn >= _WARM:
                taken[side].append(time.perf_counter() - began)
    first, second = taken
    told = {"median_ms": 1000 * median(first), "other_median_ms": 1000 * median(second), "apart": apart(first, second)}
    print(told, file=sys.stderr)
    return {name: round(value, 4) for name, value in told.items()}


def apart(first: list[float], second: list[float]) -> float:
    """The share of pairs of answers in which the first side's took longer; of those that took the same, half."""
    ordered = sorted(second)
    longer = sum(bisect_left(ordered, one) + bisect_right(ordered, one) for one in first) / 2
    return longer / (len(first) * len(second))


if __name__ == "__main__":
    sys.exit(main())
