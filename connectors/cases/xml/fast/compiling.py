"""A profile to the source of a function that walks one record and writes its rows, and to what its values must be.

Direct walks over children cost a fifth of an XPath call per field. The function answers whether it was sure of everything; if not, the
record is read the slow way. The rules it follows are the record's own (connectors/cases/record.py); a test holds the two together.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from connectors.cases.profile import FieldRule, GroupRule, Profile

#: What a value of each field must be: a name of converting.py, whether it must be there, and whether it seldom comes twice.
_KINDS: Final[dict[str, dict[tuple[str, ...], tuple[str, bool, bool]]]] = {
    "case": {
        ("external_id",): ("id", True, True),
        ("client", "external_id"): ("id", True, True),
        ("client", "non_disclosure"): ("flag", False, False),
        ("responsible_worker",): ("id", True, False),
        ("co_worker",): ("id", False, False),
        ("unit",): ("id", False, False),
        ("status",): ("status", True, False),
        ("assessment_date",): ("day", False, False),
        ("plan_date",): ("day", False, False),
        ("kykyviisari_date",): ("day", False, False),
        ("support_person",): ("flag", False, False),
    },
    "decision": {
        ("external_id",): ("id", True, True),
        ("number",): ("text", False, True),
        ("stand_date",): ("day", False, False),
        ("decided_on",): ("day", False, False),
        ("valid_from",): ("day", False, False),
        ("valid_to",): ("last_day", False, False),
        ("granted_amount",): ("euros", False, False),
        ("baseline", "service"): ("id", True, False),
        ("baseline", "quantity"): ("quantity", True, False),
        ("baseline", "unit"): ("unit", True, False),
    },
    "item": {
        ("external_id",): ("id", True, True),
        ("decision",): ("id", True, True),
        ("service",): ("id", True, False),
        ("quantity",): ("quantity", True, False),
        ("unit",): ("unit", True, False),
        ("start",): ("day", True, False),
        ("end",): ("day", True, False),
        ("provider",): ("business_id", False, False),
        ("follow_up", "start_working_days"): ("days", False, False),
        ("follow_up", "interval_days"): ("interval", False, False),
        ("follow_up", "before_end_days"): ("days", False, False),
    },
}
_GOALS: Final = ("goals",)
#: Indentation of the innermost loop: Python nests no more than twenty, and each stands in an `if`.
_DEEPEST: Final = 39
_RHYTHM: Final = ("start_working_days", "interval_days", "before_end_days")


class NotCompilableError(Exception):
    """The profile asks for what only the slow way can do."""


@dataclass(frozen=True)
class Compiled:
    """`source` defines `read(element, head, cases, decisions, items)`; `converters` and `finders` are what its names `f<n>` and `x<n>`
    stand for, as data: a child makes them (converting.converter, finding.*_finder).
    """

    source: str
    converters: list[dict[str, Any]]
    finders: list[dict[str, Any]]


def compile_profile(profile: Profile, *, strict: bool = False) -> Compiled:
    """Compile a profile for XML. `strict`: whatever the profile does not name makes a record doubtful (the canonical format).

    Raises NotCompilableError.
    """
    return _Writer(profile, strict=strict).compiled()


@dataclass
class _Node:
    """What is wanted of an element: attributes and text into variables, children, and whether a decision or item begins here."""

    attributes: dict[str, str] = field(default_factory=dict)
    text: str | None = None
    goal: bool = False
    group: str | None = None
    children: dict[str, "_Node"] = field(default_factory=dict)


class _Writer:
    def __init__(self, profile: Profile, *, strict: bool) -> None:
        self._profile, self._strict = profile, strict
        self._lines: list[str] = []
        self._converters: list[dict[str, Any]] = []
        self._finders: list[dict[str, Any]] = []
        self._no, self._top = "False", 0  # what the function being written answers in doubt, and where its body begins
        self._names = (name for name in (f"v{number}" for number in range(10_000)))

    def compiled(self) -> Compiled:
        """The whole."""
        if self._profile.decisions is not None:
            self._group("decision", self._profile.decisions)
        if self._profile.plan_items is not None:
            self._group("item", self._profile.plan_items)
        self._case()
        return Compiled("\n".join(self._lines) + "\n", self._converters, self._finders)

    # ------------------------------------------------------------------ the three functions

    def _case(self) -> None:
        root, raw, far = self._tree(self._profile.cases, "case")
        for name, group in (("decision", self._profile.decisions), ("item", self._profile.plan_items)):
            if group is not None:
                self._put_group(root, group, name)
        self._no = "False"
        self._line(0, "def read(e, head, cases, decisions, items):")
        self._line(1, "ids = []; found_d = []; found_i = []; goals = []")
        self._start(raw.values())
        self._walk(root, "e", 1, first=True)
        self._far(far)
        values = self._values("case", self._profile.cases, raw)
        self._line(1, "for one in goals:")
        self._line(2, "if len(one) > 1000: return False")
        self._line(1, "if goals and (len(goals) > 3 or not are_harmless(goals)): return False")
        self._line(1, "for one in found_d:")
        self._line(2, "ids.append(one[0])")
        self._line(1, "if len(ids) > 1 and len(set(ids)) < len(ids): return False")
        self._line(1, "for one in found_i:")
        self._line(2, "if one[1] not in ids: return False")
        self._line(1, "if len(found_i) > 1 and len({one[0] for one in found_i}) < len(found_i): return False")
        self._line(1, "position = head[0]")
        self._line(1, "for one in found_d: decisions.append(position + one[1])")
        self._line(1, "for one in found_i: items.append(position + one[2])")
        tabs = "\\t".join
        order = [
            ("client", "external_id"), ("client", "non_disclosure"), None, None, ("responsible_worker",), ("co_worker",), ("unit",),
            ("status",), ("assessment_date",), ("plan_date",), ("kykyviisari_date",), ("support_person",),
        ]  # fmt: skip
        row = tabs("\\\\N" if one is None else "{" + values[one] + "}" for one in order)
        self._line(
            1,
            f'cases.append(f"{{position}}record\\t{{head[1]}}\\t{{{values["external_id",]}}}\\t{{head[2]}}\\t{row}\\t'
            '{texts(goals)}\\n")',
        )
        self._line(1, "return True")

    def _group(self, name: str, group: GroupRule) -> None:
        root, raw, far = self._tree(group, name)
        self._no = "None"
        self._line(0, f"def {name}(e):")
        self._start(raw.values())
        self._walk(root, "e", 1, first=True)
        self._far(far)
        values = self._values(name, group, raw)
        if name == "decision":
            self._decision_row(values, raw)
        else:
            self._item_row(values, raw)

    def _decision_row(self, values: dict[tuple[str, ...], str], raw: dict[tuple[str, ...], str]) -> None:
        first, last = values["valid_from",], values["valid_to",]
        self._line(1, f"if {first} == N and {last} == N: valid = N")
        self._line(1, "else:")
        self._line(2, f"if {first} != N and {last} != N and {last} < {first}: return None")
        self._line(2, f"valid = f\"[{{'' if {first} == N else {first}}},{{'' if {last} == N else {last}}}]\"")
        parts: list[tuple[str, ...]] = [("baseline", one) for one in ("service", "quantity", "unit")]
        self._optional_part("baseline", parts, values, raw, 'f"{%s}\\t{%s}\\t{%s}"', '"\\\\N\\t\\\\N\\t\\\\N"')
        row = "\\t".join(
            "{" + one + "}"
            for one in (
                values["external_id",], values["number",], values["stand_date",], values["decided_on",], "valid",
                values["granted_amount",], "baseline",
            )
        )  # fmt: skip
        self._line(1, f'return {values["external_id",]}, f"{row}\\n"')

    def _item_row(self, values: dict[tuple[str, ...], str], raw: dict[tuple[str, ...], str]) -> None:
        start, end = values["start",], values["end",]
        self._line(1, f"if {end} < {start}: return None")
        parts = [("follow_up", one) for one in _RHYTHM]
        said = [raw[one] for one in parts if one in raw]
        self._line(1, "rhythm = N")
        if said:
            self._line(1, f"if {' or '.join(f'({one} and {one}.strip())' for one in said)}:")
            self._line(2, "rhythm = ")
            pieces = ", ".join(f"({name!r}, {values['follow_up', name]})" for name in _RHYTHM)
            self._lines[-1] += (
                f'"{{" + ",".join(f\'"{{name}}":{{value}}\' for name, value in ({pieces}) if value != N) + "}}"'
            )
        row = "\\t".join(
            "{" + one + "}"
            for one in (
                values["external_id",], values["decision",], values["service",], values["quantity",], values["unit",],
            )
        )  # fmt: skip
        self._line(
            1,
            f'return {values["external_id",]}, {values["decision",]}, f"{row}\\t[{{{start}}},{{{end}}}]\\t{{{values["provider",]}}}\\t{{rhythm}}\\n"',
        )

    def _optional_part(  # noqa: PLR0917 - a template and what goes into it
        self,
        name: str,
        parts: list[tuple[str, ...]],
        values: dict[tuple[str, ...], str],
        raw: dict[tuple[str, ...], str],
        row: str,
        nothing: str,
    ) -> None:
        """A part that is there if one of its fields was found; then all that must be there is."""
        said = [raw[one] for one in parts if one in raw]
        self._line(1, f"{name} = {nothing}")
        if said:
            self._line(1, f"if {' or '.join(f'({one} and {one}.strip())' for one in said)}:")
            names = [values[one] for one in parts]
            self._line(2, f"if {' or '.join(f'{one} is None' for one in names)}: return None")
            self._line(2, f"{name} = " + row % tuple(names))

    # ------------------------------------------------------------------ walking

    def _tree(
        self, group: GroupRule, name: str
    ) -> tuple[_Node, dict[tuple[str, ...], str], list[tuple[str, str | None]]]:
        """Where each field stands, as a tree; a variable for each; and fields that a finder brings."""
        root = _Node()
        raw: dict[tuple[str, ...], str] = {}
        far: list[tuple[str, str | None]] = []
        for rule in group.fields:
            if rule.is_identity:
                raise NotCompilableError
            if rule.constant is not None:
                continue
            if rule.target == _GOALS and name == "case":
                self._put_goals(root, rule)
                continue
            variable = raw[rule.target] = next(self._names)
            path = rule.paths[0]
            if not path.is_simple or path.up:
                far.append((f"x{self._finder(rule)}", variable))
                continue
            node = self._node(root, path.steps)
            if path.attribute is None:
                self._refuse(node.text is not None or not path.steps)
                node.text = variable
            else:
                self._refuse(path.attribute in node.attributes)
                node.attributes[path.attribute] = variable
        return root, raw, far

    def _put_goals(self, root: _Node, rule: FieldRule) -> None:
        self._refuse(
            len(rule.paths) != 1
            or not rule.paths[0].is_simple
            or rule.paths[0].attribute is not None
            or bool(rule.paths[0].up or rule.split or rule.codes or rule.default)
        )
        node = self._node(root, rule.paths[0].steps)
        self._refuse(node.text is not None)
        node.goal = True

    def _put_group(self, root: _Node, group: GroupRule, name: str) -> None:
        each = group.each
        self._refuse(each is None or not each.is_simple or bool(each.up) or not each.steps)
        if each is not None:
            node = self._node(root, each.steps)
            self._refuse(node.group is not None or node.text is not None or bool(node.children or node.attributes))
            node.group = name

    def _node(self, root: _Node, steps: tuple[str, ...]) -> _Node:
        for step in steps:
            self._refuse(root.group is not None)
            root = root.children.setdefault(step, _Node())
        return root

    @staticmethod
    def _refuse(condition: bool) -> None:  # noqa: FBT001 - reads as an assertion
        if condition:
            raise NotCompilableError

    def _walk(self, node: _Node, name: str, depth: int, *, first: bool = False) -> None:
        for attribute, variable in node.attributes.items():
            if not first:
                self._line(depth, f"if {variable} is None:")
            self._line(depth + (not first), f"{variable} = {name}.get({attribute!r})")
        if self._strict:
            known = " - ".join(
                [f"len({name}.keys())", *(f"({name}.get({one!r}) is not None)" for one in node.attributes)]
            )
            self._line(depth, f"if {known} or ({name}.text and {name}.text.strip()): return {self._no}")
        if not node.children:
            if self._strict:
                self._line(depth, f"if len({name}): return {self._no}")
            return
        self._refuse(depth > _DEEPEST)
        child = f"c{depth}"
        self._line(depth, f"for {child} in {name}:")
        if self._strict:
            self._line(depth + 1, f"if {child}.tail and {child}.tail.strip(): return {self._no}")
        self._line(depth + 1, f"t = {child}.tag")
        word = "if"
        for tag, inner in node.children.items():
            self._line(depth + 1, f"{word} t == {tag!r}:")
            self._child(inner, child, depth + 2)
            word = "elif"
        if self._strict:
            self._line(depth + 1, f"else: return {self._no}")

    def _child(self, node: _Node, name: str, depth: int) -> None:
        if node.group is not None:
            self._line(depth, f"one = {node.group}({name})")
            self._line(depth, "if one is None: return False")
            self._line(depth, f"found_{node.group[0]}.append(one)")
            return
        if node.text is not None or node.goal:
            self._refuse(bool(node.children))
            # what stands in inner elements belongs to the text: the slow way takes it together
            self._line(depth, f"if len({name}): return {self._no}")
            if self._strict:
                attributes = " and ".join(f"{name}.get({one!r}) is not None" for one in node.attributes) or "True"
                self._line(
                    depth, f"if len({name}.keys()) != {len(node.attributes)} or not ({attributes}): return {self._no}"
                )
        if node.goal:
            self._line(depth, f"one = ({name}.text or '').strip()")
            if self._strict:
                self._line(depth, "if not one: return False")
            self._line(depth, "if one: goals.append(one)")
            return
        if node.text is not None:
            if self._strict:
                self._line(depth, f"if {node.text} is not None: return {self._no}")
            self._line(depth, f"if {node.text} is None: {node.text} = {name}.text or ''")
            for attribute, variable in node.attributes.items():
                self._line(depth, f"if {variable} is None: {variable} = {name}.get({attribute!r})")
            return
        if self._strict:
            seen = next(self._names)
            self._lines.insert(self._top, f"    {seen} = None")
            self._line(depth, f"if {seen}: return {self._no}")
            self._line(depth, f"{seen} = True")
        self._walk(node, name, depth)

    # ------------------------------------------------------------------ values

    def _start(self, variables: Iterable[str]) -> None:
        names = list(variables)
        if names:
            self._line(1, f"{' = '.join(names)} = None")
        self._top = len(self._lines)

    def _far(self, far: list[tuple[str, str | None]]) -> None:
        for finder, variable in far:
            self._line(1, f"found = {finder}(e)")
            self._line(1, f"{variable} = found[0] if found else None")

    def _values(self, name: str, group: GroupRule, raw: dict[tuple[str, ...], str]) -> dict[tuple[str, ...], str]:
        """A variable with the row's value for every column; doubt ends the function."""
        rules = {rule.target: rule for rule in group.fields}
        values: dict[tuple[str, ...], str] = {}
        for target, (kind, required, unique) in _KINDS[name].items():
            value = values[target] = "w" + "_".join(target)
            optional_part = len(target) > 1 and target[0] in {"baseline", "follow_up"}
            nothing = '"f"' if kind == "flag" else "N"
            rule = rules.get(target)
            if rule is None:
                self._refuse(required and not optional_part)
                self._line(1, f"{value} = {None if optional_part and required else nothing}")
                continue
            conversion = self._conversion(rule, kind, raw.get(target), required=required, unique=unique)
            self._line(1, f"{value} = {conversion}")
            if kind == "flag":
                self._line(1, f'if {value} == N: {value} = "f"')
            if optional_part and required:
                continue  # judged once it is known whether the part is there
            self._line(1, f"if {value} is None: return {self._no}")
        return values

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
