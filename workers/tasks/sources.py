"""Tasks of sources of either kind: files that were applied are put away at the source, and a person's look at one."""

from workers.fetching import put_away
from workers.looking import look
from workers.task import Lease, work_task


@work_task("put_away_files")
def put_away_files(lease: Lease) -> None:
    """Move files that were applied."""
    put_away(lease)


@work_task("look_at_source")
def look_at_source(lease: Lease) -> None:
    """Look at what a page asked for. A command looks in its own process; if that died, nothing is left to do."""
    if lease.arguments.get("look"):
        look(lease)
        return
    with lease.closing() as closing:
        closing.report("nothing_to_do")
