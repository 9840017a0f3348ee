"""Whether what is kept agrees with itself: looked at every night, and whenever somebody asks (`avain doctor --deep`). Looking changes nothing.

`examining` asks every check of `checks` in one snapshot of the database and puts together what is broken (`findings`); `keeping` keeps it and tells
the operator what is new. The checks: `budgets` (calculated once more by `figures`, which shares neither SQL nor functions with services/budgets),
`orders`, `works`, `numbering`, `shape` (what the database must refuse), `trail` (the audit chain). docs/consistency.md.
"""

from services.consistency.examining import examine
from services.consistency.findings import Broken, Looked, Result, Thing
from services.consistency.keeping import Kept, keep, latest

__all__ = ["Broken", "Kept", "Looked", "Result", "Thing", "examine", "keep", "latest"]
