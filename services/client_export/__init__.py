"""A copy of everything Avain holds of one client, for the client who asks (GDPR article 15): JSON, the same as a page to read, and the orders.

`sections` says what is read and what it is called, `reading` reads it, `leaving_out` takes out what is not the asker's to have, `making` writes
the file and records that it was made.
"""

from services.client_export.asking import VOICES, Asked
from services.client_export.making import Export, export

__all__ = ["VOICES", "Asked", "Export", "export"]
