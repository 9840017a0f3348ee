"""What the price manager is told by e-mail, each thing once: lists that wait or were refused, mails nobody can place, prices that are
missing or will end. Nothing personal is in it.

`telling` keeps what is told and writes the letter, `sending` sees it to the mail server, `watching` looks for what is about to happen.
"""

from services.price_alarms.about import about_list, about_refused
from services.price_alarms.telling import Alarm, tell
from services.price_alarms.watching import watch

__all__ = ["Alarm", "about_list", "about_refused", "tell", "watch"]
