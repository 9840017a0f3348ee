"""The data model of the Peppol order response (T76, rules in force from 2026.5) as an outline; how to read it: model.py."""

from typing import Final

from documents.peppol_rules import codes
from documents.peppol_rules.blocks import BLOCKS, LISTS
from documents.peppol_rules.model import CodeList, DocumentModel, read_outline

_PROFILE: Final = "urn:fdc:peppol.eu:poacc:bis:ordering:3"

_LISTS: Final = LISTS | {
    "ordering": CodeList(_PROFILE, frozenset({_PROFILE})),
    "response": CodeList("UNCL 4343: AB, AP, RE, CA", codes.RESPONSES),
    "line_response": CodeList("UNCL 1229: 1, 3, 5, 7, 42", codes.LINE_RESPONSES),
}

_BLOCKS: Final = BLOCKS | {
    "party": """
Party!
  EndpointID!
    @schemeID!:address
  &identification
  PartyLegalEntity
    RegistrationName!
""",
    "delivery": """
Delivery
  PromisedDeliveryPeriod!
    StartDate
    StartTime
    EndDate
    EndTime
""",
    "standard_id": """
StandardItemIdentification
  ID!
    @schemeID!:scheme
""",
}

_OUTLINE: Final = """
CustomizationID!
ProfileID!:ordering
ID!
SalesOrderID
IssueDate!
IssueTime
OrderResponseCode!:response
Note
DocumentCurrencyCode!:currency
CustomerReference
OrderReference!
  ID!
SellerSupplierParty!
  &party
BuyerCustomerParty!
  &party
&delivery
OrderLine
  LineItem!
    ID!
    Note
    LineStatusCode!:line_response
    Quantity
      @unitCode!:unit
    MaximumBackorderQuantity
    &delivery
    Price
      PriceAmount!
        &amount
      BaseQuantity
        @unitCode!:unit
    Item!
      Name!
      BuyersItemIdentification
        ID!
      SellersItemIdentification
        ID!
      &standard_id
  SellerSubstitutedLineItem
    ID!
    Item!
      Name
      SellersItemIdentification
        ID!
      &standard_id
      CommodityClassification
        ItemClassificationCode
          @listID!:classification
          +2
      ClassifiedTaxCategory
        &tax_category
      AdditionalItemProperty
        Name!
        NameCode
          @listID!
        Value!
        ValueQuantity
          @unitCode!:unit
        ValueQualifier
  OrderLineReference!
    LineID!
"""

RESPONSE_MODEL: Final = DocumentModel("PEPPOL-T76-B", read_outline("OrderResponse", _OUTLINE, _BLOCKS), _LISTS)
