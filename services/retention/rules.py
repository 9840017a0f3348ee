"""From when on each class is over its time, on a given day. Everything else about ages is asked of this."""

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Final

from core.clock import years_before
from core.errors import Message
from core.i18n import HELSINKI, N_
from core.retention_settings import Retention

FAMILY: Final = "family"
WORKING_AGE: Final = "working_age"
VOUCHERS: Final = "vouchers"
DOCUMENTS: Final = "documents"
MAILS: Final = "mails"
#: What is removed, in the order in which it goes: what goes with its case need not go by itself.
CLASSES: Final = (FAMILY, WORKING_AGE, VOUCHERS, DOCUMENTS, MAILS)

_NAMES: Final = {
    FAMILY: N_("Cases of families"),
    WORKING_AGE: N_("Cases of working-age clients"),
    VOUCHERS: N_("Invoices and delivered quantities, by decision"),
    DOCUMENTS: N_("Files about orders that led to nothing"),
    MAILS: N_("Daily e-mails as they were sent"),
}


def class_name(name: str) -> Message:
    """A class in words; one of another version is shown as it is."""
    return Message(_NAMES.get(name, name))


@dataclass(frozen=True)
class Rules:
    """What is over its time on the day `today`: what ended, or is of a day, before these.

    A case that was closed on 23.11.2016 is kept for ten years up to and with 23.11.2026. Vouchers of 2022 are kept three years after 2022
    ended: they go from 1.1.2026 on.
    """

    today: date
    family_before: date
    working_age_before: date
    vouchers_before: date
    mails_before: date
    working_age_units: tuple[str, ...]
    kept_units: tuple[str, ...] = ()

    @property
    def values(self) -> dict[str, Any]:
        """For the statements of `finding`; cases end at moments, so their days do at Helsinki's midnight."""
        return {
            "today": self.today,
            "family_before": _midnight(self.family_before),
            "working_age_before": _midnight(self.working_age_before),
            "vouchers_before": self.vouchers_before,
            "vouchers_before_moment": _midnight(self.vouchers_before),
            "mails_before": self.mails_before,
            "working_age_units": list(self.working_age_units),
            "kept_units": list(self.kept_units),
        }

    def before(self, name: str) -> date:
        """What of a class is over its time: what is from before this day."""
        days = {
            FAMILY: self.family_before, WORKING_AGE: self.working_age_before, VOUCHERS: self.vouchers_before,
            DOCUMENTS: self.vouchers_before, MAILS: self.mails_before,
        }  # fmt: skip
        return days[name]


def rules(settings: Retention, today: date) -> Rules:
    """The rules of an installation on a day."""
    months = today.year * 12 + today.month - 1 - settings.mail_months
    return Rules(
        today=today,
        family_before=years_before(today, settings.family_case_years),
        working_age_before=years_before(today, settings.working_age_years),
        vouchers_before=date(today.year - settings.voucher_years, 1, 1),
        mails_before=date(months // 12, months % 12 + 1, 1),
        working_age_units=settings.working_age_units,
        kept_units=settings.kept_units,
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), HELSINKI)
