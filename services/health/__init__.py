"""What Avain stands on, examined: for `avain doctor` and for the page /health. Looking changes nothing."""

from services.health.checks import Check, checks
from services.health.examining import CLI_PATIENCE_SECONDS, Examination, Examiner
from services.health.findings import STATES, Finding, Ground, State

__all__ = [
    "CLI_PATIENCE_SECONDS",
    "STATES",
    "Check",
    "Examination",
    "Examiner",
    "Finding",
    "Ground",
    "State",
    "checks",
]
