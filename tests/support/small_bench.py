"""A bench run on a small county: that every measurement still works, not how fast."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from core.settings import ROOT


def small_bench(module: str, folder: Path, *words: str) -> dict[str, Any]:
    """What `python -m bench.<module>` found."""
    file = folder / f"{module}.json"
    done = subprocess.run(
        [sys.executable, "-m", f"bench.{module}", *words, "--json", str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    # 1: a figure is beyond its limit, as it well may be for so few and while other tests run
    assert done.returncode in {0, 1}, done.stderr
    assert file.exists(), done.stderr
    found: dict[str, Any] = json.loads(file.read_text())
    return found
