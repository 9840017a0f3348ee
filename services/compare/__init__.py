"""What the same money buys elsewhere: every priced alternative beside the service it would replace, before anything is applied for.

With a case the decision says what is replaced, and the plan how much of which service is wanted; without one, worker and family
ask "twelve visits of family work, three months". `reading` and `market` fetch, `pricing` computes by the rules of budgets, `judging`
sets the offers beside the ceiling. The cheapest within the limit is marked as cheapest, never as best: that is for the family to say.
"""

from services.compare.asking import Comparison, compare_case, compare_choice, compare_service
from services.compare.judging import Offer

__all__ = ["Comparison", "Offer", "compare_case", "compare_choice", "compare_service"]
