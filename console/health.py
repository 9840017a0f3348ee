"""For those who watch: does the process live, is all there that pages need, and figures for Prometheus. Nothing here tells of anybody.

No login is asked: /healthz and /readyz say nothing worth hiding; /metrics answers this machine and `console.metrics_from` alone.
"""

from contextlib import suppress
from typing import Final

from fastapi import APIRouter, HTTPException, Request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import JSONResponse, Response

from console.visit import address_of, passed_on
from console.web.state import Console
from core.console_settings import is_loopback, is_within
from core.redis import redis_client_url
from core.schema import wanted_revision
from services.heartbeats import signs
from services.measures import Measures, measure
from services.work import QUEUES

router = APIRouter(include_in_schema=False)

_TIMEOUT_SECONDS: Final = 2.0


@router.get("/healthz")
async def healthz() -> Response:
    """The process lives; nothing else is looked at, so that a database that is down restarts no console."""
    return JSONResponse({"status": "ok"})


@router.get("/readyz")
def readyz(request: Request) -> Response:
    """Whether pages can be served: 503 and what is missing, if they cannot."""
    console: Console = request.app.state.console
    missing = [*_missing_in_database(console), *_missing_redis(console)]
    return JSONResponse(
        {"status": "not ready" if missing else "ready", "missing": missing}, status_code=503 if missing else 200
    )


def _missing_in_database(console: Console) -> list[str]:
    try:
        with console.transaction() as session:
            revision = session.execute(text("SELECT version_num FROM alembic_version")).scalar()
            beats = [sign for sign in signs(session) if sign.kind == "beat" and sign.alive]
    except SQLAlchemyError as error:
        no_tables = getattr(getattr(error, "orig", None), "sqlstate", None) == "42P01"
        return ["migrations"] if no_tables else ["database"]
    return [*([] if revision == wanted_revision() else ["migrations"]), *([] if beats else ["beat"])]


def _missing_redis(console: Console) -> list[str]:
    try:
        url = redis_client_url(console.redis_url())
        with Redis.from_url(url, socket_timeout=_TIMEOUT_SECONDS, socket_connect_timeout=_TIMEOUT_SECONDS) as client:
            client.ping()
    except (RedisError, OSError):
        return ["redis"]
    return []


@router.get("/metrics")
def metrics(request: Request) -> Response:
    """Prometheus' text format: the console's own figures, and how the installation stands."""
    console: Console = request.app.state.console
    address = address_of(request)
    at_home = is_loopback(address) and not passed_on(request)
    if not at_home and not is_within(address, console.settings.console.metrics_from):
        raise HTTPException(404)
    content = generate_latest(request.app.state.figures.registry)
    with suppress(SQLAlchemyError), console.transaction() as session:
        found = measure(session, idle_minutes=console.settings.console.idle_minutes)
        content += generate_latest(_as_figures(found))
    return Response(content, media_type=CONTENT_TYPE_LATEST)


def _as_figures(found: Measures) -> CollectorRegistry:
    registry = CollectorRegistry()
    Gauge("avain_console_sessions", "Sessions that live.", registry=registry).set(found.sessions)
    due = Gauge("avain_work_due", "Work that is due.", ["queue"], registry=registry)
    dead = Gauge("avain_work_dead", "Work that was given up, not acknowledged.", ["queue"], registry=registry)
    oldest = Gauge("avain_work_oldest_due_seconds", "For how long work has been due.", ["queue"], registry=registry)
    for queue in QUEUES:
        in_queue = found.queues.get(queue, (0, 0, 0.0))
        for gauge, value in zip((due, dead, oldest), in_queue, strict=True):
            gauge.labels(queue).set(value)
    age = Gauge("avain_source_age_seconds", "Since a source was last read well.", ["source"], registry=registry)
    for source, seconds in found.sources.items():
        age.labels(source).set(seconds)
    return registry
