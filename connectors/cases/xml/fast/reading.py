"""The parent: feeds pieces to two children and hands out rows in the file's order."""

import json
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import SimpleQueue
from typing import BinaryIO, Final

import structlog

from connectors.cases.base import opened
from connectors.cases.profile import XmlShape
from connectors.cases.rows import Doubt, RowBatch, SlowWayNeededError
from connectors.cases.xml.fast import child
from connectors.cases.xml.fast.compiling import Compiled
from connectors.cases.xml.fast.cutting import Cut, Piece, pieces, prepare
from connectors.transports.base import SourceFile

log = structlog.get_logger()

#: Parsing is half of the work, copying the other half: two children keep two cores busy.
_CHILDREN: Final = 2
#: Pieces a child has before it: enough to go on while the parent writes rows into the database.
_AHEAD: Final = 4
_ROOT: Final = Path(__file__).resolve().parents[4]


def read_rows(
    files: Sequence[SourceFile], shape: XmlShape, compiled: Compiled, key: bytes, known: Path | None
) -> Iterator[tuple[SourceFile, RowBatch]]:
    """The rows of all files, piece by piece, in order.

    `key` is that of the hashes; `known` a file of hashes that need no reading (child.write_known). Raises SlowWayNeededError, possibly at
    a file's end, when a document must be read the slow way: then nothing of the run may be used. Raises RefusedFile for an attack.
    """
    for rank, file in enumerate(files):
        with opened(file) as content:
            cut, start = prepare(content, shape)
            told = {
                "prefix": cut.prefix.decode("latin-1"), "suffix": cut.suffix.decode("latin-1"), "begin": cut.begin.decode("latin-1"),
                "end": cut.end.decode("latin-1"), "encoding": cut.encoding, "record": shape.record[0],
                "gone": shape.gone[0] if shape.gone is not None and len(shape.gone) == 1 else None,
                "key": key.hex(), "known": None if known is None else str(known), "source": compiled.source,
                "converters": compiled.converters, "finders": compiled.finders,
            }  # fmt: skip
            with _children(json.dumps(told).encode()) as team:
                for rows in _in_order(team, pieces(content, cut, start), rank, cut):
                    yield file, rows


def _in_order(team: "list[_Child]", cuts: Iterator[Piece], file: int, cut: Cut) -> Iterator[RowBatch]:
    """Pieces go round; the answers are taken in the same round, so they come in the file's order."""
    waiting: deque[_Child] = deque()
    for piece in cuts:
        one = team[piece.number % len(team)]
        one.send(child.PIECE.pack(piece.number, piece.line, file) + piece.content)
        waiting.append(one)
        if len(waiting) == _AHEAD * len(team):
            yield _understand(waiting.popleft().receive(), cut)
    while waiting:
        yield _understand(waiting.popleft().receive(), cut)


def _understand(answer: bytes, cut: Cut) -> RowBatch:
    records, *lengths = child.ANSWER.unpack_from(answer)
    blobs, at = [], child.ANSWER.size
    for length in lengths:
        blobs.append(answer[at : at + length])
        at += length
    return RowBatch(records, blobs[0], blobs[1], blobs[2], blobs[3], tuple(_doubts(blobs[4], cut)))


def _doubts(blob: bytes, cut: Cut) -> Iterator[Doubt]:
    declaration = f'<?xml version="1.0" encoding="{cut.encoding}"?>'.encode()
    at = 0
    while at < len(blob):
        position, line, length = child.DOUBT.unpack_from(blob, at)
        at += child.DOUBT.size
        digest = blob[at : at + child.HASH_BYTES]
        at += child.HASH_BYTES
        yield Doubt(position, line, digest, declaration + cut.prefix + blob[at : at + length] + cut.suffix)
        at += length


class _Child:
    """A parsing process. Sending never waits: a thread feeds the pipe, so that neither side can wait for the other for ever."""

    def __init__(self, told: bytes) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", child.__name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # a traceback may quote the document
            cwd=_ROOT,
            start_new_session=True,  # Ctrl-C at a terminal is the parent's to handle
        )
        self._queue: SimpleQueue[bytes | None] = SimpleQueue()
        self._feeder = threading.Thread(target=self._feed, name="piece-feeder", daemon=True)
        self._feeder.start()
        self.send(told)

    def send(self, frame: bytes) -> None:
        """Have a frame written."""
        self._queue.put(frame)

    def receive(self) -> bytes:
        """The next answer. Raises SlowWayNeededError; also when the child died, whatever of."""
        stream = self._out
        length = stream.read(child.LENGTH.size)
        if len(length) < child.LENGTH.size:
            log.warning("parsing_child_died", exit_code=self._process.wait())
            raise SlowWayNeededError
        (size,) = child.LENGTH.unpack(length)
        if size == child.NOT_CUTTABLE:
            raise SlowWayNeededError
        answer = stream.read(size)
        if len(answer) < size:
            raise SlowWayNeededError
        return answer

    def end(self) -> None:
        """No process, thread or pipe stays."""
        self._queue.put(None)
        self._process.kill()
        self._process.wait()
        self._feeder.join()
        self._out.close()

    @property
    def _out(self) -> BinaryIO:
        assert self._process.stdout is not None  # noqa: S101 - it was asked for
        return self._process.stdout  # type: ignore[return-value]

    def _feed(self) -> None:
        pipe = self._process.stdin
        assert pipe is not None  # noqa: S101 - it was asked for
        with suppress(OSError):  # the child is gone: `receive` tells
            while (frame := self._queue.get()) is not None:
                pipe.write(child.LENGTH.pack(len(frame)))
                pipe.write(frame)
                pipe.flush()
        with suppress(OSError):
            pipe.close()


@contextmanager
def _children(told: bytes) -> Iterator[list[_Child]]:
    team = [_Child(told) for _ in range(_CHILDREN)]
    try:
        yield team
    finally:
        for one in team:
            one.end()
