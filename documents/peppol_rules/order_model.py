"""The data model of the Peppol order (T01, rules in force from 2026.5) as an outline; how to read it: model.py."""

from typing import Final

from documents.peppol_rules import codes
from documents.peppol_rules.model import CodeList, DocumentModel, read_outline

_LISTS: Final = {
    "address": CodeList("EAS", codes.ADDRESS_SCHEMES),
    "scheme": CodeList("ISO 6523", codes.IDENTIFIER_SCHEMES),
    "currency": CodeList("ISO 4217", codes.CURRENCIES),
    "country": CodeList("ISO 3166-1", codes.COUNTRIES),
    "unit": CodeList("UN/ECE Rec 20", codes.is_unit),
    "order_type": CodeList("UNCL 1001", codes.ORDER_TYPES),
    "mime": CodeList("MIME", codes.ATTACHMENT_TYPES),
    "priority": CodeList("UNCL 4219", codes.PRIORITIES),
    "boolean": CodeList("true, false", codes.BOOLEANS),
    "false": CodeList("false", frozenset({"false"})),
    "reason": CodeList("UNCL 5189, UNCL 7161", codes.ALLOWANCE_REASONS | codes.CHARGE_REASONS),
    "classification": CodeList("UNCL 7143", codes.CLASSIFICATIONS),
}

_BLOCKS: Final = {
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
    "delivery_address": """
&street
AddressLine
  Line!
&country
""",
    "tax_scheme": """
PartyTaxScheme
  CompanyID!
  TaxScheme!
    ID!
""",
    "legal_entity": """
PartyLegalEntity!
  RegistrationName!
  CompanyID
    @schemeID:scheme
  RegistrationAddress
    CityName
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
    "period": """
StartDate
StartTime
EndDate
EndTime
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

_OUTLINE: Final = """
CustomizationID!
ProfileID!
ID!
SalesOrderID
IssueDate!
IssueTime
OrderTypeCode:order_type
Note
DocumentCurrencyCode!:currency
CustomerReference
AccountingCost
ValidityPeriod
  EndDate!
QuotationDocumentReference
  ID!
OrderDocumentReference
  ID!
OriginatorDocumentReference
  ID!
CatalogueReference
  ID!
AdditionalDocumentReference
  ID!
  DocumentType
  Attachment
    EmbeddedDocumentBinaryObject
      @mimeCode!:mime
      @filename!
    ExternalReference
      URI!
Contract
  ID!
ProjectReference
  ID!
BuyerCustomerParty!
  Party!
    EndpointID!
      @schemeID!:address
    &identification
    &name
    PostalAddress
      &address
    &tax_scheme
    &legal_entity
    &contact
SellerSupplierParty!
  Party!
    EndpointID!
      @schemeID!:address
    &identification
    &name
    PostalAddress!
      &address
    &legal_entity
    &contact
OriginatorCustomerParty
  Party!
    &identification
    &name
    &contact
AccountingCustomerParty
  Party!
    EndpointID
      @schemeID!:address
    &identification
    &name
    PostalAddress!
      &address
    &tax_scheme
    &legal_entity
    &contact
Delivery
  DeliveryLocation
    ID
      @schemeID:scheme
    Name
    Address!
      &delivery_address
  RequestedDeliveryPeriod
    &period
  DeliveryParty
    &identification
    PartyName!
      Name!
    PostalAddress
      &delivery_address
    &contact
  Despatch
    RequestedDespatchDate!
    RequestedDespatchTime
  Shipment
    ID!
    ShippingPriorityLevelCode:priority
    TransportHandlingUnit
      ShippingMarks
DeliveryTerms
  ID
  SpecialTerms
  DeliveryLocation
    ID!
PaymentTerms
  Note!
AllowanceCharge
  ChargeIndicator!:boolean
  AllowanceChargeReasonCode:reason
  AllowanceChargeReason!
  MultiplierFactorNumeric
  Amount!
    &amount
  BaseAmount
    &amount
  TaxCategory
    &tax_category
TaxTotal
  TaxAmount!
    &amount
AnticipatedMonetaryTotal
  LineExtensionAmount!
    &amount
  TaxExclusiveAmount
    &amount
  TaxInclusiveAmount
    &amount
  AllowanceTotalAmount
    &amount
  ChargeTotalAmount
    &amount
  PrepaidAmount
    &amount
  PayableRoundingAmount
    &amount
  PayableAmount!
    &amount
OrderLine!
  Note
  LineItem!
    ID!
    Quantity!
      @unitCode!:unit
    LineExtensionAmount
      &amount
    PartialDeliveryIndicator:boolean
    AccountingCost
    Delivery
      ID
        @schemeID:scheme
      DeliveryLocation
        Name
        Address!
          &delivery_address
      RequestedDeliveryPeriod!
        &period
    OriginatorParty
      &identification
      &name
    AllowanceCharge
      ChargeIndicator!
      AllowanceChargeReasonCode:reason
      AllowanceChargeReason
      MultiplierFactorNumeric
      Amount!
        &amount
      BaseAmount
        &amount
    Price
      PriceAmount!
        &amount
      BaseQuantity
        @unitCode:unit
      AllowanceCharge
        ChargeIndicator!:false
        Amount!
          &amount
        BaseAmount
          &amount
    Item!
      Description
      Name!
      BuyersItemIdentification
        ID!
      SellersItemIdentification
        ID!
      ManufacturersItemIdentification
        ID!
      StandardItemIdentification
        ID!
          @schemeID!:scheme
      ItemSpecificationDocumentReference
        ID!
      CommodityClassification
        ItemClassificationCode
          @listID!:classification
          +2
      ClassifiedTaxCategory
        &tax_category
      AdditionalItemProperty
        ID
          +3
        Name!
        NameCode
          @listID!
        Value!
        ValueQuantity
          @unitCode!:unit
        ValueQualifier
      ItemInstance
        SerialID
        LotIdentification
          LotNumberID
  QuotationLineReference
    LineID!
"""

ORDER_MODEL: Final = DocumentModel("PEPPOL-T01-B", read_outline("Order", _OUTLINE, _BLOCKS), _LISTS)
