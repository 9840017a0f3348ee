"""What waits for somebody today, section by section: each a statement of its own, the most pressing rows first and how many more there are.

What a role may see is decided by services/access: workers' sections hold the cases tied to them (their own, those they stand in for or share),
supervisors' those of their units. Whoever sees few cases is served from these; who sees a great part of the organisation's from what is
newest, so that no page grows with the 200,000.
"""

from services.today.cases import for_supervisor, for_worker
from services.today.invoices import unplaced_invoices
from services.today.orders import late_since
from services.today.prices import for_price_manager
from services.today.rows import Section
from services.today.runs import for_operator

__all__ = [
    "Section",
    "for_operator",
    "for_price_manager",
    "for_supervisor",
    "for_worker",
    "late_since",
    "unplaced_invoices",
]
