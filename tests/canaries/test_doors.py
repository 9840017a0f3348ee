"""At the doors: a source whose every field holds a name where none belongs, and settings that cannot be used, tell nobody's name and no secret."""

import io
import logging
import traceback
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from core.errors import ConfigurationError
from core.logging import configure_logging
from core.settings import load
from tests.canaries import planted
from tests.canaries.places import columns
from tests.canaries.planted import found, leaks
from tests.canaries.troubles import wrong_cases
from tests.factories.service import make_service
from tests.factories.worker import make_unit, make_worker
from tests.support.case_world import World
from tests.support.case_xml import export

PRIVACY = {
    "none": {},
    "sealed": {
        "privacy": {"identity": "sealed"}, "seal_keys": f"k1:{planted.SEAL_KEY}", "index_key": planted.INDEX_KEY,
    },
}  # fmt: skip


@pytest.fixture(params=["json", "console"])
def log(request: pytest.FixtureRequest) -> io.StringIO:
    written = io.StringIO()
    configure_logging(request.param, "DEBUG", stream=written)
    return written


@pytest.mark.parametrize("privacy", PRIVACY)
def test_of_cases_that_are_wrong_in_every_way_no_name_is_kept_or_told(
    privacy: str, session: Session, tmp_path: Path, log: io.StringIO
) -> None:
    make_worker(session, external_id="W-101")
    make_unit(session, code="U-1")
    make_service(session, code="PERHETYO")
    cases = [*wrong_cases()]
    result = World(session, tmp_path).run(export(*cases), privacy=PRIVACY[privacy])
    session.flush()
    kept = [*columns(session.connection()), ("log:sync", log.getvalue().encode()), ("result", repr(result).encode())]
    assert sum(len(content) for _place, content in kept) > 2_000
    seen = {(name, place) for place, content in kept for name in found(content)}
    assert leaks(seen) == []
    assert ("goal", "db:client_case.goals") in seen, "what may be kept is there, and is found"


SECRETS = {
    "AVAIN_HASH_KEY": planted.HASH_KEY[:20],
    "AVAIN_REDIS_URL": f"reddis://:{planted.MAIL_WORD}@127.0.0.1/0",
    "AVAIN_DATABASE_URL": f'["{planted.SQL_WORD}"]',
    "AVAIN_MAIL__PASSWORD": f'{{"a": "{planted.MAIL_WORD}"}}',
    "AVAIN_MAIL": f'{{"password": ["{planted.MAIL_WORD}"], "parola": "{planted.MAIL_WORD}"}}',
    "AVAIN_CONSOLE__OIDC__CLIENT_SECRET": planted.BEARER,
    "AVAIN_SOURCES__PRICES__X__TRANSPORT__PASSWORD": planted.SFTP_WORD,
    f"AVAIN_{planted.SFTP_WORD.upper()}": planted.SFTP_WORD,
    "AVAIN_SEAL_KEYS": f'{{"k1": "{planted.SEAL_KEY}"}}',
}


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_that_cannot_be_used_is_not_told(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: io.StringIO
) -> None:
    """Neither in the sentence, nor in what an error tracker keeps of it, nor in the log."""
    for variable in ("AVAIN_DATABASE_URL", "AVAIN_REDIS_URL"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv(name, SECRETS[name])
    said: list[Any] = []
    try:
        said = [repr(load(tmp_path / "avain.toml"))]
    except ConfigurationError as error:
        logging.getLogger("avain").exception("not usable")
        said = [str(error), repr(error), *traceback.format_exception_only(error)]
    where = {place for one in [*said, log.getvalue()] for place in found(one)}
    assert said
    if name != f"AVAIN_{planted.SFTP_WORD.upper()}":  # the name of a variable is told, for it is misspelt
        assert where == set()
