"""The embedded Valkey, Celery's broker: start it detached, recognise it, stop it.

It keeps nothing on disk. The queue is a hint and the database the truth, so what a crash takes away is enqueued again. It
must however never evict a message to make room (`noeviction`).
"""

import signal
import socket
import time
from pathlib import Path

from core.embedded.place import Place, write_for
from core.embedded.process import GLANCE, end, end_strays, read_pid, works_for
from core.embedded.programs import programs
from core.errors import ConfigurationError, Transient

_PATIENCE = 10.0
_PING_PATIENCE = 2.0


def socket_file(place: Place) -> Path:
    """The socket clients connect to."""
    return place.sockets / "valkey.sock"


def log_file(place: Place) -> Path:
    """What the server had to say."""
    return place.valkey / "server.log"


def url(place: Place) -> str:
    """The broker URL in Celery's form; `core.redis.redis_client_url` gives redis-py's."""
    return f"redis+socket://{socket_file(place)}"


def pid(place: Place) -> int | None:
    """The live server of this place, or None."""
    found = read_pid(place.valkey / "server.pid")
    return found if found is not None and works_for(found, place.valkey) else None


def answers(place: Place) -> bool:
    """Whether a live server of this place replies to PING."""
    if pid(place) is None or not place.guards_sockets():
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_PING_PATIENCE)
        try:
            connection.connect(str(socket_file(place)))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def start(place: Place) -> bool:
    """Have the server run. True when this call launched it. Call it under the place's lock.

    Raises ConfigurationError with what the server said, Transient when one is there and does not answer.
    """
    if pid(place) is not None and not socket_file(place).exists():  # cleaned away: nobody can reach this server again
        stop(place)
    launched = pid(place) is None
    if launched:
        _launch(place)
    until = time.monotonic() + _PATIENCE
    while not answers(place):
        found = pid(place)
        if found is None:
            raise _failed(place, "")
        if time.monotonic() > until:
            raise Transient("Valkey (process {pid}) does not answer; try again, or end that process", pid=found)
        time.sleep(GLANCE)
    return launched


def stop(place: Place) -> None:
    """Stop the server, by force when it does not obey."""
    found = pid(place)
    if found is not None:
        end(found, place.valkey, signal.SIGTERM, signal.SIGKILL)


def _launch(place: Place) -> None:
    end_strays("valkey-server", place.valkey, signal.SIGTERM, signal.SIGKILL)
    socket_file(place).unlink(missing_ok=True)
    (place.valkey / "server.pid").unlink(missing_ok=True)
    done = place.account.run(programs(place).valkey, _write_settings(place))
    until = time.monotonic() + _PATIENCE
    while done.returncode == 0 and pid(place) is None and time.monotonic() < until:  # it detaches, then writes its pid
        time.sleep(GLANCE)
    if pid(place) is None:
        raise _failed(place, done.stdout)


def _failed(place: Place, said: str) -> ConfigurationError:
    return ConfigurationError(
        "{program} could not be started: {reason}", program="Valkey", reason=said.strip() or str(log_file(place))
    )


def _write_settings(place: Place) -> Path:
    values = {
        "port": "0",
        "unixsocket": str(socket_file(place)),
        "unixsocketperm": "700",
        "maxmemory-policy": "noeviction",
        "appendonly": "no",
        "save": "",
        "daemonize": "yes",
        "dir": str(place.valkey),
        "pidfile": str(place.valkey / "server.pid"),
        "logfile": str(log_file(place)),
        "set-proc-title": "no",  # the command line goes on naming our directory, by which `works_for` knows it
    }
    text = "# Written by Avain at each start.\n" + "".join(f'{name} "{value}"\n' for name, value in values.items())
    file = place.valkey / "valkey.conf"
    write_for(place.account, file, text)
    return file
