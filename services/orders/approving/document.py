"""The document of an order: from what was approved to checked bytes. Reads nothing, so the same approval gives the same bytes."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import cast

from core.errors import InputError
from core.i18n import speaking
from core.money import round_half_up
from core.settings import Organisation
from core.units import what_is_priced
from documents import order as ubl
from documents.peppol_rules import personal
from documents.ubl_order import write_checked
from services.orders.weighing.items import Item, Seller
from services.orders.weighing.lines import Part, Share

#: No 0 O, 1 I L, U V next to each other: a reference people read out over the telephone.
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_REFERENCE_LENGTH = 16
#: Of a reference in a document (documents/order_checks.py).
_LONGEST_ID = 64
#: Peppol's scheme of Finnish organisations: 0037 and the digits of the business id.
_FINNISH_SCHEME = "0216"


@dataclass(frozen=True)
class Stored:
    """Bytes that never change again, and their sha256 in hexadecimal."""

    content: bytes
    sha256: str


def new_client_reference() -> str:
    """An opaque reference, random per order (about 78 bits): it tells the provider nothing and joins no two orders."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_REFERENCE_LENGTH))


def write(
    number: str,
    client_reference: str,
    parts: Sequence[Part],
    *,
    issue_date: date,
    organisation: Organisation,
) -> Stored:
    """The order as UBL, having passed the schema and our rules. All parts share decision, provider and contract.

    Raises InputError naming the field or the rule that speaks against it.
    """
    item, seller = parts[0].item, parts[0].item.seller
    if seller is None or item.decision_number is None:
        raise InputError("No provider has been chosen yet.")
    first = min(part.first_day for part in parts)
    last = max(part.day_after for part in parts) - timedelta(days=1)
    ordered = [(part.item, share) for part in parts for share in part.shares]
    content = write_checked(
        ubl.Order(
            number=number,
            issue_date=issue_date,
            buyer=_buyer(organisation, item),
            seller=_seller(seller),
            lines=tuple(_line(position, one, share) for position, (one, share) in enumerate(ordered, start=1)),
            client_reference=client_reference,
            decision_number=item.decision_number,
            decision_date=item.decided_on,
            profile=seller.profile,
            period=ubl.Period(first, last),
            valid_until=last if last >= issue_date else None,
            contract=parts[0].contract_number,
            catalogue=_catalogue([share for _, share in ordered]),
            accounting_cost=_posting(parts),
        )
    )
    return Stored(content, hashlib.sha256(content).hexdigest())


def _posting(parts: Sequence[Part]) -> str | None:
    """The posting reference of the whole order, where all its services are posted alike; each line has its own anyway."""
    (one, *others) = {part.item.accounting_cost for part in parts}
    return None if others else one


def _catalogue(shares: Sequence[Share]) -> str | None:
    """The catalogue all prices stand in, if there is one whose id can be cited: it is the provider's text, and no reason not to order."""
    ids = {share.catalogue for share in shares}
    name = ids.pop() if len(ids) == 1 else None
    citable = name is not None and len(name) <= _LONGEST_ID and name.isprintable() and not personal.tells_who(name)
    return name if citable else None


def _buyer(organisation: Organisation, item: Item) -> ubl.Party:
    return ubl.Party(
        name=organisation.name,
        endpoint=organisation.endpoint_id,
        endpoint_scheme=organisation.endpoint_scheme,
        business_id=organisation.business_id,
        country=organisation.country,
        unit=item.unit_name,
        mail=item.unit_email,
    )


def _seller(seller: Seller) -> ubl.Party:
    """A provider without an electronic address of its own is named by its business id: order channels other than Peppol need none."""
    return ubl.Party(
        name=seller.name,
        endpoint=seller.endpoint_id or "0037" + seller.business_id.replace("-", ""),
        endpoint_scheme=(seller.endpoint_scheme if seller.endpoint_id else None) or _FINNISH_SCHEME,
        business_id=seller.business_id,
        country=seller.country,
    )


def _named(item: Item, extra: str) -> str:
    """The line's name in the provider's language."""
    with speaking(item.seller.language if item.seller else "fi"):
        return what_is_priced(item.service_name, extra)


def _line(position: int, item: Item, share: Share) -> ubl.OrderLine:
    price, base = share.amount, share.base_quantity
    if share.vat_inclusive:  # an order states prices without VAT
        without = price / base / (1 + share.vat_rate)
        price, base = ubl.price_for(share.net, share.quantity, round_half_up(without, Decimal("0.0001")))
    if share.period.lower is None or share.period.upper is None:
        raise ValueError(item.reference)
    return ubl.OrderLine(
        id=str(position),
        quantity=share.quantity,
        unit_code=share.unit,
        net_price=price,
        net_amount=share.net,
        base_quantity=base,
        vat_category=cast("ubl.VatCategory", share.vat_category),
        vat_percent=share.vat_rate * 100,
        vat_amount=share.vat,
        item_name=_named(item, share.extra),
        item_id=item.provider_code or item.service_code,
        accounting_cost=item.accounting_cost,
        period=ubl.Period(share.period.lower, share.period.upper - timedelta(days=1)),
        cpv_code=item.cpv,
    )
