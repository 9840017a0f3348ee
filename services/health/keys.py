"""The keys by which identity and families' words are sealed: whether all that are needed are here, and whether anybody else can read them."""

import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, SecretStr

from core.errors import Message
from core.settings import configuration_file
from services.health.findings import Finding, Ground, some
from services.sealing import kept, standing
from services.sealing.standing import KeyStanding, index_in_force, index_missing

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
#: Where pydantic-settings looks for a .env: where the process was started.
_ENVIRONMENT: Final = Path(".env")
#: Settings that name a file with a private key.
_KEYS: Final = frozenset({"private_key", "client_key"})


def sealing(ground: Ground) -> list[Finding]:
    """One line for each thing that is wrong; one when nothing is. Nothing where nothing was ever sealed and no key is set."""
    keys, name = kept(ground.settings), Message("Keys")
    with ground.looking() as session:
        found = standing(session, keys)
        indexed, lost = index_in_force(session, keys), index_missing(session, keys)
    findings = [*_lacking(name, found)]
    if lost:
        advice = Message("Set AVAIN_INDEX_KEY to the key that was in force: docs/keys.md.")
        findings.append(
            Finding(name, "broken", Message("the index key in force is missing: nobody is found again"), advice)
        )
    former = [one for one in found if one.state == "needed"]
    if former or (indexed is False and not lost):
        count = sum(one.total for one in former)
        advice = Message("When every process has the present keys: avain keys rotate")
        said = Message("sealed with a former key: {count}", count=count)
        findings.append(
            Finding(name, "warning", said if former else Message("the former index key is in force"), advice)
        )
    if findings or (keys.identity is None and not any(one.total for one in found)):
        return findings
    total = sum(one.total for one in found)
    return [
        Finding(name, "ok", Message("everything is sealed with the present key ({count}): {key}", count=total, key=keys.current))
    ]  # fmt: skip


def _lacking(name: Message, found: list[KeyStanding]) -> list[Finding]:
    missing, wrong = (
        some([f"{one.key or '?'} ({one.total})" for one in found if one.state == state])
        for state in ("missing", "wrong")
    )
    advice = Message("Add these keys to AVAIN_SEAL_KEYS, after the present one: docs/keys.md.")
    findings = []
    if missing:
        said = Message("sealed with keys that are not set: {keys}", keys=missing)
        findings.append(Finding(name, "broken", said, advice))
    if wrong:
        said = Message("sealed with other keys of the same id: {keys}", keys=wrong)
        findings.append(Finding(name, "broken", said, advice))
    return findings


def files(ground: Ground) -> list[Finding]:
    """Files with secrets that others on this machine can read: keys of ours, of connections, and the configuration where a password stands in it.
    Those named by AVAIN_…_FILE are refused at the start instead.
    """
    named, secrets, configuration = [], [], configuration_file()
    for field, value in _values(ground.settings):
        if field in _KEYS and isinstance(value, Path):
            named.append(value)
        elif isinstance(value, SecretStr):
            secrets.append(value.get_secret_value())
    if configuration.is_file() and _holds(configuration, secrets):
        named.append(configuration)
    known = dict.fromkeys([ground.settings.home / "hash.key", _ENVIRONMENT, *named])
    open_to_others = [str(file) for file in known if file.is_file() and file.stat().st_mode & _OTHERS]
    if not open_to_others:
        return []
    advice = Message("Let their owner alone read them: chmod 600")
    return [Finding(Message("Files with keys"), "warning", Message("others on this machine can read {names}", names=some(open_to_others)), advice)]  # fmt: skip


def _values(settings: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of the settings with the name of its field."""
    if isinstance(settings, BaseModel):
        for field in type(settings).model_fields:
            yield from _values(getattr(settings, field), field)
    elif isinstance(settings, Mapping):
        for key, value in settings.items():
            yield from _values(value, str(key))
    elif isinstance(settings, list | tuple):
        for value in settings:
            yield from _values(value, name)
    else:
        yield name, settings


def _holds(file: Path, secrets: Iterable[str]) -> bool:
    """Whether a secret stands in a file as it is."""
    text = file.read_text("utf-8", errors="replace")
    return any(secret and secret in text for secret in secrets)
