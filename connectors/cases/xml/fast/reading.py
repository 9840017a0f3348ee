"""The parent: feeds pieces to two children and hands out rows in the file's order."""

import json
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any, BinaryIO, Final, Protocol, cast

import structlog

from connectors.cases.base import opened
from connectors.cases.profile import XmlShape
from connectors.cases.rows import Doubt, RowBatch, SlowWayNeededError
from connectors.cases.xml.fast import child
from connectors.cases.xml.fast.compiling import Compiled
from connectors.cases.xml.fast.cutting import Cut, Piece, pieces, prepare
from connectors.transports.base import SourceFile
from documents import xml

log = structlog.get_logger()

#: Parsing is half of the work, copying the other half: two children keep two cores busy.
_CHILDREN: Final = 2
#: Pieces a child has before it: enough to go on while the parent copies rows into the database.
_AHEAD: Final = 8
#: Bytes of a file for which children are started.
_WORTH_CHILDREN: Final = 4 * 1024 * 1024
#: Bits of a position: no piece has more records than fit into the lower ones, no file more pieces than into those between.
_PER_PIECE: Final = 24
_PER_FILE: Final = 44
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
                "strict": compiled.strict,
            }  # fmt: skip
            size = content.seek(0, os.SEEK_END)
            if size > xml.STREAM_LIMIT:
                raise SlowWayNeededError  # it says so
            with _children(json.dumps(told).encode()) if size > _WORTH_CHILDREN else _here(told) as team:
                for rows in _in_order(team, pieces(content, cut, start), rank, cut):
                    yield file, rows


def _in_order(team: "Sequence[_Reader]", cuts: Iterator[Piece], file: int, cut: Cut) -> Iterator[RowBatch]:
    """Pieces go round; the answers are taken in the same round, so they come in the file's order."""
    waiting: deque[_Reader] = deque()
    for piece in cuts:
        one = team[piece.number % len(team)]
        one.send(child.PIECE.pack((file << _PER_FILE) + (piece.number << _PER_PIECE), piece.line, file) + piece.content)
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


class _Reader(Protocol):
    def send(self, frame: bytes) -> None: ...

    def receive(self) -> bytes: ...


class _Here:
    """Reads in this process: starting children takes longer than a small file."""

    def __init__(self, told: dict[str, Any]) -> None:
        self._reader = child.Reader(told)
        self._answers: deque[bytes] = deque()

    def send(self, frame: bytes) -> None:
        """Read a piece. Raises SlowWayNeededError."""
        position, line, file = child.PIECE.unpack_from(frame)
        try:
            self._answers.append(self._reader.answer(position, line, file, frame[child.PIECE.size :]))
        except child.NotCutError as error:
            raise SlowWayNeededError from error

    def receive(self) -> bytes:
        """The next answer."""
        return self._answers.popleft()


class _Child:
    """A parsing process. Two threads keep its pipes moving, so that it works on while the parent is busy with the database."""

    def __init__(self, told: bytes) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", child.__name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # a traceback may quote the document
            cwd=_ROOT,
            start_new_session=True,  # Ctrl-C at a terminal is the parent's to handle
        )
        self._questions: SimpleQueue[bytes | None] = SimpleQueue()
        self._answers: SimpleQueue[bytes | None] = SimpleQueue()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._feed, self._collect)]
        for thread in self._threads:
            thread.start()
        self.send(told)

    def send(self, frame: bytes) -> None:
        """Have a frame written."""
        self._questions.put(frame)

    def receive(self) -> bytes:
        """The next answer. Raises SlowWayNeededError; also when the child died, whatever of."""
        answer = self._answers.get()
        if answer is None:
            raise SlowWayNeededError
        return answer

    def end(self) -> None:
        """No process, thread or pipe stays."""
        self._questions.put(None)
        self._process.kill()
        self._process.wait()
        for thread in self._threads:
            thread.join()

    def _feed(self) -> None:
        pipe = cast("BinaryIO", self._process.stdin)
        with suppress(OSError):  # the child is gone: `_collect` tells
            while (frame := self._questions.get()) is not None:
                pipe.write(child.LENGTH.pack(len(frame)))
                pipe.write(frame)
                pipe.flush()
        with suppress(OSError):
            pipe.close()

    def _collect(self) -> None:
        """Answers until one says no, or the child ends; then None."""
        with cast("BinaryIO", self._process.stdout) as pipe:
            while True:
                length = pipe.read(child.LENGTH.size)
                size = child.LENGTH.unpack(length)[0] if len(length) == child.LENGTH.size else None
                answer = b"" if size in {None, child.NOT_CUTTABLE} else pipe.read(size)
                if size is None or len(answer) != size:
                    break
                self._answers.put(answer)
        if size is None and self._process.wait() > 0:
            log.warning("parsing_child_died", exit_code=self._process.returncode)
        self._answers.put(None)


@contextmanager
def _here(told: dict[str, Any]) -> Iterator[list[_Here]]:
    yield [_Here(told)]


@contextmanager
def _children(told: bytes) -> Iterator[list[_Child]]:
    team = [_Child(told) for _ in range(_CHILDREN)]
    try:
        yield team
    finally:
        for one in team:
            one.end()
