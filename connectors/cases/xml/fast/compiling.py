"""A profile to the source of a function that walks one record and writes its rows, and to what its values must be.

Direct walks over children cost a fifth of an XPath call per field. The function answers whether it was sure of everything; if not, the
record is read the slow way. The rules it follows are the record's own (connectors/cases/record.py); a test holds the two together.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from connectors.cases.profile import FieldRule, GroupRule, Profile
from connectors.cases.xml.fast.placing import Node, NotCompilableError, Places, place, place_group, refuse_if
from connectors.cases.xml.fast.shapes import CASE_END, DECISION_END, ITEM_END, KINDS, OPTIONAL_PARTS

#: How the generated functions say that they are not sure.
_DOUBT = "return None"
#: Indentation of the innermost loop: Python nests no more than twenty, and each stands in an `if`.
_DEEPEST: Final = 39


@dataclass(frozen=True)
class Compiled:
    """`source` defines `read(element, head, cases, decisions, items)`; `converters` and `finders` are what its names `f<n>`, `r<n>` and
    `x<n>` stand for, as data: a child makes them (converting.converter, converting.Remembered, finding.*_finder). `strict`: an element beside
    the records is doubtful too.
    """

    source: str
    converters: list[dict[str, Any]]
    finders: list[dict[str, Any]]
    strict: bool


def compile_profile(profile: Profile, *, strict: bool = False) -> Compiled:
    """Compile a profile for XML. `strict`: whatever the profile does not name makes a record doubtful (the canonical format).

    Raises NotCompilableError.
    """
    return _Writer(profile, strict=strict).compiled()


class _Writer:
    def __init__(self, profile: Profile, *, strict: bool) -> None:
        self._profile, self._strict = profile, strict
        self._lines: list[str] = []
        self._top = 0  # where the body of the function begins that is being written
        self._converters: list[dict[str, Any]] = []
        self._finders: list[dict[str, Any]] = []
        self._names = (f"v{number}" for number in range(10_000))

    def compiled(self) -> Compiled:
        """The whole."""
        profile = self._profile
        groups = {"decision": (profile.decisions, DECISION_END), "item": (profile.plan_items, ITEM_END)}
        places = place(profile.cases, self._names)
        for name, (group, end) in groups.items():
            if group is not None:
                place_group(places.root, group, name)
                self._function(f"def {name}(e):", name, group, place(group, self._names), end)
        self._function("def read(e, head, cases, decisions, items):", "case", profile.cases, places, CASE_END)
        return Compiled("\n".join(self._lines) + "\n", self._converters, self._finders, self._strict)

    def _function(self, head: str, name: str, group: GroupRule, places: Places, end: str) -> None:
        self._line(0, head)
        if name == "case":
            self._line(1, "found_decisions, found_items, goals = [], [], []")
        if places.raw:
            self._line(1, f"{' = '.join(places.raw.values())} = None")
        self._top = len(self._lines)
        self._walk(places.root, "e", 1, first=True)
        for variable, rule in places.far.items():
            self._line(1, f"found = x{self._finder(rule)}(e)")
            self._line(1, f"{variable} = found[0] if found else None")
        self._values(name, group, places)
        self._lines.append(end)

    # ------------------------------------------------------------------ walking

    def _walk(self, node: Node, name: str, depth: int, *, first: bool = False) -> None:
        """What is wanted of an element and of those in it. Of a repeated one the first that has a thing gives it."""
        self._attributes(node, name, depth, first=first)
        if self._strict:
            present = " + ".join(f"({name}.get({one!r}) is not None)" for one in node.attributes) or "0"
            self._line(depth, f"if len({name}.keys()) != {present} or ({name}.text and {name}.text.strip()): {_DOUBT}")
        if not node.children:
            if self._strict:
                self._line(depth, f"if len({name}): {_DOUBT}")
            return
        refuse_if(depth > _DEEPEST)
        child = f"c{depth}"
        self._line(depth, f"for {child} in {name}:")
        if self._strict:
            self._line(depth + 1, f"if {child}.tail and {child}.tail.strip(): {_DOUBT}")
        self._line(depth + 1, f"t = {child}.tag")
        word = "if"
        for tag, inner in node.children.items():
            self._line(depth + 1, f"{word} t == {tag!r}:")
            self._child(inner, child, depth + 2)
            word = "elif"
        if self._strict:
            self._line(depth + 1, f"else: {_DOUBT}")

    def _child(self, node: Node, name: str, depth: int) -> None:
        if node.group is not None:
            self._line(depth, f"one = {node.group}({name})")
            self._line(depth, f"if one is None: {_DOUBT}")
            self._line(depth, f"found_{node.group}s.append(one)")
        elif node.text is not None or node.goal:
            refuse_if(bool(node.children))
            self._text(node, name, depth)
        else:
            if self._strict:  # such an element comes once
                seen = next(self._names)
                self._lines.insert(self._top, f"    {seen} = None")
                self._line(depth, f"if {seen}: {_DOUBT}")
                self._line(depth, f"{seen} = True")
            self._walk(node, name, depth)

    def _text(self, node: Node, name: str, depth: int) -> None:
        # what stands in inner elements belongs to the text: the slow way takes it together
        self._line(depth, f"if len({name}): {_DOUBT}")
        if self._strict:
            present = " + ".join(f"({name}.get({one!r}) is not None)" for one in node.attributes) or "0"
            self._line(depth, f"if len({name}.keys()) != {present}: {_DOUBT}")
        if node.goal:
            self._line(depth, f"one = ({name}.text or '').strip()")
            if self._strict:
                self._line(depth, f"if not one: {_DOUBT}")
            self._line(depth, "if one: goals.append(one)")
        else:
            if self._strict:
                self._line(depth, f"if {node.text} is not None: {_DOUBT}")
            self._line(depth, f"if {node.text} is None: {node.text} = {name}.text or ''")
        self._attributes(node, name, depth)

    def _attributes(self, node: Node, name: str, depth: int, *, first: bool = False) -> None:
        for attribute, variable in node.attributes.items():
            unless_found = "" if first else f"if {variable} is None: "
            self._line(depth, f"{unless_found}{variable} = {name}.get({attribute!r})")

    # ------------------------------------------------------------------ values

    def _values(self, name: str, group: GroupRule, places: Places) -> None:
        """A variable with the row's value for every column; doubt ends the function."""
        rules = {rule.target: rule for rule in group.fields}
        for target, (kind, required, unique) in KINDS[name].items():
            value, rule = "_".join(target), rules.get(target)
            in_optional_part = target[0] in OPTIONAL_PARTS
            nothing = '"f"' if kind == "flag" else "N"
            if rule is None:
                refuse_if(required and not in_optional_part)
                self._line(1, f"{value} = {None if required else nothing}")
                continue
            conversion = self._conversion(rule, kind, places.raw.get(target), required=required, unique=unique)
            self._line(1, f"{value} = {conversion}")
            if kind == "flag":
                self._line(1, f"if {value} == N: {value} = {nothing}")
            if not (in_optional_part and required):  # that is judged once it is known whether the part is there
                self._line(1, f"if {value} is None: {_DOUBT}")
        for part in OPTIONAL_PARTS:
            texts = [variable for target, variable in places.raw.items() if target[0] == part]
            if name != "case":
                self._line(1, f"said_{part} = {_any_said(texts)}")

    def _conversion(self, rule: FieldRule, kind: str, raw: str | None, *, required: bool, unique: bool) -> str:
        """The expression for a value. What repeats is looked up; what does not is mostly right as it stands."""
        number = self._converter(rule, kind, required=required)
        if not unique or rule.constant is not None:
            return f"r{number}[{raw}]"
        sure = {"id": "is_plain_id", "text": "is_short_text"}[kind]
        return f"{raw} if {sure}({raw}) else f{number}({raw})" if rule.codes is None else f"f{number}({raw})"

    def _converter(self, rule: FieldRule, kind: str, *, required: bool) -> int:
        form = rule.date_format
        if form is not None and "%z" in form.form:
            raise NotCompilableError
        self._converters.append(
            {
                "kind": kind,
                "constant": rule.constant,
                "codes": None if rule.codes is None else dict(rule.codes),
                "default": rule.default,
                "date": None if form is None else form.pattern,
                "comma": rule.decimal_comma,
                "required": required,
                "strict": self._strict,
            }
        )
        return len(self._converters) - 1

    def _finder(self, rule: FieldRule) -> int:
        path = rule.paths[0]
        if path.is_simple:
            self._finders.append({"up": path.up, "steps": path.steps, "attribute": path.attribute})
        else:
            namespaces = self._profile.xml.namespaces if self._profile.xml is not None else {}
            self._finders.append({"xpath": path.text, "namespaces": dict(namespaces)})
        return len(self._finders) - 1

    def _line(self, depth: int, text: str) -> None:
        self._lines.append("    " * depth + text)


def _any_said(variables: Iterable[str]) -> str:
    return " or ".join(f"bool({one} and {one}.strip())" for one in variables) or "False"
