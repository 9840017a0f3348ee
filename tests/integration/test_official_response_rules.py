"""Our T76 rules against the official ones, where a copy of them lies beside the project; see test_official_rules.py."""

import pytest
from hypothesis import HealthCheck, given, settings

from documents import xml
from documents.findings import fatal
from documents.order_response import read_response
from documents.peppol_rules import OFFICIAL_RESPONSE_RULES, check_response, codes
from documents.schemas import check_schema
from documents.schematron import Schematron
from tests.support.official_rules import (
    code_lists,
    counted,
    hits_of,
    is_expected,
    judge_shaken,
    judge_spoilt,
    rule_ids,
    unit_tests,
    where_they_are,
)
from tests.support.orders import PEPPOL
from tests.support.response_writing import write_response
from tests.support.responses import responses
from tests.unit.test_order_response import RESPONSES

RULES = PEPPOL / "rules/2026.5/PEPPOLBIS-T76.sch"

pytestmark = where_they_are(RULES)


def examples():
    """The official example responses and the Finnish samples."""
    found = [
        PEPPOL / "examples/OrderResponse_Example.xml",
        *sorted(PEPPOL.glob("examples/Order-response use cases/*.xml")),
        *sorted(PEPPOL.glob("samples/response-*.xml")),
    ]
    assert len(found) == 9
    return found


@pytest.fixture(scope="module")
def official() -> Schematron:
    return Schematron.load(RULES)


def test_we_know_every_official_rule_by_its_id():
    assert rule_ids(RULES) == OFFICIAL_RESPONSE_RULES


def test_our_code_lists_are_those_in_force():
    theirs = code_lists(RULES)
    assert theirs["clUNCL4343-T76"] == codes.RESPONSES
    assert theirs["clUNCL1229"] == codes.LINE_RESPONSES
    assert theirs["cleas"] == codes.ADDRESS_SCHEMES
    assert theirs["clICD"] == codes.IDENTIFIER_SCHEMES
    assert theirs["clISO4217"] == codes.CURRENCIES
    assert theirs["clUNCL7143"] == codes.CLASSIFICATIONS
    assert all(map(codes.is_unit, theirs["clUNECERec20"]))  # known by its shape only


def test_our_rules_pass_the_official_unit_tests_and_agree_rule_by_rule(official, capsys):
    passed, failed, differing, agreed = 0, [], [], set()
    for name, tree, expected in unit_tests("t76"):
        ours, theirs = counted(check_response(tree)), counted(official.check(tree))
        if ours != theirs:
            differing.append((name, (ours - theirs) + (theirs - ours)))
        agreed |= {rule for rule, _, _ in ours}
        for kind, rule, number in expected:
            hits = hits_of(ours, rule)
            good = is_expected(hits, kind, number)
            passed += good
            failed += [] if good else [(name, kind, rule, number, hits)]
    with capsys.disabled():
        print(  # noqa: T201 - the measured agreement belongs into the report
            f"\nofficial T76 unit tests: {passed} of {passed + len(failed)} assertions; {len(agreed)} rules fired alike"
        )
    assert differing == []
    assert failed == []
    assert passed >= 20


def test_the_official_examples_break_no_rule_by_theirs_or_ours(official):
    for path in examples():
        tree = xml.parse(path.read_bytes())
        ours, theirs = check_response(tree), official.check(tree)
        assert counted(ours) == counted(theirs), path.name


def test_every_response_of_the_reading_tests_is_accepted(official):
    for response in RESPONSES:
        data = write_response(response)
        assert check_schema(xml.parse(data), "OrderResponse") == []
        assert fatal(official.check(data)) == []


@given(response=responses())
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_response_is_read_as_it_was_written_and_accepted(official, response):
    data = write_response(response)
    assert read_response(data) == response
    assert fatal(official.check(data)) == []


def test_our_rules_agree_with_the_official_ones_on_spoilt_responses(official, capfd):
    judged = judge_spoilt(examples(), check_response, official, step=23)
    capfd.readouterr()  # Saxon reports what it could not evaluate on stderr as well
    with capfd.disabled():
        print(  # noqa: T201 - the measured agreement belongs into the report
            f"\nspoilt responses: {judged.compared} compared, {judged.unevaluated} not evaluable, {len(judged.fired)} of {len(OFFICIAL_RESPONSE_RULES)} rules fired"
        )
    assert judged.differing == []
    assert judged.compared > 100
    assert len(judged.fired) > 40


def test_our_rules_agree_with_the_official_ones_on_shaken_responses(official, capfd):
    documents = [path.read_bytes() for path in examples()] + [write_response(response) for response in RESPONSES]
    judged = judge_shaken(documents, check_response, official, count=120)
    capfd.readouterr()
    with capfd.disabled():
        print(  # noqa: T201 - the measured agreement belongs into the report
            f"\nshaken responses: {judged.compared} compared, {judged.unevaluated} not evaluable, {len(judged.fired)} of {len(OFFICIAL_RESPONSE_RULES)} rules fired"
        )
    assert judged.differing == []
    assert judged.compared >= 100
    assert len(judged.fired) > 40
