"""Who must not be found (turvakielto): the one rule that every statement asks by.

Two sources may each have a record of the same person, and one of them may lag behind: then the safer word counts for all their cases. That it
is the same person is told by the blind index of the henkilötunnus; where an installation seals no identity, each source speaks for its own.
"""

from typing import Final

#: A condition on `client`: under non-disclosure, by this record or by another of the same person.
HIDDEN: Final = """(client.non_disclosure OR EXISTS (
    SELECT FROM client AS same WHERE same.blind_index = client.blind_index AND same.non_disclosure))"""

#: The same as a condition on `client_case`, to stand behind one that leaves few rows. Not a join: of 200,000 clients the database would put all
#: beside each other, where the few a helper has are looked up in a tenth of a millisecond.
HIDDEN_CASE: Final = f"(SELECT {HIDDEN} FROM client WHERE client.id = client_case.client_id)"  # noqa: S608 - a constant
