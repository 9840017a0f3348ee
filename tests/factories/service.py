"""Rows of models/service.py with sensible defaults."""

from itertools import count

from models.service import Service, ServiceAlternative

_numbers = count(1)


def make_service(session, **over):
    """A service counted in visits."""
    number = next(_numbers)
    service = Service(**{"code": f"SERVICE-{number}", "name_fi": f"Keksitty palvelu {number}", "unit": "C62", **over})
    session.add(service)
    session.flush()
    return service


def make_alternative(session, baseline, alternative):
    """`alternative` may replace `baseline`."""
    row = ServiceAlternative(baseline_id=baseline.id, alternative_id=alternative.id)
    session.add(row)
    session.flush()
    return row
