"""Checks of single values in reference files, used by several of them."""

from typing import Annotated

from pydantic import AfterValidator
from stdnum.fi import ytunnus

from core.i18n import N_


def _business_id(value: str) -> str:
    if not ytunnus.is_valid(value):
        raise ValueError(N_("is not a business id (1234567-1) with a right check digit"))
    return str(ytunnus.format(value))


def _email(value: str) -> str:
    """One plain address; a line break would let a file write mail headers."""
    local, _, domain = value.rpartition("@")
    if (
        not local
        or "." not in domain
        or any(character in value for character in ' \t\r\n,;<>()"\\')
        or not value.isascii()
    ):
        raise ValueError(N_("is not one e-mail address"))
    if domain.startswith(".") or domain.endswith(".") or ".." in domain or "@" in local or len(value) > 254:
        raise ValueError(N_("is not one e-mail address"))
    return value


#: A Finnish business id (Y-tunnus), written 1234567-1.
BusinessId = Annotated[str, AfterValidator(_business_id)]
#: One address, nothing around it.
EmailAddress = Annotated[str, AfterValidator(_email)]
