"""`python -m bench.case_load.load FILE PROFILE`: one run of a case source, as a worker does it; prints seconds and counts as JSON.

The time is that of staging, merging and committing, its parsing children's start included; not that of starting Python.
"""

import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.orm import Session

from connectors.transports.base import SourceFile
from core.database import database_url, make_engine
from core.settings import Settings
from core.source_settings import CaseSource, Sources
from services.case_sync import run_source
from services.lanes import take_lane
from services.work import close

SOURCE = "bench"


def main() -> None:
    """Load."""
    file, profile = Path(sys.argv[1]), Path(sys.argv[2])
    configured = Settings(
        hash_key="h" * 64,
        sources=Sources(cases={SOURCE: CaseSource(path=str(file), profile=profile)}),
    )
    engine = make_engine(database_url(), pool_size=1)
    with Session(engine) as session, session.begin():
        claimed = take_lane(session, "sync_cases", SOURCE, "bench")
    begun = time.perf_counter()
    with Session(engine) as session, session.begin():
        result = run_source(
            session,
            claimed.run_id,
            SOURCE,
            [SourceFile(file, file.name, "0" * 64, file.stat().st_size)],
            configured,
            now=datetime.now(UTC),
        )
        close(session, claimed, result.state, counts=result.counts)
    seconds = time.perf_counter() - begun
    print(json.dumps({"seconds": seconds, "state": result.state, **result.counts}))


if __name__ == "__main__":
    main()
