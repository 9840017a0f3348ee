"""Code lists a Peppol order, order response or catalogue may draw from.

Currencies and countries come from Babel (CLDR), mended where the lists in force since 2026.5 differ. Address and identifier schemes are
given as ranges of their numbers. Of the longest lists, units (UN/ECE Rec 20 and 21, some
2,000 codes), kinds of document and labels of goods, only the *shape* of a code is checked: Avain writes a handful of units, listed here,
and a wrong one that looks right is left to the receiver's check.
"""

import re
from datetime import date
from typing import Final

from babel import Locale
from babel.numbers import get_territory_currencies

from core import units

#: The day the rule set came into force: currencies are those of that day, whatever day it is now.
_IN_FORCE: Final = date(2026, 5, 1)
_CLDR: Final = frozenset(str(code) for code in Locale("en").territories)
_TERRITORIES: Final = frozenset(
    code
    for code in _CLDR
    if re.fullmatch("[A-Z]{2}", code)
    # CLDR's own codes, which ISO 3166 only reserves.
    and code not in {"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "XK", "ZZ"}
)
#: ISO 3166-1 alpha-2, and two that the EU adds: Kosovo and Northern Ireland.
COUNTRIES: Final = _TERRITORIES | {"1A", "XI"}
#: Prefixes of VAT numbers: Greece writes EL; the rule's own list keeps AN and lacks a few newer ones.
#: One text, because the official rule asks whether the first two characters occur in it.
VAT_PREFIXES: Final = " ".join(sorted((_TERRITORIES | {"AN", "EL"}) - {"BQ", "CW", "RE", "SS", "SX"}))
#: ISO 4217. Bulgaria took the euro in 2026; the Salvadoran colón is still listed.
CURRENCIES: Final = (
    frozenset(
        code
        for territory in _CLDR
        if len(territory) == 2
        for code in get_territory_currencies(territory, _IN_FORCE, _IN_FORCE, tender=True, non_tender=True)
    )
    | {"SVC"}
) - {"BGN"}


def _numbers(text: str) -> frozenset[str]:
    """`0002 9913-9915` as the set of four-digit numbers."""
    spans = [part.split("-") for part in text.split()]
    return frozenset(f"{number:04d}" for span in spans for number in range(int(span[0]), int(span[-1]) + 1))


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Electronic address schemes (EAS) an endpoint may use since 2026.5.
ADDRESS_SCHEMES: Final = _numbers(
    "0002 0007 0009 0060 0088 0096-0097 0106 0130 0135 0142 0151 0183-0184 0188 0190-0192 0195-0196 0198-0201 0204 0208-0211 0216 0218 0221"
    " 0225 0230 0235 0240 0242 0244-0246 0248 9910 9913-9915 9918-9920 9922-9953 9957 9959"
)
#: ISO 6523 identifiers of organisations (ICD).
IDENTIFIER_SCHEMES: Final = _numbers("0002-0091 0093-0102 0104-0180 0183-0248")
#: UNCL 1001, kinds of order.
ORDER_TYPES: Final = frozenset({"105", "220", "221", "226", "227", "402"})
#: UNCL 4343, what a response says to the whole order: received, accepted, rejected, accepted with changes.
RESPONSES: Final = frozenset({"AB", "AP", "RE", "CA"})
#: UNCL 1229, what it says to a line: added, changed, accepted, rejected, already delivered.
LINE_RESPONSES: Final = frozenset({"1", "3", "5", "7", "42"})
#: UNCL 4219, transport priority.
PRIORITIES: Final = frozenset("1234")
#: UNCL 5189, reasons of an allowance.
ALLOWANCE_REASONS: Final = frozenset(map(str, (41, 42, 60, *range(62, 69), 70, 71, 88, 95, 100, *range(102, 106))))
#: UNCL 7161, reasons of a charge.
CHARGE_REASONS: Final = _words(
    " AA AAA AAC AAD AAE AAF AAH AAI AAS AAT AAV AAY AAZ ABA ABB ABC ABD ABF ABK ABL ABN ABR ABS ABT ABU ACF ACG ACH"
    " ACI ACJ ACK ACL ACM ACS ADC ADE ADJ ADK ADL ADM ADN ADO ADP ADQ ADR ADT ADW ADY ADZ AEA AEB AEC AED AEF AEH AEI"
    " AEJ AEK AEL AEM AEN AEO AEP AES AET AEU AEV AEW AEX AEY AEZ AJ AU CA CAB CAD CAE CAF CAI CAJ CAK CAL CAM CAN CAO"
    " CAP CAQ CAR CAS CAT CAU CAV CAW CAX CAY CAZ CD CG CS CT DAB DAC DAD DAF DAG DAH DAI DAJ DAK DAL DAM DAN DAO DAP"
    " DAQ DL EG EP ER FAA FAB FAC FC FH FI GAA HAA HD HH IAA IAB ID IF IR IS KO L1 LA LAA LAB LF MAE MI ML NAA OA PA"
    " PAA PC PL PRV RAB RAC RAD RAF RE RF RH RV SA SAA SAD SAE SAI SG SH SM SU TAB TAC TT TV V1 V2 WH XAA YY ZZZ"
)
#: UNCL 7143, classifications of items; STI is the common procurement vocabulary (CPV).
CLASSIFICATIONS: Final = _words(
    " AA AB AC AD AE AF AG AH AI AJ AK AL AM AN AO AP AQ AR AS AT AU AV AW AX AY AZ BA BB BC BD BE BF BG BH BI BJ BK"
    " BL BM BN BO BP BQ BR BS BT BU BV BW BX BY BZ CC CG CL CR CV DR DW EC EF EMD EN FS GB GMN GN GS HS IB IN IS IT IZ"
    " MA MF MN MP NB ON PD PL PO PPI PV QS RC RN RU RY SA SG SK SN SRS SRT SRU SRV SRW SRX SRY SRZ SS SSA SSB SSC SSD"
    " SSE SSF SSG SSH SSI SSJ SSK SSL SSM SSN SSO SSP SSQ SSR SSS SST SSU SSV SSW SSX SSY SSZ ST STA STB STC STD STE"
    " STF STG STH STI STJ STK STL STM STN STO STP STQ STR STS STT STU STV STW STX STY STZ SUA SUB SUC SUD SUE SUF SUG"
    " SUH SUI SUJ SUK SUL SUM TG TSN TSO TSP TSQ TSR TSS TST TSU UA UP VN VP VS VX ZZZ"
)
BOOLEANS: Final = frozenset({"true", "false"})
ATTACHMENT_TYPES: Final = frozenset(
    {"application/pdf", "image/png", "image/jpeg", "image/tiff", "application/acad", "application/dwg", "drawing/dwg"}
    | {
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.oasis.opendocument.spreadsheet",
    }
)
#: What a catalogue, and a line of one that is an update, asks for (OpenPeppol).
CATALOGUE_ACTIONS: Final = frozenset({"Add", "Replace", "Update", "Delete"})
LINE_ACTIONS: Final = frozenset({"Add", "Update", "Delete"})
#: UNCL 5387, kinds of price.
PRICE_TYPES: Final = _words(
    "AAA AAB AAC AAD AAE AAF AAG AAH AAI AAJ AAK AAL AAM AAN AAO AAP AAQ AAR AAS AAT AAU AAV AAW AAX AAY AAZ ABA ABB ABC ABD ABE ABF ABG ABH"
    " ABI ABJ ABK ABL ABM ABN ABO ABP ABQ ABR ABS ABT ABU ABV ABW ABX ABY ABZ ACA ACB AI ALT AP BR CAT CDV CON CP CSC CU CUP CUS DAP DIS DPR"
    " DR DSC ES EUP FCR GRP INV LBL MAX MIN MNR MSR MXR NE NQT NTP NW OFR PAQ PBQ PPD PPR PRO PRP PW QTE RES RTP SHD SRP SW TB TRF TU TW WH"
)
#: UNCL 6313, what is measured; UNCL 8273, rules on dangerous goods; GS1's levels of packing; conditions of a sale (OpenPeppol).
MEASURES: Final = _words("AAF AAO AAX ABJ GW HT LN TC WD")
DANGEROUS_GOODS: Final = _words(
    "ADR ADS ADT ADU ADV ADW ADX ADY ADZ AEA AEB AGS ANR ARD CFR COM GVE GVS ICA IMD RGE RID UI ZZZ"
)
PACK_LEVELS: Final = _words("CU DU HN TU")
SALE_CONDITIONS: Final = _words("CT NON_RETURNABLE")
#: Units Avain's price lists know.
UNITS: Final = frozenset(units.UNITS)

_UNIT: Final = re.compile("[A-Z0-9]{2,3}")
_OVT: Final = re.compile("0037[0-9]{8}")
_DOCUMENT: Final = re.compile("[1-9][0-9]{0,2}|1999|PRODUCT_IMAGE|TRADE_ITEM_DESCRIPTION")
_LABEL: Final = re.compile("[A-Z0-9][A-Z0-9_+()-]+")


def is_unit(code: str) -> bool:
    """Whether `code` has the shape of a unit code (two or three capitals and digits)."""
    return _UNIT.fullmatch(code) is not None


def is_ovt(value: str) -> bool:
    """A Finnish OVT code as scheme 0216 wants it: `0037` and the eight digits of the business id."""
    return _OVT.fullmatch(value) is not None


def is_document_type(code: str) -> bool:
    """Whether `code` has the shape of a kind of document (UNCL 1001), or is one of a picture or description (OpenPeppol)."""
    return _DOCUMENT.fullmatch(code) is not None


def is_label(code: str) -> bool:
    """Whether `code` has the shape of a label of goods (GS1), such as SVANEN; NA stands for one without a code."""
    return _LABEL.fullmatch(code) is not None
