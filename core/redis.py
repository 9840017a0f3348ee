"""One Redis URL, two readers: Celery (kombu) and redis-py name a unix socket differently, and think differently of certificates."""

from typing import Final
from urllib.parse import SplitResult, parse_qs, urlencode, urlsplit, urlunsplit

#: Kombu takes both spellings of how a certificate is looked at, redis-py the short one alone; Celery's manual has the long one.
_SHORT: Final = {"CERT_REQUIRED": "required", "CERT_OPTIONAL": "optional", "CERT_NONE": "none"}


def redis_client_url(url: str) -> str:
    """The URL for redis-py's `from_url`: `redis+socket:///path?virtual_host=1` becomes `unix:///path?db=1`, with the user and password
    it names; others mean the same.
    """
    parts = urlsplit(url)
    if parts.scheme == "redis+socket":
        database = parse_qs(parts.query).get("virtual_host", ["0"])[0]
        login = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
        return f"unix://{login}{parts.path}?db={database}"
    return urlunsplit(_spelt_out(parts)) if parts.scheme == "rediss" else url


def broker_url(url: str) -> str:
    """The URL for Celery. Of a `rediss://` server redis-py asks for a certificate by itself; kombu would take whatever answers."""
    parts = urlsplit(url)
    return urlunsplit(_spelt_out(parts)) if parts.scheme == "rediss" else url


def trusts_anybody(url: str) -> bool:
    """Whether `url` asks for TLS and has it not verified who answers."""
    parts = urlsplit(url)
    wanted = parse_qs(_spelt_out(parts).query)
    return parts.scheme == "rediss" and (
        wanted["ssl_cert_reqs"] != ["required"]
        or wanted.get("ssl_check_hostname", ["true"])[0].lower() in ("false", "no", "0")
    )


def _spelt_out(parts: SplitResult) -> SplitResult:
    wanted = {name: values[0] for name, values in parse_qs(parts.query).items()}
    asked = wanted.get("ssl_cert_reqs", "required")
    return parts._replace(query=urlencode(wanted | {"ssl_cert_reqs": _SHORT.get(asked, asked)}, safe="/"))
