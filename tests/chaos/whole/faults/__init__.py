"""Everything that is broken on purpose, by name. Whoever injects a fault also heals it, and finds out what came of it."""

from tests.chaos.whole.faults import beats, database, disk, kills, queue, sources
from tests.chaos.whole.faults.base import CATALOGUE, Fault, Kept, Outcome, Rig

__all__ = ["CATALOGUE", "Fault", "Kept", "Outcome", "Rig", "beats", "database", "disk", "kills", "queue", "sources"]
