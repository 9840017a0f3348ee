"""An organisation's templates of the daily e-mail, tried before they are used, and followed while a process runs.

Whatever a template looks like: it must show every matter with its link, or reminders would be lost without anybody noticing; and it must
load nothing from anywhere and run nothing, or others would learn that somebody opened a reminder (DOMAIN "Privacy").
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final

import structlog

from core.errors import ConfigurationError, Message
from core.i18n import N_
from services.reminders.mail_templates import HTML, TEXT, Templates, built_in, read

log = structlog.get_logger()

#: What loads, runs or sends something.
_ACTIVE: Final = frozenset(
    [
        "applet",
        "audio",
        "base",
        "button",
        "embed",
        "form",
        "frame",
        "frameset",
        "iframe",
        "image",
        "img",
        "input",
        "link",
        "math",
        "object",
        "picture",
        "script",
        "source",
        "svg",
        "video",
    ]
)
_LOADING: Final = frozenset({"background", "dynsrc", "lowsrc", "o:href", "ping", "poster", "src", "srcset"})
_LOADING_STYLE: Final = re.compile(r"url\s*\(|@import|expression\s*\(|image(-set)?\s*\(|behavior|\\", re.IGNORECASE)
#: A link of ours, whole: that to matter 1 is not shown by one to matter 12.
_LINK: Final = re.compile(r"https?://[\w.:/-]*\w")
_LONGEST_MAIL: Final = 4 * 1024 * 1024

#: Folder → what it held when it was looked at last, and the templates in force since.
_in_force: dict[Path, tuple[object, Templates]] = {}

#: Views of sample mails: every language, every branch.
Samples = Callable[[], Iterable[dict[str, Any]]]


def templates_in_force(folder: Path | None, samples: Samples) -> Templates:
    """The templates to write with. Raises ConfigurationError where those of `folder` cannot be used and none of them were before.

    A folder that changed is read and tried anew; one that cannot be used any more is said once, and the former templates stay in force.
    """
    if folder is None:
        return built_in()
    seen = _seen(folder)
    known = _in_force.get(folder)
    if known is not None and known[0] == seen:
        return known[1]
    try:
        templates = checked(folder, samples)
    except ConfigurationError as unusable:
        if known is None:
            raise
        log.warning("mail_templates_not_followed", reason=str(unusable))
        templates = known[1]
    _in_force[folder] = (seen, templates)
    return templates


def checked(folder: Path, samples: Samples) -> Templates:
    """The folder's templates, tried with every sample. Raises ConfigurationError: the file, the line, and what to do."""
    templates = read(folder)
    for view in samples():
        text, html = templates.write(view)
        _shows_everything(folder, view, {TEXT: text, HTML: html})
        _is_quiet(_file(folder, HTML), html)
    return templates


def written(templates: Templates, view: dict[str, Any]) -> tuple[str, str]:
    """Text and HTML of one mail. A template that fails on its values, would leave a matter out, or load something, does not: Avain's own
    stand in for it, since a reminder matters more than its looks; the log hears why.
    """
    if templates is built_in():
        return templates.write(view)
    try:
        text, html = templates.write(view)
        _shows_everything(Path(str(templates.text.filename)).parent, view, {TEXT: text, HTML: html})
        _is_quiet(Path(str(templates.html.filename)), html)  # samples may not have come upon what these values bring
    except ConfigurationError as unusable:
        log.error("mail_template_failed", reason=str(unusable))  # noqa: TRY400 - the sentence says it, with file and line
        return built_in().write(view)
    return text, html


def _seen(folder: Path) -> object:
    """What tells whether anything in the folder changed."""
    try:
        return [(one.name, one.stat().st_mtime_ns, one.stat().st_size) for one in sorted(folder.iterdir())]
    except OSError as error:
        return type(error).__name__


def _file(folder: Path, name: str) -> Path:
    return folder / name


def _shows_everything(folder: Path, view: dict[str, Any], written: dict[str, str]) -> None:
    links = [_LINK.findall(line.link)[0] for section in view["sections"] for line in section.lines]
    for name, content in written.items():
        if len(content) > _LONGEST_MAIL:
            raise _unusable(folder, name, N_("writes an e-mail longer than anybody reads."))
        found = Counter(_LINK.findall(content))
        if any(found[link] < count for link, count in Counter(links).items()):
            raise _unusable(
                folder, name, N_("leaves out the link of some of the matters. Show line.link of every line.")
            )


def _is_quiet(path: Path, html: str) -> None:
    looking = _Looking()
    looking.feed(html)
    looking.close()
    if looking.active:
        raise _unusable(
            path.parent,
            path.name,
            N_("holds {found}: a reminder loads nothing and runs nothing. Take it away."),
            found=looking.active,
        )
    if not looking.language:
        raise _unusable(
            path.parent,
            path.name,
            N_("does not say its language. Begin with {example}"),
            example='<html lang="{{ language }}">',
        )


class _Looking(HTMLParser):
    """What in a page loads or runs something: `active` is the first such thing."""

    def __init__(self) -> None:
        super().__init__()
        self.active, self.language = "", ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Also for tags that close themselves."""
        if tag in _ACTIVE:
            self.active = self.active or f"<{tag}>"
        for name, value in attrs:
            if tag == "html" and name == "lang":
                self.language = value or ""
            if (
                name.startswith("on")
                or name in _LOADING
                or (name == "http-equiv" and (value or "").lower() == "refresh")
            ):
                self.active = self.active or name
            if name == "style" and _LOADING_STYLE.search(value or ""):
                self.active = self.active or "url()"
            if name == "href" and not re.match(r"(https?|mailto):", (value or "").strip(), re.IGNORECASE):
                self.active = self.active or f"href={value}"

    def handle_comment(self, data: str) -> None:
        """Outlook reads in some of them, and browsers end others sooner than one thinks."""
        if "<" in data:
            within = _Looking()
            within.feed(data)
            within.close()
            self.active = self.active or within.active

    def handle_data(self, data: str) -> None:
        """Style sheets in the page."""
        if self.cdata_elem == "style" and _LOADING_STYLE.search(data):
            self.active = self.active or "url()"


def _unusable(folder: Path, name: str, why: str, **params: Any) -> ConfigurationError:
    return ConfigurationError(
        N_("Template of e-mails {path}: {why}"), path=str(folder / name), why=Message(why, **params)
    )
