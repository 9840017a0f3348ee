"""The official Peppol rules' ids, code lists and unit tests, and documents spoilt in one place, for holding our rules against the official ones."""

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import pytest
from lxml import etree

from core.errors import InputError
from documents import xml
from documents.peppol_rules.model import CBC
from tests.support.orders import PEPPOL

EXHAUSTIVE = os.environ.get("AVAIN_TEST_EXHAUSTIVE") == "1"
_VEFA = "{http://difi.no/xsd/vefa/validator/1.0}"
_VALUES = ("", "  ", "0", "-1", "1.005", "XX", "true", "false", "S", "O", "E", "XYZ", "NL1")
#: Units are checked by shape only, so no mutant gets a unit that merely looks right (documents/peppol_rules/codes.py).
_ATTRIBUTES = {
    "currencyID": ("USD", "x"),
    "unitCode": ("KGM", "HOUR"),
    "schemeID": (
        "",
        *[
            "0007",
            "0037",
            "0088",
            "0096",
            "0106",
            "0151",
            "0184",
            "0190",
            "0192",
            "0198",
            "0201",
            "0208",
            "0210",
            "0211",
            "0216",
            "0217",
            "9907",
            "9944",
            "9999",
        ],
    ),
}


def where_they_are(rules: Path) -> list[pytest.MarkDecorator]:
    """The marks of tests that need the official rules of this file, and skip, loudly, where there is no copy of it."""
    reason = f"THE OFFICIAL PEPPOL RULES WERE NOT CHECKED: put a copy of {rules.name} (2026.5) under ../shared/peppol/rules/2026.5"
    return [pytest.mark.official, pytest.mark.skipif(not rules.is_file(), reason=reason)]


def rule_ids(rules: Path) -> set[str]:
    """The id of each rule in the file."""
    return set(re.findall(r'\bid="(PEPPOL-[^"]+)"', rules.read_text(encoding="utf-8")))


def code_lists(rules: Path) -> dict[str, set[str]]:
    """The codes of each list in the file, by its name."""
    lists = re.findall(r"""<let name="(cl[\w-]+)"\s+value="tokenize\('([^']*)'""", rules.read_text(encoding="utf-8"))
    return {name: set(values.split()) for name, values in lists}


def unit_tests(transaction):
    """`(name, document, what it expects)` of each official unit test of `transaction` and its common rules; (kind, rule, number) per expectation."""
    for path in sorted(PEPPOL.glob("unit-tests/unit-*/PEPPOL-*.xml")):
        tests = xml.parse(path.read_bytes()).getroot()
        if not tests.get("configuration", "").startswith(f"peppolbis-{transaction}"):
            continue
        for number, test in enumerate(tests.findall(f"{_VEFA}test"), start=1):
            expected = [
                (etree.QName(wanted).localname, (wanted.text or "").strip(), wanted.get("number"))
                for wanted in test.iterfind(f"{_VEFA}assert/*")
                if etree.QName(wanted).localname in {"success", "error", "warning"}
            ]
            documents = [child for child in test if not child.tag.startswith(_VEFA)]
            if documents:
                yield f"{path.stem}/{number}", xml.parse(etree.tostring(documents[0], with_tail=False)), expected


def hits_of(ours: Counter[tuple[str, str, str]], rule: str) -> int:
    """How often a rule is broken, wherever."""
    return sum(count for key, count in ours.items() if key[0] == rule)


def is_expected(hits: int, kind: str, number: str | None) -> bool:
    """Whether a rule that is broken so often is what a unit test expects: not at all, this often, or at least once."""
    return not hits if kind == "success" else hits == int(number or hits or -1)


def mutants(root, start: int = 0, step: int = 1):
    """Copies of a document, each spoilt in one place; every `step`-th of all there are."""
    for place, spoil in islice(_spoilings(root), start, None, step):
        copy = deepcopy(root)
        spoil(next(islice(copy.iter(), place, None)))
        yield copy


def _spoilings(root):
    """`(place, what to do there)`: ways to spoil a document in one place, an element missing, doubled, renamed, with another value or attribute."""
    for place, element in enumerate(root.iter()):
        for spoil in _spoilers(element, is_root=element is root):
            yield place, spoil


def _spoilers(element, *, is_root: bool):
    if not is_root:
        yield lambda e: e.getparent().remove(e)
        yield lambda e: e.getparent().insert(0, deepcopy(e))
        yield lambda e: setattr(e, "tag", e.tag + "X")
    else:
        yield lambda e: e.set("{http://www.w3.org/2001/XMLSchema-instance}schemaLocation", "urn:x x.xsd")
    if len(element):
        yield _add_unknown
    if not len(element):
        for value in (*_VALUES, f" {element.text} "):
            yield lambda e, value=value: setattr(e, "text", value)
    if "schemeID" in element.attrib:
        yield _make_italian
    for name in element.attrib:
        yield lambda e, name=name: e.attrib.pop(name)
        for value in _ATTRIBUTES.get(name, ("XX",)):
            yield lambda e, name=name, value=value: e.set(name, value)


def _add_unknown(element):
    etree.SubElement(element, f"{CBC}Unheard").text = "of"


def _make_italian(element):
    element.set("schemeID", "0211")
    element.text = "IT1"


def counted(findings) -> Counter[tuple[str, str, str]]:
    """(rule, severity, place) of each official rule that is broken, and how often."""
    return Counter((f.rule, f.severity, f.location) for f in findings if not f.rule.startswith("AVAIN-"))


@dataclass
class Spoilt:
    """How our rules and the official ones judged spoilt documents: what differs is (file, what only one of them found)."""

    compared: int = 0
    unevaluated: int = 0
    fired: set[str] = field(default_factory=set)
    differing: list[tuple[str, Counter[tuple[str, str, str]]]] = field(default_factory=list)


def judge_spoilt(documents: Iterable[Path], check: Callable[[Any], Any], official, *, step: int) -> Spoilt:
    """Spoil the documents in one place after another, and have both judge every `step`-th of them, another start for each document.

    AVAIN_TEST_EXHAUSTIVE=1 takes them all.
    """
    judged, step = Spoilt(), 1 if EXHAUSTIVE else step
    for number, path in enumerate(documents):
        root = xml.parse(path.read_bytes()).getroot()
        for mutant in mutants(root, number % step, step):
            _judge(judged, path.name, mutant, check, official)
    return judged


def judge_shaken(documents: Sequence[bytes], check: Callable[[Any], Any], official, *, count: int) -> Spoilt:
    """Spoil the documents in one to six places each, drawn with a fixed seed, and have both judge `count` of them."""
    judged, chance = Spoilt(), Random(2026)
    for number in range(count):
        root = xml.parse(documents[number % len(documents)]).getroot()
        for _ in range(chance.randint(1, 6)):
            element = chance.choice(list(root.iter()))
            spoil = chance.choice([*_spoilers(element, is_root=element is root), *_number_spoilers(element, chance)])
            spoil(element)
        _judge(judged, f"{number}", root, check, official)
    return judged


def _number_spoilers(element, chance):
    """A number that is a little another one: it is these that balances and slacks are about."""
    if not len(element) and re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", element.text or ""):
        yield lambda e: setattr(
            e, "text", str(Decimal(e.text) + Decimal(chance.choice(("0.01", "-0.01", "0.03", "1"))))
        )
        yield lambda e: setattr(e, "text", e.text + chance.choice(("0", "1")))


def _judge(judged: Spoilt, name: str, mutant, check: Callable[[Any], Any], official) -> None:
    data = etree.tostring(mutant)
    ours = counted(check(xml.parse(data)))
    try:
        theirs = counted(official.check(data))
    except InputError:  # no number where one must be: their rules stop, the schema refuses it first
        judged.unevaluated += 1
        return
    judged.compared += 1
    judged.fired |= {rule for rule, _, _ in theirs}
    if ours != theirs:
        judged.differing.append((name, (ours - theirs) + (theirs - ours)))
