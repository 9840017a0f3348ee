"""The queue and those who serve it: Redis, workers, beat, and how far behind the work is."""

from typing import Any, Final

from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import text

from core.errors import Message
from core.redis import redis_client_url
from services.health.findings import Finding, Ground
from services.heartbeats import signs
from services.work import QUEUES, history
from services.work.gate import MAY_BEGIN

_TIMEOUT_SECONDS: Final = 3
#: Work that is due for longer than this waits for something.
_LATE_SECONDS: Final = 300
#: Rows out: one: for how many seconds the oldest due Work that nobody has begun has waited; what may not be begun now, does not wait for us.
_LATE: Final = text(
    f"""
    SELECT coalesce(extract(epoch FROM clock_timestamp() - min(next_at)), 0)::int FROM work
    WHERE done_at IS NULL AND dead_at IS NULL AND token IS NULL AND next_at <= clock_timestamp()
      AND {MAY_BEGIN}
    """  # noqa: S608 - a constant
)


def redis(ground: Ground) -> list[Finding]:
    """Whether it answers, and what it does when it is full."""
    url = redis_client_url(ground.redis_url())
    with Redis.from_url(url, socket_timeout=_TIMEOUT_SECONDS, socket_connect_timeout=_TIMEOUT_SECONDS) as client:
        try:
            info: Any = client.info("server")
            policy: Any = client.info("memory").get("maxmemory_policy")
            waiting = sum(int(client.llen(queue)) for queue in QUEUES)
        except RedisError:
            advice = Message("Start Redis or Valkey, or correct AVAIN_REDIS_URL. Nothing is lost meanwhile.")
            return [Finding(Message("Redis"), "broken", Message("does not answer"), advice)]
    name = f"Valkey {info['valkey_version']}" if "valkey_version" in info else f"Redis {info['redis_version']}"
    answers = Finding(Message("Redis"), "ok", Message("{name}, {count} messages waiting", name=name, count=waiting))
    if policy == "noeviction":
        return [answers, Finding(Message("Redis when full"), "ok", Message("refuses new messages"))]
    forgets = Message("forgets old messages ({policy})", policy=policy)
    advice = Message("Set maxmemory-policy to noeviction: a full server must refuse, not forget.")
    return [answers, Finding(Message("Redis when full"), "broken", forgets, advice)]


def workers(ground: Ground) -> list[Finding]:
    """Each that lives, and the queues that none of them serves."""
    with ground.looking() as session:
        alive = [sign for sign in signs(session) if sign.kind == "worker" and sign.alive]
    served = {queue for sign in alive for queue in sign.detail.split(",")}
    findings = [Finding(Message("Worker process"), "ok", f"{sign.name}: {sign.detail}") for sign in alive]
    missing = [queue for queue in QUEUES if queue not in served]
    if missing:
        found = Message("nobody serves: {queues}", queues=", ".join(missing))
        advice = Message("Start workers: avain up, or avain worker --group …")
        findings.append(Finding(Message("Worker processes"), "broken", found, advice))
    return findings


def beat(ground: Ground) -> list[Finding]:
    """Whether slots are called for."""
    with ground.looking() as session:
        beats = [sign for sign in signs(session) if sign.kind == "beat"]
    if not beats or not beats[0].alive:
        advice = Message("Start it: avain up, or avain beat (two may run).")
        return [Finding(Message("Beat"), "broken", Message("no tick for a while"), advice)]
    return [Finding(Message("Beat"), "ok", Message("last tick {seconds} s ago", seconds=round(beats[0].age)))]


def work(ground: Ground) -> list[Finding]:
    """How long due work waits, and what was given up."""
    with ground.looking() as session:
        count = history.given_up_count(session)
        late = session.execute(_LATE).scalar_one()
    waits = Message("the oldest has waited for {seconds} s", seconds=late)
    advice = (
        Message("Start more workers, or see what they are doing: avain run list") if late >= _LATE_SECONDS else None
    )
    findings = [Finding(Message("Due work"), "warning" if advice else "ok", waits, advice)]
    if count:
        advice = Message("See why: avain run list --failed, then avain run retry or ack")
        findings.append(Finding(Message("Given-up work"), "warning", str(count), advice))
    return findings
