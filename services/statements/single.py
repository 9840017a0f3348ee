"""The statement of one case, made for somebody who asked for it: as fresh as what is known, in the language the family reads."""

from datetime import datetime

from sqlalchemy.orm import Session

from core.clock import local_date
from core.errors import NotFound
from core.settings import Settings
from services.names import check_case
from services.statements.freshness import make_fresh
from services.statements.printing import Printed, form, print_statement
from services.statements.reading import Statement, statements


def make_statement(
    session: Session, case: str, language: str, *, now: datetime, settings: Settings
) -> tuple[Statement, Printed]:
    """What is told and the PDF. Whoever hands it out records it first. Raises NotFound for a case that does not exist or has no budget."""
    check_case(session, case)
    make_fresh(session, numbers=[case], now=now, settings=settings.budgets)
    (found,) = statements(session, numbers=[case])
    if not found.sections:
        raise NotFound("Case {case} has no budget yet. Budgets are made from its decisions.", case=case)
    on = form(session, language, settings.organisation.name, settings.statements, today=local_date(now))
    return found, print_statement(found, on)
