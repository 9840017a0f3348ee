"""What providers write reaches the terminal as text, never as a command to it."""

import json
import sys

import pytest

from cli.common import complaints, console, emit, table

NAMES = {
    "\x1b[31mPAHA\x1b[0m": "[31mPAHA[0m",
    "\x1b]0;otsikko\x07Tuki": "]0;otsikkoTuki",
    "\x9b2JTuki\x7f": "2JTuki",
    "Tuki\r\x08": "Tuki",
    "\u202eikuT\u2066": "ikuT",
    "Åbo 1\u00a0049 \u20ac – ×": "Åbo 1\u00a0049 \u20ac – ×",
}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_cannot_steer_the_terminal(capsys, name):
    console().print(table("Hinnat", ("Palvelu", "Rivi"), [(name, 2)]))
    console().print(f"! {name}", markup=False)
    complaints().print(f"Virhe: {name}", markup=False)
    written = capsys.readouterr()
    assert f"! {NAMES[name]}\n" in written.out
    assert NAMES[name] in written.out.partition("! ")[0]
    assert written.err == f"Virhe: {NAMES[name]}\n"


def test_styles_of_our_own_stay(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    console().print("[bold]l[/]: x\n\ty", markup=True)
    assert "\x1b[1ml\x1b[0m: x\n" in capsys.readouterr().out


@pytest.mark.parametrize("name", NAMES)
def test_json_says_the_name_whole_and_harmless(capsys, name):
    emit({"name": name}, True, sys.exit)
    written = capsys.readouterr().out
    assert json.loads(written) == {"name": name}
    assert all(letter.isprintable() or letter in "\n\xa0" for letter in written)
