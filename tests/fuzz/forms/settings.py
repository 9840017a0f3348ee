"""TOML: lines lost, doubled and moved, keys renamed, and values of every kind where another was meant."""

from random import Random
from typing import Final

from tests.fuzz.forms import Form, plain

_VALUES: Final = (
    "1", "-1", "0x7f", "1_000", "1e999", "nan", "-inf", "9" * 30, "9" * 5000, "true", '""', '"x"', "'x'", '"""x\ny"""', '"\\u0000"', '"\\ud800"', '"\\x"', "2026-11-16", "9999-12-31T23:59:59Z", "2026-11-16T00:00:00+99:99", "25:00:00",
    "[]", "[1, 'a']", "{}", "{a = 1, a = 2}", "{from = 'x'}", "{from = ['a', 'b'], codes = 'x'}", "{ from = 'x', date = '%d.%m' }", "[[[]]]", "[" * 400 + "]" * 400, "[" * 3000, "{a=" * 400 + "1" + "}" * 400,
    '"@id"', '"v:x/@y"', '"//x"', '"../x"', '"count(x)"', '"x[1]"', '"' + "x/" * 500 + '"', '"%Y%m%d"', '"postgresql://u:p@h/d"', '"https://[::1"', '"https://a.invalid:99999/"', '"sftp://x"', '"08:00-17:00"', '"*"',
)  # fmt: skip
_LINES: Final = (
    "[",
    "]",
    "[x",
    "[[x]]",
    "[x]",
    "[cases]",
    "[sources.cases.x]",
    "[sources.prices.x.transport]",
    "a.b.c = 1",
    '"" = 1',
    "= 1",
    "x",
    "# x",
    "\x00",
    "x = # y",
    "mode = 'x'",
    "kind = 'x'",
    "kind = 1",
)


def line_changed(dice: Random, content: bytes) -> bytes:
    """One to three lines changed."""
    lines = content.decode("utf-8").split("\n")
    for _ in range(dice.randint(1, 3)):
        at = dice.randrange(len(lines))
        key, given, _value = lines[at].partition("=")
        match dice.randint(0, 7):
            case 0 if len(lines) > 1:
                del lines[at]
            case 1:
                lines.insert(dice.randrange(len(lines)), lines[at])
            case 2:
                lines.insert(dice.randrange(len(lines)), lines.pop(at))
            case 3:
                lines.insert(at, dice.choice(_LINES))
            case 4 if given:
                lines[at] = f"{_key(dice, lines)} = {_value}"
            case _ if given:
                lines[at] = f"{key}= {_new_value(dice, lines)}"
            case _:
                lines[at] = dice.choice(_LINES)
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def composed(dice: Random) -> bytes:
    """Lines of a settings file in no order."""
    return "\n".join(
        dice.choice((dice.choice(_LINES), f"k{number} = {dice.choice(_VALUES)}"))
        for number in range(dice.randint(0, 10))
    ).encode()


def _key(dice: Random, lines: list[str]) -> str:
    keys = [line.partition("=")[0].strip() for line in lines if "=" in line]
    return dice.choice((*keys, "x", '""', "a.b"))


def _new_value(dice: Random, lines: list[str]) -> str:
    others = [line.partition("=")[2].strip() for line in lines if "=" in line]
    return dice.choice(
        (
            dice.choice(_VALUES),
            dice.choice(_VALUES),
            dice.choice(others),
            '"""' + plain.word(dice).replace("\\", "") + '"""',
        )
    )


TOML: Final = Form((line_changed,), composed)
