"""A comparison on one printed page, for the steering group: what is replaced, the alternatives with their prices' origin, the cheapest marked.

It says nothing about the client; the case's number only where the comparison was made for a case. However many alternatives there are, it
stays one page: those that fit are shown in their order, the chosen one among them, and the others are counted.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from core.i18n import _, moment, money, ngettext, speaking
from documents import pdf
from services.compare.asking import Comparison
from services.compare.judging import Offer, shortened
from services.compare.pricing import Tariff
from services.compare.words import (
    about_in_words,
    bought_in_words,
    difference_in_words,
    known_of,
    price_in_words,
    valid_in_words,
    verdict_in_words,
)

#: No more alternatives fit on a page than so many, however short their names.
_MOST = 24
#: So few are tried at once: they nearly always fit.
_FEW = 8
#: Texts that others wrote are cut after so many characters, so that one alternative always fits.
_LONGEST = 160
#: So many notes and prices behind one total are printed.
_NOTES, _ORIGINS = 4, 3


def annex(comparison: Comparison, *, made_by: str, now: datetime, language: str) -> bytes:
    """The page as an accessible PDF (PDF/UA) in `language` (fi, sv, en). `made_by` is whoever asked for it, `now` when (aware).

    Names of services are in the language the comparison was made in: make it in the same. Raises Permanent if it cannot be set.
    """
    with speaking(language):
        title = _("Comparison of alternatives")

        def page(count: int) -> bytes:
            data = _data(comparison, count, made_by, now)
            return pdf.render("comparison", data, language=language, title=title, created=now)

        fitting, most = page(0), min(len(comparison.offers), _MOST)
        fits = 0
        while fits < most:  # how many fit is known only once they are set
            tried = most if most <= _FEW else (fits + most + 1) // 2
            made = page(tried)
            if pdf.page_count(made) == 1:
                fits, fitting = tried, made
            else:
                most = tried - 1
        return fitting


def _data(comparison: Comparison, count: int, made_by: str, now: datetime) -> dict[str, Any]:
    """What the template sets, with the first `count` alternatives."""
    shown = shortened(comparison.offers, count)
    left = len(comparison.offers) - len(shown)
    # said once below the table, whatever the number of offers it holds for
    reasons = list(dict.fromkeys(_cut(str(offer.reason), 2 * _LONGEST) for offer in shown if offer.reason))
    marks = {reason: f"{number})" for number, reason in enumerate(reasons, start=1)}
    return {
        "reference": comparison.case or "",
        "about": [
            {"label": label, "text": _cut(text, 2 * _LONGEST)}
            for label, text in about_in_words(comparison, origin=_origin)
        ],
        "notes": [_cut(str(one), 2 * _LONGEST) for one in (*comparison.notes, comparison.reason) if one][:_NOTES],
        "headings": [
            _("Service and provider"),
            _("Price"),
            _("Total"),
            _("The money buys"),
            _("Verdict"),
            _("Price known until, and where it stands"),
        ],
        "rows": [_row(offer, marks) for offer in shown],
        "closing": [
            *(f"{mark} {reason}" for reason, mark in marks.items()),
            *_closing(comparison, left, made_by, now),
        ],
    }


def _row(offer: Offer, marks: Mapping[str, str]) -> dict[str, Any]:
    """The lines of each cell, and whether it is the cheapest. `marks` lead to the reasons below the table."""
    name = [_cut(offer.service_name, _LONGEST), _cut(offer.provider, _LONGEST), _cut(known_of(offer), _LONGEST)]
    mark = "" if offer.reason is None else marks[_cut(str(offer.reason), 2 * _LONGEST)]
    origins = list(dict.fromkeys(_origin(price) for price in offer.every_price))
    cells = (
        name,
        price_in_words(offer).split("\n"),
        [money(offer.total)],
        [bought_in_words(offer)],
        [f"{verdict_in_words(offer)} {mark}".rstrip(), difference_in_words(offer)],
        [valid_in_words(offer), *origins[:_ORIGINS], *["…"][: len(origins) > _ORIGINS]],
    )
    return {"cells": [[line for line in lines if line] for lines in cells], "marked": offer.cheapest}


def _closing(comparison: Comparison, left: int, made_by: str, now: datetime) -> list[str]:
    said = []
    if not comparison.offers:
        said.append(_("No provider's price is known for any alternative."))
    if left:
        more = ngettext(
            "{count} more alternative is not shown here.", "{count} more alternatives are not shown here.", left
        )
        said.append(more.format(count=left))
    if any(offer.cheapest for offer in comparison.offers):
        said.append(
            _(
                "“Cheapest” tells about the price only, among what fits the money. Which is the best is for the family to say."
            )
        )
    said.append(_("All amounts include VAT. Prices may change: each is known until the day beside it."))
    said.append(_("Made by {who} on {moment}.").format(who=_cut(made_by, _LONGEST), moment=moment(now)))
    return said


def _origin(price: Tariff) -> str:
    """Short enough for a table: the file, the row, and the beginning of the file's sha256."""
    return f"{_cut(price.file_name, _LONGEST)}:{_cut(price.position, 20)} {price.sha256[:12]}"


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
