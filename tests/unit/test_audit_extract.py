"""Which days an extract tells of."""

from datetime import date

import pytest

from core.errors import InputError
from services.audit_extract import period

TODAY = date(2028, 2, 29)


@pytest.mark.parametrize(
    ("years", "first", "why", "begins"),
    [
        (None, None, "", None),
        (None, date(2001, 1, 1), "", date(2001, 1, 1)),
        (2, None, "", date(2026, 2, 28)),
        (2, None, "epäily", None),
        (2, date(2027, 1, 1), "", date(2027, 1, 1)),
        (2, date(2020, 1, 1), "epäily", date(2020, 1, 1)),
    ],
)
def test_how_far_back(years, first, why, begins):
    found = period(first, None, why, today=TODAY, years=years)
    assert (found.first, found.last, found.why) == (begins, TODAY, why)


def test_further_back_only_for_a_reason():
    with pytest.raises(InputError, match="special reason"):
        period(date(2026, 2, 27), None, " ", today=TODAY, years=2)


def test_never_beyond_today():
    assert period(None, date(2030, 1, 1), "", today=TODAY, years=None).last == TODAY
    with pytest.raises(InputError):
        period(date(2029, 1, 1), None, "", today=TODAY, years=None)
