"""Every place that the planted day has written to, spoken to or left something in: `(place, content)`."""

import http.client
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path
from typing import Final

import redis
from sqlalchemy import Connection, create_engine, text

from core import embedded
from core.embedded.place import find
from core.redis import redis_client_url
from demo.story import Story
from tests.canaries.commands import READING
from tests.canaries.planted import CODES, NAMES, NOTE, WISH
from tests.canaries.troubles import of

Place = tuple[str, bytes]

#: What sources and providers gave, as it was planted; Avain reads there.
_INPUTS: Final = ("in/", "letters/", "sftp/")
#: Who gets mail, by address.
_READERS: Final = (("w-", "worker"), ("hinnat@", "price manager"), ("operaattori@", "operator"))
#: Values that are in no file of PostgreSQL's, not even in its write-ahead log or in what was deleted.
_NEVER: Final = tuple(
    one.encode() for one in (*NAMES.values(), *CODES.values(), WISH.split()[1], NOTE.split()[2])
)  # fmt: skip
_TEXTS: Final = text(
    "SELECT table_name, column_name FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)"
    " WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND data_type IN ('text', 'jsonb', 'json', 'bytea', 'ARRAY', 'character varying')"
)


def while_it_runs(story: Story) -> Iterator[Place]:
    """The database column by column, what Valkey would leave on disk, what machines ask for, and what commands tell."""
    place = of(story)
    running = embedded.running(place.home)
    assert running is not None
    engine = create_engine(running.database_owner_url)
    with engine.connect() as connection:
        yield from columns(connection)
    engine.dispose()
    with redis.Redis.from_url(redis_client_url(running.redis_url)) as client:
        client.config_set("rdbcompression", "no")
        client.save()
    for path in ("/metrics", "/healthz", "/readyz"):
        connection_ = http.client.HTTPConnection("127.0.0.1", place.console_port, timeout=30)
        connection_.request("GET", path)
        yield f"metrics:{path}", connection_.getresponse().read()
        connection_.close()
    known = known_things(story)
    for command, arguments in READING.items():
        asked = [*arguments(known)]
        for given in (asked[:1], [(*one, "--json") for one in asked[-1:]]):
            for words in given:
                place.avain_code(*command.split(), *words)


def columns(connection: Connection) -> Iterator[Place]:
    """Everything that is kept as text, JSON or bytes, column by column."""
    for table, column in connection.execute(_TEXTS).all():
        rows = connection.scalars(text(f'SELECT "{column}"::text FROM "{table}" WHERE "{column}" IS NOT NULL'))
        yield f"db:{table}.{column}", "\n".join(rows).encode()


def known_things(story: Story) -> dict[str, list[str]]:
    """What commands are asked about: cases, orders, and ids of rows, by table."""
    place = of(story)
    rows = {
        table: [str(row["id"]) for row in place.query(f"SELECT id FROM {table} ORDER BY id DESC LIMIT 3")]
        for table in ("price_list", "run", "rejected_record", "incoming_document", "follow_up", "invoice")
    }
    orders = [row["number"] for row in place.query("SELECT number FROM purchase_order ORDER BY id")]
    sources = [row["source"] for row in place.avain("source", "list", "--json")]
    return {**rows, "case": [*story.cases.values()], "order": orders, "source": sources}


def afterwards(story: Story) -> Iterator[Place]:
    """Logs, files and their names, mails, wires, command lines, what commands and pages said; nothing runs any more."""
    place = of(story)
    yield from place.said
    for where, heard in place.heard.items():
        yield where, b"\n".join(heard)
    yield "wire:https", b"\n".join(getattr(place.https, "heard", []))
    yield "log:up", place.log.read_bytes()
    for mail in sorted((place.results / "mail").glob("*.eml")):
        content = mail.read_bytes()
        to = str(message_from_bytes(content, policy=policy.default)["To"]).lower()
        yield f"mail:{next((who for begin, who in _READERS if begin in to), 'provider')}", content
    data = _database_files(place.home)
    for root in (place.home, place.results, *data):
        for path in sorted(root.rglob("*")):
            name = path.relative_to(root).as_posix()
            yield "file-name", name.encode()
            if (
                path.is_file()
                and not path.is_symlink()
                and root == place.home
                and not name.startswith(("embedded/", *_INPUTS))
            ):
                yield f"file:{name}", path.read_bytes()
    yield "file:in/avain.toml", (place.home / "in" / "avain.toml").read_bytes()
    for root in data:
        for path in sorted(one for one in root.rglob("*") if one.is_file()):
            content = path.read_bytes()
            if path.name == "server.log":
                yield f"log:{path.parent.name}", content
            elif "valkey" in path.parts:
                yield f"{'redis-journal' if 'appendonlydir' in path.parts else 'redis-disk'}:{path.name}", content
            else:  # as it is: pages of tables are no text
                yield "database-files", b"\n".join((b"searched", *(one for one in _NEVER if one in content)))


def _database_files(home: Path) -> list[Path]:
    """Where PostgreSQL and Valkey keep theirs: with the home, or where their account may enter."""
    found = find(home)
    return [] if found is None else [found.base]
