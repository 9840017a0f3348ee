"""Writes the demo's price lists as providers would send them: `python -m demo.make_price_files`.

Deterministic, so that the committed files can be compared with what this writes: an XLSX is a zip whose members and properties
carry times, and openpyxl puts the present there.
"""

import hashlib
import io
import zipfile
from collections.abc import Sequence
from datetime import date, datetime
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any, Final

from openpyxl import Workbook
from openpyxl.styles import Font

FOLDER: Final = Path(__file__).parent / "data" / "prices"
MAILS: Final = Path(__file__).parent / "data" / "mail"
_MADE: Final = datetime(2026, 11, 2, 12, 0)  # noqa: DTZ001 - a workbook's properties know no zone

#: Semicolons, decimal commas, Windows-1252, a letterhead above the header, and one price that is none.
ESIMERKKIVALMENNUS: Final = """\
Esimerkkivalmennus Oy (keksitty);;;;;
Hinnasto 2026–2027, hinnat euroina;;;;;
;;;;;
Tuotekoodi;Tuote;Yksikkö;Hinta (alv 0 %);Voimassa alkaen;Voimassa asti
ADHD-01;ADHD-valmennus, käynti perheen luona;käynti;88,00 €;1.1.2026;
NEPSY-01;Nepsy-valmennus;käynti;92,00 €;1.1.2026;
NEPSY-01;Nepsy-valmennus, ilta;ilta/käynti;sop.mukaan;1.1.2026;
"""
KAVERIPAJA: Final = """\
Tjänst;Enhet;Pris;Gäller från;Gäller till
professionell stödperson;timme;52,00 €;1.1.2026;31.12.2027
musikverkstad;timme;41,50 €;1.1.2026;31.12.2027
"""
MUSIIKKITUPA: Final = """\
Palvelukoodi;Yksikkö;Hinta €/h;Voimassa alkaen
MUSIIKKIPAJA;45 min;33,00;1.1.2026
"""
NEPSYPOLKU: Final = """\
Palvelukoodi;Yksikkö;Hinta;Voimassa alkaen;Voimassa asti
NEPSY-VALMENNUS;käynti;97,50;1.1.2026;31.12.2027
"""
#: The same list as a Peppol catalogue (T19), as a provider's own system would send it.
NEPSYPOLKU_T19: Final = """\
<?xml version="1.0" encoding="UTF-8"?>
<Catalogue xmlns="urn:oasis:names:specification:ubl:schema:xsd:Catalogue-2"
    xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
    xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
  <cbc:CustomizationID>urn:fdc:peppol.eu:poacc:trns:catalogue:3</cbc:CustomizationID>
  <cbc:ProfileID>urn:fdc:peppol.eu:poacc:bis:catalogue_wo_response:3</cbc:ProfileID>
  <cbc:ID>NEPSYPOLKU-2026</cbc:ID>
  <cbc:ActionCode>Replace</cbc:ActionCode>
  <cbc:IssueDate>2026-11-02</cbc:IssueDate>
  <cac:ValidityPeriod><cbc:StartDate>2026-01-01</cbc:StartDate><cbc:EndDate>2027-12-31</cbc:EndDate></cac:ValidityPeriod>
  <cac:ReferencedContract><cbc:ID>SOP-2026-14</cbc:ID></cac:ReferencedContract>
  <cac:ProviderParty>
    <cbc:EndpointID schemeID="0216">003799111113</cbc:EndpointID>
    <cac:PartyLegalEntity><cbc:RegistrationName>Nepsypolku Oy (keksitty)</cbc:RegistrationName></cac:PartyLegalEntity>
  </cac:ProviderParty>
  <cac:ReceiverParty>
    <cbc:EndpointID schemeID="0216">003799999992</cbc:EndpointID>
    <cac:PartyLegalEntity><cbc:RegistrationName>Esimerkin hyvinvointialue (keksitty)</cbc:RegistrationName></cac:PartyLegalEntity>
  </cac:ReceiverParty>
  <cac:CatalogueLine>
    <cbc:ID>1</cbc:ID>
    <cbc:OrderableUnit>C62</cbc:OrderableUnit>
    <cac:RequiredItemLocationQuantity>
      <cac:Price><cbc:PriceAmount currencyID="EUR">97.50</cbc:PriceAmount><cbc:BaseQuantity unitCode="C62">1</cbc:BaseQuantity></cac:Price>
    </cac:RequiredItemLocationQuantity>
    <cac:Item>
      <cbc:Name>Nepsy-valmennus</cbc:Name>
      <cac:SellersItemIdentification><cbc:ID>NEPSY-VALMENNUS</cbc:ID></cac:SellersItemIdentification>
      <cac:ClassifiedTaxCategory>
        <cbc:ID>E</cbc:ID><cbc:Percent>0</cbc:Percent><cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme>
      </cac:ClassifiedTaxCategory>
    </cac:Item>
  </cac:CatalogueLine>
</Catalogue>
"""
OWN: Final = """\
Palvelukoodi,Palvelu,Yksikkö,Hinta,Voimassa alkaen
PERHETYO,perhetyö,käynti,"89,50",2026-01-01
"""
TUKIPOLKU: Final[tuple[tuple[Any, ...], ...]] = (
    ("Tukipolku Oy (keksitty)",),
    ("Hinnasto ostopalveluihin",),
    (),
    ("Palvelukoodi", "Palvelu", "Yksikkö", "Hinta €", "ALV %", "Voimassa alkaen", "Voimassa asti"),
    ("TUKIHENKILO", "Ammatillinen tukihenkilö", "h", 49.0, 0, date(2026, 1, 1), date(2027, 12, 31)),
    ("NEPSY-VALMENNUS", "Nepsy-valmennus", "krt", 95.0, 0, date(2026, 1, 1), date(2027, 12, 31)),
)


def files() -> dict[str, bytes]:
    """File name → content."""
    return {
        "esimerkkivalmennus.csv": ESIMERKKIVALMENNUS.replace("\n", "\r\n").encode("cp1252"),
        "kaveripaja.csv": KAVERIPAJA.encode(),
        "musiikkitupa.csv": MUSIIKKITUPA.encode(),
        "nepsypolku.csv": NEPSYPOLKU.encode(),
        "nepsypolku.xml": NEPSYPOLKU_T19.encode(),
        "own.csv": OWN.encode(),
        "tukipolku.xlsx": _workbook(),
    }


def mails() -> dict[str, bytes]:
    """File name → an e-mail as it came: the list of Tukipolku, and one that brings none."""
    return {
        "2026-11-12-mainos.eml": _mail("myynti@mainos.invalid", "Thu, 12 Nov 2026 10:00:00 +0200", "Tarjous (keksitty)", "tarjous.pdf", b"%PDF-1.7\n"),
        "2026-11-13-tukipolku.eml": _mail(_TUKIPOLKU, "Fri, 13 Nov 2026 15:04:00 +0200", "Hinnasto", "Hinnasto 2026.xlsx", _workbook()),
    }  # fmt: skip


def dearer_mail() -> bytes:
    """What Tukipolku writes in the demo's second night: the support person's hour costs 8 % more from December on."""
    dearer = tuple(
        (*row[:3], 52.92, row[4], date(2026, 12, 1), row[6]) if row[:1] == ("TUKIHENKILO",) else row
        for row in TUKIPOLKU
    )
    sent = "Mon, 16 Nov 2026 17:31:00 +0200"
    return _mail(_TUKIPOLKU, sent, "Uusi hinnasto", "Hinnasto 2026-12.xlsx", _workbook(dearer))


_TUKIPOLKU: Final = "toimisto@tukipolku.invalid"


def _mail(sender: str, sent: str, subject: str, name: str, content: bytes) -> bytes:
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = "hinnastot@avain-esimerkki.invalid"
    message["Subject"] = subject
    message["Date"] = sent
    message.set_content("Hei! Liitteenä hinnasto. Terveisin, keksitty yhteyshenkilö\n", cte="quoted-printable")
    message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    message.set_boundary(f"=_{hashlib.sha256(content).hexdigest()[:32]}")
    return message.as_bytes()


def _workbook(rows: Sequence[tuple[Any, ...]] = TUKIPOLKU) -> bytes:
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = "Hinnasto"
    for row in rows:
        sheet.append(row)
    for cell in sheet[4]:
        cell.font = Font(bold=True)
    for row_number in (5, 6):
        sheet.cell(row_number, 4).number_format = "#,##0.00"
        for column in (6, 7):
            sheet.cell(row_number, column).number_format = "d.m.yyyy"
    guide = book.create_sheet("Ohje")
    guide.append(("Hinnat ovat voimassa toistaiseksi, ellei päättymispäivää ole.",))
    book.properties.creator = "Tukipolku Oy (keksitty)"
    book.properties.created = book.properties.modified = _MADE
    buffer = io.BytesIO()
    book.save(buffer)
    return _without_times(buffer.getvalue())


def _without_times(content: bytes) -> bytes:
    """The same zip, stored (compressors differ), with one fixed time in every member and in the one property that saving overwrites."""
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(result, "w") as target:
        for name in sorted(source.namelist()):
            data = source.read(name)
            if name == "docProps/core.xml":
                start, end = data.index(b"<dcterms:modified"), data.index(b"</dcterms:modified>")
                opening = data.index(b">", start) + 1
                data = data[:opening] + _MADE.strftime("%Y-%m-%dT%H:%M:%SZ").encode() + data[end:]
            target.writestr(zipfile.ZipInfo(name, date_time=_MADE.timetuple()[:6]), data)
    return result.getvalue()


def main() -> None:
    """Write the files."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, content in files().items():
        (FOLDER / name).write_bytes(content)
    MAILS.mkdir(parents=True, exist_ok=True)
    for name, content in mails().items():
        (MAILS / name).write_bytes(content)


if __name__ == "__main__":
    main()
