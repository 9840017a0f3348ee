"""`[retention]`: how long what is kept is kept. The defaults are those of the field (docs/retention.md says where each comes from)."""

from pydantic import Field

from core.setting_groups import Group


class Retention(Group):
    """`[retention]`."""

    automatic: bool = Field(
        default=False,
        description="whether the nightly job removes what is over its time; else it only counts it, for avain doctor and avain retention report",
    )
    family_case_years: int = Field(
        default=30, ge=1, le=150, description="papers of a case are kept so many years after it was closed"
    )
    working_age_years: int = Field(
        default=10, ge=1, le=150, description="the same of a case of one of working_age_units"
    )
    working_age_units: tuple[str, ...] = Field(
        default=(),
        description="codes of the units that look after working-age clients; cases of all others are family cases",
    )
    kept_units: tuple[str, ...] = Field(
        default=(),
        description="codes of units whose cases are never removed by their age: child welfare, for one, is kept until two years after the client's death, which Avain does not learn",
    )
    voucher_years: int = Field(
        default=3,
        ge=1,
        le=50,
        description="invoices, credit notes and delivered quantities, after the end of the calendar year they are of",
    )
    mail_months: int = Field(
        default=24, ge=1, le=600, description="daily e-mails as they were sent, which name cases by their numbers"
    )
    most_a_night: int = Field(
        default=2_000,
        ge=1,
        le=1_000_000,
        description="so many cases, and decisions with vouchers, at most in one night or run; the rest follows",
    )
