"""What was counted, as a table: on the terminal and in docs/fuzzing.md."""

from collections.abc import Mapping
from typing import Final

from core.settings import ROOT
from tests.fuzz.outcome import FAULTS
from tests.fuzz.readers import READERS
from tests.fuzz.running import Tally

_DOCUMENT: Final = ROOT / "docs" / "fuzzing.md"
_BEGIN, _END = "<!-- figures -->\n", "<!-- end of figures -->\n"


def table(tallies: Mapping[str, Tally]) -> str:
    """A row for each reader, in the order of the registry."""
    lines = [
        "| Reader | What it reads | Inputs | Read | Refused | Faults | Inputs a second | Slowest (s) | Day |",
        "|---|---|---:|---:|---:|---:|---:|---:|---|",
    ]
    for name in READERS:
        if name in tallies:
            one = tallies[name]
            faults = sum(one.came[kind] for kind in FAULTS)
            rate = one.inputs / one.seconds if one.seconds else 0
            lines.append(
                f"| `{name}` | {READERS[name].about} | {one.inputs:,} | {one.came['read']:,} | {one.came['refused']:,} | {faults:,}"
                f" | {rate:,.0f} | {one.slowest:.2f} | {one.day} |"
            )
    return "\n".join(lines) + "\n"


def write(tallies: Mapping[str, Tally], seed: int) -> None:
    """Put the table between its marks in docs/fuzzing.md."""
    before, _, rest = _DOCUMENT.read_text("utf-8").partition(_BEGIN)
    after = rest.partition(_END)[2]
    _DOCUMENT.write_text(
        f"{before}{_BEGIN}\nSeed {seed}. Rates count processor time, that of started processes included; none took 512 MB, or it would stand among the faults.\n\n{table(tallies)}\n{_END}{after}",
        "utf-8",
    )
