"""Documents, read by the fast way of XML and by the slow one: pieces, children, hashes, profiles, and what must be left to the slow way."""

import contextlib
import io
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.cases.contract import fetched
from connectors.cases.profile import load_profile
from connectors.cases.record import FoundRecord
from connectors.cases.rows import RowBatch, SlowWayNeededError, write_known
from connectors.cases.xml.client import XmlCases
from connectors.cases.xml.fast import reading
from connectors.cases.xml.fast.compiling import compile_profile
from connectors.cases.xml.fast.placing import NotCompilableError
from core.errors import RefusedInput
from tests.support import case_xml
from tests.support.fast_xml import KEY, fast, rows_of, same, slow_rows
from tests.support.foreign_xml import PROFILE, SPACE, element, export, profile, record


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> XmlCases:
    return XmlCases(profile(tmp_path_factory.mktemp("profile")))


# ---------------------------------------------------------------- documents


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
    monkeypatch.setattr(foreign, "_compiled", replace(compiled, source="raise SystemExit(3)"))
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
