"""Checks of single values in reference files, used by several of them."""

from typing import Annotated

from pydantic import AfterValidator
from stdnum.fi import ytunnus

from core.i18n import N_


def _business_id(value: str) -> str:
    if not ytunnus.is_valid(value):
        raise ValueError(N_("is not a business id (1234567-1) with a right check digit"))
    return str(ytunnus.format(value))


def is_one_address(value: str) -> bool:
    """Whether it is one plain address; a line break would let a file write mail headers, a comma write to somebody else."""
    local, _, domain = value.rpartition("@")
    return (
        bool(local)
        and "@" not in local
        and "." in domain
        and not domain.startswith(".")
        and not domain.endswith(".")
        and ".." not in domain
        and len(value) <= 254
        and value.isascii()
        and value.isprintable()
        and not set(' ,;:<>()[]"\\') & set(value)
    )


def _email(value: str) -> str:
    if not is_one_address(value):
        raise ValueError(N_("is not one e-mail address"))
    return value


#: A Finnish business id (Y-tunnus), written 1234567-1.
BusinessId = Annotated[str, AfterValidator(_business_id)]
#: One address, nothing around it.
EmailAddress = Annotated[str, AfterValidator(_email)]
