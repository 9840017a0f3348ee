"""The readers: whatever takes in what others write, with the form of its documents and valid ones to begin with.

A new reader of foreign input gets a line in `READERS`.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from tests.fuzz import found, seeds, taking
from tests.fuzz.forms.archives import ARCHIVE
from tests.fuzz.forms.mails import MAIL
from tests.fuzz.forms.settings import TOML
from tests.fuzz.forms.tables import TABLE
from tests.fuzz.forms.tokens import TOKEN
from tests.fuzz.forms.trees import XML
from tests.fuzz.forms.values import JSON, LINES
from tests.fuzz.reader import Reader

_ALL: Final = (
    Reader("case_xml", "cases as XML, Avain's own format, both ways of reading", XML, taking.case_xml, seeds.case_xml),
    Reader("case_xml_profile", "cases as foreign XML by a profile, both ways of reading", XML, taking.case_xml_profile, seeds.foreign_xml),
    Reader("case_packed", "packed files of cases (zip, gz)", ARCHIVE, taking.case_packed, seeds.packed_cases),
    Reader("case_table", "cases as CSV by a profile", TABLE, taking.case_table, seeds.case_tables),
    Reader("case_workbook", "cases as XLSX or ODS by a profile", ARCHIVE, taking.case_table, seeds.case_workbooks),
    Reader("fhir_json", "answers of a FHIR server, JSON: a whole visit and one for changes", JSON, taking.fhir_json, seeds.fhir_json),
    Reader("fhir_xml", "answers of a FHIR server, XML: a whole visit and one for changes", XML, taking.fhir_xml, seeds.fhir_xml),
    Reader("fhir_file", "the copy of a visit to a FHIR server", LINES, taking.fhir_file, seeds.fhir_files),
    Reader("sql_file", "the copy of a query's result", LINES, taking.sql_file, seeds.sql_files),
    Reader("price_table", "price lists as CSV", TABLE, taking.prices, seeds.price_tables),
    Reader("price_workbook", "price lists as XLSX or ODS", ARCHIVE, taking.prices, seeds.price_workbooks),
    Reader("price_json", "price lists as JSON", JSON, taking.prices, seeds.price_json),
    Reader("price_catalogue", "price lists as Peppol catalogues (T19)", XML, taking.prices, seeds.catalogues),
    Reader("price_mail", "price lists by e-mail (.eml)", MAIL, taking.price_mail, seeds.price_mails),
    Reader("bounce", "reports of e-mails that came back (.eml, mbox)", MAIL, taking.bounces, seeds.bounces),
    Reader("order_response", "Peppol order responses (T76)", XML, taking.order_response, seeds.order_responses),
    Reader("invoice_peppol", "invoices, Peppol BIS Billing 3", XML, taking.invoice, seeds.peppol_invoices),
    Reader("invoice_finvoice", "invoices, Finvoice 3.0", XML, taking.invoice, seeds.finvoices),
    Reader("delivered", "reports of what was delivered, CSV", TABLE, taking.delivered, seeds.delivered),
    Reader("absences", "absences as CSV", TABLE, taking.absences, seeds.absences),
    Reader("channel_reply", "what a provider's server answers to an order", JSON, taking.channel_reply, seeds.channel_replies),
    Reader("login", "answers of a login provider (OpenID Connect)", JSON, taking.login, seeds.logins),
    Reader("reply_link", "signed links of letters to providers", TOKEN, taking.reply_link, seeds.reply_links),
    Reader("settings", "avain.toml", TOML, taking.settings, seeds.settings),
    Reader("profile", "profiles of sources", TOML, taking.profile, seeds.profiles),
    Reader("reference", "providers, services and workers to be imported", TOML, taking.reference, seeds.reference),
)  # fmt: skip
READERS: Final[Mapping[str, Reader]] = {one.name: replace(one, once=partial(found.documents, one.name)) for one in _ALL}
