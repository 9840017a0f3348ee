"""What families answered about each provider's service, counted for comparisons.

Counted anew as a whole each night rather than kept up answer by answer: what is wrong today is right tomorrow, whatever was purged, imported
or corrected meanwhile.
"""

from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

#: Which `choice` a settled `follow_up` was about: the provider that was chosen then, whoever was chosen since.
CHOSEN_THEN: Final = """
    choice.plan_item_id = follow_up.plan_item_id AND choice.chosen_at <= follow_up.settled_at
    AND (choice.ended_at IS NULL OR follow_up.settled_at < choice.ended_at)
"""

#: Rows out: every answer there is, with its case, service, provider and moment: those that workers wrote down, and what families rated on
#: their own page, of each voice the latest about a provider. What the final evaluation says of the same voice and provider is the same
#: answer: the page offers it there, and it is not counted twice.
ANSWERED: Final = f"""
    SELECT follow_up.case_id, follow_up.plan_item_id, plan_item.service_id, choice.provider_id, follow_up.rating, follow_up.settled_at AS given_at
    FROM follow_up
    JOIN plan_item ON plan_item.id = follow_up.plan_item_id
    JOIN choice ON {CHOSEN_THEN}
    WHERE follow_up.rating IS NOT NULL
    UNION ALL
    SELECT own.case_id, own.plan_item_id, plan_item.service_id, own.provider_id, own.rating, own.rated_at
    FROM (
        SELECT DISTINCT ON (plan_item_id, provider_id, voice) * FROM family_rating
        WHERE provider_id IS NOT NULL ORDER BY plan_item_id, provider_id, voice, id DESC
    ) AS own
    JOIN plan_item ON plan_item.id = own.plan_item_id
    WHERE NOT EXISTS (
        SELECT FROM follow_up JOIN choice ON {CHOSEN_THEN}
        WHERE follow_up.plan_item_id = own.plan_item_id AND follow_up.kind = 'final' AND follow_up.rating IS NOT NULL
          AND follow_up.rated_by = own.voice AND choice.provider_id = own.provider_id)
"""  # noqa: S608 - our own words

#: Rows out: the pairs of service and provider whose answers are others than were counted before.
_COUNT = text(
    f"""
    WITH counted AS (
        SELECT service_id, provider_id, count(*) AS answers, sum(rating) AS total, count(DISTINCT case_id) AS families FROM ({ANSWERED}) AS answered
        GROUP BY service_id, provider_id
    ), gone AS (
        DELETE FROM provider_rating WHERE (service_id, provider_id) NOT IN (SELECT service_id, provider_id FROM counted)
        RETURNING service_id
    ), kept AS (
        INSERT INTO provider_rating AS known (service_id, provider_id, answers, total, families)
        SELECT service_id, provider_id, answers, total, families FROM counted
        ON CONFLICT (service_id, provider_id) DO UPDATE SET answers = excluded.answers, total = excluded.total, families = excluded.families
        WHERE (known.answers, known.total, known.families) <> (excluded.answers, excluded.total, excluded.families)
        RETURNING service_id
    )
    SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM kept)
    """  # noqa: S608 - our own words
)


def count_ratings(session: Session) -> int:
    """Count all answers. Returns how many providers' services have another count now."""
    return int(session.execute(_COUNT).scalar_one())
