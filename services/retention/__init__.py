"""How long what is kept is kept, and how it goes: by class and age, in batches, never what a hold, an order or a voucher still needs.

`rules` says from when on, `finding` what is over its time and why some of it stays, `removing` takes it away batch by batch, `report` tells
people beforehand, `holds` is a person's word that a case stays, `removed` keeps what went from coming back with the next night's files.
"""

from services.retention.removing import Removed, Sweep
from services.retention.report import Report, report

__all__ = ["Removed", "Report", "Sweep", "report"]
