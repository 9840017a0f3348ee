"""What Avain's user may do in Redis, as docs/servers.md says it. tests/integration/test_redis_rights.py shows that each word of it is needed."""

from typing import Final

#: Queues, each followed by kombu's mark of a priority; what kombu keeps beside them; counters of attempts and of mails.
KEYS: Final = (
    "~fetch* ~sync* ~prices* ~budgets* ~orders* ~reminders* ~default* ~_kombu.* ~unacked* ~LIMITS* ~avain-limits*"
)
COMMANDS: Final = (
    "ping", "select", "info", "multi", "exec", "watch", "eval", "evalsha", "script|load", "brpop", "lpush", "rpush", "llen", "lindex",
    "ltrim", "sadd", "hset", "hget", "hdel", "zadd", "zrem", "zrange", "get", "set", "del", "expire",
)  # fmt: skip
MAY: Final = " ".join(("-@all", *(f"+{one}" for one in COMMANDS)))
#: The whole of it, after the user's name and password.
RIGHTS: Final = f"{KEYS} resetchannels {MAY}"
