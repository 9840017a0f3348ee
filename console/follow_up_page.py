"""The page of one follow-up, as it is shown after looking and again after a form that could not be saved: what was typed stays."""

from typing import Any, Final

from starlette.responses import Response

from console.forms import Form
from console.visit import Visit
from core import keys
from core.errors import ConfigurationError, InputError
from core.i18n import LANGUAGES, _
from services.access.absence_lists import beside
from services.family.ratings import Rated, face, latest_of_item
from services.follow_ups import findings, showing, words
from services.follow_ups.record_text import record_text
from services.follow_ups.showing import Shown
from services.names import people
from services.orders.show import state_name

#: More colleagues are not listed: one is typed, and those of the reader's unit are offered.
MOST_TO_CHOOSE: Final = 300


def show(visit: Visit, found: Shown, form: Form | None = None, *, language: str = "") -> Response:
    """The page, and one event in the audit trail. With `form` it says what could not be done, with status 422."""
    visit.saw(f"follow_up:{found.id}", "follow_up.viewed", case=found.case_number, how=found.how)
    chosen = language if language in LANGUAGES else visit.settings.language
    note, note_problem = _note(visit, found)
    offered = _offered(found)
    of_family = _rated_by_family(visit, found)
    colleagues = showing.colleagues(visit.session, found) if "hand-over" in offered else []
    is_typed = len(colleagues) > MOST_TO_CHOOSE
    if is_typed:  # a whole county's names are no list to choose from
        colleagues = [(one.id, one.name) for one in beside(visit.session, visit.person)]
    return visit.page(
        "follow_ups/follow_up.html",
        status=422 if form else 200,
        one=found,
        form=form or Form(),
        answers=_answers(found, note, form, of_family),
        of_family=of_family,
        offered=offered,
        homeless=[] if form is None else [said for name, said in form.problems.items() if name not in offered],
        colleagues=colleagues,
        is_typed=is_typed,
        record=record_text(visit.session, found.id, chosen) if found.is_recorded else "",
        record_language=chosen,
        languages=LANGUAGES,
        sealed=visit.settings.privacy.identity == "sealed",
        note=note,
        note_problem=note_problem,
        named=_Named(people(visit.session)),
        **tools(),
    )


def tools() -> dict[str, Any]:
    """What the templates of follow-ups call."""
    return {
        "kind_label": words.kind_label,
        "state_label": words.state_label,
        "act_label": words.act_label,
        "answer_label": findings.answer_label,
        "rater_label": findings.rater_label,
        "questions": findings.QUESTIONS,
        "choices": findings.FINDINGS,
        "ratings": findings.RATINGS,
        "raters": findings.RATED_BY,
        "order_state": state_name,
        "face": face,
    }


def _offered(found: Shown) -> set[str]:
    """The forms that stand on the page."""
    if not found.may_act:
        return set()
    if found.is_open:
        offered = {"snooze", "not-needed"} | ({"acknowledge"} if found.kind != "approval" else set())
        return offered | ({"hand-over"} if found.may_give or found.how == "handed" else set())
    if not found.is_recorded:
        return set()
    return {"correct"} | ({"written"} if found.written_down_at is None else set())


def _rated_by_family(visit: Visit, found: Shown) -> list[Rated]:
    """What the family rated on its own page, where the worker is about to rate the same."""
    if not (visit.settings.family.enabled and found.is_rated and found.is_open and found.may_act and found.item_id):
        return []
    return latest_of_item(visit.session, found.item_id)


def _answers(found: Shown, note: str, form: Form | None, of_family: list[Rated]) -> Form:
    """What stands in the fields of the answers: what was typed, else what is kept; at the final evaluation, else the family's latest rating."""
    if form is not None and any(name in form.problems for name in ("acknowledge", "correct")):
        return form
    kept = {name: str(answer) for name, answer in found.findings.items()}
    rating, rated_by = found.rating, found.rated_by
    newest = next((one for one in of_family if one.provider == found.provider), None)
    if rating is None and found.kind == "final" and newest is not None:
        rating, rated_by = newest.rating, newest.voice
    said = "" if rating is None else str(rating)
    return Form({**kept, "rating": said, "rated_by": rated_by or "", "note": note})


def _note(visit: Visit, found: Shown) -> tuple[str, str]:
    """The free words that were kept, and why they cannot be read. Reading them is noted."""
    if not found.has_note:
        return "", ""
    try:
        note = showing.note_of(visit.session, found, keys.sealer(visit.settings))
    except (InputError, ConfigurationError) as refused:
        return "", str(refused)
    visit.saw(f"follow_up:{found.id}", "follow_up.note_viewed", case=found.case_number, how=found.how)
    return note, ""


class _Named:
    """What the reader calls those who did something."""

    def __init__(self, names: dict[str, str]) -> None:
        self._names = names

    def actor(self, actor: str | None) -> str:
        return "–" if not actor else self._names.get(actor, actor)

    def worker(self, external_id: str) -> str:
        return self._names.get(f"worker:{external_id}", external_id)

    def told(self, details: dict[str, Any]) -> list[str]:
        """What an event says beside its reason: until when, to whom, and what stood there before a correction."""
        said = []
        if "to" in details:
            said.append(_("to {who}").format(who=self.worker(details["to"])))
        for name, value in (details.get("before") or {}).items():
            if value is not None and details.get("after", {}).get(name) != value:
                said.append(_("before: {answer}").format(answer=_before(name, value)))
        if details.get("note") and "before" in details:
            said.append(_("the free words were changed"))
        return said


def _before(name: str, value: Any) -> str:
    if name == "rating":
        return f"{value}/5"
    if name == "rated_by":
        return findings.rater_label(value)
    question = _(findings.QUESTIONS.get(name, name))
    return f"{question} {findings.answer_label(value)}"
