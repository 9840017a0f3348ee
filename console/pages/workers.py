"""Workers and units, as the client information system and `avain worker import` have them: to look at, and what is missing of them."""

from datetime import date
from typing import Any, Final

from starlette.responses import Response

from console.visit import Here, Pages
from services.access.people import AUDITOR, OPERATOR
from services.reference_data import listing

pages = Pages()
_LANGUAGES: Final = {"fi": "suomi", "sv": "svenska", "en": "English"}


@pages.get("/workers", roles=(OPERATOR, AUDITOR))
def workers(visit: Here) -> Response:
    """All of them, with who is away and who stands in."""
    rows = listing.workers(visit.session, visit.today)
    names = {row["id"]: row["name"] for row in rows}
    visit.saw("workers", "workers.listed", count=len(rows))
    return visit.page("reference/workers.html", rows=[_row(row, names, visit.today) for row in rows])


def _row(row: dict[str, Any], names: dict[str, str], today: date) -> dict[str, Any]:
    """`away`: first and last day, whether that is today, and the deputy's name (None: nobody stands in)."""
    away = [
        (date.fromisoformat(one["first"]), date.fromisoformat(one["last"]), one["deputy"] and names.get(one["deputy"]))
        for one in row["away"]
    ]
    return {
        **row,
        "language": _LANGUAGES.get(row["language"], row["language"]),
        "supervisor": names.get(row["supervisor"], row["supervisor"]),
        "away": [(first, last, first <= today, deputy) for first, last, deputy in away],
    }
