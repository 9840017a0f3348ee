"""What the people who look after the installation are told by e-mail, each thing once: the price manager of price lists, the operator of
reminders that do not go out. Nothing personal is in it.

`telling` keeps what is told and writes the letter, `sending` sees it to the mail server.
"""

from services.alarms.telling import Alarm, tell

__all__ = ["Alarm", "tell"]
