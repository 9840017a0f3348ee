"""What Avain stands on, examined: for `avain doctor` and for the page /health. Looking changes nothing."""

from services.health.checks import Check, checks
from services.health.examining import AT_THE_TERMINAL, Examination, Examiner, Patience
from services.health.findings import STATES, Finding, Ground, State

__all__ = [
    "AT_THE_TERMINAL",
    "STATES",
    "Check",
    "Examination",
    "Examiner",
    "Finding",
    "Ground",
    "Patience",
    "State",
    "checks",
]
