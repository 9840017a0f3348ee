"""The fast way of XML against the slow one, which is its oracle: the same rows, or doubt; never rows for what is wrong."""

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.cases.contract import fetched
from connectors.cases.profile import load_profile
from connectors.cases.record import FoundGone, FoundRecord
from connectors.cases.rows import RowBatch, Rows, SlowWayNeededError, write_known
from connectors.cases.xml.client import XmlCases
from connectors.cases.xml.fast import reading
from connectors.cases.xml.fast.compiling import NotCompilableError, compile_profile
from connectors.cases.xml.fast.converting import Remembered, converter
from connectors.cases.xml.finding import xpath_finder
from connectors.rejection import Rejection
from core.errors import RefusedInput
from documents import xml
from tests.support import case_xml
from tests.support.foreign_xml import PROFILE, SPACE, element, export, profile, record

KEY = b"k" * 64


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> XmlCases:
    return XmlCases(profile(tmp_path_factory.mktemp("profile")))


def fast(connector: XmlCases, *contents: bytes, known: Path | None = None) -> list[RowBatch]:
    with fetched({f"{rank}.xml": content for rank, content in enumerate(contents)}) as files:
        return [batch for _, batch in connector.read_rows(files, key=KEY, known=known)]


def rows_of(connector: XmlCases, batches: list[RowBatch]) -> tuple[set[str], list[Rejection]]:
    """All lines without positions and hashes, what was doubtful read the slow way; and the rejections."""
    rows, bad = Rows(), []
    for batch in batches:
        for table in ("cases", "decisions", "items"):
            getattr(rows, table).extend(getattr(batch, table).decode().splitlines(keepends=True))
        for doubt in batch.doubts:
            found = connector.read_doubt(doubt)
            if isinstance(found, FoundRecord):
                rows.add(doubt.position, 0, found.position, doubt.record_hash, found.record)
            elif isinstance(found, FoundGone):
                rows.add_gone(doubt.position, 0, found.position, found.external_id)
            elif found is not None:
                bad.append(found)
    return set(_bare(rows)), bad


def slow_rows(connector: XmlCases, content: bytes) -> tuple[set[str], list[Rejection]]:
    rows, bad = Rows(), []
    for position, found in enumerate(connector.read_file(io.BytesIO(content), identity="none")):
        if isinstance(found, FoundRecord):
            rows.add(position, 0, found.position, b"", found.record)
        elif isinstance(found, FoundGone):
            rows.add_gone(position, 0, found.position, found.external_id)
        else:
            bad.append(found)
    return set(_bare(rows)), bad


def _bare(rows: Rows) -> Iterator[str]:
    for line in rows.cases:
        cells = line.rstrip("\n").split("\t")
        yield "\t".join([*cells[1:5], *cells[6:]])
    for line in rows.decisions + rows.items:
        yield line.partition("\t")[2]


def same(connector: XmlCases, content: bytes) -> list[RowBatch]:
    batches = fast(connector, content)
    assert rows_of(connector, batches) == slow_rows(connector, content)
    return batches


# ---------------------------------------------------------------- values

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
        + element("Omatyontekija", None, tunnus=draw(IDS)) + maybe("Tyopari", IDS) + maybe("Yksikko", IDS) + maybe("Arvio", DAYS)
        + maybe("Suunnitelma", DAYS) + maybe("Tukihenkilo", CODES) + "".join(element("Tavoite", draw(TEXTS)) for _ in range(draw(st.integers(0, 4))))
        + f"<v:Paatokset>{decisions}</v:Paatokset>" + items
    )  # fmt: skip
    return record(draw(IDS), inside=inside)


def quoted(value: str) -> str:
    from xml.sax.saxutils import quoteattr

    return quoteattr(value)


#: A record that is right, its values by name; and of what kind each is.
RIGHT = {
    "id": ("id", "A"), "tila": ("code", "AVOIN"), "viite": ("id", "K-1"), "turva": ("code", "E"), "worker": ("id", "W-101"), "pari": ("id", "W-2"),
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
        + element("Omatyontekija", None, tunnus=v["worker"]) + element("Tyopari", v["pari"]) + element("Yksikko", v["yksikko"])
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
    }
    assert converter(spec)(None) is None
    assert converter({**spec, "required": False})(" ") == "\\N"


def test_numbers_longer_than_any_are_doubtful() -> None:
    spec = {"codes": None, "default": None, "date": None, "comma": False, "required": False, "constant": None}
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
    element = xml.parse(b"<r><a>12345.67</a><a>1000000</a><a>0.3</a><b>0.1</b><b>0.2</b><c>x</c></r>").getroot()
    assert xpath_finder(path, {})(element) == [text]


def test_remembered_values_are_forgotten_before_they_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.cases.xml.fast.converting._MOST_REMEMBERED", 2)
    values = Remembered(lambda raw: raw if raw != "?" else None)
    assert [values[raw] for raw in ("a", "b", "c", "?")] == ["a", "b", "c", None]
    assert list(values) == ["c"], "what is doubtful is asked again"


# ---------------------------------------------------------------- documents


@pytest.mark.parametrize("who", ["131052-9074", "131052+9074", "131052\u20139074", "131052a9074", "131052%2B9074"])
def test_a_henkilotunnus_in_a_text_is_seen_both_ways(foreign: XmlCases, who: str) -> None:
    (batch, _) = same(foreign, export(record("A", element("Tavoite", f"Aino ({who}) harrastaa"))))
    assert len(batch.doubts) == 1
    assert not batch.cases
    assert converter({**dict.fromkeys(("codes", "default", "date", "constant")), "comma": False, "required": False, "kind": "text"})(who) is None  # fmt: skip


def test_nothing_ordinary_is_doubtful(foreign: XmlCases) -> None:
    (batch, _) = same(foreign, export(record("A"), record("B", element("Tavoite", "x"))))
    assert (batch.records, batch.doubts) == (2, ())
    (batch, _) = same(XmlCases(), case_xml.export(case_xml.case("A"), case_xml.case("B")))
    assert (batch.records, batch.doubts) == (2, ())


def test_places_are_the_lines_of_the_file(foreign: XmlCases) -> None:
    content = export(
        record("A"), "\n\n", record("B", "\n"), record("C"), element("Poistettu", None, tunnus="D"), record("E", "?")
    )
    same(foreign, content)


@pytest.mark.parametrize(
    "content",
    [
        export(record("A"), head=""),
        b"\xef\xbb\xbf" + export(record("A"), record("B")),
        export(record("A"), head='<?xml version="1.0" encoding="ISO-8859-1"?>').replace(b"Vienti", b"Vienti"),
        export(record("A"), element("Otsikko", "x > y"), record("B")),
        export(record("A", "<!-- a remark -->"), "<!-- between -->", record("B"), "<?pi x?>"),
        export(record("A", "<![CDATA[x]]>")),
        export(record("A", "<v:Muu><v:Tila>PAATTYNYT</v:Tila></v:Muu>")),
        export(record("A", element("Tavoite", "a > b & c"))),
        export(record("A", "<v:Tavoite>ensin <v:b>toinen</v:b> kolmas</v:Tavoite>")),
        export(record("A", element("Tila", "PAATTYNYT"))),
    ],
    ids=[
        "no declaration",
        "byte order mark",
        "latin-1",
        "other elements",
        "comments",
        "cdata",
        "names deeper down",
        "entities",
        "mixed",
        "twice",
    ],
)
def test_odd_documents_are_read_the_same(foreign: XmlCases, content: bytes) -> None:
    same(foreign, content)


def test_letters_of_another_encoding_arrive(foreign: XmlCases) -> None:
    text = export(
        record("A", element("Tavoite", "äö €")), head='<?xml version="1.0" encoding="windows-1252"?>'
    ).decode()
    (batch, _) = same(foreign, text.encode("cp1252"))
    assert "äö €".encode() in batch.cases
    doubtful = export(
        record("Ä", element("Tavoite", "äö €")), head='<?xml version="1.0" encoding="windows-1252"?>'
    ).decode()
    assert same(foreign, doubtful.encode("cp1252"))[0].doubts


@pytest.mark.parametrize(
    "content",
    [
        export(record("A", "<!-- </v:Asiakkuus> -->"), record("B")),
        export(record("A", "<v:Tavoite><![CDATA[</v:Asiakkuus>]]></v:Tavoite>")),
        export(record("A", record("inner"))),
        export(record("A").replace("</v:Asiakkuus>", "</v:Asiakkuus >"), record("B")),
        export('<v:Asiakkuus tunnus="x"/>', record("B")),
        export(record("A"), record("B").replace("v:", "w:").replace("<w:Asiakkuus", '<w:Asiakkuus xmlns:w="urn:esimerkki:vienti"')),
        export(),
        export(record("A")).decode().replace("UTF-8", "UTF-16").encode("utf-16"),
        f"<v:Vienti{SPACE}/>".encode(),
        export(record("A"))[:-20],
        export(record("A"), "<v:ei>", record("B")),
        export(record("A")) + b"<more/>",
        b"",
        b"hello",
        export(record("A", "\x01")),
    ],
    ids=["end tag in a comment", "in cdata", "nested", "space in the end tag", "empty record", "other prefix", "no records", "utf-16", "empty root",
         "cut short", "ill-formed", "two roots", "empty", "text", "control character"],
)  # fmt: skip
def test_what_does_not_fit_is_left_to_the_slow_way(foreign: XmlCases, content: bytes) -> None:
    try:
        expected = slow_rows(foreign, content)
    except RefusedInput:
        expected = None
    with contextlib.suppress(SlowWayNeededError):
        assert rows_of(foreign, fast(foreign, content)) == expected


def test_a_doctype_is_refused_at_once(foreign: XmlCases) -> None:
    with pytest.raises(RefusedInput, match="DOCTYPE"):
        fast(foreign, export(record("A"), head="<!DOCTYPE v:Vienti []>"))


# ---------------------------------------------------------------- pieces, children, hashes


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.cases.xml.fast.cutting._PIECE", 700)


def many(number: int) -> bytes:
    return export(*(record(f"A{n}", element("Tavoite", "x" * (n * 37 % 600))) for n in range(number)))


@pytest.mark.usefixtures("small_pieces")
def test_pieces_make_the_same_rows_in_the_files_order(foreign: XmlCases) -> None:
    batches = same(foreign, many(60))
    assert len(batches) > 20
    lines = [line for batch in batches for line in batch.cases.decode().splitlines()]
    assert [line.split("\t")[4] for line in lines] == [f"A{n}" for n in range(60)]
    positions = [int(line.split("\t")[0]) for line in lines]
    assert positions == sorted(set(positions))


@pytest.mark.usefixtures("small_pieces")
def test_children_read_what_this_process_reads(foreign: XmlCases, monkeypatch: pytest.MonkeyPatch) -> None:
    here = fast(foreign, many(60), many(7))
    monkeypatch.setattr(reading, "_WORTH_CHILDREN", 0)
    assert fast(foreign, many(60), many(7)) == here


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("spoil", [lambda text: text[:-20], lambda text: text.replace(b"A40", b"A40<", 1)])
def test_children_that_meet_what_they_cannot_read_say_so_and_end(
    foreign: XmlCases, monkeypatch: pytest.MonkeyPatch, spoil
) -> None:
    monkeypatch.setattr(reading, "_WORTH_CHILDREN", 0)
    with pytest.raises(SlowWayNeededError):
        fast(foreign, spoil(many(60)))


@pytest.mark.usefixtures("small_pieces")
def test_a_child_that_dies_is_the_slow_ways_business(foreign: XmlCases, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_WORTH_CHILDREN", 0)
    compiled = foreign._compiled
    assert compiled is not None
    monkeypatch.setattr(
        foreign, "_compiled", type(compiled)("raise SystemExit(3)", compiled.converters, compiled.finders)
    )
    with pytest.raises(SlowWayNeededError):
        fast(foreign, many(60))


def test_a_reader_that_stops_early_leaves_no_process(foreign: XmlCases, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_WORTH_CHILDREN", 0)
    started: list[reading._Child] = []
    init = reading._Child.__init__

    def noting(self: reading._Child, told: bytes) -> None:
        init(self, told)
        started.append(self)

    monkeypatch.setattr(reading._Child, "__init__", noting)
    with fetched({"a.xml": many(3)}) as files:
        rows = foreign.read_rows(files, key=KEY, known=None)
        next(rows)
        rows.close()  # type: ignore[attr-defined]
    assert [one._process.poll() is not None for one in started] == [True, True]


def hashes(batches: list[RowBatch]) -> list[str]:
    return [line.split("\t")[5] for batch in batches for line in batch.cases.decode().splitlines()]


def test_a_hash_is_the_records_own_bytes_under_the_key_wherever_it_stands(foreign: XmlCases) -> None:
    first = hashes(fast(foreign, export(record("A"), record("B"))))
    assert hashes(fast(foreign, export("<!-- new -->", element("Otsikko"), record("B"), record("A"))))[::-1] == first
    assert hashes(fast(foreign, export(record("A", " "), record("B"))))[0] != first[0]
    with fetched({"a.xml": export(record("A"), record("B"))}) as files:
        other = [batch for _, batch in foreign.read_rows(files, key=b"o" * 64, known=None)]
    assert set(hashes(other)).isdisjoint(first)


def test_what_is_known_is_not_read(foreign: XmlCases, tmp_path: Path) -> None:
    digests = [
        bytes.fromhex(one.removeprefix("\\\\x"))
        for one in hashes(fast(foreign, export(*(record(f"A{n}") for n in range(50)))))
    ]
    with (tmp_path / "known").open("wb") as file:
        write_known(sorted(one[:8] for one in digests), file)
    (batch, _) = fast(foreign, export(*(record(f"A{n}") for n in range(50)), record("new")), known=tmp_path / "known")
    assert batch.records == 51
    assert len(batch.same.splitlines()) == 50
    assert [line.split(b"\t")[4] for line in batch.cases.splitlines()] == [b"new"]
    assert batch.same.splitlines()[0].split(b"\t")[1:3] == [b"0", b"3"]


# ---------------------------------------------------------------- profiles


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ('co_worker = "v:Tyopari"', "co_worker = \"v:Tyopari[@ensisijainen='k']\""),
        ('co_worker = "v:Tyopari"', 'co_worker = "string(v:Tyopari)"'),
        ('provider = "v:Tuottaja"', 'provider = "../v:Tuottaja"'),
    ],
)
def test_paths_that_need_it_are_found_the_long_way_in_the_fast_one_too(tmp_path: Path, ours: str, theirs: str) -> None:
    connector = XmlCases(profile(tmp_path, PROFILE.replace(ours, theirs)))
    assert connector.can_read_rows("none")
    (batch, _) = same(
        connector, export(record("A", element("Tyopari", "W-2", ensisijainen="k"), element("Tuottaja", "9999996-8")))
    )
    assert not batch.doubts
    same(connector, export(record("B")))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ('record = "v:Asiakkuus"', 'record = "v:Osa/v:Asiakkuus"'),
        ('each = "v:Palvelu"', 'each = "v:Palvelu[@paatos]"'),
        ('goals = "v:Tavoite"', 'goals = { from = "v:Tavoite", split = "|" }'),
        ('"v:Arvio", date = "%d.%m.%Y"', '"v:Arvio", date = "%Y-%m-%dT%H:%M:%S%z"'),
        ('co_worker = "v:Tyopari"', f'co_worker = "{"/".join(["v:Tyopari"] * 25)}"'),  # deeper than Python nests loops
    ],
)
def test_profiles_the_fast_way_cannot_follow_are_read_the_slow_way(tmp_path: Path, ours: str, theirs: str) -> None:
    assert ours in PROFILE
    connector = XmlCases(profile(tmp_path, PROFILE.replace(ours, theirs)))
    content = export(record("A", element("Tavoite", "a|b")), f"<v:Osa>{record('B')}</v:Osa>")
    rows, bad = slow_rows(connector, content)
    assert rows
    assert not bad
    if connector.can_read_rows("none"):
        with pytest.raises(SlowWayNeededError):
            fast(connector, content)


def test_identity_is_kept_by_the_slow_way_only(foreign: XmlCases, tmp_path: Path) -> None:
    assert not foreign.can_read_rows("sealed")
    content = export(
        record("A").replace(
            '<v:Asiakas viite="K-1"/>',
            '<v:Asiakas viite="K-1"><v:Hetu>131052-9074</v:Hetu><v:Nimi>Aino</v:Nimi></v:Asiakas>',
        )
    )
    (found,) = foreign.read_file(io.BytesIO(content), identity="sealed")
    assert isinstance(found, FoundRecord)
    assert found.record.client.identity is not None
    assert found.record.client.identity.henkilotunnus == "131052-9074"
    (batch, _) = same(foreign, content)
    assert b"131052" not in batch.cases
    with pytest.raises(NotCompilableError):
        compile_profile(profile(tmp_path))


def test_a_version_tells_one_reading_from_another(foreign: XmlCases, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text(PROFILE.replace('AVOIN = "open"', 'AVOIN = "open"\nAUKI = "open"'))
    assert XmlCases(load_profile(other, "xml")).version != foreign.version
    other.write_text("# a remark\n" + PROFILE)
    assert XmlCases(load_profile(other, "xml")).version == foreign.version
