"""What is kept sealed (core/identity.py): where it stands, by which keys, and sealing it anew when the keys change.

`places` names every column, `standing` counts, `resealing` seals anew batch by batch, `indexing` changes the key by which people are found
again. How a county changes its keys: docs/keys.md; why so: docs/adr/0021-keys-change-while-everything-goes-on.md.
"""

from services.sealing.indexing import hold, indexing_in_force
from services.sealing.places import PLACES, Kept, Place, kept
from services.sealing.standing import KeyStanding, standing

__all__ = ["PLACES", "Kept", "KeyStanding", "Place", "hold", "indexing_in_force", "kept", "standing"]
