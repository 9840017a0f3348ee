"""Where somebody may be led after signing in: to pages of ours, whatever the address bar was made to hold."""

from urllib.parse import unquote, urlsplit

from core.logging import redact

_LONGEST = 2000
#: Leading there again would go round in circles, or sign the person out.
_WAYS = ("/login", "/logout", "/enter")


def safe_path(wanted: str | None) -> str:
    """`wanted` if it is a path on this very console, else the first page.

    Browsers read `//evil`, the same with backslashes, and what has tabs or line ends between as another server; all of that is refused.
    So is a henkilötunnus that somebody looked for: it would be kept with the login until that is done, and in the history of the browser.
    """
    if not wanted or len(wanted) > _LONGEST or not wanted.startswith("/") or wanted.startswith("//"):
        return "/"
    if "\\" in wanted or any(ord(sign) <= 0x20 or ord(sign) == 0x7F for sign in wanted):
        return "/"
    if redact(unquote(wanted)) != unquote(wanted):
        return "/"
    parts = urlsplit(wanted)
    if parts.scheme or parts.netloc or any(parts.path == way or parts.path.startswith(f"{way}/") for way in _WAYS):
        return "/"
    return wanted
