"""What people read about families' links: who made one, how it stands, and the paper that is handed over with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from core.i18n import N_, _, moment, speaking
from core.settings import Settings
from services.family.links import Link, MadeLink
from services.family.sessions import Holder

_STATES: Final = {
    "open": N_("open"),
    "ended": N_("taken back"),
    "locked": N_("closed after wrong codes"),
    "expired": N_("too old"),
}
#: How a state is marked, with its word.
TONES: Final = {"open": "good", "locked": "bad"}
_HOLDERS: Final = {"client": N_("the family"), "support": N_("support person, only looks")}


@dataclass(frozen=True)
class Paper:
    """What is printed for whoever gets a link, in their language; shown once."""

    language: str
    title: str
    steps: tuple[str, ...]
    address: str
    code_label: str
    code: str
    until: str
    advice: tuple[str, ...]


def link_state(link: Link) -> str:
    """How a link stands."""
    return _(_STATES[link.state])


def holder_name(holder: Holder) -> str:
    """Who comes in by a link."""
    return _(_HOLDERS[holder])


def actor_of_link(actor: str | None, people: Mapping[str, str]) -> str:
    """Who made or ended a link: a worker's name, the family, or Avain itself."""
    if actor is None:
        return "–"
    if actor.startswith("family:"):
        return _("the family")
    if actor.startswith("cli:"):
        return _("{name}, at the server").format(name=people.get(f"worker:{actor[4:]}", actor[4:]))
    return "Avain" if actor.partition(":")[0] == "avain" else people.get(actor, actor)


def paper(made: MadeLink, settings: Settings, origin: str, language: str) -> Paper:
    """The paper for a fresh link. `origin`: where families reach their page."""
    with speaking(language):
        only_looks = made.holder == "support"
        contact = settings.statements.contact_in(language)
        return Paper(
            language=language,
            title=_("A family's budget, to look at") if only_looks else _("Your budget"),
            steps=(
                _("Point your phone's camera at the square, or type this address as it stands here."),
                _("Then type the code."),
            ),
            address=f"{origin}/my/in/{made.secret}",
            code_label=_("Code"),
            code=made.code,
            until=_("The address and the code work until {moment}.").format(moment=moment(made.expires_at)),
            advice=(
                _("Keep this paper safe. Whoever has the address and the code sees the budget."),
                _("If the paper gets lost, tell the worker at once. Then the address stops working."),
                *([contact] if contact else []),
            ),
        )
