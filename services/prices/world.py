"""What Avain knew when it read a price list, as one short word.

What a list comes to rests on more than its bytes: on our services, the contract, the prices in force, what is planned and the day. A list
that was applied need not be read again only while all of that stands as it stood.
"""

from datetime import date
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.source_settings import PriceListSource

#: Rows in: a source's provider (none for our own unit costs), its encoding, a day. Rows out: one digest of all a plan is made from; of
#: days only on which side of today they lie.
_WORLD: Final = text(
    """
    SELECT md5(concat_ws('|', CAST(:encoding AS text), CAST(:business_id AS text),
        (SELECT string_agg(CAST(service AS text), ';' ORDER BY id) FROM service),
        (SELECT string_agg(CAST(offered AS text), ';' ORDER BY service_id) FROM provider_service AS offered WHERE provider_id = said.id),
        (SELECT string_agg(concat(CAST(contract AS text), valid @> CAST(:today AS date)), ';' ORDER BY contract.id)
         FROM contract WHERE provider_id = said.id),
        (SELECT string_agg(concat(price.id, CAST(valid AS text), valid @> CAST(:today AS date), lower(valid) > :today), ';' ORDER BY price.id)
         FROM price JOIN price_key ON price_key.id = price_key_id
         WHERE provider_id IS NOT DISTINCT FROM said.id AND superseded_at IS NULL),
        (SELECT string_agg(DISTINCT concat(service_id, unit), ';' ORDER BY concat(service_id, unit))
         FROM choice JOIN plan_item ON plan_item.id = plan_item_id AND plan_item.ended_at IS NULL AND upper(plan_item.period) > :today
         WHERE choice.provider_id = said.id AND choice.ended_at IS NULL),
        (SELECT string_agg(DISTINCT concat(baseline_service_id, baseline_unit), ';' ORDER BY concat(baseline_service_id, baseline_unit))
         FROM decision
         WHERE said.id IS NULL AND ended_at IS NULL AND (valid IS NULL OR upper_inf(valid) OR upper(valid) > :today))))
    FROM (SELECT (SELECT id FROM provider WHERE business_id = CAST(:business_id AS text)) AS id) AS said
    """
)


def world(session: Session, configured: PriceListSource, today: date) -> str:
    """The digest of all that a list of this source would be judged by today."""
    values = {"business_id": configured.provider, "encoding": configured.encoding, "today": today}
    return str(session.execute(_WORLD, values).scalar_one())
