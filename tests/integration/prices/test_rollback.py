"""Rollback: what was in force before a run comes back, with its provenance, and nothing is deleted."""

from datetime import date

import pytest
from sqlalchemy import text

from core.errors import InputError, NotFound
from services import prices
from tests.factories.price import make_run
from tests.support.price_rows import NOW, in_force, reasons, row, use


def test_a_rollback_restores_what_was_in_force_and_can_be_undone(session, bring, provider, nepsy):
    use(session, nepsy, provider)
    bring(row("NEPSY-VALMENNUS", "95", "2"), row("TUKIHENKILO", "49", "3", unit="HUR"))
    before = in_force(session)
    changed = (
        row("NEPSY-VALMENNUS", "90", "2", first=date(2026, 12, 1)),
        row("NEPSY-VALMENNUS", "70", "3", unit="HUR"),
    )
    bring(*changed, sha256="b" * 64)
    after, run, versions = in_force(session), bring.run, count(session)
    session.execute(text("DELETE FROM budget_dirty"))
    undone = prices.rollback(session, run, "cli:test", "Väärän kunnan lista", NOW)
    assert in_force(session) == before
    assert (undone.ended, undone.restored) == (4, 2)
    assert count(session) == versions + 2, "nothing is deleted"
    assert session.execute(text("SELECT count(*) FROM budget_dirty")).scalar_one() == 1
    assert session.execute(text("SELECT action, reason FROM audit_event ORDER BY id DESC LIMIT 1")).one() == (
        "price_list.rolled_back",
        "Väärän kunnan lista",
    )
    (kept,) = {
        one.position
        for one in session.execute(text("SELECT position FROM price WHERE superseded_at IS NULL AND amount = 95"))
    }
    assert kept == "2", "with its own provenance"
    with pytest.raises(InputError, match="rolled back already"):
        prices.rollback(session, run, "cli:test", "Uudestaan", NOW)
    again = bring(*changed, sha256="b" * 64)
    assert again.outcome == "held"
    assert "was applied before and rolled back" in reasons(again)
    prices.discard(session, again.price_list_id, "cli:test", "Odotetaan uutta", NOW)
    prices.rollback(session, undone.run_id, "cli:test", "Oli sittenkin oikea", NOW)
    assert in_force(session) == after
    assert bring(*changed, sha256="b" * 64).outcome in ("nothing_to_do", "succeeded")
    assert in_force(session) == after


def test_later_changes_of_the_same_prices_are_undone_first(session, bring):
    bring(row("NEPSY-VALMENNUS", "95", "2"), row("TUKIHENKILO", "49", "3", unit="HUR"))
    start, first = in_force(session), bring.run
    bring(row("NEPSY-VALMENNUS", "94", "2", first=date(2026, 12, 1)), complete=False)
    second = bring.run
    bring(row("TUKIHENKILO", "48", "2", unit="HUR", first=date(2026, 12, 1)), complete=False)
    third = bring.run
    with pytest.raises(InputError, match=f"Run {third} changed the same prices later"):
        prices.rollback(session, first, "cli:test", "Pois", NOW)
    prices.rollback(session, second, "cli:test", "Pois", NOW)  # other prices than the third's
    with pytest.raises(InputError, match=f"Run {third} "):
        prices.rollback(session, first, "cli:test", "Pois", NOW)
    prices.rollback(session, third, "cli:test", "Pois", NOW)
    assert in_force(session) == start
    prices.rollback(session, first, "cli:test", "Pois", NOW)
    assert in_force(session) == []


def test_a_later_price_on_other_days_of_the_same_key_is_in_the_way_too(session, bring):
    bring(row("NEPSY-VALMENNUS", "95", "2", valid_to=date(2026, 12, 31)))
    first = bring.run
    bring(row("NEPSY-VALMENNUS", "96", "2", first=date(2027, 1, 1)), complete=False)
    with pytest.raises(InputError, match=f"Run {bring.run} "):
        prices.rollback(session, first, "cli:test", "Pois", NOW)


def test_what_cannot_be_rolled_back(session, bring):
    with pytest.raises(NotFound):
        prices.rollback(session, 987654321, "cli:test", "Pois", NOW)
    with pytest.raises(InputError, match="applied no price list"):
        prices.rollback(session, make_run(session).id, "cli:test", "Pois", NOW)
    bring(row("NEPSY-VALMENNUS", "95", "2"))
    with pytest.raises(InputError, match="note"):
        prices.rollback(session, bring.run, "cli:test", " ", NOW)
    bring(row("NEPSY-VALMENNUS", "110", "2", first=date(2026, 12, 1)))
    with pytest.raises(InputError, match="was not applied"):
        prices.rollback(session, bring.run, "cli:test", "Pois", NOW)


def count(session):
    return session.execute(text("SELECT count(*) FROM price")).scalar_one()
