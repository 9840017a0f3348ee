"""Effects on the outside world: orders, e-mails, files moved at sources. They can be paused, and are in a database that was restored.

`state` says whether they may leave, `journal` keeps outside the database what left, `taking_in` and `settling` make a restored database know
what left after its copy was made, `pending` lists what waits, `releasing` lets it go. The condition itself stands in every statement that
begins Work (services/work/gate.py). Why it is so: docs/adr/0017-effects-belong-to-one-database.md.
"""

from services.effects.state import State, disown, must_be_allowed, pause, state

__all__ = ["State", "disown", "must_be_allowed", "pause", "state"]
