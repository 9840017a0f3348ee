"""A unit's months as a picture: what the alternatives cost beside what was granted. Inline SVG as in budget_picture.py; the table beside it
holds the same figures.
"""

from decimal import Decimal
from typing import Final

from markupsafe import Markup
from pygal import Bar

from console.budget_picture import of_series
from core.i18n import _, money
from services.oversight import words
from services.oversight.figures import Euros

_WIDTH, _HEIGHT = 640, 200
#: Each series with the colour it shares with budgets.
_SERIES: Final = (("ceiling", "ceiling"), ("cost", "invoiced"))


def alternative(euros: Euros) -> str:
    """What the picture shows, in words: every month that is told."""
    said = _("{months}: cost {cost}, granted {ceiling}.")
    return " ".join(
        said.format(months=words.months(line.first, line.last), cost=money(line.cost), ceiling=money(line.ceiling))
        for line in euros.lines
        if line.told
    )


def picture(euros: Euros) -> Markup | None:
    """The picture; None where no month is told."""
    if not any(line.cost or line.ceiling for line in euros.lines):
        return None
    chart = Bar(
        css=(), js=(), width=_WIDTH, height=_HEIGHT, margin=0, spacing=0, no_prefix=True, include_x_axis=True,
        show_legend=False, show_x_labels=False, show_y_labels=False, print_values=False,
    )  # fmt: skip
    for name, _colour in _SERIES:
        chart.add(name, [float(getattr(line, name) or Decimal(0)) for line in euros.lines])
    made = chart.render_tree()
    bars = [bar for place, (_name, colour) in enumerate(_SERIES) for bar in of_series(made, place, colour)]
    template = Markup(
        '<svg class="budget-picture" viewBox="0 0 {width} {height}" role="img" aria-labelledby="euros-t euros-d">'
        '<title id="euros-t">{title}</title><desc id="euros-d">{told}</desc>{bars}</svg>'
    )
    return template.format(
        width=_WIDTH, height=_HEIGHT, title=_("Cost and what was granted, month by month"), told=alternative(euros),
        bars=Markup("").join(bars),
    )  # fmt: skip
