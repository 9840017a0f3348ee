"""`avain doctor`: every thing Avain stands on, checked (services/health); each line says what to do."""

from collections.abc import Sequence

from rich.text import Text

from cli.common import console, table
from core.i18n import _
from core.settings import settings
from services.health import AT_THE_TERMINAL, Examiner, Finding, Ground


def examine() -> Sequence[Finding]:
    """Run every check; one that fails unexpectedly is itself a finding, and the others go on."""
    return Examiner(Ground(settings()), patience=AT_THE_TERMINAL).latest().findings


def show(findings: Sequence[Finding]) -> None:
    """Print the findings as a table."""
    marks = {"ok": Text("✓", "green"), "warning": Text("!", "yellow"), "broken": Text("✗", "bold red")}
    console().print(
        table(
            "avain doctor",
            ["", _("Examined"), _("Found"), _("What to do")],
            [[marks[f.state], f.name.text(), str(f.found), f.advice.text() if f.advice else ""] for f in findings],
        )
    )
