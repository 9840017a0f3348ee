"""The language of profiles: what can be wrong in one is told with file and key, and what a rule makes of a text."""

from pathlib import Path
from typing import Any

import pytest

from connectors.cases.profile import (
    FieldRule,
    Profile,
    XmlPath,
    load_profile,
)
from connectors.cases.profile.paths import PathError, parse_path, parse_steps
from connectors.cases.profile.targets import targets
from core.errors import ConfigurationError

CASES = """
[cases]
external_id = "Tunnus"
client.external_id = "Asiakas"
responsible_worker = "Omatyöntekijä"
status = "Tila"
"""
TABLE = f'[profile]\nname = "vienti"\n{CASES}'
XML = """
[profile]
name = "saga-vienti"
[xml]
root = "s:Vienti"
record = "s:Asiakkuus"
gone = "s:Poistettu"
[xml.namespaces]
s = "urn:saga:vienti"
[cases]
external_id = "@id"
status = { from = "s:Tila", codes = "status", default = "open" }
responsible_worker = "s:Tyontekija/@id"
"client.external_id" = "s:Asiakas/@viite"
client.identity.henkilotunnus = "s:Asiakas/s:Hetu"
plan_date = { from = "s:Suunnitelma/s:Pvm", date = "%d.%m.%Y" }
unit = { constant = "U-1" }
goals = "s:Tavoite"
[decisions]
each = "s:Paatos"
external_id = "@nro"
granted_amount = { from = "s:Summa[@laji='myonnetty']", decimal_comma = true }
[plan_items]
each = "s:Paatos/s:Palvelu"
external_id = "@id"
decision = "../@nro"
service = "."
quantity = "@maara"
unit = "@yksikko"
start = "@alkaa"
end = "@loppuu"
[codes.status]
AVOIN = "open"
"*" = "closed"
"""


def load(tmp_path: Path, text: str, kind: Any = "table") -> Profile:
    path = tmp_path / "vienti.toml"
    path.write_text(text, "utf-8")
    return load_profile(path, kind)


def why_not(tmp_path: Path, text: str, kind: Any = "table") -> str:
    with pytest.raises(ConfigurationError) as refused:
        load(tmp_path, text, kind)
    return str(refused.value).removeprefix("vienti.toml: ")


def rule_of(profile: Profile, name: str) -> FieldRule:
    return profile.cases.rule(*name.split("."))


def test_paths_are_understood_when_the_profile_is_loaded(tmp_path: Path) -> None:
    profile = load(tmp_path, XML, "xml")
    assert profile.xml is not None
    assert profile.xml.root == "{urn:saga:vienti}Vienti"
    assert profile.xml.record == ("{urn:saga:vienti}Asiakkuus",)
    assert profile.xml.gone == ("{urn:saga:vienti}Poistettu",)
    assert profile.xml.gone_id == XmlPath("@id", attribute="id")
    assert rule_of(profile, "client.external_id").paths == (
        XmlPath("s:Asiakas/@viite", steps=("{urn:saga:vienti}Asiakas",), attribute="viite"),
    )
    assert profile.decisions is not None
    assert not profile.decisions.rule("granted_amount").is_simple_path
    assert profile.plan_items is not None
    assert profile.plan_items.each == XmlPath(
        "s:Paatos/s:Palvelu", steps=("{urn:saga:vienti}Paatos", "{urn:saga:vienti}Palvelu")
    )
    assert profile.plan_items.rule("decision").paths == (XmlPath("../@nro", up=1, attribute="nro"),)
    assert profile.plan_items.rule("service").paths == (XmlPath("."),)


def test_identity_can_be_left_out_before_anything_is_read(tmp_path: Path) -> None:
    profile = load(tmp_path, XML, "xml")
    assert any(rule.is_identity for rule in profile.cases.fields)
    assert not any(rule.is_identity for rule in profile.without_identity().cases.fields)
    assert profile.without_identity().version == profile.version


def test_the_version_is_of_what_is_said_not_of_how(tmp_path: Path) -> None:
    first = load(tmp_path, TABLE).version
    assert len(first) == 16
    same = TABLE.replace("client.external_id", '"client.external_id"') + "# as agreed in November\n"
    assert load(tmp_path, same).version == first
    table = TABLE.replace('client.external_id = "Asiakas"\n', "") + '[cases.client]\nexternal_id = "Asiakas"\n'
    assert load(tmp_path, table).version == first
    assert load(tmp_path, TABLE.replace('"Tila"', '"Vaihe"')).version != first
    assert load(tmp_path, TABLE, "sql").version != first
    codes = TABLE.replace('"Tila"', '{ from = "Tila", codes = "tila" }') + '[codes.tila]\n"a.b" = "open"\n'
    nested = codes.replace('"a.b" = "open"', '"a.b" = "closed"')
    assert load(tmp_path, codes).version != load(tmp_path, nested).version


def test_a_file_that_is_no_profile_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.toml cannot be read: there is no such file"):
        load_profile(tmp_path / "nowhere.toml", "xml")
    (tmp_path / "vienti.toml").write_bytes(b"[profile]\nname = \xff\n")
    with pytest.raises(ConfigurationError, match=r"vienti\.toml is not a TOML file: byte 18 is not UTF-8"):
        load_profile(tmp_path / "vienti.toml", "table")
    assert why_not(tmp_path, "[profile\n") == "vienti.toml is not a TOML file: line 1, column 9"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[profil]\n", "profil: profil is not known. Did you mean profile?"),
        ("[profile]\n" + CASES, "profile.name: A value that must be there is missing."),
        (TABLE + "[xml]\nrecord = 'a'\n", "xml: xml is not known. There are: cases, codes, decisions, plan_items, profile, table"),
        (TABLE + "[cases.klient]\na = 'b'\n", "cases.klient: klient is not known. There are: assessment_date"),
        (TABLE + "goal = 'a'\n", "cases.goal: goal is not known. Did you mean goals?"),
        (TABLE + "client.name = 'a'\n", "cases.client.name: client.name is not known. Did you mean client.identity.name?"),
        (TABLE + "decisions = 'a'\n", "cases.decisions: decisions is not known."),
        (TABLE + "version = 'a'\n", "cases.version: version is not known."),
        (TABLE + "'client.external_id' = 'a'\n", "cases.client.external_id: The field is there twice."),
        (TABLE.replace("status", "unit"), "cases.status: The record must have this field: say where it stands."),
        (TABLE + "[decisions]\nnumber = 'a'\n", "decisions.external_id: The record must have this field"),
        (
            TABLE + "[decisions]\nexternal_id = 'a'\nbaseline.service = 'b'\nbaseline.unit = 'c'\n",
            "decisions.baseline.quantity: The record must have this field",
        ),
        (TABLE + "unit = 5\n", "cases.unit.from: A text or a list of texts is expected."),
        (TABLE + "unit = ''\n", "cases.unit.from: A text or a list of texts is expected."),
        (TABLE + "unit = []\n", "cases.unit.from: A text or a list of texts is expected."),
        (TABLE + "unit = ['a', 'b']\n", "cases.unit.from: Only a field of several texts can come from several places."),
        (TABLE + "unit = { column = 'a' }\n", "cases.unit.column: column is not known. "),
        (TABLE + "unit = { codes = 'a' }\n", "cases.unit: A field has exactly one of: from, constant."),
        (TABLE + "unit = { from = 'a', constant = 'b' }\n", "cases.unit: A field has exactly one of: from, constant."),
        (TABLE + "unit = { constant = 'b', default = 'c' }\n", "cases.unit.default: default is not known."),
        (TABLE + "unit = { constant = 'b c' }\n", "cases.unit.constant: This field does not take b c."),
        (TABLE + "unit = { constant = 1.5 }\n", "cases.unit.constant: This field does not take 1.5."),
        (TABLE.replace("'Tunnus'", "{ constant = 'A' }").replace('"Tunnus"', "{ constant = 'A' }"), "cases.external_id.constant: This field does not take constant."),
        (TABLE + "unit = { from = 'a', default = '' }\n", "cases.unit.default: This field does not take ."),
        (TABLE + "plan_date = { from = 'a', default = '31.2.2026' }\n", "cases.plan_date.default: This field does not take 31.2.2026."),
        (TABLE + "unit = { from = 'a', date = '%d.%m.%Y' }\n", "cases.unit.date: This field does not take date."),
        (TABLE + "unit = { from = 'a', split = ';' }\n", "cases.unit.split: This field does not take split."),
        (TABLE + "unit = { from = 'a', decimal_comma = true }\n", "cases.unit.decimal_comma: This field does not take decimal_comma."),
        (TABLE + "unit = { from = 'a', codes = 'b' }\n", "cases.unit.codes: b is not known. There are: –"),
        (TABLE + "plan_date = { from = 'a', date = 'dd.mm.yyyy' }\n", "cases.plan_date.date: dd.mm.yyyy is not a form of dates"),
        (TABLE + "plan_date = { from = 'a', date = '%d.%m.%y' }\n", "cases.plan_date.date: %d.%m.%y is not a form of dates"),
        (TABLE + "plan_date = { from = 'a', date = '%d.%d.%m.%Y' }\n", "cases.plan_date.date: "),
        (TABLE + "plan_date = { from = 'a', date = '%d.%m.%Y%' }\n", "cases.plan_date.date: "),
        (
            TABLE.replace('"Tila"', "{ from = 'Tila', codes = 'tila' }") + "[codes.tilat]\nA = 'open'\n",
            "cases.status.codes: tila is not known. Did you mean tilat?",
        ),
        (
            TABLE.replace('"Tila"', "{ from = 'Tila', codes = 'tila' }") + "[codes.tila]\nA = 'auki'\n",
            "cases.status.codes: In [codes.tila], A becomes auki, which this field does not take.",
        ),
        (TABLE + "[codes.tila]\n", "codes.tila: The code map is empty."),
        (TABLE + "[codes.tila]\nA = 1\n", "codes.tila.A: A text is expected."),
        (TABLE + "[codes]\ntila = 1\n", "codes.tila: A table is expected."),
        (TABLE + "[table]\nencoding = 'utf-9'\n", "table.encoding: The encoding utf-9 is not known."),
        (TABLE + "[table]\nseparator = ';;'\n", "table.separator: One character is expected."),
        (TABLE + "[table]\nfooter = 1\n", "table.footer: A text is expected."),
        (TABLE + "[table]\ndecimal_comma = 'yes'\n", "table.decimal_comma: true or false is expected."),
        (TABLE + "[table]\nseperator = ';'\n", "table.seperator: seperator is not known. Did you mean separator?"),
        (TABLE + "file = 'out/*.csv'\n", "cases.file: A file's name or a pattern such as cases*.csv is expected."),
        (TABLE + "[decisions]\nfile = 'p*.csv'\nexternal_id = 'a'\n", "decisions.case: A group in a file of its own needs both"),
        (TABLE + "[decisions]\ncase = 'a'\nexternal_id = 'a'\n", "decisions.file: A group in a file of its own needs both"),
        (
            TABLE + "[decisions]\nfile = 'p*.csv'\ncase = 'a'\nexternal_id = 'a'\n",
            "cases.file: Other groups have files of their own: say which are the cases'.",
        ),
        (
            TABLE + "file = 'p*.csv'\n[decisions]\nfile = 'p*.csv'\ncase = 'a'\nexternal_id = 'a'\n",
            "file: Two groups have the same pattern of files.",
        ),
        (TABLE + "[decisions]\neach = 'a'\nexternal_id = 'a'\n", "decisions.each: each is not known. "),
        (TABLE + "gone = { from = 'a' }\n", "cases.gone.values: A text or a list of texts is expected."),
        (TABLE + "gone = { values = 'a' }\n", "cases.gone.from: A value that must be there is missing."),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_table_profile_is_told_with_its_key(tmp_path: Path, text: str, why: str) -> None:
    assert why_not(tmp_path, text).startswith(why)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('[xml]\nroot = "s:Vienti"\nrecord = "s:Asiakkuus"', '[xml]\nroot = "s:Vienti"', "xml.record: A value that must be there is missing."),
        ('"s:Vienti"', '"x:Vienti"', "xml.root: The prefix x is not in [xml.namespaces]; there are: s"),
        ('"s:Vienti"', '"s:Vienti/s:A"', "xml.root: s:Vienti/s:A is not a name of an element."),
        ('"s:Asiakkuus"', '"//s:Asiakkuus"', "xml.record: The path must be names of elements with / between them."),
        ('"s:Asiakkuus"', '"@id"', "xml.record: The path must be names of elements with / between them."),
        ('gone = "s:Poistettu"', 'gone_id = "@id"', "xml.gone_id: It goes with gone."),
        ('s = "urn:saga:vienti"', "s = 1", "xml.namespaces.s: A text is expected."),
        ('s = "urn:saga:vienti"', 's = "urn:saga}vienti"', "xml.namespaces.s: This is not the name of a namespace."),
        ('s = "urn:saga:vienti"', 's = "urn:<saga>"', "xml.namespaces.s: This is not the name of a namespace."),
        ('"@id"\nstatus', '"s:Tunnus["\nstatus', "cases.external_id.from: s:Tunnus[ is not a path ("),
        ('"@id"\nstatus', '"x:Tunnus[1]"\nstatus', "cases.external_id.from: x:Tunnus[1] is not a path ("),
        ('"@id"\nstatus', '"x:Tunnus"\nstatus', "cases.external_id.from: The prefix x is not in [xml.namespaces]; there are: s"),
        ('"@id"\nstatus', '" "\nstatus', "cases.external_id.from: The path is empty."),
        ('each = "s:Paatos"\n', "", "decisions.each: A value that must be there is missing."),
        ('each = "s:Paatos"\n', 'each = "@a"\n', "decisions.each: The path must lead to elements, not to an attribute."),
        ('each = "s:Paatos"\n', 'each = "s:Paatos"\ncase = "a"\n', "decisions.case: case is not known."),
        ("[decisions]", "gone = { from = 'a', values = 'b' }\n[decisions]", "cases.gone: gone is not known."),
    ],
)  # fmt: skip
def test_what_is_wrong_in_an_xml_profile_is_told_with_its_key(tmp_path: Path, old: str, new: str, why: str) -> None:
    assert old in XML
    assert why_not(tmp_path, XML.replace(old, new), "xml").startswith(why)


def test_a_view_has_no_files(tmp_path: Path) -> None:
    assert why_not(tmp_path, TABLE + "file = 'a.csv'\n", "sql").startswith("cases.file: file is not known.")
    assert why_not(tmp_path, TABLE + "[table]\nsheet = 'a'\n", "sql").startswith("table: table is not known.")


def test_every_field_of_the_record_can_be_mapped() -> None:
    named = {group: {".".join(path) for path in targets(group)} for group in ("cases", "decisions", "plan_items")}
    assert named == {
        "cases": {
            "external_id", "client.external_id", "client.non_disclosure", "client.identity.henkilotunnus", "client.identity.name",
            "responsible_worker", "co_worker", "supervisor", "unit", "status", "assessment_date", "plan_date", "kykyviisari_date", "support_person", "goals",
        },
        "decisions": {
            "external_id", "number", "stand_date", "decided_on", "valid_from", "valid_to", "granted_amount", "baseline.service",
            "baseline.quantity", "baseline.unit",
        },
        "plan_items": {
            "external_id", "decision", "service", "quantity", "unit", "start", "end", "provider", "follow_up.start_working_days",
            "follow_up.interval_days", "follow_up.before_end_days", "follow_up.plan_review_months",
        },
    }  # fmt: skip


@pytest.mark.parametrize("text", ["a/../b", "a[1]", "//a", "text()", "a|b", "/a", "a//b", "a/"])
def test_what_is_no_walk_from_parent_to_child_is_xpath_or_nothing(text: str) -> None:
    try:
        path = parse_path(text, {})
    except PathError:
        assert text == "a/"
    else:
        assert not path.is_simple


def test_names_without_a_prefix_have_the_default_namespace_except_attributes() -> None:
    assert parse_path("a/@b", {"": "urn:x"}) == XmlPath("a/@b", steps=("{urn:x}a",), attribute="b")
    assert parse_path("./a/@xml:lang", {}).attribute == "{http://www.w3.org/XML/1998/namespace}lang"
    with pytest.raises(PathError):
        parse_steps("../a", {})
