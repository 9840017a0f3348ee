"""Units and workers."""

from typing import Any

from sqlalchemy.orm import Session

from models.worker import Unit, Worker
from tests.factories.base import added, unique


def make_unit(session: Session, **over: Any) -> Unit:
    """A unit without a supervisor."""
    return added(session, Unit(**{"code": unique("U"), "name": "Lapsiperheiden palvelut", **over}))


def make_worker(session: Session, **over: Any) -> Worker:
    """A worker with an address."""
    external_id = over.pop("external_id", unique("W"))
    values = {"name": "Aino Esimerkki", "email": f"{external_id}@avain-esimerkki.invalid", **over}
    return added(session, Worker(external_id=external_id, **values))
