"""A person who uses the keyboard alone: Tab to what is wanted, then Enter, Space, arrows or letters. Nothing is clicked, nothing is scripted.

Works with JavaScript switched off, too: playwright looks at the page through the browser's own tools.
"""

from typing import Final

from playwright.sync_api import Locator, Page, expect

_MOST_TABS: Final = 400
_MOST_CHOICES: Final = 60


class Hands:
    """On the keys of one page."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def reach(self, what: Locator | str) -> Locator:
        """Tab until `what` has the focus. Fails when Tab does not lead there."""
        wanted = self._found(what)
        for _ in range(_MOST_TABS):
            if self._has_focus(wanted):
                return wanted
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not reach {what} of {self.page.url}")

    def press(self, what: Locator | str) -> None:
        """Follow a link or press a button, and wait for the page it leads to."""
        self.reach(what)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def open(self, what: Locator | str) -> None:
        """Open what is folded away, if it is."""
        details = self._found(what)
        if details.get_attribute("open") is None:
            self.reach(details.locator("> summary"))
            self.page.keyboard.press("Enter")

    def write(self, what: Locator | str, text: str) -> None:
        """Type over what stands in a field."""
        self.reach(what)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)

    def choose(self, what: Locator | str, value: str) -> None:
        """Go down a list until the option with this value is the chosen one."""
        field = self.reach(what)
        self.page.keyboard.press("Home")
        for _ in range(_MOST_CHOICES):
            if field.input_value() == value:
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"{what} has no {value}")

    def tick(self, what: Locator | str) -> None:
        """Tick a box, or go to this one of a group of radio buttons."""
        box = self._found(what)
        if box.get_attribute("type") != "radio":
            self.reach(box)
            if not box.is_checked():
                self.page.keyboard.press("Space")
            return
        name = box.get_attribute("name")
        group = self.page.locator(f"input[type=radio][name='{name}']")
        first = (
            group.and_(self.page.locator(":checked"))
            if group.and_(self.page.locator(":checked")).count()
            else group.first
        )
        self.reach(first)
        self.page.keyboard.press("Space")
        for _ in range(_MOST_CHOICES):
            if box.is_checked():
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"the arrows do not reach {what}")

    def attach(self, what: Locator | str, name: str, content: bytes) -> None:
        """Open the file dialogue of a field, and choose a file there."""
        self.reach(what)
        with self.page.expect_file_chooser() as dialogue:
            self.page.keyboard.press("Space")
        dialogue.value.set_files({"name": name, "mimeType": "application/octet-stream", "buffer": content})

    def _found(self, what: Locator | str) -> Locator:
        found = self.page.locator(what) if isinstance(what, str) else what
        expect(found).to_have_count(1)
        return found

    def _has_focus(self, what: Locator) -> bool:
        return bool(what.evaluate("one => one === document.activeElement"))
