"""Our T19 rules against the official ones, where a copy of them lies beside the project; see test_official_rules.py."""

import pytest

from documents import xml
from documents.findings import fatal
from documents.peppol_rules import OFFICIAL_CATALOGUE_RULES, check_catalogue, codes
from documents.schematron import Schematron
from tests.support.official_rules import (
    code_lists,
    counted,
    hits_of,
    is_expected,
    judge_spoilt,
    rule_ids,
    unit_tests,
    where_they_are,
)
from tests.support.orders import PEPPOL

RULES = PEPPOL / "rules/2026.5/PEPPOLBIS-T19.sch"

pytestmark = where_they_are(RULES)
#: Code lists known by their shape only (documents/peppol_rules/codes.py): a spoilt value may look right to us.
_BY_SHAPE = {"PEPPOL-T19-B11601", "PEPPOL-T19-B19601", "PEPPOL-T19-B24301"}


def catalogues():
    """The official example catalogues and the Finnish sample."""
    found = [
        PEPPOL / "examples/Catalogue_Example.xml",
        *sorted(PEPPOL.glob("examples/*/catalogue-*.xml")),
        *sorted(PEPPOL.glob("samples/catalogue-*.xml")),
    ]
    assert len(found) == 8
    return found


@pytest.fixture(scope="module")
def official() -> Schematron:
    return Schematron.load(RULES)


def test_we_know_every_official_rule_by_its_id():
    assert rule_ids(RULES) == OFFICIAL_CATALOGUE_RULES


def test_our_code_lists_are_those_in_force():
    theirs = code_lists(RULES)
    assert theirs["clActionCode_header"] == codes.CATALOGUE_ACTIONS
    assert theirs["clActionCode_line"] == codes.LINE_ACTIONS
    assert theirs["clUNCL5387"] == codes.PRICE_TYPES
    assert theirs["clUNCL6313"] == codes.MEASURES
    assert theirs["clUNCL8273"] == codes.DANGEROUS_GOODS
    assert theirs["clGS17009"] == codes.PACK_LEVELS
    assert theirs["clTransactionCondition"] == codes.SALE_CONDITIONS
    # Known by their shape only.
    assert all(map(codes.is_document_type, theirs["clUNCL1001"] | theirs["clImage"]))
    assert all(map(codes.is_label, theirs["clPackagingMarkedLabelAccreditationCode"] | theirs["clNA"]))


def test_our_rules_pass_the_official_unit_tests_and_agree_rule_by_rule(official, capsys):
    passed, failed, differing, agreed = 0, [], [], set()
    for name, tree, expected in unit_tests("t19"):
        ours, theirs = counted(check_catalogue(tree)), counted(official.check(tree))
        if ours != theirs:
            differing.append((name, (ours - theirs) + (theirs - ours)))
        agreed |= {rule for rule, _, _ in ours}
        for kind, rule, number in expected:
            assert rule in OFFICIAL_CATALOGUE_RULES
            hits = hits_of(ours, rule)
            good = is_expected(hits, kind, number)
            passed += good
            failed += [] if good else [(name, kind, rule, number, hits)]
    with capsys.disabled():
        print(  # noqa: T201 - the measured agreement belongs into the report
            f"\nofficial T19 unit tests: {passed} of {passed + len(failed)} assertions; {len(agreed)} rules fired alike"
        )
    assert differing == []
    assert failed == []
    assert passed >= 50


def test_the_official_examples_break_no_rule_by_theirs_or_ours(official):
    for path in catalogues():
        tree = xml.parse(path.read_bytes())
        ours, theirs = check_catalogue(tree), official.check(tree)
        assert counted(ours) == counted(theirs), path.name
        assert fatal(theirs) == []


@pytest.mark.slow
def test_our_rules_agree_with_the_official_ones_on_spoilt_catalogues(official, capfd):
    judged = judge_spoilt(catalogues(), check_catalogue, official, step=53)
    capfd.readouterr()  # Saxon reports what it could not evaluate on stderr as well
    with capfd.disabled():
        print(  # noqa: T201 - the measured agreement belongs into the report
            f"\nspoilt catalogues: {judged.compared} compared, {judged.unevaluated} not evaluable, {len(judged.fired)} of {len(OFFICIAL_CATALOGUE_RULES)} rules fired"
        )
    differing = [(name, odd) for name, odd in judged.differing if not {rule for rule, _, _ in odd} <= _BY_SHAPE]
    assert differing == []
    assert judged.compared > 400
    assert len(judged.fired) > 80
