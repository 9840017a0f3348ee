"""Single values of FHIR as the canonical record writes them: days, units, codes, identifiers, extensions."""

from collections.abc import Callable
from typing import Any, Final

from stdnum.fi import ytunnus

from connectors.cases.fhir import wire
from connectors.rejection import quote
from core.clock import local_date
from core.errors import Message
from core.source_settings import FhirExtension, FhirReading

#: UCUM to UN/ECE Rec 20. A visit has no code in either: annotations of the unity.
UNITS: Final = {
    "h": "HUR", "d": "DAY", "wk": "WEE", "mo": "MON", "km": "KMT", "1": "C62", "{visit}": "C62", "{visits}": "C62",
}  # fmt: skip
_EXTENSIONS: Final = "urn:avain:fhir:"
#: What sources write for "until further notice".
_NO_END: Final = "9999-12-31"

Lookup = Callable[[wire.Key], wire.Resource | None]


class FaultError(ValueError):
    """What is wrong with one value: the record's field and the sentence."""

    def __init__(self, field: str, message: Message) -> None:
        self.field, self.message = field, message
        super().__init__(message.msgid)


def day(value: str | None) -> str | None:
    """The Helsinki day of a FHIR dateTime; anything else as it is, for the record to judge. The end of all days is that in every zone."""
    if value is not None and value.startswith(f"{_NO_END}T"):
        return _NO_END
    found = wire.moment(value)
    try:
        return local_date(found).isoformat() if found is not None else value
    except OverflowError:  # the first or the last day there is
        return value


def unit(quantity: Any) -> str | None:
    """The UN/ECE code of a Quantity's unit; one that is not UCUM as it is."""
    code = wire.text(quantity, "code")
    return UNITS.get(code, code) if code is not None else None


def code(concept: Any, system: str | None, field: str) -> str | None:
    """The code of a CodeableConcept: of `system`, or its only one. Raises FaultError when several are there to choose from."""
    codings = wire.parts(concept, "coding")
    chosen = [one for one in codings if system is None or wire.text(one, "system") == system]
    codes = list(dict.fromkeys(found for one in chosen if (found := wire.text(one, "code")) is not None))
    if len(codes) > 1:
        raise FaultError(
            field, Message("There are several codes. Set service_system to the code system that is meant.")
        )
    return codes[0] if codes else None


def identifier(found: Any, system: str | None) -> list[str]:
    """The values of `identifier` in `system`, or in any."""
    chosen = [one for one in wire.parts(found, "identifier") if system is None or wire.text(one, "system") == system]
    return list(dict.fromkeys(value for one in chosen if (value := wire.text(one, "value")) is not None))


class Extensions:
    """What base R4 has no element for, by the names in docs/sources/fhir.md."""

    def __init__(self, reading: FhirReading) -> None:
        self._urls: dict[str, str] = {str(name): url for name, url in reading.extensions.items()}

    def find(self, resource: wire.Resource, name: FhirExtension) -> dict[str, Any] | None:
        """The extension of a resource, if it is there."""
        return inner(resource, self._urls.get(name, f"{_EXTENSIONS}{name}"))

    def value(self, resource: wire.Resource, name: FhirExtension) -> str | None:
        """Its simple value as text."""
        return simple(self.find(resource, name))


def inner(extended: Any, url: str) -> dict[str, Any] | None:
    """The extension `url` of an element or of another extension."""
    return next((one for one in wire.parts(extended, "extension") if wire.text(one, "url") == url), None)


def simple(extension: Any) -> str | None:
    """A simple value (`valueDate`, `valueBoolean`, …) as text."""
    names = ("valueDate", "valueDateTime", "valueBoolean", "valueDecimal", "valueInteger", "valueCode")
    return next((found for name in names if (found := wire.text(extension, name)) is not None), None)


class Names:
    """By what name Avain knows whom a reference points at: an identifier, or the resource's id."""

    def __init__(self, lookup: Lookup, reading: FhirReading) -> None:
        self._lookup, self._reading = lookup, reading

    def worker(self, reference: Any, field: str) -> str | None:
        """Of a Practitioner, also by way of a PractitionerRole. Raises FaultError when it cannot be told."""
        return self._name(reference, self._reading.worker_system, field, "worker_system")

    def unit(self, reference: Any, field: str) -> str | None:
        """Of the organisation's own unit. Raises FaultError when it cannot be told."""
        return self._name(reference, self._reading.unit_system, field, "unit_system")

    def provider(self, reference: Any, field: str) -> str:
        """The business id of an Organization. Raises FaultError when it has none."""
        system = self._reading.provider_system
        for named in (lambda: reference, lambda: self._target(reference, field)):
            values = identifier(named(), system)
            chosen = values if system is not None else [one for one in values if ytunnus.is_valid(one)]
            if chosen:
                return chosen[0]
        raise FaultError(field, Message("{reference} has no business id.", reference=_shown(reference)))

    def _name(self, reference: Any, system: str | None, field: str, setting: str) -> str | None:
        logical = identifier(reference, system)
        if logical:
            return logical[0]
        target = self._target(reference, field)
        if target is None:
            return None
        names = identifier(target, system)
        if not names and target["resourceType"] == "PractitionerRole":
            return self._name(wire.parts(target, "practitioner"), system, field, setting)
        if not names and system is None:
            return str(target["id"])
        if not names:
            raise FaultError(
                field,
                Message(
                    "{reference} has no identifier of the system that {setting} names.",
                    reference=_shown(reference),
                    setting=setting,
                ),
            )
        if len(names) > 1:
            raise FaultError(
                field,
                Message(
                    "{reference} has several identifiers. Set {setting} to the system that is meant.",
                    reference=_shown(reference),
                    setting=setting,
                ),
            )
        return names[0]

    def _target(self, reference: Any, field: str) -> wire.Resource | None:
        """What a reference points at; None without one. Raises FaultError when it is not there."""
        literal = wire.text(reference, "reference")
        if literal is None:
            return None
        key = wire.pointed_at(literal)
        found = self._lookup(key) if key is not None else None
        if found is None:
            raise FaultError(field, unreadable(literal))
        return found


def unreadable(reference: str) -> Message:
    """The sentence about a reference to what the server does not have, or does not show."""
    return Message("{reference} is not on the server, or may not be read.", reference=quote(reference))


def _shown(reference: Any) -> str:
    return quote(wire.text(reference, "reference") or "")
