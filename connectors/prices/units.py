"""Units as people write them → UN/ECE Rec 20 codes and how many of them one price buys.

There is no code for a visit: C62 ("one") stands for it (DOMAIN "Money"). Part of an hour keeps the hour as its unit and becomes the
base quantity (45 min = 0.75 HUR), so that it can be compared with prices per hour and used for plans in hours.
"""

import re
from decimal import Decimal
from functools import lru_cache
from typing import Final

from connectors.prices.amounts import plain

_HOUR, _MINUTE = "HUR", "MIN"

#: Rec 20 code → what lists call it, in Finnish, Swedish and English, lower case.
_SYNONYMS: Final[dict[str, str]] = {
    "HUR": "h t tunti tunnit tuntia tunnilta tunnissa tunnille työtunti asiakastunti tim timme timmar timma timmen"
    " hour hours hr hrs hourly",
    "MIN": "min minuutti minuutit minuuttia minuutilta minut minuter minuten minute minutes",
    "C62": "käynti käynnit käyntiä käynniltä käyntikerta asiakaskäynti kotikäynti kerta krt kerrat kertaa kerralta tapaaminen"
    " tapaamista tapaamiskerta tapaamiselta kpl kappale kappaleelta yksikkö ea hembesök"
    " besök besöket gång gången ggr st styck stycke träff visit visits session sessions time times piece pieces pcs pc each unit",
    "DAY": "vrk vuorokausi vuorokautta vuorokaudelta vuorokaudessa pv pvä päivä päivää päivältä päivässä hoitopäivä"
    " hoitovuorokausi dygn dygnet dag dagar dagen day days daily",
    "WEE": "vko viikko viikkoa viikolta viikossa vecka veckor veckan week weeks wk weekly",
    "MON": "kk kuukausi kuukautta kuukaudelta kuukaudessa mån månad månader månaden month months mo monthly",
    "LS": "urakka könttä kertakorvaus kertamaksu kokonaishinta engångssumma klumpsumma lumpsum fixed",
    "KMT": "km kilometri kilometriä kilometriltä kilometer kilometern kilometre kilometers kilometres",
    "H87": "h87",
    "E48": "e48",
    "ACT": "act",
}
_CODE_OF: Final = {
    **{code.lower(): code for code in _SYNONYMS},
    **{word: code for code, words in _SYNONYMS.items() for word in words.split()},
}
#: No unit is written longer.
_LONGEST: Final = 60
#: So many of a unit one price may buy, with at most four decimals.
_LEAST, _MOST = Decimal("0.0001"), Decimal(1_000_000)
_COUNTED: Final = re.compile(r"(?P<count>\d+(?:[.,]\d+)?)\s*(?P<word>\D+)")


def read_unit(text: str) -> tuple[str, Decimal] | None:
    """`(Rec 20 code, base quantity)` of a written unit, or None: `€/h` → HUR, 1; `45 min` → HUR, 0.75; `2 h` → HUR, 2."""
    return _read_unit(text) if len(text) <= _LONGEST else None


@lru_cache(maxsize=4096)
def _read_unit(text: str) -> tuple[str, Decimal] | None:
    word = re.sub(r"^(?:€|eur|euroa?)?\s*(?:/|per\s|à\s|á\s)?\s*", "", text.strip().casefold()).strip(" .\u00a0")
    counted = _COUNTED.fullmatch(word)
    count = Decimal(counted["count"].replace(",", ".")) if counted else Decimal(1)
    code = _CODE_OF.get((counted["word"] if counted else word).strip(" .\u00a0"))
    if code is None or not _LEAST <= count <= _MOST or count != round(count, 4):
        return None
    if code == _MINUTE and counted:
        hours = count / 60
        if hours == round(hours, 4):
            return _HOUR, plain(hours)
    return code, plain(count)
