"""What speaks to what, over which port, encrypted how, and what of clients goes along: a drawing and a table from one list."""

import tomllib
from dataclasses import dataclass
from html import escape
from math import hypot
from pathlib import Path
from textwrap import wrap
from typing import Final

from deploy.review.stored import FOLDER

SOURCE: Final = FOLDER / "data-flow.toml"

_COLUMN, _ROW, _WIDTH, _HEIGHT, _MARGIN = 268, 96, 168, 58, 24
_LETTERS: Final = 22  # of a line in a box
_ZONES: Final = {
    "people": ("People", "#eef3fb", "#3b5b92"),
    "county": ("The county's own systems", "#f3f0e6", "#7a6420"),
    "outside": ("Others' systems", "#f7ecec", "#8a3b3b"),
    "avain": ("Avain", "#e8f4ec", "#2b6b43"),
}


@dataclass(frozen=True)
class Box:
    """One party: where it stands in the drawing (columns and rows, from the top left) and whose it is."""

    id: str
    name: str
    zone: str
    column: int
    row: float

    @property
    def left(self) -> float:
        return _MARGIN + self.column * _COLUMN

    @property
    def top(self) -> float:
        return _MARGIN + self.row * _ROW

    @property
    def middle(self) -> tuple[float, float]:
        return self.left + _WIDTH / 2, self.top + _HEIGHT / 2


@dataclass(frozen=True)
class Flow:
    """One connection, opened by `origin`; `personal` says what of clients goes along."""

    number: int
    origin: Box
    target: Box
    protocol: str
    port: str
    encrypted: str
    carries: str
    personal: str
    setting: str


def read(path: Path = SOURCE) -> tuple[list[Box], list[Flow]]:
    """Boxes and flows in the list's order; flows are numbered by it. Raises KeyError for a flow between unknown boxes."""
    told = tomllib.loads(path.read_text("utf-8"))
    boxes = {one["id"]: Box(**one) for one in told["box"]}
    flows = [
        Flow(number, boxes[one.pop("from")], boxes[one.pop("to")], **one) for number, one in enumerate(told["flow"], 1)
    ]
    return list(boxes.values()), flows


def drawing(path: Path = SOURCE) -> str:
    """The drawing as SVG: no script, no font or picture from elsewhere."""
    boxes, flows = read(path)
    width = max(box.left for box in boxes) + _WIDTH + _MARGIN
    height = max(box.top for box in boxes) + _HEIGHT + _MARGIN + 34
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img" aria-labelledby="t" font-family="sans-serif" font-size="12.5">',
        '<title id="t">What speaks to what; the numbers are those of the table in data-flow.md</title>',
        (
            '<defs><marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
            '<path d="M0 0 8 4 0 8z" fill="#444"/></marker></defs>'
        ),
        f'<rect width="{width:g}" height="{height:g}" fill="#fff"/>',
        *(_line(one) for one in flows),
        *(_box(one) for one in boxes),
        *(_number(one) for one in flows),
        *_legend(height),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _ends(flow: Flow) -> tuple[tuple[float, float], tuple[float, float]]:
    """Where the line leaves the one box and meets the other: on their edges, towards each other."""
    return _edge(flow.origin, flow.target.middle), _edge(flow.target, flow.origin.middle)


def _edge(box: Box, towards: tuple[float, float]) -> tuple[float, float]:
    x, y = box.middle
    across, down = towards[0] - x, towards[1] - y
    share = min(
        (_WIDTH / 2) / abs(across) if across else 9.0, (_HEIGHT / 2) / abs(down) if down else 9.0
    )  # 9: never the nearer edge
    gap = 1 + 3 / hypot(across, down)
    return x + across * share * gap, y + down * share * gap


def _line(flow: Flow) -> str:
    (x1, y1), (x2, y2) = _ends(flow)
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#444" stroke-width="1.2" marker-end="url(#a)"/>'


def _number(flow: Flow) -> str:
    (x1, y1), (x2, y2) = _ends(flow)
    x, y = (x1 + x2) / 2, (y1 + y2) / 2
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="9.5" fill="#fff" stroke="#444"/>'
        f'<text x="{x:.1f}" y="{y + 4:.1f}" text-anchor="middle" font-size="11">{flow.number}</text>'
    )


def _box(box: Box) -> str:
    _, fill, stroke = _ZONES[box.zone]
    lines = wrap(box.name, _LETTERS)
    x, y = box.middle
    first = y + 4 - (len(lines) - 1) * 7.5
    texts = "".join(
        f'<text x="{x:g}" y="{first + 15 * number:g}" text-anchor="middle">{escape(line)}</text>'
        for number, line in enumerate(lines)
    )
    frame = f'<rect x="{box.left:g}" y="{box.top:g}" width="{_WIDTH}" height="{_HEIGHT}" rx="6" fill="{fill}" stroke="{stroke}" stroke-width="1.5"/>'
    return frame + texts


def _legend(height: float) -> list[str]:
    found = []
    for place, (name, fill, stroke) in enumerate(_ZONES.values()):
        x, y = _MARGIN + place * 220, height - 30
        found.append(
            f'<rect x="{x}" y="{y:g}" width="16" height="16" rx="3" fill="{fill}" stroke="{stroke}"/><text x="{x + 24}" y="{y + 13:g}">{name}</text>'
        )
    return found


def flows_block(path: Path = SOURCE) -> str:
    """The table of connections, as Markdown."""
    _, flows = read(path)
    head = "| | from | to | protocol | port | encrypted | carries | of clients | set in |"
    rows = (
        f"| {one.number} | {one.origin.name} | {one.target.name} | {one.protocol} | {one.port} | {one.encrypted} | {one.carries}"
        f" | {one.personal} | {one.setting} |"
        for one in flows
    )
    return "\n".join([head, "|---|---|---|---|---|---|---|---|---|", *rows])
