"""Business ids (Y-tunnus) as documents write them: plain, as an OVT code, as the VAT number made of them."""

import re
from typing import Final

from stdnum.fi import ytunnus

#: OVT codes: what follows the business id names a part of the organisation.
_OVT: Final = re.compile(r"0037([0-9]{8})[0-9A-Za-z]{0,5}")
_BUSINESS_ID: Final = re.compile(r"(?:0037|FI)?([0-9]{7}-?[0-9])")
#: Without a scheme only what cannot be another country's number: with the hyphen or a Finnish prefix.
_PLAIN: Final = re.compile(r"(?:0037(?=[0-9]{8}$)|FI(?=[0-9]{8}$)|(?=[0-9]{7}-))([0-9]{7}-?[0-9])")
#: Schemes (ISO 6523) that hold a business id: OVT codes, the id itself, the VAT number made of it.
_SCHEMES: Final = {"0216": _OVT, "0037": _OVT, "0212": _BUSINESS_ID, "0213": _BUSINESS_ID, None: _PLAIN}


def business_id(written: str, scheme: str | None = None) -> str | None:
    """`1234567-1` for what is written under an ISO 6523 scheme, if its check digit is right; None for anything else."""
    form = _SCHEMES.get(scheme)
    match = form.fullmatch(written) if form else None
    if match and ytunnus.is_valid(match[1]):
        return str(ytunnus.format(match[1]))
    return None
