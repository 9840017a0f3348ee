"""The traffic light: colour and sentence of everything that can have become of what was due."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.errors import Message
from services.lights import Known, Step, judge

DUE = datetime(2026, 11, 16, 1, 10, tzinfo=UTC)
GRACE = timedelta(minutes=60)
SOON, LATE = DUE + GRACE, DUE + GRACE + timedelta(seconds=1)
WHY = Message("the server is silent")


def step(outcome: str | None = None, **over: Any) -> Step:
    values: dict[str, Any] = {"done": False, "dead": False, "running": False, "seen": False, "message": None, **over}
    return Step(run_id=7, outcome=outcome, **values)


def light(now: datetime, *steps: Step, **over: Any) -> tuple[str, str]:
    values: dict[str, Any] = {"due_at": DUE, "steps": steps, **over}
    made = judge(Known("job", "nightly_cases", Message("Read all case sources"), **values), now=now, grace=GRACE)
    assert made.run_id == (7 if steps else None)
    assert made.due_at == values["due_at"]
    return made.colour, made.sentence.text("en")


@pytest.mark.parametrize(
    ("steps", "within", "beyond"),
    [
        ((), ("good", "about to begin"), ("bad", "Late: it was due on 16.11.2026 03.10 and has not begun.")),
        ((step(),), ("good", "waits for a free worker"), ("bad", "Late: it was due on 16.11.2026 03.10 and waits")),
        ((step(running=True),), ("good", "Under way"), ("care", "Late: it was due on 16.11.2026 03.10 and is still")),
        (
            (step("retry", message=WHY),),
            ("care", "It is tried again: the server is silent"),
            ("bad", "has not succeeded yet: the server is silent"),
        ),
        ((step("lost"),), ("care", "tried again: No reason is known."), ("bad", "has not succeeded yet")),
        ((step("postponed", message=WHY),), ("care", "tried again: the server"), ("bad", "has not succeeded yet")),
        ((step("retry", running=True),), ("good", "Under way"), ("care", "still under way")),
        ((step("succeeded", done=True), step()), ("good", "waits for"), ("bad", "waits for a free worker")),
    ],
)
def test_what_has_not_ended_is_late_after_the_grace(steps, within, beyond):
    for now, (colour, said) in ((DUE, within), (SOON, within), (LATE, beyond)):
        found = light(now, *steps)
        assert found[0] == colour
        assert said in found[1]


@pytest.mark.parametrize(
    ("last", "colour", "said"),
    [
        (step("succeeded", done=True), "good", "Done as was due on 16.11.2026 03.10."),
        (step("nothing_to_do", done=True), "good", "Done as was due"),
        (step("partly", done=True), "good", "something of it was left out"),
        (step("held", done=True, message=WHY), "care", "Held until somebody approves or discards it: the server"),
        (step("held", done=True, seen=True), "good", "somebody has decided"),
        (step("refused", done=True, message=WHY), "bad", "What came was refused: the server is silent"),
        (step("failed", dead=True, message=WHY), "bad", "It failed and was given up: the server is silent"),
        (step("lost", dead=True), "bad", "given up: No reason is known."),
        (step("failed", dead=True, seen=True, message=WHY), "care", "somebody has taken note: the server is silent"),
    ],
)
def test_what_has_ended_is_told_by_its_end_whenever_that_is_looked_at(last, colour, said):
    for now in (DUE, SOON, LATE, DUE + timedelta(hours=20)):
        found = light(now, step("succeeded", done=True), last)
        assert found[0] == colour
        assert said in found[1]


def test_what_was_done_on_another_occasion_since_is_good():
    for steps in ((), (step("failed", dead=True),), (step("refused", done=True),), (step("retry"),)):
        assert light(LATE, *steps, good_since_due=True) == (
            "good",
            "Done since it was due on 16.11.2026 03.10, on another occasion.",
        )


def test_nothing_is_expected_of_what_is_paused_unknown_or_not_due_yet():
    assert light(LATE, paused=True, due_at=None) == ("off", "Paused: nothing is done until somebody resumes it.")
    assert light(LATE, met=False, due_at=None)[1].startswith("It has not been scheduled yet")
    assert light(LATE, due_at=None, next_at=DUE) == (
        "off",
        "It has not been due yet; the first time is 16.11.2026 03.10.",
    )
    assert light(LATE, due_at=None) == ("off", "It has not been due yet.")


def test_a_source_left_alone_is_to_be_acted_on_whatever_its_nights_say():
    alone = (DUE - timedelta(hours=6), LATE)
    colour, said = light(LATE, due_at=None, next_at=DUE, left_alone=alone)
    assert (colour, said[:30]) == ("bad", "It has failed again and again ")
    assert "15.11.2026 21.10" in said
    assert light(LATE, due_at=None, next_at=DUE, left_alone=alone, paused=True)[0] == "off"


def test_every_sentence_is_read_in_every_language():
    made = judge(
        Known("source", "lifecare", Message("cases"), due_at=DUE, steps=[step("retry", message=WHY)]),
        now=LATE,
        grace=GRACE,
    )
    assert "16.11.2026 03.10" in made.sentence.text("fi")
    assert "the server is silent" in made.sentence.text("sv")
