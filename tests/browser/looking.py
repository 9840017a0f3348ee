"""What is asked of every page: axe-core has nothing serious to say, a phone need not scroll sideways, Tab gets everywhere and is seen,
the language is one, and the browser refuses nothing.
"""

import json
from typing import Any, Final

from playwright.sync_api import ConsoleMessage, Error, Page, Response

#: What WCAG 2.2 AA asks, and what good practice adds.
_TAGS: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
GRAVE: Final = {"serious", "critical"}

#: Everything that can be operated and is there to see.
_OPERABLE: Final = """
    const shown = one => one.checkVisibility({visibilityProperty: true, contentVisibilityAuto: true}) && !one.closest('[inert]');
    const radio = one => one.type === 'radio' && (one.form || document).querySelector(`input[type=radio][name="${CSS.escape(one.name)}"]:checked`);
    const operable = [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]')]
        .filter(one => shown(one) && !one.disabled)
        // of a group of radio buttons Tab reaches one, arrows the others
        .filter((one, place, all) => one.type !== 'radio'
            || one === (radio(one) || all.find(other => other.type === 'radio' && other.name === one.name && other.form === one.form)));
"""

_WIDER: Final = """() => {
    const room = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= room) return [];
    const inside = one => { for (let at = one.parentElement; at; at = at.parentElement)
        if (['auto', 'scroll', 'hidden'].includes(getComputedStyle(at).overflowX)) return true; return false; };
    const wide = [...document.querySelectorAll('body *')].filter(one => one.getBoundingClientRect().right > room + 1);
    // what is positioned is not held by what scrolls around it
    return [...wide.filter(one => !inside(one)), ...wide.filter(one => getComputedStyle(one).position === 'absolute'), document.body]
        .map(one => one.outerHTML.slice(0, 120)).slice(0, 5);
}"""

#: Small things to hit (WCAG 2.5.8), other than links in a line of text.
_SMALL: Final = f"""() => {{
    {_OPERABLE}
    return operable.filter(one => ['BUTTON', 'SELECT', 'SUMMARY'].includes(one.tagName) || one.matches('nav a, .button'))
        .filter(one => {{ const box = one.getBoundingClientRect(); return box.width < 24 || box.height < 24; }})
        .map(one => one.outerHTML.slice(0, 120));
}}"""

_COUNT: Final = (
    f"""() => {{ {_OPERABLE} operable.forEach((one, n) => one.dataset.operable = n); return operable.length; }}"""
)

#: The focused element: which of the operable ones, and whether anything shows that it has the focus.
_FOCUSED: Final = """() => {
    const one = document.activeElement;
    if (!one || one === document.body || one === document.documentElement) return null;
    const style = getComputedStyle(one), box = one.getBoundingClientRect();
    return {
        which: one.dataset.operable ?? null,
        html: one.outerHTML.slice(0, 140),
        seen: (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0) && box.width > 0 && box.bottom > 0 && box.right > 0,
    };
}"""

#: Texts of the page that are in its own language: without parts that say they are in another, and without what people wrote.
_TEXTS: Final = """() => {
    const found = [];
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const one = walk.currentNode.parentElement;
        if (one.closest('[lang]') === document.documentElement && !one.closest('script, style, code, pre, textarea')) found.push(walk.currentNode.textContent.trim());
    }
    for (const one of document.querySelectorAll('[aria-label], [title], [placeholder], [alt]'))
        if (one.closest('[lang]') === document.documentElement)
            for (const name of ['aria-label', 'title', 'placeholder', 'alt']) found.push(one.getAttribute(name));
    found.push(document.title.replace(/ – Avain$/, ''));
    return found.filter(text => text).map(text => text.replace(/\\s+/g, ' '));
}"""


class Watched:
    """A page, and what the browser complained of while it was open."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", self._heard)
        page.on("pageerror", self._failed)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and "the server responded with a status of 4" not in message.text:
            self.complaints.append(f"{self.page.url}: {message.text}")

    def _failed(self, error: Error) -> None:
        self.complaints.append(f"{self.page.url}: {error}")

    def open(self, path: str, *, status: int = 200) -> Response:
        """Go to an address of the console."""
        answer = self.page.goto(path)
        assert answer is not None
        assert answer.status == status, f"{path}: {answer.status}\n{self.page.inner_text('body')[:500]}"
        return answer


def axe_says(page: Page, axe: str, *, colours: bool = True) -> list[dict[str, Any]]:
    """axe-core's findings on the page as it stands: rule, impact, and where. What the browser's own tools bring in is no script of the
    page: its CSP stays as it is. `colours`: their contrast as well, which takes half the time and is the same in every language.
    """
    return _axe(
        page, axe, {"runOnly": {"type": "tag", "values": _TAGS}, "rules": {"color-contrast": {"enabled": colours}}}
    )


def axe_says_of_colours(page: Page, axe: str) -> list[dict[str, Any]]:
    """Its findings on the contrast of colours alone."""
    return _axe(page, axe, {"runOnly": {"type": "rule", "values": ["color-contrast"]}})


def _axe(page: Page, axe: str, options: dict[str, Any]) -> list[dict[str, Any]]:
    if not page.evaluate("'axe' in window"):
        page.evaluate(axe)
    found = page.evaluate("options => axe.run(document, {...options, resultTypes: ['violations']})", options)
    return [
        {
            "rule": one["id"],
            "impact": one["impact"],
            "help": one["help"],
            "where": [f"{node['target']} {node['html'][:160]}" for node in one["nodes"][:4]],
        }
        for one in found["violations"]
    ]


def in_words(findings: list[dict[str, Any]]) -> str:
    """For an assertion."""
    return json.dumps(findings, indent=1, ensure_ascii=False)


def too_wide(page: Page) -> list[str]:
    """What makes the page scroll sideways."""
    found: list[str] = page.evaluate(_WIDER)
    return found


def too_small(page: Page) -> list[str]:
    """Controls of less than 24 pixels."""
    found: list[str] = page.evaluate(_SMALL)
    return found


def texts(page: Page) -> list[str]:
    """Every text of the page in the page's own language."""
    found: list[str] = page.evaluate(_TEXTS)
    return found


def plain(text: str) -> str:
    """With single spaces: amounts are written with hard ones."""
    return " ".join(text.split())


def tab_through(page: Page) -> tuple[list[str], list[str]]:
    """Go through the page by Tab alone: what it does not reach, and where the focus cannot be seen."""
    count: int = page.evaluate(_COUNT)
    reached: set[str] = set()
    unseen: list[str] = []
    page.evaluate("() => { document.activeElement?.blur(); window.scrollTo(0, 0); }")
    within = 3 * page.locator("input[type=date]").count()  # Tab goes from day to month to year to the calendar
    for _ in range(count + within + 5):
        page.keyboard.press("Tab")
        focused = page.evaluate(_FOCUSED)
        if focused is None:
            break
        if focused["which"] is not None:
            reached.add(focused["which"])
        if not focused["seen"]:
            unseen.append(focused["html"])
    missed = [
        page.evaluate("n => document.querySelector(`[data-operable='${n}']`).outerHTML.slice(0, 140)", str(number))
        for number in range(count)
        if str(number) not in reached
    ]
    return missed, unseen
