"""Who is in the console, and what they may see.

A person has roles, given by the organisation's login. What a page shows is decided by the role (console/visit.py); which cases by the
row: a worker sees their own and those they stand in for, a supervisor those of the unit (`cases.py`).
"""

from services.access.cases import CaseAccess, access_to_case, visible_cases
from services.access.people import Person

__all__ = ["CaseAccess", "Person", "access_to_case", "visible_cases"]
