"""Finds in a text what would tell who a client is: a henkilötunnus, or the number of a case.

An order must hold neither (DOMAIN "Privacy"): codes end up in fields meant for references, because a person or a source put them there.
"""

import re

from stdnum.fi import hetu

#: All century marks; the check character is verified, so that an ordinary number is not taken for one.
_IDENTITY_CODE = re.compile(r"(?<![0-9A-Za-z])\d{6}[-+A-FU-Y]\d{3}[0-9A-Y](?![0-9A-Za-z])", re.IGNORECASE)
#: Avain's own case numbers (DESIGN "Numbers people see").
_CASE_NUMBER = re.compile(r"(?<![0-9A-Za-z])HB-\d{4}-\d{6,}", re.IGNORECASE)


def tells_who(text: str) -> bool:
    """Whether `text` holds a valid henkilötunnus (test ones too) or a case number."""
    if _CASE_NUMBER.search(text):
        return True
    return any(hetu.is_valid(found.group(), allow_temporary=True) for found in _IDENTITY_CODE.finditer(text))
