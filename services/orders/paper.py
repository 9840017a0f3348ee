"""A purchase order on paper, for people: what the provider is asked for, in its own language, as an accessible PDF.

The electronic order (documents/order.py) says the same to machines. Equal values give equal bytes, so that an order that is sent once more is
the very same file.
"""

from datetime import datetime, time

from core.i18n import HELSINKI, _, speaking
from core.i18n import language as reading
from documents import pdf
from services.orders.paper_values import Paper
from services.orders.paper_words import in_words


def write_pdf(paper: Paper, language: str) -> bytes:
    """The paper as PDF/UA in `language` (fi, sv, en; another is Finnish). Equal values give equal bytes.

    Asks no database, so it may be done with no transaction open. Raises Permanent if it cannot be set.
    """
    with speaking(language):
        # the day and not the moment, and nothing but the number as title: a file's properties are read by many
        created = datetime.combine(paper.issue_date, time(12), HELSINKI)
        title = paper.number or _("Purchase order, not approved yet")
        return pdf.render("order", in_words(paper), language=reading(), title=title, created=created)
