"""JSON: values replaced by others of every kind, names lost, doubled and swapped, and what only the text of a document can hold.

Also JSON lines: a document each.
"""

import json
from random import Random
from typing import Any, Final

from tests.fuzz.forms import Form, plain


class Literal(str):
    """Written as it stands: what no value of Python becomes."""

    __slots__ = ()


_LITERALS: Final = tuple(
    map(
        Literal,
        (
            "NaN", "Infinity", "-Infinity", "1e999999999", "-1E+400", "0e-999999999", "1e-999999999", "1" + "0" * 4000, "9" * 5000, "1.0", "-0.0", "01", ".5",
            "1E400", '"\\ud800"', '"\\u0000"', '"\\udc00\\ud800"', '"\\x"', "'x'", "{}", "[]", '{"a":1,"a":2}', "tru", "/* x */ 1", "[" * 900 + "]" * 900, "[" * 2000 + "]" * 2000, '{"a":' * 500 + "1" + "}" * 500,
        ),
    )
)  # fmt: skip


_NUMBERS: Final = (0, -1, 10**20, 2**63, 1.5, -1e300)


def changed(dice: Random, content: bytes) -> bytes:
    """The document with one to three places changed."""
    whole = {"": _read(content)}
    for _ in range(dice.randint(1, 3)):
        places = list(_places(whole))
        holder, key = dice.choice(places)
        _change(dice, holder, key, [one[name] for one, name in places])
    return write(whole.get("")).encode("utf-8", "surrogatepass")


def line_changed(dice: Random, content: bytes) -> bytes:
    """JSON lines with one of them changed, lost, doubled or moved."""
    lines = content.splitlines(keepends=True)
    if not lines:
        raise ValueError
    at = dice.randrange(len(lines))
    match dice.randint(0, 9):
        case 0:
            del lines[at]
        case 1:
            lines.insert(dice.randrange(len(lines)), lines[at])
        case 2:
            lines.append(lines.pop(at))
        case _:
            lines[at] = changed(dice, lines[at]) + b"\n"
    return b"".join(lines)


def composed(dice: Random) -> bytes:
    """A value of whatever kind."""
    return write(_value(dice, 0)).encode("utf-8", "surrogatepass")


def write(value: Any) -> str:
    """As `json.dumps`, with literals as they stand, pairs (`Pairs`) as objects, and whatever a text holds."""
    if isinstance(value, Literal):
        return str(value)
    if isinstance(value, Pairs):
        return "{" + ",".join(f"{json.dumps(name)}:{write(one)}" for name, one in value) + "}"
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(str(name))}:{write(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(write, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


class Pairs(list[tuple[str, Any]]):
    """An object that may hold a name twice."""


def _read(content: bytes) -> Any:
    try:
        return json.loads(content, parse_float=Literal, parse_int=Literal, parse_constant=Literal)
    except RecursionError as error:
        raise ValueError from error


def _places(value: Any) -> "list[tuple[Any, Any]]":
    """Every place that holds a value: its holder and the key or number in it."""
    found, waiting = [], [value]
    while waiting:
        holder = waiting.pop()
        for key in list(holder) if isinstance(holder, dict) else range(len(holder)):
            found.append((holder, key))
            if isinstance(holder[key], dict) or type(holder[key]) is list:
                waiting.append(holder[key])
    return found


def _change(dice: Random, holder: Any, key: Any, others: list[Any]) -> None:
    value = holder[key]
    match dice.randint(0, 8):
        case 0 if key != "":
            del holder[key]
        case 1 if isinstance(holder, dict) and key != "":
            holder[dice.choice((plain.word(dice), "id", "resourceType", "value", "url", "extension", "entry"))] = (
                holder.pop(key)
            )
        case 2 if isinstance(value, dict) and value:
            pairs = list(value.items())
            holder[key] = Pairs([*pairs, dice.choice(pairs)])
        case 3:
            begin, end = dice.choice((("[", "]"), ('{"extension":', "}"), ('{"a":[', "]}")))
            times = dice.choice((1, 2, 30, 300, 480, 800, dice.randint(850, 1000)))
            holder[key] = Literal(begin * times + write(value) + end * times)
        case 4 if isinstance(value, list) and value:
            value.extend([dice.choice(value)] * dice.choice((1, 20)))
        case 5:
            holder[key] = Literal(write(dice.choice(others)))
        case 6:
            holder[key] = dice.choice(_LITERALS)
        case _:
            holder[key] = _value(dice, 0)


def _value(dice: Random, depth: int) -> Any:
    kind = dice.randint(0, 5 if depth < 3 else 3)
    if kind >= 4:
        inner = {plain.word(dice): _value(dice, depth + 1) for _ in range(dice.randint(0, 4))}
        return inner if kind == 4 else list(inner.values())
    if kind >= 2:
        return plain.word(dice)
    return dice.choice((None, True, False, *_NUMBERS, Literal(json.dumps(dice.choice(plain.UNTEXT))), *_LITERALS))


JSON: Final = Form((changed,), composed)
LINES: Final = Form((line_changed,), composed)
