"""The task that looks at a price list which a person brought to the console: whose it is; then it is imported as any other list."""

import shutil

from core.faults import fault_point
from services.price_uploads import kept_file, put_down, sort
from services.sources import CONSOLE
from workers.spool import own_folder
from workers.task import Lease, work_task


@work_task("read_price_upload")
def read_price_upload(lease: Lease) -> None:
    """Read it to its end and call for its import; where nobody can tell whose it is, the person is asked."""
    with lease.transaction() as session:
        kept = kept_file(session, lease.arguments["upload"])
    if kept is None:
        with lease.closing() as closing:
            closing.report("nothing_to_do")
        return
    spool = own_folder(lease, CONSOLE)
    one, columns = put_down(kept, spool, [lease.settings.organisation.business_id])
    fault_point("price_upload.read")
    with lease.closing() as closing:
        said = sort(closing.session, kept, one, columns)
        if isinstance(said, str):
            closing.report(reply=kept.file_name)
        else:
            closing.report("nothing_to_do", message=said, reply=kept.file_name)
    if not isinstance(said, str):
        shutil.rmtree(spool, ignore_errors=True)
