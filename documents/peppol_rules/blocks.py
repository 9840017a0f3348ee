"""What the data models of several Peppol documents have in common: code lists by name, and blocks of lines; how to read them: model.py."""

from typing import Final

from documents.peppol_rules import codes
from documents.peppol_rules.model import CodeList

LISTS: Final = {
    "address": CodeList("EAS", codes.ADDRESS_SCHEMES),
    "scheme": CodeList("ISO 6523", codes.IDENTIFIER_SCHEMES),
    "currency": CodeList("ISO 4217", codes.CURRENCIES),
    "country": CodeList("ISO 3166-1", codes.COUNTRIES),
    "unit": CodeList("UN/ECE Rec 20", codes.is_unit),
    "mime": CodeList("MIME", codes.ATTACHMENT_TYPES),
    "boolean": CodeList("true, false", codes.BOOLEANS),
    "classification": CodeList("UNCL 7143", codes.CLASSIFICATIONS),
}
BLOCKS: Final = {
    "identification": """
PartyIdentification
  ID!
    @schemeID:scheme
""",
    "street": """
StreetName
AdditionalStreetName
CityName
PostalZone
CountrySubentity
""",
    "country": """
Country!
  IdentificationCode!:country
""",
    "address": """
&street
AddressLine
  Line
&country
""",
    "contact": """
Contact
  Name
  Telephone
  ElectronicMail
""",
    "name": """
PartyName
  Name!
""",
    "amount": """
@currencyID!:currency
""",
    "tax_category": """
ID!
Percent
TaxScheme!
  ID!
""",
}
