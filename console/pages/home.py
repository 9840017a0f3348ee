"""Today: where everybody begins."""

from starlette.responses import Response

from console.visit import EVERYBODY, Here, Pages

pages = Pages()


@pages.get("/", roles=EVERYBODY)
def today(visit: Here) -> Response:
    """What waits for this person, by role."""
    return visit.page("today.html")
