"""What the command-line library says of help and of mistyped commands, in Finnish and Swedish."""

import io
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from rich.console import Console

from cli.common import table
from cli.words import retold
from core.i18n import speaking
from core.settings import ROOT
from demo.commands import Commands

#: Words the library would write by itself.
ENGLISH = re.compile(
    r"Usage|Options\b|OPTIONS|Commands|COMMAND\b|ARGS|Arguments|Error|Missing|Invalid|No such|Show this|default:|required"
    r"|Try |Did you|Choose from|completion (for|installed)|Input should|<(str|int|float|bool|list)|unexpected|requires"
)


@pytest.fixture(scope="module")
def speakers() -> Iterator[dict[str, Commands]]:
    """A process for each language that has loaded the command line in it, and forks for every command."""
    with ExitStack() as running:
        yield {
            language: running.enter_context(
                Commands(os.environ | {"AVAIN_LANGUAGE": language, "COLUMNS": "150"}, directory=ROOT)
            )
            for language in ("fi", "sv")
        }


@pytest.mark.parametrize(
    ("words", "code", "fi", "sv"),
    [
        (["--help"], 0, "Näytä tämä ohje", "Visa den här hjälpen"),
        (["source", "run", "--help"], 0, "[oletus: 3600]", "[förval: 3600]"),
        (["effects", "release", "--help"], 0, "[NIMI]...", "[NAMN]..."),
        (["case", "show"], 2, "Argumentti 'ASIAKKUUS' puuttuu.", "Argumentet 'ÄRENDE' saknas."),
        (["case", "show", "--kukka", "x"], 2, "Valitsinta --kukka ei ole.", "Alternativet --kukka finns inte."),
        (
            ["casee"],
            2,
            "Komentoa 'casee' ei ole. Tarkoititko: 'case'?",
            "Kommandot 'casee' finns inte. Menade du 'case'?",
        ),
        (["case", "list", "--limit", "x"], 2, "arvon on oltava kokonaisluku", "värdet ska vara ett heltal"),
    ],
)
def test_the_library_speaks_the_readers_language(speakers, words, code, fi, sv):
    for language, expected in (("fi", fi), ("sv", sv)):
        done = speakers[language].run(*words)
        text = done.stdout + done.stderr
        assert done.returncode == code
        assert expected in text
        assert not ENGLISH.findall(text)


@pytest.mark.parametrize(
    ("sentence", "fi"),
    [
        ("Missing option '--reason'.", "Valitsin '--reason' puuttuu."),
        ("Missing option '--by'. Choose from:\n\tpeer,\n\tweek", "Valitsin '--by' puuttuu. Valitse jokin näistä:\n\tpeer,\n\tweek"),
        ("Invalid value for '--x': Input should be less than or equal to 5", "Kohdan '--x' arvo ei kelpaa: arvon on oltava enintään 5"),
        (
            "Invalid value for '--at': Value error, 'kukka' does not match the formats '%Y-%m-%d'.",
            "Kohdan '--at' arvo ei kelpaa: 'kukka' ei ole muotoa VVVV-KK-PP.",
        ),
        ("Invalid value for 'FILE': file 'x.toml' does not exist.", "Kohdan 'FILE' arvo ei kelpaa: tiedosto 'x.toml' puuttuu."),
        ("No such option: --casee (Possible options: --case)", "Valitsinta --casee ei ole. Mahdollisia: --case"),
        ("Something a later version says.", "Something a later version says."),
    ],
)  # fmt: skip
def test_a_sentence_is_retold_and_an_unknown_one_is_left_alone(sentence, fi):
    with speaking("fi"):
        assert retold(sentence) == fi


def test_a_table_without_rows_says_that_there_is_nothing() -> None:
    console = Console(width=40, record=True, file=io.StringIO())
    console.print(table("Lists", ["A", "B"], []))
    assert console.export_text().splitlines()[-1].split()[0] == "–"
