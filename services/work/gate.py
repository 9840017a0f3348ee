"""Which Work may be done at all: none whose effects are seen outside while these are paused (services/effects).

It is a condition inside the very statements that enqueue and claim, so that no process can be of another opinion than the database.
"""

from typing import Final

from services.work.kinds import EFFECTS, NUMBERING


def _names(kinds: tuple[str, ...]) -> str:
    return ", ".join(f"'{name}'" for name in kinds)


#: A condition on a row of `work`: it may be begun. The state is asked once a statement, and only where a row's kind depends on it.
MAY_BEGIN: Final = f"""
    (CASE WHEN kind IN ({_names(EFFECTS)})
          THEN (SELECT effects_state()) = 'go'
               OR ((SELECT effects_state()) = 'paused' AND id IN (SELECT work_id FROM let_go))
          WHEN kind IN ({_names(NUMBERING)}) THEN (SELECT effects_state()) <> 'restored'
          ELSE true END)
"""  # noqa: S608 - our own words
