"""A queue never grows past its target: whether a message still fits is asked and answered in the one step that puts it in.

Whoever publishes may have looked before (the tick does) or not (a writer that hints what it has just called for does not); two that look at
once both see room. So the server itself refuses what is too much: a few lines that it runs as one command, which every Redis and Valkey
knows and no usual access list forbids. What was refused is not lost, for a message is only a hint (workers/queue.py).
"""

from typing import Any, Final

from kombu.transport.redis import Channel
from kombu.utils.json import dumps

from services.work import QUEUES
from services.work.queueing import TARGET_LENGTH

#: In: a list, the length it may reach, at which end, a message. Out: whether it was put in.
_PUSH: Final = """
if redis.call('llen', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
redis.call(ARGV[2], KEYS[1], ARGV[3])
return 1
"""


class QueueFullError(Exception):
    """A queue holds as much as it may."""


class BoundedChannel(Channel):
    """Puts a message into one of our queues only if that is shorter than its target. Lists of Celery's own are as they were."""

    #: The script, which redis-py hands to a server that does not know it yet.
    _push: Any = None

    def _put(self, queue: str, message: Any, **kwargs: Any) -> None:
        """Raises QueueFullError."""
        if queue not in QUEUES:
            super()._put(queue, message, **kwargs)  # type: ignore[no-untyped-call]
            return
        priority = self._get_message_priority(message, reverse=False)  # type: ignore[no-untyped-call]
        key = self._q_for_pri(queue, priority)  # type: ignore[no-untyped-call]
        with self.conn_or_acquire() as client:
            self._push = self._push or client.register_script(_PUSH)
            if not self._push(keys=[key], args=[TARGET_LENGTH, "lpush", dumps(message)], client=client):
                raise QueueFullError(queue)

    def _do_restore_message(
        self,
        payload: Any,
        exchange: str,
        routing_key: str,
        pipe: Any,
        leftmost: bool = False,  # noqa: FBT001, FBT002 - theirs
    ) -> None:
        """What was taken and not begun goes back, if there is room; else it is as good as lost, and the tick sends it again."""
        super()._do_restore_message(payload, exchange, routing_key, _IfItFits(pipe), leftmost)  # type: ignore[no-untyped-call]


class _IfItFits:
    """Of a pipeline, the two commands that put a message back, held to the target as well."""

    def __init__(self, pipe: Any) -> None:
        self._pipe = pipe

    def lpush(self, key: str, message: str) -> None:
        self._pipe.eval(_PUSH, 1, key, TARGET_LENGTH, "lpush", message)

    def rpush(self, key: str, message: str) -> None:
        self._pipe.eval(_PUSH, 1, key, TARGET_LENGTH, "rpush", message)
