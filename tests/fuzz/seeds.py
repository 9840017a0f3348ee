"""Valid documents of every reader, made by code; each holds most of what its form can hold. Everything in them is invented."""

import gzip
import json
from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from cli.sample_configuration import SAMPLE
from connectors.cases.contract import a_record
from core.settings import ROOT
from services.orders.sending.reply_links import link
from tests.support import bounced, invoices, tables
from tests.support import case_xml as cases
from tests.support import catalogues as t19
from tests.support import foreign_xml as foreign
from tests.support.attacks import zip_of
from tests.support.fhir_resources import file_of, resources
from tests.support.fhir_xml import as_xml
from tests.support.price_files import ods, xlsx
from tests.support.price_mail import mail
from tests.support.response_writing import write_response
from tests.support.responses import a_response, with_changes

_DATA: Final = ROOT / "demo" / "data"
#: The key that reply links are signed with here.
SECRET: Final = b"s" * 32
_PRICES: Final = (
    ("Palvelukoodi", "Palvelu", "Yksikkö", "Hinta", "Iltahinta", "Viikonloppulisä", "ALV %", "Voimassa alkaen", "Voimassa asti", "Y-tunnus"),
    ("NEPSY", "Nepsy-valmennus", "h", "60,00", "69,00 €", "15 %", "0", "1.1.2026", "31.12.2026", "9999994-1"),
    ("TUKI", "Tukihenkilö", "45 min", "1 050,50", "", "", "25,5", "2026-01-01", "", ""),
    ("", "Matkakorvaus", "km", "0,55", "", "", "", "", "", ""),
)  # fmt: skip


def case_xml() -> Sequence[bytes]:
    """Avain's own format: the demo's file and a smaller one."""
    (whole,) = (_DATA / "cases").glob("*.xml")
    return [whole.read_bytes(), cases.export(cases.case("A"), cases.case("B", status="closed"), '<gone id="C"/>')]


def foreign_xml() -> Sequence[bytes]:
    """By the profile of tests/support/foreign_xml.py."""
    more = (
        foreign.element("Arvio", "1.9.2026"), foreign.element("Tyopari", "W-2"), foreign.element("Tukihenkilo", "K"), foreign.element("Tavoite", "Eka"),
        '<v:Palvelu nro="I-2" paatos="D-1"><v:Laji>X</v:Laji><v:Maara>1.234,5</v:Maara><v:Alkaa>2026-11-23</v:Alkaa><v:Loppuu>2027-02-22</v:Loppuu><v:Tuottaja>9999994-1</v:Tuottaja><v:Seuranta vali="21" alku="5"/></v:Palvelu>',
    )  # fmt: skip
    return [
        foreign.export(foreign.record("A", *more), foreign.record("B"), '<v:Poistettu tunnus="C"/>'),
        foreign.export(foreign.record("A")),
    ]


def packed_cases() -> Sequence[bytes]:
    """A zip of two files, and one file as gz."""
    small = cases.export(cases.case("A"))
    return [zip_of(("a.xml", small), ("b/b.xml", cases.export(cases.case("B")))), gzip.compress(small, mtime=0)]


def case_tables() -> Sequence[bytes]:
    """One table for everything."""
    return [tables.csv_of(), tables.csv_of(a_record("C-1"), a_record("C-2")), tables.csv_of(separator="\t")]


def case_workbooks() -> Sequence[bytes]:
    """The same as XLSX and ODS."""
    rows = tables.one_table([a_record()])
    typed: list[list[Any]] = [
        list(rows[0]),
        *(
            [date(2026, 11, 16) if cell == "2026-11-16" else 12.0 if cell == "12" else cell for cell in row]
            for row in rows[1:]
        ),
    ]
    return [tables.as_xlsx({"Selite": [["Vienti"]], "Asiakkuudet": typed}), ods(typed)]


def _bundle() -> dict[str, Any]:
    found = [*resources(a_record()), *resources(a_record("C-2"), prefix="2-")]
    for one in found:
        one.setdefault("meta", {})["lastUpdated"] = "2026-11-16T08:00:00.000+02:00"
    entries = [
        {
            "fullUrl": f"https://fhir.esimerkki.invalid/r4/{one['resourceType']}/{one['id']}",
            "resource": one,
            "search": {"mode": "match"},
        }
        for one in found
    ]
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": 1,
        "meta": {"lastUpdated": "2026-11-16T08:00:00Z"},
        "entry": entries,
    }


def fhir_json() -> Sequence[bytes]:
    """A Bundle of two cases, a history, and what else a server may say."""
    deleted: list[dict[str, Any]] = [
        {
            "fullUrl": f"https://fhir.esimerkki.invalid/r4/{name}",
            "request": {"method": "DELETE", "url": name},
            "response": {"status": "204", "lastModified": "2026-11-16T08:00:00Z"},
        }
        for name in ("EpisodeOfCare/C-9", "CarePlan/D-1", "Goal/goal-1")
    ]
    history = {
        **_bundle(),
        "type": "history",
        "entry": [*deleted, *_bundle()["entry"]],
        "link": [{"relation": "next", "url": "EpisodeOfCare?page=2"}],
    }
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "processing"}]}
    return [json.dumps(one).encode() for one in (_bundle(), history, outcome)]


def fhir_xml() -> Sequence[bytes]:
    """The same Bundle as XML."""
    return [as_xml(_bundle())]


def fhir_files() -> Sequence[bytes]:
    """The copy that is made of a visit."""
    return [file_of([*resources(a_record()), {"gone": "C-9"}])]


def sql_files() -> Sequence[bytes]:
    """The copy that is made of a query's result."""
    rows = tables.one_table([a_record(), a_record("C-2")])
    lines: list[Any] = [{"columns": rows[0]}, *rows[1:], {"rows": len(rows) - 1}]
    return [b"".join(json.dumps(one, ensure_ascii=False).encode() + b"\n" for one in lines)]


def price_tables() -> Sequence[bytes]:
    """Lists of the demo, and one with most of the columns there are."""
    return [tables.as_csv(_PRICES), *(path.read_bytes() for path in sorted((_DATA / "prices").glob("*.csv")))]


def price_workbooks() -> Sequence[bytes]:
    """The same as XLSX, ODS, and the demo's."""
    typed = [
        _PRICES[0],
        ("NEPSY", "Nepsy-valmennus", "h", 60.0, 69, 0.15, 0.255, date(2026, 1, 1), None, "9999994-1"),
        *_PRICES[2:],
    ]
    return [xlsx(typed), ods(typed), (_DATA / "prices" / "tukipolku.xlsx").read_bytes()]


def price_json() -> Sequence[bytes]:
    """A whole list, and one of changes."""
    price = {
        "service": "NEPSY", "service_name": "Nepsy-valmennus", "unit": "HUR", "price": 60.5, "base_quantity": 0.75, "minimum_quantity": 1, "time_class": "evening", "territory": "Vaasa",
        "vat": {"category": "S", "rate": 0.255, "inclusive": True}, "valid_from": "2026-01-01", "valid_to": "2026-12-31",
    }  # fmt: skip
    whole = {
        "version": 1,
        "currency": "EUR",
        "business_id": "9999994-1",
        "contract": "HVA-2026-77",
        "complete": True,
        "prices": [price, {"extra": "travel", "unit": "KMT", "price": "0.55"}],
    }
    return [
        json.dumps(one).encode()
        for one in (whole, {**whole, "complete": False, "removals": [{"service": "TUKI", "unit": "HUR"}]})
    ]


def catalogues() -> Sequence[bytes]:
    """A new catalogue and an update."""
    lines = (
        t19.line("ADHD-01", t19.price(base="1", minimum="2", start="2026-01-01", end="2026-12-31")),
        t19.line(
            "TUKI-01",
            t19.price("50.00", more=t19.territory("Vaasa")),
            number="2",
            action="Update",
            standard="1234567890123",
        ),
    )
    return [
        t19.catalogue(*lines),
        t19.catalogue(lines[0], action="Update"),
        (_DATA / "prices" / "nepsypolku.xml").read_bytes(),
    ]


def price_mails() -> Sequence[bytes]:
    """E-mails with a list each, one of them forwarded."""
    plain = mail("hinnat@tukipolku.invalid", ("hinnasto.csv", tables.as_csv(_PRICES)), ("logo.png", b"\x89PNG"))
    return [
        plain,
        mail("esihenkilo@avain.invalid", ("välitetty.eml", plain)),
        *(path.read_bytes() for path in sorted((_DATA / "mail").glob("*.eml"))),
    ]


def bounces() -> Sequence[bytes]:
    """Reports with the mail and with its headers, and an mbox of both."""
    whole, headers = (
        bounced.report(original="x@y.invalid"),
        bounced.report(headers_only=True, action="delayed", status="4.2.2"),
    )
    return [
        whole,
        headers,
        b"From a Mon Nov 16 09:00:00 2026\n" + whole + b"\n\nFrom b Mon Nov 16 09:00:00 2026\n" + headers,
    ]


def order_responses() -> Sequence[bytes]:
    """An acceptance, a refusal, and an acceptance with changes."""
    return [
        write_response(one) for one in (a_response(), a_response(code="RE", note="Ei vapaita aikoja"), with_changes())
    ]


def peppol_invoices() -> Sequence[bytes]:
    """An invoice, and the demo's."""
    return [invoices.peppol(), (_DATA / "answers" / "lasku-peppol.xml").read_bytes()]


def finvoices() -> Sequence[bytes]:
    """An invoice, one behind an envelope, and the demo's."""
    return [
        invoices.finvoice(encoding="UTF-8"),
        invoices.finvoice(encoding="UTF-8", envelope=True),
        (_DATA / "answers" / "lasku-finvoice.xml").read_bytes(),
    ]


def delivered() -> Sequence[bytes]:
    """Three languages."""
    text = "Tilausnumero;Rivi;Alku;Loppu;Määrä\nT-2026-000123;1;1.11.2026;30.11.2026;12,5\nT-2026-000124;;2026-11-01;2026-11-30;1 234,5\n"
    return [
        text.encode(),
        b"order_number,line,from,to,quantity\nt-2026-000123,1,2026-11-01,2026-11-30,12\n",
        (_DATA / "answers" / "toteuma.csv").read_bytes(),
    ]


def absences() -> Sequence[bytes]:
    """Two ways of writing a day."""
    return [
        "Henkilönumero;Syy;Alkaa;Päättyy;Sijainen\nW-1;x;1.12.2026;12.12.2026;W-2\n\nW-3;;2026-12-05;2026-12-05;\n".encode()
    ]


def channel_replies() -> Sequence[bytes]:
    """A number for the order, at two places."""
    return [b'{"data": {"id": "A-1", "state": "received"}}', b'{"data": [{"id": 17}]}']


def logins() -> Sequence[bytes]:
    """Each of a provider's answers; `claims` are signed by the reader."""
    claims = {
        "sub": "id-aino", "name": "Aino Esimerkki", "email": "aino@esimerkki.invalid", "email_verified": True, "roles": ["worker"], "acr": "x", "nonce": "n", "aud": "avain", "exp": 9999999999, "iat": 1700000000,
    }  # fmt: skip
    discovery = {
        "issuer": "https://login.esimerkki.invalid", "authorization_endpoint": "https://login.esimerkki.invalid/a", "token_endpoint": "https://login.esimerkki.invalid/t",
        "jwks_uri": "https://login.esimerkki.invalid/k", "userinfo_endpoint": "https://login.esimerkki.invalid/u", "token_endpoint_auth_methods_supported": ["client_secret_basic"],
    }  # fmt: skip
    said = {
        "discovery": discovery,
        "keys": {"keys": [{"kty": "RSA", "use": "sig", "kid": "1"}]},
        "tokens": {"access_token": "x", "token_type": "Bearer", "claims": claims},
        "userinfo": {"sub": "id-aino", "groups": ["x"]},
    }
    return [json.dumps(said).encode(), json.dumps({**said, "tokens": {"error": "invalid_grant"}}).encode()]


def reply_links() -> Sequence[bytes]:
    """A token of each kind."""
    last = date(2027, 1, 31)
    made = (
        link(SECRET, "https://avain.esimerkki.invalid", "T-2026-000123", "reply", expires=last, epoch=1),
        link(SECRET, "https://avain.esimerkki.invalid", "T-2027-1000000", "delivered", expires=last, epoch=12),
    )
    return [one.rpartition("/")[2].encode() for one in made]


def settings() -> Sequence[bytes]:
    """The demo's settings, and those that `avain init` writes."""
    return [(_DATA / "avain.toml").read_bytes(), SAMPLE.encode()]


def profiles() -> Sequence[bytes]:
    """Profiles for XML, for a table and for a database."""
    table = tables.profile_text(
        sections="[table]\nencoding = 'cp1252'\nseparator = ';'",
        over={"cases.status": "{ from = 'Tila', codes = 's' }"},
    )
    return [
        foreign.PROFILE.encode(),
        f"{table}\n[codes.s]\nK = 'open'\n".encode(),
        tables.profile_text(own_files=True).encode(),
        (_DATA / "profiles" / "raportointi.toml").read_bytes(),
    ]


def reference() -> Sequence[bytes]:
    """The demo's providers, services and workers."""
    return [(_DATA / f"{name}.toml").read_bytes() for name in ("providers", "services", "workers")]
