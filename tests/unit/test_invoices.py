"""Invoices of both forms as values: what is read, what is refused, and that cents neither come nor go."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from core.errors import RefusedInput
from documents.invoice import is_invoice, read_invoice
from documents.invoice.sums import allotted
from documents.invoice.values import Days, Invoice, reference
from tests.support.attacks import deep_xml, entity_bomb, external_dtd, external_entity, hidden_doctypes
from tests.support.invoices import ENVELOPE, Row, Told, finvoice, peppol

BOTH = pytest.mark.parametrize("form", [peppol, finvoice])
MIXED: dict[str, Any] = {
    "order": "T-2026-000001",
    "contract": "S-77",
    "days": ("2026-11-01", "2026-11-30"),
    "rows": [
        Row("88.00", "1", order_line="1", days=("2026-11-02", "2026-11-02")),
        Row("10.01", "2", unit="KMT", percent="25.5"),
        Row("33.33", "1"),
    ],
    "allowance": "8.00",
    "rounding": "0.03",
}


def objection(content: bytes) -> str:
    found = read_invoice(content).objection
    assert found is not None
    return found.text()


@BOTH
@pytest.mark.parametrize("credit", [False, True])
def test_what_is_read(form, credit, snapshot: SnapshotAssertion):
    read = read_invoice(form(**MIXED, credit=credit, credits="L-900" if credit else None))
    assert read.to_json() == snapshot
    assert Invoice.from_json(read.to_json()) == read


def test_both_forms_say_the_same():
    one, other = read_invoice(peppol(**MIXED)), read_invoice(finvoice(**MIXED))
    assert replace(one, form="finvoice") == other


@BOTH
def test_no_text_that_people_wrote_is_read(form):
    content = form(**MIXED)
    assert b"Maija" in content
    told = repr(read_invoice(content)) + repr(read_invoice(content).to_json())
    assert not any(name in told for name in ("Maija", "100190", "Valmennus", "ADHD", "FI21", "Alue"))


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("T-2026-000001", True),
        ("4500012/7", True),
        ("Maija Esimerkki", False),
        ("Maija", False),
        ("T-2026-000001 Maija", False),
        ("100190-999P", False),
        ("1" * 51, False),
        ("", False),
    ],
)
def test_a_reference_is_kept_only_if_it_looks_like_one(text, kept):
    assert reference(text) == (text if kept else None)


@pytest.mark.parametrize("encoding", ["ISO-8859-15", "UTF-8"])
@pytest.mark.parametrize("envelope", [False, True])
def test_finvoice_in_either_encoding_and_behind_an_envelope(encoding, envelope):
    content = finvoice(encoding=encoding, envelope=envelope)
    assert is_invoice(content)
    assert read_invoice(content).gross == Decimal("88.00")


def test_a_declared_envelope_is_left_alone_too():
    assert read_invoice(b'<?xml version="1.0"?>' + finvoice(envelope=True)).number == "L-1001"


@pytest.mark.parametrize("minus", [True, False])
def test_a_credit_note_with_minus_signs_or_without(minus):
    read = read_invoice(finvoice(credit=True, minus=minus, credits="L-1", allowance="8.00"))
    assert (read.kind, read.gross, read.lines[0].quantity, read.credits) == ("credit", Decimal(80), Decimal(1), "L-1")


def test_several_invoices_in_one_file_are_refused():
    with pytest.raises(RefusedInput, match="holds 2 invoices"):
        read_invoice(finvoice(envelope=True) + finvoice(envelope=True))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"Laskun numero;Summa",
        b"<Order/>",
        b"<!-- <Invoice/> --><Order/>",
        b"<?xml version='1.0'?>",
        b"<!--",
        b"<" * 1000,
        ENVELOPE,
        b"<!-- --> " * 5000,
    ],
)
def test_what_is_no_invoice_is_not_taken_for_one(content):
    assert not is_invoice(content)
    with pytest.raises(RefusedInput):
        read_invoice(content)


def test_what_begins_with_a_mark_a_declaration_and_comments_is():
    assert is_invoice(b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- Lasku > 1 -->\n<ns:Invoice xmlns:ns='x'/>")


@pytest.mark.parametrize(
    "attack",
    [
        entity_bomb(),
        external_entity("file:///etc/passwd"),
        external_dtd("http://127.0.0.1/x.dtd"),
        deep_xml(100_000),
        *hidden_doctypes().values(),
    ],
)
def test_attacks_are_refused(attack):
    with pytest.raises(RefusedInput):
        read_invoice(attack)


@BOTH
def test_entities_cannot_be_declared(form):
    whole = form()
    at = whole.index(b"?>") + 2
    with pytest.raises(RefusedInput, match="DOCTYPE"):
        read_invoice(whole[:at] + b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + whole[at:])


@BOTH
def test_a_file_cut_short_is_refused(form):
    with pytest.raises(RefusedInput, match="well-formed or was cut short"):
        read_invoice(form()[:-20])


def test_a_file_of_50_megabytes_is_refused():
    with pytest.raises(RefusedInput, match="larger than"):
        read_invoice(peppol().replace(b"</Invoice>", b" " * (50 * 1024 * 1024) + b"</Invoice>"))


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        ((b"<cbc:IssueDate>2026-12-31</cbc:IssueDate>", b""), "as the UBL 2.1 schema has it"),
        (
            (b'"EUR">88.00</cbc:LineExtensionAmount>', b'"EUR">88,00</cbc:LineExtensionAmount>'),
            "as the UBL 2.1 schema has it",
        ),
        ((b"urn:cen.eu:en16931:2017#", b"urn:x#"), "European norm"),
        ((b"<cbc:ID>L-1001</cbc:ID>", b"<cbc:ID>  </cbc:ID>"), "has no number"),
        ((b"<cbc:ID>L-1001</cbc:ID>", b"<cbc:ID>100190-999P</cbc:ID>"), "personal identity code"),
        (
            (b"<cbc:IssueDate>2026-12-31</cbc:IssueDate>", b"<cbc:IssueDate>2026-12-31Z</cbc:IssueDate>"),
            "IssueDate of the invoice cannot be read",
        ),
    ],
)
def test_peppol_that_cannot_be_understood_is_refused(spoil, sentence):
    content = peppol()
    assert spoil[0] in content
    with pytest.raises(RefusedInput, match=sentence):
        read_invoice(content.replace(*spoil))


def test_a_refusal_does_not_quote_what_stood_there():
    content = peppol().replace(b"<cbc:IssueDate>2026-12-31<", b"<cbc:IssueDate>Maija O'Esimerkki: 'x' is not<")
    content = content.replace(b'unitCode="C62"', b'unitCode="  Maija Esimerkki"')
    with pytest.raises(RefusedInput) as refused:
        read_invoice(content)
    assert "IssueDate" in str(refused.value)
    assert "Maija" not in str(refused.value)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        ((b"InvoiceDetails>", b"Details>"), "has no InvoiceDetails"),
        ((b"INV01", b"INV06"), "no invoice"),
        (
            (b'<InvoiceDate Format="CCYYMMDD">20261231', b'<InvoiceDate Format="CCYYMMDD">20261331'),
            "InvoiceDate of the invoice",
        ),
        (
            (b'<InvoiceDate Format="CCYYMMDD">20261231', b'<InvoiceDate Format="DDMMCCYY">31122026'),
            "InvoiceDate of the invoice",
        ),
        ((b'<InvoiceDate Format="CCYYMMDD">20261231</InvoiceDate>', b""), "when it was issued"),
        ((b">88,00</RowVatExcludedAmount>", b">1.234</RowVatExcludedAmount>"), "RowVatExcludedAmount on line 1"),
        ((b"InvoiceTotalVatIncludedAmount", b"Total"), "has no sums"),
        ((b"InvoiceRow>", b"Row>"), "has no lines"),
        ((b"<InvoiceNumber>L-1001</InvoiceNumber>", b""), "has no number"),
    ],
)
def test_finvoice_that_cannot_be_understood_is_refused(spoil, sentence):
    content = finvoice()
    assert spoil[0] in content
    with pytest.raises(RefusedInput, match=sentence):
        read_invoice(content.replace(*spoil))


@BOTH
@pytest.mark.parametrize(
    ("over", "sentence"),
    [
        ({"over": {"gross": "99.00"}}, "do not add up"),
        ({"over": {"vat": "1.00", "gross": "89.00"}}, "do not add up"),
        ({"rounding": "1.01"}, "more than a euro"),
        ({"rows": [Row("1000000000.00")]}, "too much to be true"),
    ],
)
def test_figures_that_contradict_each_other_are_told(form, over, sentence):
    assert sentence in objection(form(**over))


def test_lines_and_sums_of_one_rate_must_agree():
    spoilt = peppol(rows=[Row("88.00", percent="25.5")])
    assert "does not belong to" in objection(
        spoilt.replace(b"<cbc:Percent>25.5</cbc:Percent>", b"<cbc:Percent>10</cbc:Percent>")
    )
    line = b'<cbc:LineExtensionAmount currencyID="EUR">88.00</cbc:LineExtensionAmount></cac'
    other = peppol(order="T-1").replace(
        b'"EUR">88.00</cbc:LineExtensionAmount><cac:Item>', b'"EUR">80.00</cbc:LineExtensionAmount><cac:Item>'
    )
    assert line not in other
    assert "come to €80.00 without VAT at 0 %; the document says €88.00" in objection(other)


@pytest.mark.parametrize(("code", "sentence"), [("386", "in advance"), ("384", "replaces an invoice")])
def test_unusual_kinds_are_told(code, sentence):
    content = peppol().replace(b"TypeCode>380<", f"TypeCode>{code}<".encode())
    assert sentence in objection(content)


def test_a_message_that_takes_an_invoice_back_is_told():
    assert "OriginCode Cancel" in objection(finvoice().replace(b">Original<", b">Cancel<"))


def test_a_second_sum_of_tax_in_another_currency_is_passed_over():
    other = b'<cac:TaxTotal><cbc:TaxAmount currencyID="SEK">1.00</cbc:TaxAmount></cac:TaxTotal><cac:LegalMonetaryTotal>'
    assert read_invoice(peppol().replace(b"<cac:LegalMonetaryTotal>", other)).objection is None


def test_older_finvoice_tells_the_sum_after_rounding():
    content = finvoice(rounding="0.02").replace(
        b'<InvoiceTotalVatIncludedAmount AmountCurrencyIdentifier="EUR">88,00',
        b'<InvoiceTotalVatIncludedAmount AmountCurrencyIdentifier="EUR">88,02',
    )
    read = read_invoice(content)
    assert (read.objection, read.gross, read.lines[0].gross) == (None, Decimal("88.02"), Decimal("88.02"))


def test_what_finvoice_does_not_state_follows_from_the_rest():
    content = finvoice(rows=[Row("80.00", "2", unit="kpl", percent="25.5")])
    for name in (
        "RowVatExcludedAmount",
        "RowVatAmount",
        "VatBaseAmount",
        "InvoiceTotalVatAmount",
        "InvoiceTotalVatExcludedAmount",
    ):
        content = content.replace(f"<{name} ".encode(), f"<Un{name} ".encode()).replace(
            f"</{name}>".encode(), f"</Un{name}>".encode()
        )
    read = read_invoice(content)
    assert (read.objection, read.net, read.vat, read.gross) == (
        None,
        Decimal("80.00"),
        Decimal("20.40"),
        Decimal("100.40"),
    )
    assert (read.lines[0].unit, read.lines[0].quantity) == ("C62", Decimal(2))


def test_of_several_quantities_none_counts():
    content = finvoice().replace(
        b"<RowPositionIdentifier>", b"<DeliveredQuantity>3</DeliveredQuantity><RowPositionIdentifier>"
    )
    assert read_invoice(content).lines[0].quantity is None


def test_rates_that_finvoice_does_not_sum_up_follow_from_the_rows():
    content = finvoice(rows=[Row("80.00", percent="25.5"), Row("20.00"), Row("10.00", percent="10")])
    content = content.replace(b"VatSpecificationDetails>", b"Unspecified>")
    read = read_invoice(content)
    assert (read.objection, read.gross) == (None, Decimal("131.40"))
    assert [line.vat for line in read.lines] == [Decimal("20.40"), Decimal("0.00"), Decimal("1.00")]


@BOTH
def test_more_lines_than_any_invoice_has_are_refused(form):
    rows = [Row("1.00", percent="10")] * 10_001
    with pytest.raises(RefusedInput, match="more than 10000 lines"):
        read_invoice(form(rows=rows))


@BOTH
def test_as_many_rates_as_lines_are_read_in_one_pass(form):
    rows = [Row("100.00", percent=f"{number / 100:.2f}") for number in range(1, 1500)]
    assert read_invoice(form(rows=rows)).objection is None


def test_days_in_the_wrong_order_tell_nothing():
    assert read_invoice(finvoice(days=("2026-11-30", "2026-11-01"))).period is None
    assert read_invoice(peppol(days=("2026-11-01", "2026-11-30"))).period == Days(date(2026, 11, 1), date(2026, 11, 30))


CENTS = st.decimals(Decimal(-50), Decimal(500), places=2)


@given(
    rows=st.lists(st.tuples(CENTS, st.sampled_from(["0", "10", "25.5"])), min_size=1, max_size=6),
    rounding=st.none() | st.decimals(Decimal("-0.04"), Decimal("0.04"), places=2),
    allowance=st.none() | st.decimals(Decimal("0.01"), Decimal(20), places=2),
    credit=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_lines_add_up_to_the_document_to_the_cent(rows, rounding, allowance, credit):
    values: dict[str, Any] = {
        "rows": [Row(f"{net:.2f}", percent=percent) for net, percent in rows],
        "rounding": f"{rounding:.2f}" if rounding else None,
        "allowance": f"{allowance:.2f}" if allowance else None,
    }
    for form in (peppol, finvoice):
        gives_back = credit and form is finvoice and Told(**values).sums()["gross"] > 0
        read = read_invoice(form(**values, credit=gives_back))
        assert read.objection is None
        assert read.gross == read.net + read.vat
        for name in ("net", "vat", "gross"):
            assert sum(getattr(line, name) for line in read.lines) == getattr(read, name)
        assert all(line.gross == line.net + line.vat for line in read.lines)


@given(total=CENTS, weights=st.lists(CENTS, min_size=1, max_size=8))
@settings(max_examples=200, deadline=None)
def test_parts_add_up_to_the_whole(total, weights):
    parts = allotted(total, weights)
    assert (sum(parts), len(parts)) == (total, len(weights))
    assert all(part == round(part, 2) for part in parts)
