"""What the columns of price lists are called, in Finnish, Swedish and English, and which of our columns each name means.

A title is looked up whole, then without what stands in brackets or after a sign; one that is put together of a time and a price
(`Iltahinta`, `Hinta lauantaisin klo 8–18`, `Pyhäkorotus`) is taken apart. What the provider's own titles mean was said by a person and
comes first.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from connectors.prices.row import TIME_CLASSES

#: Our column → what lists call it; compared as `compared` leaves them.
SYNONYMS: Final[dict[str, str]] = {
    "service_code": "palvelukoodi, koodi, tuotekoodi, tuotenumero, tuotenro, palvelun koodi, palvelutunnus, tunnus, nimikenumero,"
    " servicekod, tjänstekod, kod, produktkod, artikelnummer, service code, product code, item code, code, sku",
    "service_name": "palvelu, palvelun nimi, palvelut, tuote, tuotenimi, tuotteen nimi, nimike, nimi, palvelutuote, palvelun sisältö,"
    " tjänst, tjänster, tjänstens namn, produkt, benämning, namn, service, service name, services, product, product name, item, name",
    "price": "hinta, hinnat, yksikköhinta, a-hinta, à-hinta, á-hinta, a hinta, ahinta, hinta per yksikkö, hinta €, euroa, veloitus,"
    " pris, priser, enhetspris, á-pris, à-pris, a-pris, price, prices, unit price, amount, rate",
    "unit": "yksikkö, laskutusyksikkö, hinnoitteluyksikkö, hintayksikkö, veloitusyksikkö, suoriteyksikkö, yks, enhet, prisenhet, debiteringsenhet,"
    " unit, unit of measure, uom, billing unit",
    "base_quantity": "hintamäärä, perusmäärä, hintaperuste, prisbas, basmängd, base quantity, price per",
    "minimum_quantity": "vähimmäismäärä, minimimäärä, minimi, minimiveloitus, vähimmäisveloitus, minsta mängd, minimimängd,"
    " minimidebitering, minimum, minimum quantity",
    "time_class": "aikaluokka, ajankohta, aika, tidsklass, tidpunkt, time class, time",
    "extra": "lisämaksu, lisän laji, tillägg, tilläggets art, extra",
    "territory": "alue, kunta, toimialue, område, kommun, verksamhetsområde, territory, area, municipality",
    "vat_rate": "alv, alv %, alv-%, arvonlisävero, arvonlisäveroprosentti, alv-kanta, alv-prosentti, verokanta, moms, moms %,"
    " moms-%, momssats, mervärdesskatt, vat, vat %, vat rate",
    "vat_category": "alv-luokka, alv luokka, alv-koodi, verokoodi, veroluokka, momskategori, momskod, vat category, vat code",
    "vat_basis": "alv-peruste, alv peruste, verottomuuden peruste, veron peruste, momsgrund, grund för momsfrihet, vat basis,"
    " exemption reason",
    "vat_inclusive": "sisältää alv, sis alv, sisältää arvonlisäveron, sisältää veron, inkl moms, inklusive moms, vat included,"
    " incl vat",
    "currency": "valuutta, valuta, currency",
    "valid_from": "voimassa alkaen, voimassa, voimaantulo, voimaantulopäivä, alkaen, alkupäivä, alkupvm, hinta alkaen,"
    " giltig från, giltigt från, gäller från, från, startdatum, valid from, start date, from",
    "valid_to": "voimassa asti, voimassa saakka, voimassaolo päättyy, päättyen, päättyy, päättymispäivä, loppupäivä, loppupvm, asti, saakka,"
    " giltig till, giltigt till, gäller till, till, slutdatum, valid to, valid until, end date, until",
    "provider": "y-tunnus, ytunnus, tuottajan y-tunnus, palveluntuottajan y-tunnus, fo-nummer, business id",
    "travel": "matkakorvaus, matkakorvaukset, kilometrikorvaus, km-korvaus, km korvaus, matkakulu, matkakulut, matkakustannus,"
    " matkakustannukset, matkalasku, reseersättning, resekostnad, resekostnader, kilometerersättning, milersättning,"
    " travel, travel compensation, travel costs, mileage",
    "no_show": "peruuttamaton käynti, peruuttamaton, peruuttamattomat käynnit, peruuttamaton aika, perumaton käynti,"
    " perumaton aika, peruuttamatta jätetty käynti, peruutusmaksu, peruutuskorvaus, saapumatta jättäminen, poisjääntimaksu,"
    " uteblivet besök, utebliven, uteblivande, oavbokat besök, oavbokad tid, avbokningsavgift, no show, no-show,"
    " missed visit, cancellation fee",
}  # fmt: skip
#: A price title that names its own unit.
_PRICE_PER: Final = {
    "tuntihinta": "h", "tuntiveloitus": "h", "timpris": "h", "hourly price": "h", "hourly rate": "h",
    "käyntihinta": "käynti", "kertahinta": "kerta", "käyntikertahinta": "käynti", "besökspris": "käynti", "price per visit": "käynti",
    "vuorokausihinta": "vrk", "vrk-hinta": "vrk", "päivähinta": "vrk", "hoitopäivähinta": "vrk", "dygnspris": "vrk", "dagspris": "vrk",
    "kuukausihinta": "kk", "kk-hinta": "kk", "månadspris": "kk", "viikkohinta": "vko", "veckopris": "vko", "kilometrihinta": "km",
}  # fmt: skip
#: When → what lists call it.
_TIMES: Final[dict[str, str]] = {
    "weekday": "arki arkena arkisin arkipäivä arkipäivisin arkipäivät ma ti ke to pe ma-pe ma-to vardag vardagar vardagen mån-fre må-fr"
    " weekday weekdays",
    "evening": "ilta illat iltaisin kväll kvällar kvällen kvälls evening evenings",
    "night": "yö yöt öisin yöllä natt nätter natten night nights",
    "saturday": "lauantai lauantait lauantaisin la lördag lördagar lör saturday saturdays viikonloppu viikonloput viikonloppuisin la-su"
    " veckoslut veckosluten helg weekend weekends",
    "sunday": "sunnuntai sunnuntait sunnuntaisin su pyhä pyhät pyhäisin pyhäpäivä pyhäpäivät arkipyhä arkipyhät juhlapyhä juhlapyhät söndag"
    " söndagar sön helgdag helgdagar sunday sundays holiday holidays"
    " viikonloppu viikonloput viikonloppuisin la-su veckoslut veckosluten helg weekend weekends",
}  # fmt: skip
#: Ordinary when a cell says so; as a title they would be a date.
_ORDINARY: Final = frozenset(["päivä", "päivällä", "normaali", "perus", "dag", "dagtid", "day", "normal", "weekday"])
_CLASSES_OF: Final[dict[str, tuple[str, ...]]] = {
    word: tuple(name for name in TIME_CLASSES if word in _TIMES[name].split())
    for words in _TIMES.values()
    for word in words.split()
}
#: Word of a title → what kind of column it makes a time. A multiplier is 1,15; a supplement is 15 per cent or some euros more.
_KINDS: Final = {
    **dict.fromkeys(["hinta", "hinnat", "pris", "priser", "price", "prices", "veloitus", "taxa", "a-hinta", "yksikköhinta"], "price"),
    **dict.fromkeys(["lisä", "lisät", "korotus", "korotettu", "tillägg", "förhöjning", "supplement", "surcharge"], "supplement"),
    **dict.fromkeys(["kerroin", "kertoimet", "hintakerroin", "faktor", "koefficient", "multiplier", "factor"], "multiplier"),
}  # fmt: skip
_GLUE: Final = frozenset(
    ["ja", "sekä", "tai", "och", "samt", "and", "klo", "kello", "kl", "at", "työ", "aika", "tid", "palvelu", "%"]
)
_HOURS: Final = re.compile(r"[\d\-]+(?:t|h)?")
#: `"Hinta (€/h, sis. alv)"`: the name ends where one of these begins.
_NAME_ENDS: Final = re.compile(r"[(\[,/€]|\b(?:eur|euroa|alv|moms|vat|sis|inkl|incl|exkl|excl|veroton|verollinen)\b")


def compared(title: str) -> str:
    """A title as titles are compared: `Hinta, €:` and `hinta` are the same."""
    return " ".join(re.sub(r"[^\w%àáåäö\-]+", " ", title.casefold()).split())


_COLUMN_OF: Final = {
    **{compared(name): column for column, names in SYNONYMS.items() for name in names.split(",")},
    **dict.fromkeys(_PRICE_PER, "price"),
}

#: Every column a title may be said to mean; '' is one that means nothing to us.
COLUMNS: Final = (
    *SYNONYMS,
    *(f"{kind}_{name}" for kind in ("price", "supplement", "multiplier") for name in TIME_CLASSES[1:]),
)


def column_of(title: str, known: Mapping[str, str]) -> str | None:
    """The column a title means; `known` are the provider's own titles, as `compared`. None: nobody knows; '': nothing.

    A column of a time of its own is `price_evening`, `supplement_saturday`, `multiplier_sunday`; two times at once are joined by `+`.
    """
    whole = compared(title)
    own = known.get(whole)
    return own if own is not None else _column_of(title, whole)


@lru_cache(maxsize=4096)
def _column_of(title: str, whole: str) -> str | None:
    name = bare_name(title)
    first_language = compared(title.partition("/")[0])
    return _COLUMN_OF.get(whole) or _COLUMN_OF.get(name) or _COLUMN_OF.get(first_language) or _timed(name)


def bare_name(title: str) -> str:
    """A title as compared, without what stands in brackets or after a sign: `Hinta (€/h)` → hinta."""
    return compared(_NAME_ENDS.split(title.casefold())[0])


def unit_in_name(title: str) -> str | None:
    """The unit that a price's title is: `Tuntihinta` → h."""
    return _PRICE_PER.get(bare_name(title))


def _timed(name: str) -> str | None:
    """`ilta`, `iltahinta`, `hinta la klo 8-18`, `sunnuntai ja pyhät`, `pyhäkorotus` → the kind of column and its times."""
    kind = "price"
    times: set[str] = set()
    for word in name.split():
        parted = _parted(word)
        if parted is None:
            return None
        kind = parted[0] or kind
        times.update(parted[1])
    if not times:
        return None
    classes = [one for one in TIME_CLASSES if one in times]
    if kind == "price" and classes == ["weekday"]:
        return "price"
    return "+".join(f"{kind}_{one}" for one in classes)


def _parted(word: str) -> tuple[str | None, tuple[str, ...]] | None:
    """The kind a word names, and the times; None for a word that is neither."""
    if word in _CLASSES_OF:
        return None, _CLASSES_OF[word]
    if word in _KINDS:
        return _KINDS[word], ()
    if word in _GLUE or _HOURS.fullmatch(word):
        return None, ()
    for ending, kind in _KINDS.items():
        stem = word.removesuffix(ending).rstrip("-")
        if stem != word and stem in _CLASSES_OF:
            return kind, _CLASSES_OF[stem]
        if stem != word and stem.endswith("n") and stem[:-1] in _CLASSES_OF:  # viikonlopunlisä, illanlisä
            return kind, _CLASSES_OF[stem[:-1]]
    return None


def times_of(text: str) -> tuple[str, ...]:
    """The time classes a cell names (`ilta`, `la–su`, `Sunnuntai ja pyhät`); empty for none."""
    words = compared(text).split()
    if words and all(word in _ORDINARY for word in words):
        return ("weekday",)
    times: set[str] = set()
    for word in words:
        parted = _parted(word)
        if parted is None or parted[0] not in (None, "price"):
            return ()
        times.update(parted[1])
    return tuple(one for one in TIME_CLASSES if one in times)


def kind_of(title: str) -> str | None:
    """What a title over several columns makes of the times below it: price, supplement or multiplier."""
    return next((_KINDS[word] for word in compared(title).split() if word in _KINDS), None)
