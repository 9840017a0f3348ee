"""The one picture of a statement: a bar of what the money is used for, which patterns and words tell without any colour.

The same figures stand beside it in words and are what a screen reader is told instead of it.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from core.i18n import N_, _, short_money
from services.statements.reading import ZERO, Section


@dataclass(frozen=True)
class _Part:
    label: str
    pattern: str
    colour: str


#: From settled to open: the fuller the pattern, the more settled.
_PARTS: Final = {
    "invoiced": _Part(N_("Billed to us already"), "solid", "#0b4f6c"),
    "delivered": _Part(N_("Done, not billed yet"), "crossed", "#0b4f6c"),
    "ordered": _Part(N_("Ordered for you"), "slanted", "#1f7a4d"),
    "planned": _Part(N_("Planned, not ordered yet"), "dotted", "#9a4f00"),
    "free": _Part(N_("Left, not planned yet"), "empty", "#ffffff"),
}
_NOT_USED: Final = N_("Not used")


def of(section: Section) -> dict[str, Any] | None:
    """The bar as data: its parts in order, and where the limit is if more is in use. None where there is nothing to draw."""
    figures = _figures(section)
    whole = sum((max(ZERO, figure) for figure in figures.values()), ZERO)
    if not whole:
        return None
    ceiling = section.ceiling
    passed = ceiling is not None and section.not_used is not None and section.not_used < 0
    return {
        "parts": [
            {
                "share": float(max(ZERO, figure) / whole),
                "pattern": _PARTS[name].pattern,
                "colour": _PARTS[name].colour,
                "label": _label(name, section),
                "figure": short_money(figure),
            }
            for name, figure in figures.items()
        ],
        "mark": float(min(Decimal(1), ceiling / whole)) if passed and ceiling is not None else None,
        "mark_label": _("May cost {money}").format(money=short_money(ceiling))
        if passed and ceiling is not None
        else "",
    }


def alternative(section: Section) -> str:
    """What the picture shows, in words: every figure of it."""
    said = [_("A bar shows where the money goes.")]
    if section.ceiling is not None:
        said.append(_("Your services may cost {money} in all.").format(money=short_money(section.ceiling)))
    said += [f"{_label(name, section)}: {short_money(figure)}." for name, figure in _figures(section).items()]
    return " ".join(said)


def _figures(section: Section) -> dict[str, Decimal]:
    """Gross euros of each part; `free` only where it is known and there is any. Of what is over nothing is planned any more."""
    figures = {
        "invoiced": section.invoiced,
        "delivered": section.delivered,
        "ordered": section.ordered - section.delivered,
    }
    if not section.over:
        figures["planned"] = section.planned
    if section.not_used is not None and section.not_used >= 0:
        figures["free"] = section.not_used
    return figures


def _label(name: str, section: Section) -> str:
    return _(_NOT_USED) if name == "free" and section.over else _(_PARTS[name].label)
