"""A statement as a PDF: the same figures on the same day give the same bytes, so that a repeated run changes no file."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time

from sqlalchemy.orm import Session

from core.i18n import HELSINKI, speaking
from core.statement_settings import Statements
from documents.pdf import page_count, render
from services.names import service_names
from services.statements.reading import Statement
from services.statements.wording import in_words, title


@dataclass(frozen=True)
class Form:
    """How statements of one day are printed: language, who issues them, how they are reached, what services are called."""

    language: str
    organisation: str
    contact: str
    today: date
    services: Mapping[str, str]


@dataclass(frozen=True)
class Printed:
    """A statement ready to be put somewhere."""

    case: str
    document: bytes
    sha256: str
    pages: int


def form(session: Session, language: str, organisation: str, settings: Statements, *, today: date) -> Form:
    """The form for `language` (fi, sv, en). One query. A contact in another language is better than none: a number is read in all."""
    with speaking(language):
        return Form(language, organisation, settings.contact_in(language), today, service_names(session))


def print_statement(statement: Statement, on: Form) -> Printed:
    """Make the PDF. No database is asked, so it may be done with no transaction open."""
    with speaking(on.language):
        data = in_words(
            statement, organisation=on.organisation, contact=on.contact, today=on.today, services=on.services
        )
        heading = title()
    # the day and not the moment: what is printed again after a failure must be the same file
    created = datetime.combine(on.today, time(12), HELSINKI)
    document = render("statement", data, language=on.language, title=heading, created=created)
    return Printed(statement.case, document, hashlib.sha256(document).hexdigest(), page_count(document))
