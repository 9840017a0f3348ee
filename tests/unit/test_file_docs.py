"""The examples in these pages load as settings, with the secrets they say come from the environment."""

import re
from pathlib import Path

import pytest

from core.settings import ROOT, load
from services.sources import all_sources, transport_of

PAGES = [
    ROOT / page
    for page in (
        "docs/sources/files.md",
        "docs/sources/mail.md",
        "docs/budgets.md",
        "docs/statement.md",
        "docs/orders.md",
    )
]
_EXAMPLE = re.compile(r"^```toml\n(.*?)^```$(?:\n\n^```sh\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)


def examples() -> list[tuple[str, str, str]]:
    return [(page.stem, toml, secrets) for page in PAGES for toml, secrets in _EXAMPLE.findall(page.read_text("utf-8"))]


@pytest.mark.parametrize(("page", "toml", "secrets"), examples())
def test_an_example_loads(page: str, toml: str, secrets: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in re.findall(r"^(AVAIN_\w+)=", secrets, re.MULTILINE):
        monkeypatch.setenv(name, "a secret")
    file = tmp_path / "avain.toml"
    file.write_text(toml, "utf-8")
    sources = load(file).sources
    for source in all_sources(sources):
        if sources.cases.get(source.name) is None or sources.cases[source.name].files is not None:
            transport_of(sources, source)


def test_there_are_examples() -> None:
    assert {"files", "mail"} <= {page for page, _, _ in examples()}
    assert sum(page == "files" for page, _, _ in examples()) == 5
