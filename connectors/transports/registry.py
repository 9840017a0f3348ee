"""From the settings of a transport to the transport."""

from typing import assert_never

from connectors.transports.base import Transport
from connectors.transports.https import HttpsFile
from connectors.transports.local import LocalFiles
from connectors.transports.sftp import SftpFiles
from core import transport_settings as settings


def transport(configured: settings.Transport) -> Transport:
    """The transport as it is set up. Costs nothing: it connects when it is used."""
    match configured:
        case settings.LocalFiles():
            return LocalFiles(configured.path, move_to=configured.move_to)
        case settings.HttpsFile():
            return HttpsFile(configured)
        case settings.SftpFiles():
            return SftpFiles(configured)
        case _:
            assert_never(configured)
