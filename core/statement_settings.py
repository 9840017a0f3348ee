"""Statements for families: where those of a whole unit are put, and how the organisation is reached safely."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from core.setting_groups import Group


class Statements(Group):
    """`[statements]`."""

    folder: Path = Field(
        default=Path("statements"), description="folder for statements made for many cases; relative to home"
    )
    contact: dict[Literal["fi", "sv", "en"], str] = Field(
        default_factory=dict,
        description="how a family reaches you safely (telephone, secure messages), printed as it is; by language, the Finnish one where a language has none",
    )

    def contact_in(self, language: str) -> str:
        """The contact in a language, or in another: a number is read in all, and better than none."""
        return next((self.contact[one] for one in (language, "fi", "sv", "en") if self.contact.get(one)), "")  # type: ignore[index,call-overload]
