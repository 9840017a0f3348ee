"""From values to pages: Jinja2 with the catalogues, and with money, days and numbers as the reader's language writes them.

Everything is escaped; an unknown name in a template is an error. Texts stand in templates as `{{ _("…") }}`, sentences with values as
`{{ say("{count} rows", count=3) }}`.
"""

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import segno
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from console.menu import menu_of
from core.errors import Message
from core.i18n import LANGUAGES, _, ago, day, moment, money, ngettext, number, short_money
from core.steering import unsteered
from core.units import unit_name
from services.audit_actions import action_name
from services.labels import (
    channel_name,
    chooser_name,
    count_name,
    counts_in_words,
    field_name,
    kind_name,
    outcome_name,
)
from services.source_words import word

HERE: Final = Path(__file__).resolve().parent
STATIC: Final = HERE / "static"
#: What each language calls itself.
NATIVE: Final = {"fi": "Suomi", "sv": "Svenska", "en": "English"}


@lru_cache(maxsize=64)
def _static(name: str) -> str:
    """The address of a static file; it changes with the content, so that browsers may keep the file for ever."""
    return f"/static/{name}?v={sha256((STATIC / name).read_bytes()).hexdigest()[:12]}"


def _say(msgid: str, **params: Any) -> str:
    return Message(msgid, **params).text()


def _percent(rate: Decimal | str) -> str:
    """A share of one, such as 0.255, as per cent: `25,5`."""
    return number(Decimal(rate) * 100)


@pass_context
def _csrf(context: Context) -> Markup:
    """The hidden field that every form needs (console/visit.py)."""
    state = context["request"].state
    holder = state.person or state.family
    return Markup('<input type="hidden" name="csrf" value="{}">').format(holder.csrf if holder else "")


@pass_context
def _language_links(context: Context) -> list[tuple[str, str, str]]:
    """For each other language: its code, its own name, and this page in it."""
    request: Request = context["request"]
    if request.method != "GET":
        return []
    path = "/" + request.scope["path"].lstrip("/\\")  # `//evil` would lead to another server
    return [
        (code, NATIVE[code], f"{quote(path)}?{request.url.include_query_params(lang=code).query}")
        for code in LANGUAGES
        if code != request.state.language
    ]


def _qr(address: str) -> Markup:
    """A link on paper for a phone's camera. Who cannot see it has the address beside it, so screen readers pass it over."""
    square = segno.make(address, error="m", micro=False)
    drawn = square.svg_inline(scale=4, border=4, light="#fff", svgclass="qr", lineclass=None)
    return Markup(drawn.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1))  # noqa: S704 - squares, and no text


def _each_time(words: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that is asked whenever a page is made. What Jinja may work out of fixed values once, stays in the first reader's language."""

    @pass_context
    def asked(_context: Context, *given: Any, **named: Any) -> Any:
        return words(*given, **named)

    return asked


def _shown(value: Any) -> Any:
    """A text that is nobody's markup without what would turn its letters around: a name must not turn the price behind it."""
    return unsteered(value) if type(value) is str else value


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "_": _,
        "ngettext": ngettext,
        "say": _say,
        "static": _static,
        "csrf": _csrf,
        "language_links": _language_links,
    }
    ours: dict[str, Callable[..., Any]] = {
        "ago": ago,
        "money": money,
        "short_money": short_money,
        "day": day,
        "moment": moment,
        "number": number,
        "percent": _percent,
        "qr": _qr,
        "unit": unit_name,
        "action_name": action_name,
        "channel_name": channel_name,
        "chooser_name": chooser_name,
        "count_name": count_name,
        "counts_in_words": counts_in_words,
        "field_name": field_name,
        "kind_name": kind_name,
        "outcome_name": outcome_name,
        "source_word": word,
        "decimal": Decimal,
    }
    environment.filters |= {name: _each_time(one) for name, one in ours.items()}
    return environment


def render(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """A page. `now` and `flash` (kind and message, or None) come from the visit; pages without one leave them out."""
    flash = values.pop("flash", None)
    person = request.state.person
    given = {
        "request": request,
        "person": person,
        "family": request.state.family,
        "language": request.state.language,
        "menu": menu_of(person, request.url.path),
        "flash": None if flash is None else (flash["kind"], Message.from_json(flash["message"]).text()),
        "effects_held": request.state.held,
        "now": None,
        **values,
    }
    return HTMLResponse(_environment().get_template(template).render(given), status)
