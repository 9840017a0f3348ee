"""A budget as a picture: what may be used above, what it is used for below. Inline SVG without style or script, coloured by console.css.

pygal lays the bars out; of what it makes only the bars' places are taken, because the rest (a style element, style attributes, a script)
would need a weaker content security policy. The same figures stand in a table beside it, and in words for a screen reader.
"""

import sys
from decimal import Decimal
from typing import Any, Final

from markupsafe import Markup
from pygal import HorizontalStackedBar

from core.i18n import N_, _, money
from services.budgets.show import BudgetView

# pygal puts an importer for its plugins before everybody's, of a kind Python no longer knows; we use none of them
sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__module__ != "pygal"]

_WIDTH, _HEIGHT = 640, 96
_ZERO = Decimal(0)
#: From settled to open; `delivered` and `agreed` together are what is ordered.
LABELS: Final = {
    "ceiling": N_("Ceiling"),
    "invoiced": N_("Invoiced"),
    "delivered": N_("Delivered, not invoiced yet"),
    "agreed": N_("Ordered, not delivered yet"),
    "planned": N_("Planned"),
    "free": N_("Free"),
}


def parts_of(budget: BudgetView) -> dict[str, Decimal]:
    """Gross euros of what the bar is made of, in its order; `free` only where it is known and there is any."""
    parts = {
        "invoiced": budget.invoiced,
        "delivered": budget.delivered,
        "agreed": budget.ordered - budget.delivered,
        "planned": budget.planned,
    }
    if budget.free is not None and budget.free >= 0:
        parts["free"] = budget.free
    return parts


def alternative(budget: BudgetView) -> str:
    """What the picture shows, in words: every figure of it."""
    figures = {"ceiling": budget.ceiling, **parts_of(budget), "free": budget.free}
    return " ".join(f"{_(LABELS[name])}: {money(figure)}." for name, figure in figures.items())


def picture(budget: BudgetView, name: str) -> Markup | None:
    """The picture; None where there is nothing to draw. `name` makes its ids unique on a page."""
    bars = _bars(budget)
    if not bars:
        return None
    template = Markup(
        '<svg class="budget-picture" viewBox="0 0 {width} {height}" role="img" aria-labelledby="{name}-t {name}-d">'
        '<title id="{name}-t">{title}</title><desc id="{name}-d">{told}</desc>{bars}</svg>'
    )
    title = _("Use of the budget of decision {decision}").format(decision=budget.decision)
    return template.format(
        width=_WIDTH, height=_HEIGHT, name=name, title=title, told=alternative(budget), bars=Markup("").join(bars)
    )


def _bars(budget: BudgetView) -> list[Markup]:
    chart = HorizontalStackedBar(
        css=(), js=(), width=_WIDTH, height=_HEIGHT, margin=0, spacing=0, no_prefix=True,
        show_legend=False, show_x_labels=False, show_y_labels=False, print_values=False,
    )  # fmt: skip
    # the first row stands at the bottom
    rows = [("ceiling", budget.ceiling or _ZERO, 1), *((name, figure, 0) for name, figure in parts_of(budget).items())]
    drawn = [(name, figure, row) for name, figure, row in rows if figure > 0]
    for name, figure, row in drawn:
        chart.add(name, [None] * row + [float(figure)])
    made = chart.render_tree() if drawn else ()
    return [bar for place, (name, _figure, _row) in enumerate(drawn) for bar in of_series(made, place, name)]


def of_series(made: Any, place: int, name: str) -> list[Markup]:
    """The bars of a series of a chart; pygal makes one without a width where the series has no value."""
    bar = Markup('<rect class="part-{name}" x="{x:.2f}" y="{y:.2f}" width="{width:.2f}" height="{height:.2f}"/>')
    groups = made.xpath(".//*[local-name()='g'][contains(concat(' ', @class, ' '), $serie)]", serie=f" serie-{place} ")
    rects = [rect for group in groups for rect in group.iter("rect") if rect.get("width")]
    return [
        bar.format(name=name, **{side: float(rect.get(side)) for side in ("x", "y", "width", "height")})
        for rect in rects
    ]
