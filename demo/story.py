"""What the demo's steps share: the installation, what they note and check, and the budgets as commands tell them."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.table import Table

from core.i18n import _, money
from demo.installation import Installation, StepFailedError
from services.budgets.words import STATE_NAMES


@dataclass
class Story:
    """What the steps share: the installation, what they noted, what they checked."""

    place: Installation
    console: Console
    report: dict[str, Any] = field(default_factory=dict)
    checks: list[tuple[str, str]] = field(default_factory=list)

    def check(self, holds: object, promise: str, found: object = "") -> None:
        """Note a promise that held. Raises StepFailedError where it did not."""
        if not holds:
            raise StepFailedError(f"{promise}: {found}")
        self.checks.append((promise, str(found)))
        self.console.print(f"  [green]✓[/] {promise}" + (f" [dim]({found})[/]" if found != "" else ""))

    def show(self, *command: str) -> None:
        """Let a command print what a user would see, in the reader's language."""
        self.console.print(f"[dim]$ avain {' '.join(command)}[/]")
        self.console.print(str(self.place.avain(*command)).rstrip(), highlight=False, markup=False)

    @property
    def cases(self) -> dict[str, str]:
        """Case numbers by the source's ids: `LC-1001` → `HB-2026-000001`."""
        return {
            row["external_id"]: row["number"]
            for row in self.place.query("SELECT external_id, number FROM client_case ORDER BY id")
        }


def read_budgets(story: Story) -> list[dict[str, Any]]:
    """The budgets of all cases as `avain budget show --json` tells them."""
    return [
        budget for number in story.cases.values() for budget in story.place.avain("budget", "show", number, "--json")
    ]


def money_sum(budget: dict[str, Any]) -> bool:
    """Whether the parts make the ceiling, to the cent."""
    return Decimal(budget["ceiling"]) == sum(
        Decimal(budget[name]) for name in ("invoiced", "ordered", "planned", "free")
    )


def money_of(amount: str | None) -> str:
    """An amount of a JSON document in the reader's way."""
    return money(None if amount is None else Decimal(amount))


def print_budgets(story: Story, found: list[dict[str, Any]]) -> None:
    """One table of all budgets."""
    made = Table(title=_("Budgets"), title_justify="left")
    for column in (_("Case"), _("Ceiling"), _("Planned"), _("Ordered"), _("Free"), _("State")):
        made.add_column(column, justify="left" if column in (_("Case"), _("State")) else "right")
    for one in found:
        state = STATE_NAMES[one["state"]]
        made.add_row(
            one["case"],
            *(money_of(one[name]) for name in ("ceiling", "planned", "ordered", "free")),
            _(state),
        )
    story.console.print(made)
