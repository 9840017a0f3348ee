"""A county whose providers send their lists by e-mail."""

from tests.support.price_mail import county

__all__ = ["county"]
