"""Pages that list what gathers over time take as many statements for many rows as for few."""

import pytest
from sqlmodel import SQLModel

from models.price import ColumnName
from models.price_mail import PriceMail
from models.work import RejectedRecord
from tests.factories.base import added, unique
from tests.factories.price import make_run
from tests.factories.provider import make_provider
from tests.support.queries import recording


def rejected(session, number: int) -> SQLModel:
    reason = {"msgid": "The service {code} is not known to Avain.", "params": {"code": f"OUTO-{number}"}}
    record = RejectedRecord(
        run_id=make_run(session, "sync_cases").id, source="vienti", file_name=f"{number}.xml", file_sha256="0" * 64,
        position=str(number), external_id=unique("C"), reason=reason,
    )  # fmt: skip
    return added(session, record)


def mail(session, number: int) -> SQLModel:
    return added(session, PriceMail(source="posti", sha256=unique("sha"), file_name=f"{number}.eml", state="waiting"))


def column(session, number: int) -> SQLModel:
    return added(session, ColumnName(provider_id=make_provider(session).id, title=f"taksa {number}", meaning="price"))


@pytest.mark.parametrize(
    ("role", "path", "make"),
    [
        ("operator", "/rejected", rejected),
        ("operator", "/rejected/{id}", rejected),
        ("price_manager", "/prices/mail", mail),
        ("price_manager", "/prices/columns", column),
    ],
    ids=["rejected", "one of the rejected", "mails", "column titles"],
)
def test_statements_do_not_grow_with_the_rows(session, sign_in, role, path, make):
    browser = sign_in(role)
    address = path.format(id=make(session, 0).id)
    browser.get(address)
    with recording(session) as few:
        assert browser.get(address).status == 200
    for number in range(1, 12):
        make(session, number)
    with recording(session) as many:
        assert browser.get(address).status == 200
    assert len(many) == len(few)
