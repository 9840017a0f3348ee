"""Which Work may be done at all: none whose effects are seen outside while these are paused (services/effects).

It is a condition inside the very statements that enqueue and claim, so that no process can be of another opinion than the database.
"""

from typing import Final

from services.work.kinds import EFFECTS, NUMBERING


def _names(kinds: tuple[str, ...]) -> str:
    return ", ".join(f"'{name}'" for name in kinds)


#: A condition: providers have orders that this restored database knows nothing of, and nobody has looked into them. Whatever made those would make
#: them again.
ASKED_ABOUT: Final = """
    EXISTS (SELECT FROM sent_elsewhere AS left_behind WHERE left_behind.kind = 'deliver_order' AND left_behind.noted_by IS NULL
            AND NOT EXISTS (SELECT FROM purchase_order WHERE purchase_order.number = left_behind.key))
"""
#: Kinds that make orders by themselves.
ORDERING: Final = ("generate_orders",)
#: A condition on a row of `work`: it may be begun. The state is asked once a statement, and only where a row's kind depends on it.
MAY_BEGIN: Final = f"""
    (CASE WHEN kind IN ({_names(EFFECTS)})
          THEN (SELECT effects_state()) = 'go'
               OR ((SELECT effects_state()) = 'paused' AND id IN (SELECT work_id FROM let_go))
          WHEN kind IN ({_names(NUMBERING)})
          THEN (SELECT effects_state()) <> 'restored' AND (kind NOT IN ({_names(ORDERING)}) OR NOT (SELECT {ASKED_ABOUT}))
          ELSE true END)
"""  # noqa: S608 - our own words
