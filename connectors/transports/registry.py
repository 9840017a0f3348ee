"""From the settings of a transport to the transport."""

from connectors.transports.base import Transport
from connectors.transports.local import LocalFiles
from core import source_settings as settings
from core.errors import ConfigurationError


def transport(configured: settings.Transport) -> Transport:
    """The transport as it is set up. Costs nothing: it connects when it is used."""
    if isinstance(configured, settings.LocalFiles):
        return LocalFiles(configured.path)
    raise ConfigurationError("The transport {kind} is not known.", kind=configured.kind)
