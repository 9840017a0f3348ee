"""The data model of the Peppol catalogue (T19, rules in force from 2026.5) as an outline; how to read it: model.py."""

from typing import Final

from documents.peppol_rules import codes
from documents.peppol_rules.blocks import BLOCKS, LISTS
from documents.peppol_rules.model import CodeList, DocumentModel, read_outline

_LISTS: Final = LISTS | {
    "catalogue_action": CodeList("Add, Replace, Update, Delete", codes.CATALOGUE_ACTIONS),
    "line_action": CodeList("Add, Update, Delete", codes.LINE_ACTIONS),
    "price_type": CodeList("UNCL 5387", codes.PRICE_TYPES),
    "document_type": CodeList("UNCL 1001", codes.is_document_type),
    "pack_level": CodeList("GS1 7009", codes.PACK_LEVELS),
    "sale": CodeList("CT, NON_RETURNABLE", codes.SALE_CONDITIONS),
    "danger": CodeList("UNCL 8273", codes.DANGEROUS_GOODS),
    "label": CodeList("GS1 PackagingMarkedLabelAccreditationCode", codes.is_label),
    "measure": CodeList("UNCL 6313", codes.MEASURES),
}

_BLOCKS: Final = BLOCKS | {
    "period": """
StartDate
EndDate
""",
    "endpoint": """
@schemeID!:address
""",
    "unit": """
@unitCode!:unit
""",
    "id": """
ID!
""",
    "related": """
ID
Quantity
  &unit
""",
}

_OUTLINE: Final = """
CustomizationID!
ProfileID!
ID!
ActionCode:catalogue_action
Name
IssueDate!
VersionID
ValidityPeriod!
  &period
ReferencedContract
  &id
SourceCatalogueReference
  &id
ProviderParty!
  EndpointID!
    &endpoint
  &identification
  PostalAddress
    &address
  PartyLegalEntity!
    RegistrationName!
    CompanyID
      @schemeID:scheme
    RegistrationAddress
      CityName
      Country
        IdentificationCode!:country
ReceiverParty!
  EndpointID!
    &endpoint
  &identification
  PostalAddress
    &address
  PartyLegalEntity!
    RegistrationName!
    CompanyID
      @schemeID:scheme
    RegistrationAddress
      CityName
      Country
        IdentificationCode:country
SellerSupplierParty
  Party!
    EndpointID
      &endpoint
    &identification
    &name
    PostalAddress
      &address
    &contact
ContractorCustomerParty
  Party
    EndpointID
      &endpoint
    &identification
    &name
    PostalAddress
      &address
    &contact
TradingTerms
  Information
CatalogueLine!
  ID!
  ActionCode:line_action
  OrderableIndicator:boolean
  OrderableUnit:unit
  ContentUnitQuantity
    &unit
  OrderQuantityIncrementNumeric
  MinimumOrderQuantity
    &unit
  MaximumOrderQuantity
    &unit
  WarrantyInformation
  PackLevelCode:pack_level
  LineValidityPeriod
    &period
  ItemComparison
    PriceAmount
      &amount
    Quantity
      &unit
  ComponentRelatedItem
    &related
  AccessoryRelatedItem
    &related
  RequiredRelatedItem
    &related
  ReplacedRelatedItem
    &related
  RequiredItemLocationQuantity
    LeadTimeMeasure
      &unit
    MinimumQuantity
      &unit
    MaximumQuantity
      &unit
    ApplicableTerritoryAddress
      &street
      AddressLine
        Line
      Country
        IdentificationCode!:country
    Price
      PriceAmount!
        &amount
      BaseQuantity
        &unit
      PriceType:price_type
      OrderableUnitFactorRate
      ValidityPeriod
        &period
  Item!
    Description
    PackQuantity
      &unit
    PackSizeNumeric
    Name!
    Keyword
    BrandName
    BuyersItemIdentification
      &id
    SellersItemIdentification
      &id
    ManufacturersItemIdentification
      &id
    StandardItemIdentification
      ID!
        @schemeID!:scheme
    ItemSpecificationDocumentReference
      ID!
      DocumentTypeCode:document_type
      DocumentDescription
      Attachment
        EmbeddedDocumentBinaryObject
          @mimeCode!:mime
          @filename!
        ExternalReference
          URI!
    OriginCountry
      IdentificationCode!:country
    CommodityClassification
      ItemClassificationCode!
        @listID!:classification
        +2
    TransactionConditions
      ActionCode!:sale
    HazardousItem
      UNDGCode:danger
      HazardClassID
    ClassifiedTaxCategory
      &tax_category
    AdditionalItemProperty
      ID
        +3
      Name!
      NameCode
        @listID!
        +1
      Value!
      ValueQuantity
        &unit
      ValueQualifier
    ManufacturerParty
      PartyName!
        Name!
    ItemInstance
      BestBeforeDate
      LotIdentification
        LotNumberID
    Certificate
      ID!
      CertificateTypeCode!:label
      CertificateType!
      Remarks
      IssuerParty!
        PartyName!
          Name!
      DocumentReference
        &id
    Dimension
      AttributeID!:measure
      Measure
        &unit
      Description
      MinimumMeasure
        &unit
      MaximumMeasure
        &unit
"""

CATALOGUE_MODEL: Final = DocumentModel("PEPPOL-T19-B", read_outline("Catalogue", _OUTLINE, _BLOCKS), _LISTS)
