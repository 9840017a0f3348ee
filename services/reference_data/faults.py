"""What is wrong with a value, in words: one table for reference files and for the console's forms, which are checked by the same entries."""

from collections.abc import Callable
from re import compile as pattern
from typing import Any, Final

from core.i18n import N_, _, translate

#: What pydantic finds wrong, in words for people; its own words serve for the rest.
_COMPLAINTS: Final = {
    "missing": N_("is missing"),
    "string_too_short": N_("is missing"),
    "union_tag_not_found": N_("is missing"),
    "extra_forbidden": N_("is not known"),
    "literal_error": N_("is not one of the choices"),
    "union_tag_invalid": N_("is not one of the choices"),
    "bool_parsing": N_("must be true or false"),
    "bool_type": N_("must be true or false"),
    "string_type": N_("must be text"),
    "dict_type": N_("must be a table"),
    "list_type": N_("must be a list"),
    "model_type": N_("must be a table"),
    "int_parsing": N_("must be a whole number"),
    "int_type": N_("must be a whole number"),
    "int_from_float": N_("must be a whole number"),
    "decimal_parsing": N_("must be a number"),
    "decimal_type": N_("must be a number"),
    "decimal_max_places": N_("may have at most {decimal_places} decimals"),
    "date_type": N_("must be a day"),
    "date_parsing": N_("must be a day"),
    "date_from_datetime_parsing": N_("must be a day"),
    "date_from_datetime_inexact": N_("must be a day"),
    "greater_than": N_("must be greater than {gt}"),
    "greater_than_equal": N_("must be at least {ge}"),
    "less_than": N_("must be less than {lt}"),
    "less_than_equal": N_("must be at most {le}"),
}


class FieldError(ValueError):
    """A mistake that shows only beside other fields: `field` is the one to look at, the text a msgid."""

    def __init__(self, field: str, msgid: str) -> None:
        super().__init__(msgid)
        self.field = field


def written(expression: str, msgid: str) -> Callable[[str], str]:
    """A check that a text is written in a certain way; `msgid` says which."""
    allowed = pattern(expression)

    def check(value: str) -> str:
        if not allowed.fullmatch(value):
            raise ValueError(msgid)
        return value

    return check


def place_of(error: Any) -> tuple[str | int, ...]:
    """Where one of pydantic's errors is: names of fields and places in lists, from the outside in."""
    refused = error.get("ctx", {}).get("error")
    inner = (refused.field,) if isinstance(refused, FieldError) else ()
    return (*error["loc"], *inner)


def complaint(error: Any) -> str:
    """What is wrong, in the reader's language, without the place: `must be a number`."""
    context = error.get("ctx", {})
    if error["type"] == "value_error":
        return translate(str(context["error"]))
    template = _COMPLAINTS.get(error["type"])
    return _(template).format_map(context) if template else str(error["msg"])
