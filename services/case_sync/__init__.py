"""Case synchronisation: what a source's files say becomes what Avain knows, all of it or nothing.

`staging` copies records in as they are parsed, `merge` compares them with what is known (`comparing`) and applies the difference set by
set (`applying`), `retrying` reads rejected records once more, `unknown` rejects records that name something Avain does not have. The
caller's transaction holds it all: a file that turns out to be cut short at its last byte leaves no trace.
"""

from services.case_sync.approving import approve_run, discard_run
from services.case_sync.merge import SyncResult, merge
from services.case_sync.retrying import retry_source
from services.case_sync.running import plan_source, run_source

__all__ = [
    "SyncResult",
    "approve_run",
    "discard_run",
    "merge",
    "plan_source",
    "retry_source",
    "run_source",
]
