"""Who hears what: absences, deputies, supervisors, and every circle they may run in."""

import random
from typing import Any

import pytest

from services.reminders.people import Known, People


def known(id_: int, **over: Any) -> Known:
    values = {"can_hear": True, **over}
    return Known(id_, f"W-{id_}", f"w{id_}@avain-esimerkki.invalid", "fi", **values)


def people(*everybody: Known) -> People:
    return People({one.id: one for one in everybody})


def told(found: Any) -> tuple[int, str] | None:
    return None if found is None else (found.person.id, found.came)


WORKER, DEPUTY, HEAD, ABOVE = 1, 2, 3, 4
UNREACHABLE = {"can_hear": False}
AWAY = {"is_away": True}


@pytest.mark.parametrize(
    ("worker", "deputy", "head", "above", "expected"),
    [
        ({}, {}, {}, {}, (WORKER, "own")),
        ({**AWAY, "deputy_id": DEPUTY}, {}, {}, {}, (DEPUTY, "away")),
        (AWAY, {}, {}, {}, (HEAD, "away")),
        (UNREACHABLE, {}, {}, {}, (HEAD, "unreachable")),
        ({**UNREACHABLE, **AWAY, "deputy_id": DEPUTY}, {}, {}, {}, (DEPUTY, "away")),
        ({**AWAY, "deputy_id": DEPUTY}, UNREACHABLE, {}, {}, (HEAD, "away")),
        ({**AWAY, "deputy_id": DEPUTY}, {**AWAY, "deputy_id": ABOVE}, {}, {}, (ABOVE, "away")),
        ({**AWAY, "deputy_id": DEPUTY}, {**AWAY, "deputy_id": WORKER}, {}, {}, (HEAD, "away")),
        (UNREACHABLE, {}, {**AWAY, "deputy_id": DEPUTY}, {}, (DEPUTY, "unreachable")),
        (UNREACHABLE, {}, UNREACHABLE, {}, (ABOVE, "unreachable")),
        (UNREACHABLE, {}, UNREACHABLE, UNREACHABLE, None),
        (UNREACHABLE, {}, UNREACHABLE, {**UNREACHABLE, "above_id": HEAD}, None),
        (UNREACHABLE, {}, {**UNREACHABLE, "above_id": HEAD}, {}, None),
    ],
)
def test_who_hears_what_belongs_to_a_worker(worker, deputy, head, above, expected):
    everybody = people(
        known(WORKER, **worker), known(DEPUTY, **deputy), known(HEAD, **{"above_id": ABOVE, **head}), known(ABOVE, **above)
    )  # fmt: skip
    assert told(everybody.hears(WORKER, (HEAD,))) == expected
    assert told(everybody.hears(WORKER, (HEAD,))) == expected, "asked again, the same"


def test_the_cases_own_supervisor_and_those_above_come_before_the_units():
    everybody = people(known(1, **UNREACHABLE), known(2, above_id=3, **UNREACHABLE), known(3, **UNREACHABLE), known(4))
    assert told(everybody.hears(1, (2, 4))) == (4, "unreachable")
    assert told(people(known(1, **UNREACHABLE), known(2, above_id=3), known(3), known(4)).hears(1, (2, 4))) == (
        2,
        "unreachable",
    )


def test_what_was_handed_over_is_said_to_be():
    everybody = people(known(1), known(2, is_away=True, deputy_id=1))
    assert told(everybody.hears(1, (), handed=True)) == (1, "handed")
    assert told(everybody.hears(2, (), handed=True)) == (1, "away")


def test_nobody_is_responsible():
    assert told(people(known(3)).hears(None, (None, 3))) == (3, "unreachable")
    assert people(known(3)).hears(None, (None, None)) is None
    assert people(known(3)).hears(99, (98,)) is None, "unknown to all"


@pytest.mark.parametrize(
    ("worker", "head", "above", "expected"),
    [
        ({}, {}, {}, (HEAD, "own")),
        ({}, {**AWAY, "deputy_id": DEPUTY}, {}, (DEPUTY, "away")),
        ({}, AWAY, {}, (ABOVE, "away")),
        ({}, UNREACHABLE, {}, (ABOVE, "unreachable")),
        ({}, {**AWAY, "deputy_id": WORKER}, {}, (ABOVE, "away")),
        ({}, UNREACHABLE, UNREACHABLE, None),
        ({}, {"above_id": WORKER, **UNREACHABLE}, {}, None),
        (UNREACHABLE, {}, {}, (HEAD, "own")),
    ],
)
def test_what_was_left_open_never_goes_to_who_left_it(worker, head, above, expected):
    everybody = people(
        known(WORKER, **worker), known(DEPUTY), known(HEAD, **{"above_id": ABOVE, **head}), known(ABOVE, **above)
    )
    assert told(everybody.passed_on(WORKER, (HEAD,))) == expected


def test_a_supervisors_own_goes_to_the_one_above():
    everybody = people(known(HEAD, above_id=ABOVE), known(ABOVE, above_id=ABOVE))
    assert told(everybody.passed_on(HEAD, (HEAD,))) == (ABOVE, "own")
    assert everybody.passed_on(ABOVE, (ABOVE,)) is None


@pytest.mark.parametrize("seed", range(20))
def test_every_search_ends_at_somebody_who_can_hear_or_at_nobody(seed):
    chance = random.Random(seed)
    ids = range(1, 9)

    everyone: list[int | None] = [None, *ids]

    def somebody() -> int | None:
        return chance.choice(everyone)

    everybody = people(
        *(
            known(
                id_,
                can_hear=chance.random() < 0.4,
                is_away=chance.random() < 0.5,
                deputy_id=somebody(),
                above_id=somebody(),
            )
            for id_ in ids
        )
    )
    able = {one.id for one in everybody._known.values() if one.can_hear and not one.is_away}
    for owner in (None, *ids):
        for supervisors in ((somebody(), somebody()), (None, None)):
            for found in (everybody.hears(owner, supervisors), everybody.passed_on(owner, supervisors)):
                assert found is None or found.person.id in able
            passed = everybody.passed_on(owner, supervisors)
            assert passed is None or passed.person.id != owner
