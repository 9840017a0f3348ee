"""What people maintain in files: services with their alternatives, providers with contracts, workers with their units.

Each file is TOML, read whole and checked whole before anything is written; importing the same file again changes nothing. Rows a
file does not mention stay as they are: a file adds and corrects, it never deletes.
"""

from services.reference_data.providers import import_providers
from services.reference_data.reading import Imported
from services.reference_data.services import import_services
from services.reference_data.workers import import_workers

__all__ = ["Imported", "import_providers", "import_services", "import_workers"]
