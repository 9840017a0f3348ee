"""A case that a person has kept whatever its age says so on its page."""

from core.clock import business_now
from services.retention.holds import hold, unhold
from tests.support.office import Office


def test_the_page_says_that_it_is_held_and_not_why(session, sign_in):
    number = Office(session).case().number
    browser = sign_in("worker", worker="W-1")
    assert "Kept until further notice" not in browser.get(f"/cases/{number}").text
    now = business_now(session)
    hold(session, number, actor="cli:enni", reason="rikosilmoitus", now=now)
    page = browser.get(f"/cases/{number}").text
    assert "Kept until further notice, whatever its age" in page
    assert "rikosilmoitus" not in page
    unhold(session, number, actor="cli:enni", reason="ratkaistu", now=now)
    assert "Kept until further notice" not in browser.get(f"/cases/{number}").text
