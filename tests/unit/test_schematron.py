"""Schematron run by Saxon, on a schema of our own; the official ones are in tests/integration/test_official_rules.py."""

import importlib.util
import os

import pytest

from core.errors import ConfigurationError, InputError
from documents import xml
from documents.schematron import Schematron

SCHEMA = """<schema xmlns="http://purl.oclc.org/dsdl/schematron" queryBinding="xslt2"
    xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <title>Baskets</title>
  <ns prefix="b" uri="urn:example:basket"/>
  <ns prefix="f" uri="urn:example:functions"/>
  <xsl:function name="f:twice"><xsl:param name="n"/><xsl:sequence select="2 * $n"/></xsl:function>
  <let name="limit" value="number(/b:basket/@limit)"/>
  <phase id="quick"><active pattern="weights"/></phase>
  <pattern id="weights">
    <let name="heaviest" value="max(//b:item/@kg/number())"/>
    <rule context="b:item[@free]"/>
    <rule context="b:item">
      <let name="kg" value="number(@kg)"/>
      <assert id="B1" test="$kg le $limit" flag="fatal">An <emph>item</emph> of <value-of select="$kg"/> kg isn't allowed in <name path=".."/>.</assert>
      <report id="B2" test="f:twice($kg) gt $heaviest * 2" flag="warning">never</report>
      <report id="B3" test="$kg = $heaviest" role="warning">heaviest</report>
    </rule>
  </pattern>
  <pattern>
    <rule context="b:item/@kg"><assert id="B4" test="number(.) = number(.)">'kg' must be a number</assert></rule>
    <rule context="b:item"><assert id="B5" test="b:name">no name</assert></rule>
  </pattern>
</schema>"""
BASKET = b"""<basket xmlns="urn:example:basket" limit="5">
  <item kg="2"><name>a</name></item>
  <item kg="9"/>
  <item kg="99" free="yes"><name>c</name></item>
</basket>"""


@pytest.fixture
def load(tmp_path):
    def loaded(text: str = SCHEMA) -> Schematron:
        path = tmp_path / "rules.sch"
        path.write_text(text)
        return Schematron.load(path)

    return loaded


def test_findings_say_rule_severity_place_and_words(load):
    found = load().check(BASKET)
    assert [(f.rule, f.severity, f.line, f.location) for f in found] == [
        ("B1", "fatal", 3, "/basket/item[2]"),
        ("B5", "fatal", 3, "/basket/item[2]"),
    ]
    assert found[0].text.text("en") == "An item of 9 kg isn't allowed in basket."


def test_only_the_first_rule_of_a_pattern_applies_and_reports_warn(load):
    found = load().check(BASKET.replace(b' free="yes"', b""))
    assert [(f.rule, f.severity) for f in found if f.location == "/basket/item[3]"] == [
        ("B1", "fatal"),
        ("B3", "warning"),
    ]


def test_an_attribute_is_reported_at_its_element(load):
    (finding,) = (f for f in load().check(BASKET.replace(b'kg="2"', b'kg="two"')) if f.rule == "B4")
    assert (finding.severity, finding.location) == ("fatal", "/basket/item[1]")


def test_bytes_and_trees_give_the_same(load):
    rules = load()
    assert rules.check(xml.parse(BASKET)) == rules.check(BASKET)


def test_a_document_the_rules_cannot_evaluate_is_refused(load):
    rules = load(
        SCHEMA.replace("number(@kg)", "xs:decimal(@kg)").replace(
            "<title>", '<ns prefix="xs" uri="http://www.w3.org/2001/XMLSchema"/><title>'
        )
    )
    with pytest.raises(InputError, match="xs:decimal"):
        rules.check(BASKET.replace(b'kg="2"', b'kg="two"'))


def test_a_schema_that_does_not_compile_is_refused(load):
    with pytest.raises(InputError):
        load(SCHEMA.replace("$kg le $limit", "$kg le (")).check(BASKET)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('queryBinding="xslt2"', 'queryBinding="xslt"'),
        ('queryBinding="xslt2"', 'queryBinding="xslt2" defaultPhase="quick"'),
        ('<pattern id="weights">', '<pattern id="weights" abstract="true">'),
        ("<pattern>", '<include href="more.sch"/><pattern>'),
        ('<rule context="b:item[@free]"/>', '<rule context="b:item[@free]"><extends rule="r"/></rule>'),
        ('<let name="heaviest"', '<let name="limit"'),
    ],
)
def test_what_is_not_supported_is_refused_rather_than_misread(load, old, new):
    assert old in SCHEMA
    with pytest.raises(InputError):
        load(SCHEMA.replace(old, new))


def test_without_saxon_the_missing_part_is_named(load, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(ConfigurationError, match="schematron"):
        load()


def test_saxon_is_not_used_across_a_fork(load, monkeypatch):
    rules = load()
    rules.check(BASKET)
    monkeypatch.setattr(os, "getpid", lambda: -1)
    with pytest.raises(RuntimeError, match="forked"):
        rules.check(BASKET)
