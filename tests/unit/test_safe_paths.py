"""Where somebody may be led after signing in."""

import pytest

from console.web.paths import safe_path


@pytest.mark.parametrize(
    "path", ["/", "/cases/HB-2026-000001", "/cases?page=2&q=a%20b", "/a#b", "/logins", "/%2F%2Fevil.test"]
)
def test_own_paths_are_kept(path):
    assert safe_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        None, "", "evil.test", "//evil.test", "///evil.test", "/\\evil.test", "\\\\evil.test", "/a\\b", "https://evil.test",
        "https:evil.test", "javascript:alert(1)", "/\tevil", "/\n/evil.test", "\t//evil.test", " //evil.test", "/\r\nset-cookie: a=b",
        "/\x00", "/\x7f", "/a b", "/login", "/login?to=/", "/login/callback", "/logout", "/enter/x", "/" + "a" * 2000,
    ],
)  # fmt: skip
def test_all_else_leads_to_the_first_page(path):
    assert safe_path(path) == "/"
