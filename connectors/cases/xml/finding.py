"""Texts that a path leads to from an element, in document order. Light: parsing children load it too."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from math import isfinite
from typing import Any, Final

from lxml import etree

#: Beyond them a sum shows how floats are kept: 0.1 + 0.2 is 0.30000000000000004.
_SIGNIFICANT_DIGITS: Final = 15
#: The texts a path leads to from an element.
Finder = Callable[["etree._Element"], list[str]]  # noqa: SLF001 - the class has no public name


def steps_finder(up: int, steps: tuple[str, ...], attribute: str | None) -> Finder:
    """`up` so many parents, then down by child names (Clark notation), then an attribute or the element's text."""

    def find(element: "etree._Element") -> list[str]:
        found: list[Any] = [element]
        for _ in range(up):
            found = [parent for one in found if (parent := one.getparent()) is not None]
        for step in steps:
            found = [child for one in found for child in one.iterchildren(step)]
        if attribute is not None:
            return [value for one in found if (value := one.get(attribute)) is not None]
        return [text_of(one) for one in found]

    return find


def xpath_finder(expression: str, namespaces: Mapping[str, str]) -> Finder:
    """An XPath 1.0 expression for what steps cannot say. Numbers and truth values come as text, as XPath writes them."""
    compiled = etree.XPath(
        expression, namespaces={name: uri for name, uri in namespaces.items() if name}, smart_strings=False
    )

    def find(element: "etree._Element") -> list[str]:
        result: Any = compiled(element)
        if isinstance(result, bool):
            return [str(result).lower()]
        if isinstance(result, float):
            return [_number(result)]
        if isinstance(result, str):
            return [result]
        return [one if isinstance(one, str) else text_of(one) for one in _several(result)]

    return find


def _number(value: float) -> str:
    """A number of XPath with all its digits and no exponent: `12345.67`, `1000000`; NaN and Infinity are none, and say so."""
    return format(Decimal(f"{value:.{_SIGNIFICANT_DIGITS}g}"), "f") if isfinite(value) else str(value)


def text_of(element: "etree._Element") -> str:
    """An element's text, with that of the elements in it."""
    return "".join(map(str, element.itertext())) if len(element) else element.text or ""


def _several(result: Any) -> Iterable[Any]:
    return [one for one in result if isinstance(one, str) or isinstance(getattr(one, "tag", None), str)]
