"""`avain source sample`: a few records of a source as files, as they are or with invented values."""

import os
import sys
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.common import DONE, SOME_REJECTED, complaints, stop
from cli.source_following import NOW, Name
from cli.source_trying import brought, looking_place
from core.errors import InputError, NotFound
from core.i18n import _, ngettext

if TYPE_CHECKING:
    from connectors.cases.base import CaseConnector
    from connectors.cases.sampling import Sample
    from connectors.cases.trial import Trial


def register(app: typer.Typer) -> None:
    """Add the command to `avain source`."""
    app.command("sample", help=_("Write a few records of a source to look at, or (--fake) to share."))(sample)


def sample(  # noqa: PLR0917 - options of a command
    name: Name,
    records: Annotated[int, typer.Option("--records", min=1, max=1_000, help=_("So many cases or rows."))] = 3,
    fake: Annotated[
        bool, typer.Option("--fake", help=_("Replace every value by an invented one: the result may be shared."))
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help=_("A file; a folder where the source has several."))
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help=_("Write client data to the terminal all the same."))] = False,
    now: Annotated[bool, typer.Option("--now", help=NOW)] = False,
) -> None:
    """Without --fake the records are real: they hold data of clients, and go to a terminal only with --yes. Exit code 3 when the
    connector finds other faults in the invented records than in the real ones.
    """
    from connectors.cases import sampling
    from connectors.cases.registry import case_connector
    from core.settings import configuration_file, settings
    from services.looked import kept_words
    from services.sources import find_source

    if not fake and output is None and _is_terminal() and not yes:
        raise InputError(
            "The records hold data of clients. Name a file with --output, invent them with --fake, or say --yes."
        )
    source = find_source(settings().sources, name)
    if source.kind == "incoming":
        raise InputError("Answers and invoices are not shown here: they may tell of a client.")
    if source.kind == "bounces":
        raise InputError("E-mails are not shown here: who wrote them is nobody else's business.")
    if source.kind == "absences":
        raise InputError("Absences are not shown here: why somebody is away may stand beside them.")
    configured = settings().sources.cases.get(name)
    folder = configuration_file().parent
    connector = case_connector(configured, folder) if configured is not None else None
    with brought(source, now=now, most=records) as (_names, visit):
        if not visit.files:
            raise NotFound(visit.nothing)
        taken = sampling.take_sample(connector, visit.files, records)
    kept = kept_words(folder, configured) if configured is not None else set()
    made = sampling.fake(taken, kept) if fake else taken
    _write(made, output)
    if not fake:
        complaints().print(_("These are real records: they hold data of clients. Delete them when you have seen them."))
        return
    if connector is None:
        return
    with looking_place(source) as place:
        real, invented = _read(connector, taken, place), _read(connector, made, place)
    complaints().print(
        ngettext(
            "{valid} of {count} invented record is valid for the source's connector.",
            "{valid} of {count} invented records are valid for the source's connector.",
            invented.read,
        ).format(valid=invented.valid, count=invented.read)
    )
    stop(DONE if (real.read, real.valid) == (invented.read, invented.valid) else SOME_REJECTED)


def _is_terminal() -> bool:
    return sys.stdout.isatty()


def _write(made: "list[Sample]", output: Path | None) -> None:
    """To a file or folder that only its owner reads, or to stdout."""
    if output is None:
        for one in made:
            sys.stdout.buffer.write(one.to_bytes())
        sys.stdout.flush()
        return
    several = len(made) > 1 or output.is_dir()
    if several:
        output.mkdir(mode=0o700, parents=True, exist_ok=True)
    for one in made:
        target = output / one.name.replace("/", "-") if several else output
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            os.fchmod(file.fileno(), 0o600)  # one that was there before may be everybody's
            file.write(one.to_bytes())


def _read(connector: "CaseConnector", samples: "list[Sample]", place: Path) -> "Trial":
    """What the connector makes of samples, written into a folder of their own in `place`."""
    from connectors.cases.trial import Trial, try_records
    from connectors.transports.base import SourceFile
    from core.errors import RefusedInput

    with tempfile.TemporaryDirectory(dir=place) as folder:
        files = []
        for one in samples:
            content = one.to_bytes()
            digest = sha256(content).hexdigest()
            path = Path(folder) / f"{digest}-{Path(one.name).name}"
            path.write_bytes(content)
            files.append(SourceFile(path, one.name, digest, len(content)))
        try:
            return try_records(connector, files, identity="sealed", limit=1_000_000)
        except RefusedInput:
            return Trial(0, 0, (), ())
