"""Loading a profile: every key is known, every field can be filled, or a sentence says which is not and what there is instead."""

import codecs
import hashlib
import json
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from connectors.cases.profile.fields import Language, read_codes, read_fields
from connectors.cases.profile.paths import PathError, clark, parse_path, parse_steps
from connectors.cases.profile.rules import GoneRule, GroupRule, Kind, Profile, TableShape, XmlShape
from connectors.cases.profile.section import Section
from core.errors import ConfigurationError, Message
from core.reasons import os_reason, toml_reason
from core.toml import parse_toml

Found = TypeVar("Found")

#: Raised when the same profile is read in another way than before.
_LANGUAGE: Final = 1
_SECTIONS: Final[Mapping[Kind, tuple[str, ...]]] = {
    "xml": ("profile", "xml", "cases", "decisions", "plan_items", "codes"),
    "table": ("profile", "table", "cases", "decisions", "plan_items", "codes"),
    "sql": ("profile", "cases", "decisions", "plan_items", "codes"),
}
#: What a group's table holds beside fields, for the cases themselves and for their parts.
_OWN_KEYS: Final[Mapping[Kind, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "xml": ((), ("each",)),
    "table": (("file", "gone"), ("file", "case")),
    "sql": (("gone",), ("case",)),
}


def load_profile(path: Path, kind: Kind) -> Profile:
    """The profile in the file `path`, for a source of `kind`.

    Raises ConfigurationError with the file, the key and what is allowed there.
    """
    whole = Section(path.name, "", _parse(path))
    whole.allow(_SECTIONS[kind])
    about = whole.table("profile")
    about.allow(("name", "description"))
    xml = _xml(whole.table("xml")) if kind == "xml" else None
    table = _table(whole.table("table")) if kind == "table" else None
    language = Language(
        codes=read_codes(whole.table("codes")),
        decimal_comma=whole.table("xml" if kind == "xml" else "table").flag("decimal_comma"),
        understand=(lambda text: parse_path(text, xml.namespaces)) if xml is not None else None,
    )
    profile = Profile(
        about.text("name"),
        kind,
        _version(kind, whole.data),
        _group(whole, "cases", kind, language),
        _group(whole, "decisions", kind, language) if "decisions" in whole.data else None,
        _group(whole, "plan_items", kind, language) if "plan_items" in whole.data else None,
        _gone(whole.table("cases")) if kind != "xml" and "gone" in whole.table("cases").data else None,
        xml,
        table,
    )
    _check_files(whole, profile)
    return profile


def _parse(path: Path) -> dict[str, Any]:
    try:
        return parse_toml(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError(
            "The profile {file} cannot be read: {detail}", file=str(path), detail=os_reason(error)
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            "{file} is not a TOML file: {detail}", file=path.name, detail=toml_reason(error)
        ) from error


def _version(kind: Kind, data: Mapping[str, Any]) -> str:
    """Sixteen hex digits of what the profile says: comments, order and the spelling of keys do not matter."""
    said = [_LANGUAGE, kind, data.get("codes"), _flat({name: part for name, part in data.items() if name != "codes"})]
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _flat(part: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """`"client.external_id" = …` and `[client] external_id = …` are two ways of writing one thing."""
    flat: dict[str, Any] = {}
    for name, value in part.items():
        flat |= _flat(value, f"{above}{name}.") if isinstance(value, Mapping) else {f"{above}{name}": value}
    return flat


def _group(whole: Section, name: str, kind: Kind, language: Language) -> GroupRule:
    section, own_keys = whole.table(name), _OWN_KEYS[kind][name != "cases"]
    fields = read_fields(section, name, own_keys, language)
    each = None
    if "each" in own_keys and language.understand is not None:
        each = _told(section, "each", language.understand)
        if each.attribute is not None:
            section.fail("each", Message("The path must lead to elements, not to an attribute."))
    file = section.text_or_none("file") if "file" in own_keys else None
    case = section.text_or_none("case") if "case" in own_keys else None
    if file is not None and ("/" in file or "\\" in file):
        section.fail("file", Message("A file's name or a pattern such as {example} is expected.", example="cases*.csv"))
    if kind == "table" and name != "cases" and (file is None) != (case is None):
        section.fail(
            "case" if case is None else "file",
            Message("A group in a file of its own needs both: file, and case, the column that names the case."),
        )
    return GroupRule(fields, each, file, case)


def _check_files(whole: Section, profile: Profile) -> None:
    """One file per entity, or one for all: where a part has its own, the cases have theirs."""
    parts = [part for part in (profile.decisions, profile.plan_items) if part is not None and part.file is not None]
    if parts and profile.cases.file is None:
        whole.table("cases").fail("file", Message("Other groups have files of their own: say which are the cases'."))
    patterns = [group.file for group in (profile.cases, *parts)]
    if len(set(patterns)) < len(patterns):
        whole.fail("file", Message("Two groups have the same pattern of files."))


def _gone(cases: Section) -> GoneRule:
    section = cases.table("gone")
    section.allow(("from", "values"))
    return GoneRule(section.text("from"), frozenset(one.strip() for one in section.texts("values")))


def _xml(section: Section) -> XmlShape:
    section.allow(("root", "record", "gone", "gone_id", "namespaces", "decimal_comma"))
    named = section.table("namespaces")
    namespaces = {prefix: named.text(prefix) for prefix in named.data}
    for prefix, uri in namespaces.items():
        if not uri.isprintable() or set(uri) & set(" {}<>\"'"):
            named.fail(prefix, Message("This is not the name of a namespace."))
    section.text("record")
    if "gone_id" in section.data and "gone" not in section.data:
        section.fail("gone_id", Message("It goes with {key}.", key="gone"))
    gone = "gone" in section.data
    return XmlShape(
        record=_told(section, "record", lambda text: parse_steps(text, namespaces)),
        root=_told(section, "root", lambda text: clark(text, namespaces)) if "root" in section.data else None,
        gone=_told(section, "gone", lambda text: parse_steps(text, namespaces)) if gone else None,
        gone_id=_told(section, "gone_id", lambda text: parse_path(text, namespaces), "@id") if gone else None,
        namespaces=namespaces,
    )


def _told(section: Section, key: str, understand: Callable[[str], Found], default: str | None = None) -> Found:
    """What `understand` makes of a key's text; a path that is wrong is a fault of the key."""
    text = section.text(key) if default is None or key in section.data else default
    try:
        return understand(text)
    except PathError as error:
        section.fail(key, error.message)


def _table(section: Section) -> TableShape:
    section.allow(("encoding", "separator", "sheet", "footer", "line_break_at_end", "decimal_comma"))
    encoding, separator = section.text_or_none("encoding") or "cp1252", section.text_or_none("separator")
    try:
        codecs.lookup(encoding)
    except LookupError:
        section.fail("encoding", Message("The encoding {encoding} is not known.", encoding=encoding))
    if separator is not None and (len(separator) != 1 or separator in '"\r\n'):
        section.fail("separator", Message("One character is expected."))
    return TableShape(
        encoding,
        separator,
        section.text_or_none("sheet"),
        section.text_or_none("footer"),
        section.flag("line_break_at_end", default=True),
    )
