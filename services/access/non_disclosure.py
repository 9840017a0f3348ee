"""Who must not be found (turvakielto): the one rule that every statement asks by, in two forms.

Two sources may each have a record of the same person, and one of them may lag behind: then the safer word counts for all their cases. That it
is the same person is told by the blind index of the henkilötunnus; where an installation seals no identity, each source speaks for its own.
"""

from typing import Final

#: A condition on `client`: under non-disclosure, by this record or by another of the same person. For statements about few clients.
HIDDEN: Final = """(client.non_disclosure OR EXISTS (
    SELECT FROM client AS same WHERE same.blind_index = client.blind_index AND same.non_disclosure))"""

#: The same as ids of clients, a handful, found through indexes. For statements about many: it is read once.
HIDDEN_IDS: Final = """
    SELECT hidden.id FROM client AS hidden WHERE hidden.non_disclosure
    UNION ALL
    SELECT same.id FROM client AS hidden JOIN client AS same ON same.blind_index = hidden.blind_index WHERE hidden.non_disclosure
"""
