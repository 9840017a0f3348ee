"""A day of an installation, killed once at each step there is: it ends in the same tables as an undisturbed one.

Real PostgreSQL, Valkey, mail server and files; the process dies by SIGKILL, its lease runs out, another goes on.
"""

import re
from collections import Counter
from email import message_from_bytes
from pathlib import Path

import pytest
from sqlalchemy import text

from core.database import make_engine
from core.embedded import Embedded
from core.faults import DAY_POINTS
from demo.smtp_sink import SmtpSink
from tests.conftest import own_database
from tests.support.day import DATA
from tests.support.lives import Lives

#: What a day leaves, by natural key: no ids, numbers, attempts or times.
LEFT = {
    "cases": "SELECT external_id, status, goals FROM client_case",
    "decisions": "SELECT client_case.external_id, decision.number, decided_on, valid, granted_amount, baseline_quantity FROM decision JOIN client_case ON client_case.id = case_id",
    "items": "SELECT client_case.external_id, service.code, quantity, period FROM plan_item JOIN client_case ON client_case.id = case_id JOIN service ON service.id = service_id",
    "choices": "SELECT plan_item.external_id, client_case.external_id, provider.business_id, choice.ended_at IS NULL FROM choice JOIN plan_item ON plan_item.id = plan_item_id JOIN client_case ON client_case.id = case_id JOIN provider ON provider.id = provider_id",
    "prices": "SELECT provider.business_id, service.code, amount, valid, superseded_at IS NULL FROM price JOIN price_key ON price_key.id = price_key_id JOIN service ON service.id = service_id LEFT JOIN provider ON provider.id = provider_id",
    "lists": "SELECT price_source.name, state, sha256 FROM price_list JOIN price_source ON price_source.id = source_id",
    "budgets": "SELECT client_case.external_id, budget_version.ceiling, invoiced, ordered, planned, free, state FROM budget_version JOIN budget ON budget.id = budget_id JOIN decision ON decision.id = decision_id JOIN client_case ON client_case.id = case_id WHERE budget_version.superseded_at IS NULL",
    "orders": "SELECT provider.business_id, state, period, total_gross, unclear_sends > 1 FROM purchase_order JOIN provider ON provider.id = provider_id",
    "coverage": "SELECT client_case.external_id, order_coverage.period, live FROM order_coverage JOIN plan_item ON plan_item.id = plan_item_id JOIN client_case ON client_case.id = case_id",
    "follow-ups": "SELECT client_case.external_id, follow_up.kind, due, follow_up.state, announced_times FROM follow_up JOIN plan_item ON plan_item.id = plan_item_id JOIN client_case ON client_case.id = follow_up.case_id",
    "digests": "SELECT worker.external_id, local_date, state FROM digest JOIN worker ON worker.id = worker_id",
    "price mails": "SELECT source, file_name, state FROM price_mail",
    "alarms": "SELECT kind, message ->> 'msgid', letter.state FROM alarm JOIN letter ON letter.id = letter_id",
    "rejected": "SELECT source, file_name, position, field FROM rejected_record WHERE settled_at IS NULL",
    "numbers": "SELECT series, value FROM counter",
    "undone": "SELECT kind, key FROM work WHERE done_at IS NULL",
    "dirty": "SELECT budget_id FROM budget_dirty",
    "held": "SELECT work_id FROM run WHERE finished_at IS NULL",
}  # fmt: skip


def _configuration(home: Path) -> Path:
    """The demo's, without the source whose database the demo makes."""
    parts = re.split(r"^(?=\[)", (DATA / "avain.toml").read_text("utf-8"), flags=re.MULTILINE)
    file = home / "avain.toml"
    file.write_text("".join(part for part in parts if not part.startswith("[sources.cases.raportointi")), "utf-8")
    return file


def a_day(lives: Lives, database: Embedded, home: Path, sink: SmtpSink, point: str | None) -> int:
    """Live a day, killed once at `point`; how often the process had to be started."""
    once = home / "happened"
    environment = {
        "AVAIN_CONFIG": str(_configuration(home)),
        "AVAIN_DATABASE_URL": database.database_url,
        "AVAIN_REDIS_URL": database.redis_url,
        "AVAIN_HOME": str(home),
        "AVAIN_TEST_CLOCK": "1",
        "AVAIN_HASH_KEY": "only-for-tests-0123456789abcdef-only-for-tests",
        "AVAIN_MAIL__PORT": str(sink.port),
        "AVAIN_LOG_LEVEL": "ERROR",
        **({"FAULT_POINT": point, "FAULT_ONCE": str(once)} if point else {}),
    }
    (home / "in").symlink_to(DATA, target_is_directory=True)
    engine = make_engine(database.database_url)
    for start in range(1, 4):
        code = lives.live("day", environment, home / "log", directory=home)
        if code == 0:
            engine.dispose()
            assert point is None or once.exists(), f"nothing passes by {point}"
            return start
        assert code == -9, (home / "log").read_text(errors="replace")[-3000:]
        with engine.begin() as connection:  # 20 seconds, skipped
            connection.execute(text("UPDATE work SET lease_until = clock_timestamp() WHERE token IS NOT NULL"))
    raise AssertionError("it died more than once")


def what_is_left(database: Embedded) -> dict[str, Counter[str]]:
    engine = make_engine(database.database_url)
    with engine.connect() as connection:
        left = {name: Counter(map(str, connection.execute(text(sql)).all())) for name, sql in LEFT.items()}
    engine.dispose()
    return left


@pytest.fixture(scope="module")
def undisturbed(lives: Lives, services: Embedded, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Counter[str]]:
    """The tables after a day in which nothing happened."""
    with own_database(services) as database, SmtpSink() as sink:
        assert a_day(lives, database, tmp_path_factory.mktemp("undisturbed"), sink, None) == 1
        return what_is_left(database)


@pytest.mark.slow
@pytest.mark.parametrize("point", DAY_POINTS)
def test_a_day_killed_at_a_step_ends_like_any_other(point, lives, database, tmp_path, undisturbed):
    with SmtpSink() as sink:
        starts = a_day(lives, database, tmp_path, sink, point)
        received = [message.content for message in sink.messages]
    left = what_is_left(database)
    assert starts == 2
    assert not left["undone"] + left["dirty"] + left["held"]
    assert left["numbers"] == Counter(["('HB-2026', 4)", "('T-2026', 4)"])
    assert left["orders"].total() == 4
    assert all("'sent'" in row for row in left["orders"])
    assert left["digests"] == Counter({f"('W-10{n}', datetime.date(2026, 12, 7), 'sent')": 1 for n in (1, 2, 3)})
    ids = Counter(str(message_from_bytes(content)["Message-ID"]) for content in received)
    assert len(ids) == 7, "three orders, three digests and a letter to the price manager go by mail"
    assert set(ids.values()) == {1}, "the journal knows what left before a death"
    files = [path.name for path in (tmp_path / "outbox").rglob("*") if path.is_file()]
    assert len(files) == 1
    assert files[0].endswith(".xml")
    assert left == undisturbed
