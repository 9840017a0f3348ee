"""One Redis URL, two spellings: Celery (kombu) and redis-py name a unix socket differently."""

from urllib.parse import parse_qs, urlsplit


def redis_client_url(url: str) -> str:
    """The URL for redis-py's `from_url`: `redis+socket:///path?virtual_host=1` becomes `unix:///path?db=1`, with the user and password it names; others stay."""
    parts = urlsplit(url)
    if parts.scheme != "redis+socket":
        return url
    database = parse_qs(parts.query).get("virtual_host", ["0"])[0]
    login = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    return f"unix://{login}{parts.path}?db={database}"
