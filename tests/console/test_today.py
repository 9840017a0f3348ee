"""The first page."""


def test_somebody_signed_in_sees_the_first_page(session, sign_in):
    page = sign_in("operator").get("/")
    assert page.status == 200
    assert page.text.startswith("Today")
    assert "default-src 'none'" in page.answer.headers["content-security-policy"]


def test_nobody_is_led_to_the_login(app, sign_in):
    from tests.support.browsing import Browser

    answer = Browser(app).client.get("/", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
