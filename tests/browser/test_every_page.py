"""Every page, in three languages, wide and on a phone: what axe-core, the browser and the keyboard say to it."""

import re
import warnings
from typing import Any

import pytest
from playwright.sync_api import Page

from core.i18n import LANGUAGES
from tests.browser import looking
from tests.browser.conftest import PHONE, SMALLEST, WIDE
from tests.browser.pages import NO_PAGES, PAGES, Seen
from tests.browser.words import english_in

pytestmark = pytest.mark.slow
#: What links of one kind differ in: numbers, and what is asked for.
_NUMBERS = re.compile(r"=[^&]*|\d+")
#: Kinds of links that were followed, by the roles of who followed them.
_FOLLOWED: dict[tuple[str, ...], set[str]] = {}


def test_every_page_is_looked_at(county):
    from console.app import create_app

    rules = {rule.path for rule in create_app().state.rules if rule.method == "GET"}
    assert rules == {seen.rule for seen in PAGES} | NO_PAGES, "tests/browser/pages.py names every page of the console"


@pytest.mark.parametrize("seen", PAGES, ids=lambda seen: seen.label)
def test_a_page(browser, county, axe, seen: Seen):
    watched = browser(
        *seen.roles, worker=seen.worker, signed_in=bool(seen.roles), family=seen.family, holder=seen.holder
    )
    page, address = watched.page, seen.make(county)
    wrong: list[str] = []
    for language in LANGUAGES:
        joint = "&" if "?" in address else "?"
        watched.open(f"{address}{joint}lang={language}")
        here = f"{address} in {language}"
        if page.evaluate("document.documentElement.lang") != language:
            wrong.append(f"{here}: html lang")
        wrong += [f"{here}: English: {text}" for text in english_in(looking.texts(page), language)]
        for size in (WIDE, PHONE):
            page.set_viewport_size(size)
            # what axe-core asks of a narrow page is the same in every language; what is too wide or too small is not
            reader = axe if size == WIDE or language == "fi" else None
            wrong += _asked(page, reader, f"{here}, {size['width']} px wide", colours=language == "fi")
        if seen.rule.startswith("/my"):  # families have what telephones they have
            page.set_viewport_size(SMALLEST)
            wrong += [f"{here}: scrolls sideways on {SMALLEST['width']} px: {one}" for one in looking.too_wide(page)]
        if language == "fi":
            page.emulate_media(color_scheme="dark")
            wrong += _judged(looking.axe_says_of_colours(page, axe), f"{here}, in the dark")
            page.emulate_media(color_scheme="light")
    wrong += _by_keyboard(page, address)
    wrong += _links(page, address, seen.roles or seen.family)
    assert not wrong, "\n".join(wrong)


def _links(page: Page, address: str, roles: tuple[str, ...]) -> list[str]:
    """Every link to a page or a file of the console leads there, for whoever is shown it."""
    found: list[str] = page.evaluate("[...document.links].map(one => one.href)")
    here = {one.partition("#")[0] for one in found if one.startswith(f"http://{page.evaluate('location.host')}/")}
    wrong = []
    followed = _FOLLOWED.setdefault(roles, set())
    for link in sorted(here):
        kind = _NUMBERS.sub("", link)
        if kind in followed:
            continue
        followed.add(kind)
        status = page.request.get(link).status
        if status >= 400:
            wrong.append(f"{address}: {link} answers {status}")
    return wrong


def _asked(page: Page, axe: str | None, here: str, *, colours: bool) -> list[str]:
    """What is wrong at this width; without axe-core, what is seen with the eyes alone."""
    wrong = [f"{here}: scrolls sideways: {one}" for one in looking.too_wide(page)]
    wrong += [f"{here}: less than 24 pixels: {one}" for one in looking.too_small(page)]
    return wrong + (_judged(looking.axe_says(page, axe, colours=colours), here) if axe else [])


def _judged(findings: list[dict[str, Any]], here: str) -> list[str]:
    """The grave ones of axe-core's findings; what it minds less is told as a warning that fails nothing."""
    for one in findings:
        if one["impact"] not in looking.GRAVE:
            with warnings.catch_warnings():
                warnings.simplefilter("default")
                warnings.warn(f"{here}: {one['impact']}: {one['rule']} {one['where'][0]}", UserWarning, stacklevel=1)
    return [f"{here}: {looking.in_words([one])}" for one in findings if one["impact"] in looking.GRAVE]


def _by_keyboard(page: Page, address: str) -> list[str]:
    """Tab comes to everything, is seen wherever it is, and first offers to skip the menu."""
    wrong: list[str] = []
    for size in (WIDE, PHONE):
        page.set_viewport_size(size)
        missed, unseen = looking.tab_through(page)
        wrong += [f"{address}: Tab does not reach {one}" for one in missed]
        wrong += [f"{address}: the focus cannot be seen on {one}" for one in unseen]
    page.reload()
    page.keyboard.press("Tab")
    if not page.evaluate(
        "document.activeElement.matches('a.skip') && document.activeElement.getBoundingClientRect().left >= 0"
    ):
        wrong.append(f"{address}: the first Tab does not offer to skip to the content")
    page.keyboard.press("Enter")
    if page.evaluate("document.activeElement.id") != "main":
        wrong.append(f"{address}: skipping does not lead to the content")
    return wrong


@pytest.mark.parametrize("rest", ["", "/compare"])
def test_on_paper_a_long_card_begins_where_it_stands(browser, county, rest):
    watched = browser("worker", worker="W-101")
    watched.open(f"/cases/{county.cases['LC-1001']}{rest}")
    watched.page.emulate_media(media="print")
    inside = "() => [...document.querySelectorAll('.card')].map(one => getComputedStyle(one).breakInside)"
    assert set(watched.page.evaluate(inside)) == {"auto"}, "or the first sheet stays empty"
    operable = "() => [...document.querySelectorAll('nav, form, .buttons')].some(one => one.checkVisibility())"
    assert not watched.page.evaluate(operable)
