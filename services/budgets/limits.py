"""The scale from `ok` to `over`, in SQL: what a budget's use comes to by the limits the organisation set (DESIGN "States")."""

#: An expression over columns `used` and `ceiling`, euros; values: `near_limit` and `tolerance`, fractions of the ceiling.
BY_THE_LIMITS = """
    CASE WHEN used <= ceiling * :near_limit THEN 'ok'
         WHEN used <= ceiling THEN 'near'
         WHEN used <= ceiling * (1 + :tolerance) THEN 'within_tolerance'
         ELSE 'over' END
"""
