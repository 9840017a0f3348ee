"""Providers' e-mails with price lists: whose they are, what was taken of them, and what people say of those nobody can tell.

`whose` decides, `taking` records and hands lists over for import, `deciding` hears people.
"""

from services.price_mail.deciding import assign, discard, find, listed, state_in_words
from services.price_mail.taking import Opened, Sorted, take

__all__ = ["Opened", "Sorted", "assign", "discard", "find", "listed", "state_in_words", "take"]
