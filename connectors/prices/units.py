"""Units as people write them → UN/ECE Rec 20 codes and how many of them one price buys.

There is no code for a visit: C62 ("one") stands for it (DOMAIN "Money"). Part of an hour keeps the hour as its unit and becomes the
base quantity (45 min = 0.75 HUR), so that it can be compared with prices per hour and used for plans in hours.
"""

import re
from decimal import Decimal
from typing import Final

from connectors.prices.amounts import plain

_HOUR, _MINUTE = "HUR", "MIN"

#: Rec 20 code → what lists call it, in Finnish, Swedish and English, lower case.
_SYNONYMS: Final[dict[str, str]] = {
    "HUR": "h t tunti tunnit tuntia tunnilta tunnille tim timme timmar timma hour hours hr hrs",
    "MIN": "min minuutti minuuttia minut minuter minute minutes",
    "C62": "käynti käynnit käyntiä kerta krt kerrat kertaa tapaaminen tapaamista kpl kappale yksikkö ea"
    " besök gång ggr st styck stycke visit visits session sessions time times piece pieces pcs pc each unit",
    "DAY": "vrk vuorokausi vuorokautta pv pvä päivä päivää hoitopäivä dygn dag dagar day days",
    "WEE": "vko viikko viikkoa vecka veckor week weeks wk",
    "MON": "kk kuukausi kuukautta mån månad månader month months mo",
    "LS": "urakka könttä kertakorvaus kertamaksu kokonaishinta engångssumma klumpsumma lumpsum fixed",
    "KMT": "km kilometri kilometriä kilometer kilometre kilometers kilometres",
    "H87": "h87",
    "E48": "e48",
    "ACT": "act",
}
_CODE_OF: Final = {
    **{code.lower(): code for code in _SYNONYMS},
    **{word: code for code, words in _SYNONYMS.items() for word in words.split()},
}
_COUNTED: Final = re.compile(r"(?P<count>\d+(?:[.,]\d+)?)\s*(?P<word>\D+)")


def read_unit(text: str) -> tuple[str, Decimal] | None:
    """`(Rec 20 code, base quantity)` of a written unit, or None: `€/h` → HUR, 1; `45 min` → HUR, 0.75; `2 h` → HUR, 2."""
    word = re.sub(r"^(?:€|eur|euroa?)?\s*(?:/|per\s|à\s|á\s)?\s*", "", text.strip().casefold()).strip(" .\u00a0")
    counted = _COUNTED.fullmatch(word)
    count = Decimal(counted["count"].replace(",", ".")) if counted else Decimal(1)
    code = _CODE_OF.get((counted["word"] if counted else word).strip(" .\u00a0"))
    if code is None or count <= 0:
        return None
    if code == _MINUTE and counted:
        hours = count / 60
        if hours == round(hours, 4):
            return _HOUR, plain(hours)
    return code, plain(count)
