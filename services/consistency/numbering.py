"""Numbers people see (`HB-2026-000001`, `T-2026-000001`): each from its series' counter, none twice, none left out.

A gap is no fault where it was recorded when it came about: an installation restored from a backup goes on behind the numbers that the lost one had
given away since, and numbers of what was removed when its time was up stay behind (table number_gap).
"""

from typing import Any, Final

from sqlalchemy import text

from core.errors import Message
from core.i18n import N_
from services.consistency.findings import NAMED, Looked, Sort, Thing
from services.consistency.scope import Scope

_LOOK: Final = N_(
    "Find out who deleted or wrote rows past Avain: it never leaves a number out, and never gives one twice."
)
GAP: Final = Sort("number_gap", N_("Numbers that are missing from a series"), _LOOK)
TWICE: Final = Sort("number_twice", N_("Numbers that were given twice"), _LOOK)
BEYOND: Final = Sort(
    "number_beyond",
    N_("Numbers that the counter of their series has not come to: they would be given once more"),
    N_(
        "Stop the workers, set the counter to the highest number of the series (table counter), and find out who wrote past Avain."
    ),
)
FORM: Final = Sort("number_form", N_("Numbers of cases and orders that belong to no series"), _LOOK)

_USED: Final = """
    used AS MATERIALIZED (
        SELECT number, prefix || '-' || substr(number, length(prefix) + 2, 4) AS series,
               CASE WHEN number ~ ('^' || prefix || '-[0-9]{4}-[0-9]{6,15}$') THEN CAST(substr(number, length(prefix) + 7) AS bigint) END AS value
        FROM (SELECT 'HB' AS prefix, number FROM client_case UNION ALL SELECT 'T', number FROM purchase_order) AS given
    )
"""
#: Rows out: one: how many numbers there are, and how many belong to no series, with the first of them.
_FORMS: Final = text(
    f"""
    WITH {_USED}
    SELECT count(*) AS counted, count(*) FILTER (WHERE value IS NULL) AS wrong,
           (array_agg(number ORDER BY number) FILTER (WHERE value IS NULL))[1:20] AS names
    FROM used
    """  # noqa: S608 - our own words
)
#: Rows out: one for each stretch of numbers that is missing, was given twice, or lies beyond its counter.
_WRONG: Final = text(
    f"""
    WITH {_USED}, series AS (
        SELECT coalesce(known.series, counter.series) AS series, coalesce(counter.value, 0) AS value, coalesce(given, '{{}}') AS given
        FROM (
            SELECT series, range_agg(int8range(value, value, '[]')) AS given FROM used WHERE value IS NOT NULL GROUP BY series
        ) AS known
        FULL JOIN counter ON counter.series = known.series
        WHERE coalesce(known.series, counter.series) ~ '^(HB|T)-[0-9]{{4}}$'
    ), explained AS (
        SELECT series.*, coalesce((
            SELECT range_agg(int8range(number_gap.first, number_gap.last, '[]')) FROM number_gap WHERE number_gap.series = series.series
        ), '{{}}') AS recorded
        FROM series
    ), wrong AS (
        SELECT 'gap' AS what, series, unnest(int8multirange(int8range(1, greatest(value, upper(given) - 1, 0), '[]')) - given - recorded) AS numbers
        FROM explained
        UNION ALL
        SELECT 'beyond', series, unnest(given - int8multirange(int8range(0, value, '[]'))) FROM explained
        UNION ALL
        SELECT 'twice', series, int8range(value, value, '[]') FROM used WHERE value IS NOT NULL GROUP BY series, value HAVING count(*) > 1
    )
    SELECT * FROM (
        SELECT what, series, lower(numbers) AS first, upper(numbers) - 1 AS last,
               CAST(sum(upper(numbers) - lower(numbers)) OVER (PARTITION BY what) AS bigint) AS counted,
               row_number() OVER (PARTITION BY what ORDER BY series, numbers) AS place
        FROM wrong
    ) AS numbered WHERE place <= :named ORDER BY what, place
    """  # noqa: S608 - our own words
)


def numbering(scope: Scope) -> Looked:
    """Every sort of fault of series of numbers."""
    looked = Looked(Message("Numbers of cases and orders"))
    scope.tell(looked.name, 0)
    forms = scope.session.execute(_FORMS).one()
    looked.examined = forms.counted
    looked.found(FORM, [Thing(number) for number in forms.names or ()], forms.wrong)
    rows = scope.session.execute(_WRONG, {"named": NAMED}).all()
    for what, sort in (("gap", GAP), ("twice", TWICE), ("beyond", BEYOND)):
        of_sort = [row for row in rows if row.what == what]
        if of_sort:
            looked.found(sort, [Thing(_stretch(row)) for row in of_sort], of_sort[0].counted)
    return looked


def _stretch(row: Any) -> str:
    """`T-2026-000007`, or `T-2026-000007–000009`."""
    first = f"{row.series}-{row.first:06d}"
    return first if row.first == row.last else f"{first}–{row.last:06d}"
