"""docs/reliability.md promises nothing that no test proves: every test and file it names exists, and every promise names some."""

import re

import pytest

from core.settings import ROOT

TEXT = (ROOT / "docs" / "reliability.md").read_text("utf-8")
#: Title and text of each promise.
PROMISES = re.findall(
    r"^### (.+?)$(.*?)(?=^###? |\Z)", TEXT.partition("## What Avain promises")[2], re.MULTILINE | re.DOTALL
)
PROOF = re.compile(r"`(tests/[\w/]+\.py)::(?:Test\w+::)?(test_\w+)`")


def names_of(path: str) -> set[str]:
    return set(re.findall(r"^ *def (test_\w+)", (ROOT / path).read_text("utf-8"), re.MULTILINE))


@pytest.mark.parametrize(("promise", "text"), PROMISES, ids=[promise for promise, _ in PROMISES])
def test_a_promise_names_what_proves_it(promise: str, text: str) -> None:
    proofs = PROOF.findall(text)
    assert proofs, promise
    for path, name in proofs:
        assert name in names_of(path), f"{path} has no {name}"


def test_what_is_named_exists() -> None:
    everything = {
        name for path in (ROOT / "tests").rglob("test_*.py") for name in names_of(str(path.relative_to(ROOT)))
    }
    assert set(re.findall(r"`(test_\w+)`", TEXT)) <= everything
    paths = re.findall(r"[(`]((?:tests|bench|workers|docs|adr)/[\w./-]+\.\w+)", TEXT)
    assert [path for path in paths if not (ROOT / path).exists() and not (ROOT / "docs" / path).exists()] == []
