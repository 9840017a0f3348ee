"""What the price manager is told by e-mail (services/alarms): lists that wait or were refused, mails nobody can place, prices that are missing or
will end.

`about` puts it into words, `watching` looks for what is about to happen.
"""

from services.price_alarms.about import about_list, about_refused
from services.price_alarms.watching import watch

__all__ = ["about_list", "about_refused", "watch"]
