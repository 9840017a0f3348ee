"""Bad messages, as a hostile or broken program could leave them in a queue. Also fed to Avain's worker by the tests."""

import base64
import json
import uuid
from typing import Any

#: Larger than any sane message, small enough for the machine.
HUGE = 60 * 1024 * 1024


def envelope(
    body: bytes, *, task: str | None, queue: str, content_type: str = "application/json", **headers: Any
) -> bytes:
    """A message as kombu writes it, with this body, whatever it is."""
    known = (
        {}
        if task is None
        else {"task": task, "id": str(uuid.uuid4()), "lang": "py", "root_id": None, "parent_id": None}
    )
    return json.dumps(
        {
            "body": base64.b64encode(body).decode(),
            "content-encoding": "utf-8",
            "content-type": content_type,
            "headers": known | headers,
            "properties": {
                "body_encoding": "base64",
                "correlation_id": str(uuid.uuid4()),
                "delivery_info": {"exchange": "", "routing_key": queue},
                "delivery_mode": 2,
                "delivery_tag": str(uuid.uuid4()),
                "priority": 0,
                "reply_to": str(uuid.uuid4()),
            },
        }
    ).encode()


def _without(message: bytes, *path: str) -> bytes:
    """The envelope with one of its parts taken out."""
    whole = json.loads(message)
    part = whole
    for name in path[:-1]:
        part = part[name]
    del part[path[-1]]
    return json.dumps(whole).encode()


def poisons(task: str, queue: str) -> dict[str, bytes]:
    """Every kind of bad message, by what is wrong with it. `task` is one the worker has, which takes other arguments."""
    good = json.dumps([[], {}, {}]).encode()

    def body(content: bytes, **more: Any) -> bytes:
        return envelope(content, task=task, queue=queue, **more)

    return {
        "body: a number": body(b"5"),
        "body: null": body(b"null"),
        "body: an object": body(b'{"x": 1}'),
        "body: an object with args": body(b'{"args": 5}'),
        "body: a list of one": body(b"[1]"),
        "body: a list of wrong parts": body(b"[5, 6, 7]"),
        "body: not JSON": body(b"\xff\xfe no JSON"),
        "body: nested 100,000 deep": body(b"[" * 100_000),
        "body: 60 MB": body(b'[["' + b"x" * HUGE + b'"], {}, {}]'),
        "arguments the task does not take": body(b'[["a", "b", "c", "d"], {"e": 1}, {}]'),
        "pickle": body(b"\x80\x04N.", content_type="application/x-python-serialize"),
        "eta is no time": body(good, eta="yesterday"),
        "expires is no time": body(good, expires={}),
        "time limits of the wrong shape": body(good, timelimit=5),
        "headers: no task": envelope(b'{"x": 1}', task=None, queue=queue),
        "headers: an unknown task": envelope(good, task="no.such.task", queue=queue),
        "headers: the task is a list": _task_is_a_list(good, queue),
        "embedded callbacks": body(b'[[], {"work_id": 1}, {"callbacks": [5]}]'),
        "a work_id that is no number": body(b'[[], {"work_id": "1; DROP"}, {}]'),
        "a work_id beyond 64 bits": body(b'[[], {"work_id": 99999999999999999999}, {}]'),
        "headers: no id": _without(body(good), "headers", "id"),
        "envelope: no headers": _without(body(good), "headers"),
        "envelope: no body": _without(body(good), "body"),
        "envelope: no properties": _without(body(good), "properties"),
        "envelope: no delivery tag": _without(body(good), "properties", "delivery_tag"),
        "envelope: no delivery info": _without(body(good), "properties", "delivery_info"),
        "envelope: unknown body encoding": body(good).replace(
            b'"body_encoding": "base64"', b'"body_encoding": "rot13"'
        ),
        "no envelope: an object": b'{"a": 1}',
        "no envelope: a list": b"[1, 2]",
        "no envelope: null": b"null",
        "no envelope: nested 100,000 deep": b"[" * 100_000,
        "not JSON": b"hello, is anybody there?",
        "not UTF-8": b"\xff\xfe\x00\x01",
        "empty": b"",
    }


def _task_is_a_list(content: bytes, queue: str) -> bytes:
    whole = json.loads(envelope(content, task="x", queue=queue))
    whole["headers"]["task"] = ["x"]
    return json.dumps(whole).encode()
