"""Values, read by the fast way of XML and by the slow one, which is its oracle: the same rows, or doubt; never rows for what is wrong."""

from xml.sax.saxutils import quoteattr as quoted

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.cases.xml.client import XmlCases
from connectors.cases.xml.fast.converting import Remembered, are_harmless, converter
from connectors.cases.xml.finding import xpath_finder
from core.logging import CHECK_MARKS, redact
from documents import xml
from tests.support import case_xml
from tests.support.fast_xml import same
from tests.support.foreign_xml import element, export, profile, record


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> XmlCases:
    return XmlCases(profile(tmp_path_factory.mktemp("profile")))


#: What is found in exports where a value should be: right, odd, wrong.
ODD: dict[str, list[str]] = {
    "id": ["A-1", "a/b_c.9", "1234567890123", "x" * 64, "x" * 65, "", " A ", "a b", "ä", "131052-9074", "X131052-9074", "131052A9074", "a\\b",
           "A:1", "A\t"],
    "day": ["2026-11-16", "16.11.2026", "1.2.2026", "31.2.2026", "2026-02-29", "2028-02-29", "31.12.9999", "9999-12-31", "1899-12-31",
            "2200-01-01", "2100-01-01", "", " 2026-11-16 ", "2026-11-16T00:00", "16.11.26", "eilen", "٢٠٢٦-11-16"],
    "number": ["10", "10,5", "10.5", "0", "0,00", "007", "-1", "+1", "NaN", "inf", "1e3", "1.234", "1.234,50", "1 234,5", "0,00001", "0,0001",
               "99999999", "9999999999", "99999999999", "", "12,", ",5", "5,005"],
    "text": ["Arki sujuu", 'sitaatti "x"', "kenoviiva \\", "rivi\nkaksi", "sarkain\tx", "", " ", "x" * 64, "x" * 65, "x" * 1000, "x" * 1001,
             "{a,b}", "NULL", "\\N"],
    "code": ["K", "E", "k", "", " K ", "AVOIN", "PAATTYNYT", "kpl", "h", "m²", "true"],
    "days": ["0", "1", "21", "3650", "3651", "-1", "1.5", "021", "", " 7 "],
    "provider": ["9999996-8", "9999996-9", "99999968", "FI99999968", "", "x"],
}  # fmt: skip
IDS, DAYS, NUMBERS, TEXTS, CODES, DAY_COUNTS, PROVIDERS = map(st.sampled_from, ODD.values())


def optional(strategy: st.SearchStrategy[str]) -> st.SearchStrategy[str | None]:
    return st.none() | strategy


@st.composite
def foreign_records(draw: st.DrawFn) -> str:
    def maybe(name: str, values: st.SearchStrategy[str]) -> str:
        value = draw(optional(values))
        return "" if value is None else element(name, value)

    decisions = "".join(
        f"<v:Paatos nro={quoted(draw(IDS))} numero={quoted(draw(TEXTS))}>"
        + maybe("Pvm", DAYS) + maybe("Alkaen", DAYS) + maybe("Saakka", DAYS) + maybe("Myonnetty", NUMBERS)
        + (element("Korvaa", None, laji=draw(IDS), maara=draw(NUMBERS), yks=draw(CODES)) if draw(st.booleans()) else "")
        + "</v:Paatos>"
        for _ in range(draw(st.integers(0, 2)))
    )  # fmt: skip
    items = "".join(
        f"<v:Palvelu nro={quoted(draw(IDS))} paatos={quoted(draw(IDS))}>"
        + maybe("Laji", IDS) + maybe("Maara", NUMBERS) + maybe("Alkaa", DAYS) + maybe("Loppuu", DAYS) + maybe("Tuottaja", PROVIDERS)
        + (element("Seuranta", None, vali=draw(DAY_COUNTS), alku=draw(DAY_COUNTS)) if draw(st.booleans()) else "")
        + "</v:Palvelu>"
        for _ in range(draw(st.integers(0, 2)))
    )  # fmt: skip
    inside = (
        maybe("Tila", CODES) + f"<v:Asiakas viite={quoted(draw(IDS))}>" + maybe("Turvakielto", CODES) + "</v:Asiakas>"
        + element("Omatyontekija", None, tunnus=draw(IDS)) + maybe("Tyopari", IDS) + element("Esihenkilo", None, tunnus=draw(IDS)) + maybe("Yksikko", IDS) + maybe("Arvio", DAYS)
        + maybe("Suunnitelma", DAYS) + maybe("Tukihenkilo", CODES) + "".join(element("Tavoite", draw(TEXTS)) for _ in range(draw(st.integers(0, 4))))
        + f"<v:Paatokset>{decisions}</v:Paatokset>" + items
    )  # fmt: skip
    return record(draw(IDS), inside=inside)


#: A record that is right, its values by name; and of what kind each is.
RIGHT = {
    "id": ("id", "A"), "tila": ("code", "AVOIN"), "viite": ("id", "K-1"), "turva": ("code", "E"), "worker": ("id", "W-101"), "pari": ("id", "W-2"), "esihenkilo": ("id", "W-3"),
    "yksikko": ("id", "U-1"), "arvio": ("day", "28.9.2026"), "suunnitelma": ("day", "2026-10-19"), "tuki": ("code", "K"),
    "tavoite": ("text", "Arki sujuu"), "nro": ("id", "D-1"), "numero": ("text", "HB-1"), "pvm": ("day", "9.11.2026"),
    "alkaen": ("day", "2026-11-16"), "saakka": ("day", "28.2.2027"), "myonnetty": ("number", "900,50"), "korvaa": ("id", "PERHETYO"),
    "maara": ("number", "12"), "yks": ("code", "kpl"), "palvelu": ("id", "I-1"), "paatos": ("id", "D-1"), "laji": ("id", "NEPSY"),
    "paljonko": ("number", "10,5"), "mita": ("code", "h"), "alkaa": ("day", "23.11.2026"), "loppuu": ("day", "2027-02-22"),
    "tuottaja": ("provider", "9999996-8"), "vali": ("days", "21"), "alku": ("days", "10"),
}  # fmt: skip


def written(**values: str) -> str:
    """The right record, but for these values."""
    v = {name: values.get(name, right) for name, (_, right) in RIGHT.items()}
    inside = (
        element("Tila", v["tila"]) + f"<v:Asiakas viite={quoted(v['viite'])}>" + element("Turvakielto", v["turva"]) + "</v:Asiakas>"
        + element("Omatyontekija", None, tunnus=v["worker"]) + element("Tyopari", v["pari"]) + element("Esihenkilo", None, tunnus=v["esihenkilo"]) + element("Yksikko", v["yksikko"])
        + element("Arvio", v["arvio"]) + element("Suunnitelma", v["suunnitelma"]) + element("Tukihenkilo", v["tuki"])
        + element("Tavoite", v["tavoite"]) + f"<v:Paatokset><v:Paatos nro={quoted(v['nro'])} numero={quoted(v['numero'])}>"
        + element("Pvm", v["pvm"]) + element("Alkaen", v["alkaen"]) + element("Saakka", v["saakka"]) + element("Myonnetty", v["myonnetty"])
        + element("Korvaa", None, laji=v["korvaa"], maara=v["maara"], yks=v["yks"]) + "</v:Paatos></v:Paatokset>"
        + f"<v:Palvelu nro={quoted(v['palvelu'])} paatos={quoted(v['paatos'])}>" + element("Laji", v["laji"])
        + element("Maara", v["paljonko"], yks=v["mita"]) + element("Alkaa", v["alkaa"]) + element("Loppuu", v["loppuu"])
        + element("Tuottaja", v["tuottaja"]) + element("Seuranta", None, vali=v["vali"], alku=v["alku"]) + "</v:Palvelu>"
    )  # fmt: skip
    return record(v["id"], inside=inside)


@pytest.mark.parametrize("name", RIGHT)
def test_one_odd_value_in_a_record_that_is_right_is_read_the_same(foreign: XmlCases, name: str) -> None:
    sure = 0
    for value in ODD[RIGHT[name][0]]:
        (batch, _) = same(foreign, export(written(), written(**{name: value})))
        sure += 2 - len(batch.doubts)
    assert sure >= len(ODD[RIGHT[name][0]]), "the record beside it is beyond doubt"


@settings(
    max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
@given(st.lists(foreign_records(), min_size=1, max_size=3))
def test_whatever_the_values_both_ways_say_the_same(foreign: XmlCases, records: list[str]) -> None:
    same(foreign, export(*records))


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(IDS, DAYS, NUMBERS, TEXTS, DAYS, PROVIDERS)
def test_the_canonical_format_is_read_the_same_both_ways(  # noqa: PLR0917 - the values
    id_: str, day: str, number: str, text: str, end: str, provider: str
) -> None:
    item = case_xml.item(start=day, end=end, quantity=number, provider=provider or None)
    one = case_xml.case(id_, case_xml.decision(decidedOn=day), item, more=element("x", text).replace("v:x", "goal"))
    same(XmlCases(), case_xml.export(one, case_xml.case("B")))


@pytest.mark.parametrize(
    "kind",
    ["id", "text", "unit", "status", "flag", "day", "last_day", "euros", "quantity", "days", "interval", "business_id"],
)
def test_a_value_that_must_be_there_is_doubtful_when_it_is_not(kind: str) -> None:
    spec = {
        "kind": kind,
        "constant": None,
        "codes": None,
        "default": None,
        "date": None,
        "comma": False,
        "required": True,
        "strict": False,
    }
    assert converter(spec)(None) is None
    assert converter({**spec, "required": False})(" ") == "\\N"


def test_numbers_longer_than_any_are_doubtful() -> None:
    spec = {
        "codes": None,
        "default": None,
        "date": None,
        "comma": False,
        "required": False,
        "strict": False,
        "constant": None,
    }
    for kind in ("days", "interval", "quantity", "euros", "business_id"):
        assert converter({**spec, "kind": kind})("9" * 5000) is None


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("number(a[1])", "12345.67"),
        ("sum(a)", "1012345.97"),
        ("sum(b)", "0.3"),
        ("count(a)", "3"),
        ("number(c)", "nan"),
        ("1 div 0", "inf"),
        ("a = 0.3", "true"),
    ],
)
def test_a_number_of_an_xpath_keeps_its_digits(path: str, text: str) -> None:
    root = xml.parse(b"<r><a>12345.67</a><a>1000000</a><a>0.3</a><b>0.1</b><b>0.2</b><c>x</c></r>").getroot()
    assert xpath_finder(path, {})(root) == [text]


@pytest.mark.parametrize("who", ["131052-9074", "131052+9074", "131052\u20139074", "131052a9074", "131052%2B9074"])
def test_a_henkilotunnus_in_a_text_is_seen_both_ways(foreign: XmlCases, who: str) -> None:
    (batch, _) = same(foreign, export(record("A", element("Tavoite", f"Aino ({who}) harrastaa"))))
    assert len(batch.doubts) == 1
    assert not batch.cases
    assert converter({**dict.fromkeys(("codes", "default", "date", "constant")), "comma": False, "required": False, "strict": False, "kind": "text"})(who) is None  # fmt: skip


@pytest.mark.parametrize("number", ["HB-100000/2026", "123456 7890", "131052.9074", "2026-11-16 klo 10"])
def test_a_number_that_only_looks_like_one_is_beyond_doubt(foreign: XmlCases, number: str) -> None:
    (batch, _) = same(foreign, export(written(numero=number, tavoite=number)))
    assert not batch.doubts


def test_remembered_values_are_forgotten_before_they_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.cases.xml.fast.converting._MOST_REMEMBERED", 2)
    values = Remembered(lambda raw: raw if raw != "?" else None)
    assert [values[raw] for raw in ("a", "b", "c", "?")] == ["a", "b", "c", None]
    assert list(values) == ["c"], "what is doubtful is asked again"


@given(
    st.integers(0, 999_999),
    st.integers(0, 999),
    st.sampled_from(
        ["-", "+", "a", "Y", "\u2010", "\u2014", "\u2212", "%2B", "%2d", "%e2%80%93", "%E2%88%92", "\\u2013", "\\u2212"]
    ),
    st.sampled_from(["", " "]),
    st.sampled_from(["", " ", "%20", "\\n", "ä"]),
)
def test_no_text_that_is_redacted_passes_as_harmless(
    day: int, individual: int, mark: str, gap: str, before: str
) -> None:
    check = CHECK_MARKS[(day * 1000 + individual) % 31]
    text = f"{before}{day:06}{gap}{mark}{gap}{individual:03}{check}"
    assert redact(text) != text
    assert not are_harmless((text,))
