"""An installation's services, providers and workers, as `avain … import` reads them."""

from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session

from services.reference_data import import_providers, import_services, import_workers


def import_all(session: Session, folder: Path, now: datetime) -> None:
    """Read `services.toml`, `providers.toml` and `workers.toml` of a folder."""
    import_services(session, folder / "services.toml", now, "cli:test")
    import_providers(session, folder / "providers.toml", now, "cli:test")
    import_workers(session, folder / "workers.toml", now, "cli:test")
