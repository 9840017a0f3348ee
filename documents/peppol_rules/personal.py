"""Finds in a text what would tell who a client is: a henkilötunnus, or the number of a case.

An order must hold neither (DOMAIN "Privacy"): codes end up in fields meant for references, because a person or a source put them there.
"""

import re

from core.logging import redact

#: Avain's own case numbers (DESIGN "Numbers people see").
_CASE_NUMBER = re.compile(r"(?<![0-9A-Za-z])HB-\d{4}-\d{6,}", re.IGNORECASE)


def tells_who(text: str) -> bool:
    """Whether `text` holds a case number, or what may not stand in a log either: a henkilötunnus whose check mark is right."""
    return _CASE_NUMBER.search(text) is not None or redact(text) != text
