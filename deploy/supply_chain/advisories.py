"""Known vulnerabilities where there is no internet: a copy of OSV's database, asked by pip-audit as it asks OSV itself.

OSV publishes all that it knows of Python packages as one file, `all.zip` of the ecosystem PyPI: a JSON document for each advisory. Whoever
has no way out carries that file in. Served on this machine alone, for as long as one audit takes.
"""

import json
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

_ECOSYSTEM: Final = "PyPI"


class Advisories:
    """The advisories about some packages. `newest`: the day the latest of all in the file was changed, so how old the copy is at most."""

    def __init__(self, file: Path, packages: Iterable[str]) -> None:
        """Read `file`. Raises ValueError where it is no such database."""
        wanted = set(packages)
        self._about: dict[str, list[dict[str, Any]]] = defaultdict(list)
        changed = ""
        try:
            with zipfile.ZipFile(file) as archive:
                for name in archive.namelist():
                    advisory = json.loads(archive.read(name))
                    changed = max(changed, advisory["modified"])
                    for package in _packages(advisory) & wanted:
                        self._about[package].append(advisory)
            self.newest = date.fromisoformat(changed[:10])
        except (OSError, zipfile.BadZipFile, ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{file} is no copy of OSV's database (all.zip of the ecosystem {_ECOSYSTEM})") from error

    def about(self, package: str, version: str) -> list[dict[str, Any]]:
        """What is known to be wrong with one version of a package."""
        name = canonicalize_name(package)
        return [one for one in self._about.get(name, ()) if _affects(one, name, version)]


def _packages(advisory: dict[str, Any]) -> set[str]:
    """Which packages it is about; from here on their names are written as pip-audit writes them, which compares them to the letter."""
    for one in _affected(advisory):
        one["package"]["name"] = canonicalize_name(one["package"]["name"])
    return {one["package"]["name"] for one in _affected(advisory)}


def _affected(advisory: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in advisory.get("affected", ()) if one.get("package", {}).get("ecosystem") == _ECOSYSTEM]


def _affects(advisory: dict[str, Any], name: str, version: str) -> bool:
    return any(
        version in one.get("versions", ())
        or any(_within(each["events"], version) for each in one.get("ranges", ()) if each["type"] == "ECOSYSTEM")
        for one in _affected(advisory)
        if one["package"]["name"] == name
    )


def _within(events: list[dict[str, str]], version: str) -> bool:
    """OSV's rule: the last event that is not after the version decides; `last_affected` ends behind its version."""
    asked, inside = Version(version), False
    for kind, at in sorted((next(iter(one.items())) for one in events), key=lambda one: _order(one[1])):
        if kind == "introduced" and _order(at) <= asked:
            inside = True
        elif (kind == "fixed" and _order(at) <= asked) or (kind == "last_affected" and _order(at) < asked):
            inside = False
    return inside


def _order(version: str) -> Version:
    try:
        return Version(version)
    except InvalidVersion:
        return Version("0")  # "introduced" of something older than the rules for versions: affected from the start


@contextmanager
def served(advisories: Advisories) -> Iterator[str]:
    """The address where the advisories are asked for as at OSV, on this machine, inside the block."""

    class _Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            known = advisories.about(asked["package"]["name"], asked["version"])
            body = json.dumps({"vulns": known} if known else {}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
            """What is asked is in the report."""

    with ThreadingHTTPServer(("127.0.0.1", 0), _Answering) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/v1/query"
        finally:
            server.shutdown()
            thread.join()
