"""The queue and those who serve it: Redis, workers, beat, and how far behind the work is."""

import ssl
from typing import Any, Final

from redis import Redis
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError
from sqlalchemy import text

from core.errors import Message
from core.redis import redis_client_url, trusts_anybody
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
        except RedisError as error:
            return [Finding(Message("Redis"), "broken", *_refusal(error))]
    name = f"Valkey {info['valkey_version']}" if "valkey_version" in info else f"Redis {info['redis_version']}"
    answers = Finding(Message("Redis"), "ok", Message("{name}, {count} messages waiting", name=name, count=waiting))
    return [answers, *_unverified(ground.redis_url()), _when_full(policy)]


def _when_full(policy: str) -> Finding:
    if policy == "noeviction":
        return Finding(Message("Redis when full"), "ok", Message("refuses new messages"))
    forgets = Message("forgets old messages ({policy})", policy=policy)
    advice = Message("Set maxmemory-policy to noeviction: a full server must refuse, not forget.")
    return Finding(Message("Redis when full"), "broken", forgets, advice)


def _unverified(url: str) -> list[Finding]:
    if not trusts_anybody(url):
        return []
    found = Message("its certificate is not verified: anybody on the way could answer in its name")
    advice = Message(
        "Take ssl_cert_reqs and ssl_check_hostname out of AVAIN_REDIS_URL, and name the CA: ssl_ca_certs=…"
    )
    return [Finding(Message("Redis connection"), "warning", found, advice)]


def _refusal(error: RedisError) -> tuple[Message, Message]:
    """Why nothing is heard of Redis, and what to do about it."""
    if isinstance(error, NoPermissionError):
        advice = Message("Give Avain's user in Redis what it needs: see docs/servers.md. Nothing is lost meanwhile.")
        return Message("Avain's user may not do there what it must"), advice
    if isinstance(error, AuthenticationError):
        advice = Message("Correct user and password in AVAIN_REDIS_URL. Nothing is lost meanwhile.")
        return Message("does not know the user, or another password"), advice
    reason: BaseException | None = error
    while reason is not None and not isinstance(reason, ssl.SSLError):
        reason = reason.__cause__ or reason.__context__
    if reason is not None:
        advice = Message("Name the CA of its certificate in AVAIN_REDIS_URL: ssl_ca_certs=… Nothing is lost meanwhile.")
        return Message("its certificate is not trusted, or it speaks no TLS"), advice
    return Message("does not answer"), Message(
        "Start Redis or Valkey, or correct AVAIN_REDIS_URL. Nothing is lost meanwhile."
    )


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
