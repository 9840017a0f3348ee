"""How the installation is: the same findings as `avain doctor`, the worst first, each with what to do."""

from datetime import timedelta
from typing import Final

from fastapi.requests import Request
from starlette.responses import Response

from console.visit import Here, Pages
from core.i18n import N_, _
from services.access.people import AUDITOR, OPERATOR
from services.health import STATES, Examiner, Finding, State

pages = Pages()

#: Heading of each state, and the light that goes with it.
_GROUPS: Final[dict[State, tuple[str, str]]] = {
    "broken": (N_("Broken"), "bad"),
    "warning": (N_("To be looked at"), "care"),
    "ok": (N_("In order"), "good"),
}


@pages.get("/health", roles=(OPERATOR, AUDITOR))
def examined(visit: Here, request: Request) -> Response:
    """What was found lately; nothing is changed by looking."""
    examiner: Examiner = request.app.state.examiner
    # before anything of the visit's own transaction: no connection is held while others are asked
    found = examiner.latest()
    visit.saw("health", "health.viewed")
    return visit.page(
        "health.html",
        groups=[(_(_GROUPS[state][0]), _GROUPS[state][1], _of(found.findings, state)) for state in STATES],
        examined_at=visit.now - timedelta(seconds=found.age),
        age=found.age,
    )


def _of(findings: tuple[Finding, ...], state: State) -> list[Finding]:
    return [one for one in findings if one.state == state]
