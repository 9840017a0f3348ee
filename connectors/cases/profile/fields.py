"""The fields of one group of a profile: `status = "Tila"`, or a table that says more than where the value stands."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from connectors.cases.profile.days import DIRECTIVES, DateFormat, UnknownFormError
from connectors.cases.profile.paths import PathError, XmlPath
from connectors.cases.profile.rules import FieldRule
from connectors.cases.profile.section import Section, not_known
from connectors.cases.profile.targets import Target, targets
from core.errors import Message

_RULE_KEYS: Final = ("from", "constant", "codes", "default", "date", "split", "decimal_comma")

Codes = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Language:
    """What fields of one profile have in common. `understand` makes a path of a text (XML; raises PathError), None for column names."""

    codes: Codes
    decimal_comma: bool
    understand: Callable[[str], XmlPath] | None


def read_codes(section: Section) -> Codes:
    """The code maps: name → the source's code → ours. `true` and `false` may stand without quotes."""
    return {name: _code_map(section.table(name)) for name in section.data}


def _code_map(section: Section) -> Mapping[str, str]:
    if not section.data:
        section.fail("", Message("The code map is empty."))
    for code, value in section.data.items():
        if not isinstance(value, str | bool):
            section.fail(code, Message("A text is expected."))
    return {code.strip(): _as_text(value) for code, value in section.data.items()}


def read_fields(section: Section, group: str, own_keys: Collection[str], language: Language) -> tuple[FieldRule, ...]:
    """The rules of a group, in the order of the record's fields. `own_keys` of the table are no fields.

    Raises ConfigurationError also where a field that the record must have is missing.
    """
    known = targets(group)
    written: dict[tuple[str, ...], FieldRule] = {}
    for path, within, key in _entries(section, known, own_keys):
        if path in written:
            within.fail(key, Message("The field is there twice."))
        written[path] = _rule(within, key, known[path], language)
    for target in known.values():
        siblings_written = any(path[:-1] == target.path[:-1] for path in written)
        needed = target.required and (siblings_written or not target.in_optional_part)
        if needed and target.path not in written:
            section.fail(".".join(target.path), Message("The record must have this field: say where it stands."))
    return tuple(written[path] for path in known if path in written)


def _entries(
    section: Section, known: Collection[tuple[str, ...]], own_keys: Collection[str], above: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Section, str]]:
    """Each field written in the table: its path, the table it stands in, its key there. A dot in a key is as good as a table."""
    for key, value in section.data.items():
        if not above and key in own_keys:
            continue
        path = (*above, *key.split("."))
        if path in known:
            yield path, section, key
        elif isinstance(value, dict) and any(one[: len(path)] == path for one in known):
            yield from _entries(section.table(key), known, own_keys, path)
        else:
            names = [".".join(one) for one in known]
            section.fail(key, not_known(".".join(path), [*names, *(() if above else own_keys)]))


def _rule(within: Section, key: str, target: Target, language: Language) -> FieldRule:
    if not isinstance(within.data[key], dict):  # the short form
        within = Section(within.file, within.path, {key: {"from": within.data[key]}})
    section = within.table(key)
    section.allow(_RULE_KEYS)
    if ("from" in section.data) == ("constant" in section.data):
        section.fail("", Message("A field has exactly one of: from, constant."))
    if "constant" in section.data:
        if target.path == ("external_id",):
            section.fail("constant", Message("This field does not take {key}.", key="constant"))
        section.allow(("constant",))
        return FieldRule(target.path, constant=_value(section, "constant", target), repeated=target.repeated)
    sources = section.texts("from")
    if len(sources) > 1 and not target.repeated:
        section.fail("from", Message("Only a field of several texts can come from several places."))
    return FieldRule(
        target.path,
        sources,
        tuple(_path(section, source, language.understand) for source in sources) if language.understand else (),
        codes=_codes(section, target, language.codes),
        date_format=_date_format(section, target),
        split=_only_for(section, "split", section.text_or_none("split"), fits=target.repeated),
        default=_value(section, "default", target) if "default" in section.data else None,
        decimal_comma=_only_for(
            section,
            "decimal_comma",
            section.flag("decimal_comma", default=language.decimal_comma),
            fits=target.is_number,
        )
        and target.is_number,
        repeated=target.repeated,
    )


def _only_for(section: Section, key: str, value: Any, *, fits: bool) -> Any:
    if key in section.data and not fits:
        section.fail(key, Message("This field does not take {key}.", key=key))
    return value


def _path(section: Section, source: str, understand: Callable[[str], XmlPath]) -> XmlPath:
    try:
        return understand(source)
    except PathError as error:
        section.fail("from", error.message)


def _codes(section: Section, target: Target, codes: Codes) -> Mapping[str, str] | None:
    name = section.text_or_none("codes")
    if name is None:
        return None
    if name not in codes:
        section.fail("codes", not_known(name, codes))
    for code, value in codes[name].items():
        if value and not target.accepts(value):
            section.fail(
                "codes",
                Message(
                    "In [codes.{map}], {code} becomes {value}, which this field does not take.",
                    map=name,
                    code=code,
                    value=value,
                ),
            )
    return codes[name]


def _date_format(section: Section, target: Target) -> DateFormat | None:
    form = _only_for(section, "date", section.text_or_none("date"), fits=target.is_date)
    try:
        return None if form is None else DateFormat(form)
    except UnknownFormError:
        section.fail(
            "date",
            Message(
                "{form} is not a form of dates: it has day, month and year, of {known}.", form=form, known=DIRECTIVES
            ),
        )


def _value(section: Section, key: str, target: Target) -> str:
    value = section.data[key]
    if not isinstance(value, str | bool | int) or not target.accepts(_as_text(value)):
        section.fail(key, Message("This field does not take {value}.", value=str(value)))
    return _as_text(value)


def _as_text(value: str | bool | int) -> str:  # noqa: FBT001 - a value of TOML
    """As a source would write it."""
    return str(value).lower() if isinstance(value, bool) else str(value).strip()
