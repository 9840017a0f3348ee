"""A provider as fields of a form, and back: what is wrong with an entry of `providers.toml` stands beside the field it came from."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from pydantic import ValidationError

from console import fields
from console.forms import Form, spread
from core.i18n import N_, _, day, number
from services.reference_data.editing import HIDDEN, differences
from services.reference_data.faults import complaint, place_of
from services.reference_data.provider_editing import is_secret
from services.reference_data.providers import ChannelSettings, ProviderEntry

LABELS: Final = {
    "business_id": N_("Business id"),
    "name": N_("Name"),
    "email": N_("E-mail for orders"),
    "language": N_("Language"),
    "country": N_("Country"),
    "channel": N_("Orders by"),
    "order_period": N_("One order for"),
    "endpoint_scheme": N_("Scheme of the e-invoicing address"),
    "endpoint_id": N_("E-invoicing address"),
    "active": N_("In use"),
    "facts.areas": N_("Areas"),
    "facts.languages": N_("Languages of the service"),
    "facts.home_visits": N_("Home visits"),
    "facts.specialisation": N_("Specialisation"),
    "facts.earliest_start": N_("Earliest start, as a day"),
    "facts.earliest_start_days": N_("Earliest start, in days from the choice"),
    "contract": N_("Contract"),
    "contract.number": N_("Number of the contract"),
    "contract.first": N_("First day"),
    "contract.last": N_("Last day"),
    "contract.kind": N_("Prices may rise"),
    "contract.until": N_("Fixed until"),
    "contract.percent": N_("At most, per cent a year"),
    "contract.from": N_("Not before"),
    "contract.no_show_terms": N_("If the client does not come"),
    "contract.cancellation_terms": N_("Cancelling the order"),
    "service": N_("Service"),
    "service.service": N_("Service"),
    "service.provider_code": N_("The provider's own code"),
    "service.vat_category": N_("VAT category"),
    "service.vat_rate": N_("VAT, per cent"),
    "service.vat_basis": N_("What the exemption rests on"),
    "channel_settings": N_("Settings of the channel"),
    "channel_settings.connection": N_("Connection"),
    "channel_settings.folder": N_("Folder"),
    "channel_settings.profile": N_("Peppol profile"),
    "channel_settings.attach_xml": N_("XML beside the PDF"),
}
RULES: Final = (
    ("free", N_("freely")),
    ("percent", N_("at most so many per cent a year")),
    ("fixed", N_("not before a day")),
)
VAT: Final = (
    ("E", N_("E: exempt")),
    ("S", N_("S: standard rate")),
    ("Z", N_("Z: zero rate")),
    ("AE", N_("AE: reverse charge")),
    ("O", N_("O: outside VAT")),
    ("G", N_("G: export")),
    ("K", N_("K: supply within the EU")),
)
CHANNELS: Final = ("email", "sftp", "https", "file", "external")
PROFILES: Final = (
    ("", N_("only orders")),
    ("ordering", N_("orders, answered with documents")),
)
PERIODS: Final = (
    ("", N_("as the organisation orders")),
    ("whole", N_("the whole service")),
    ("monthly", N_("a month at a time")),
)
READERS: Final = (("fi", "suomi"), ("sv", "svenska"), ("en", "English"))
_PLAIN: Final = (
    "business_id",
    "name",
    "email",
    "language",
    "country",
    "channel",
    "order_period",
    "endpoint_scheme",
    "endpoint_id",
)
_SETTINGS: Final = tuple(ChannelSettings.model_fields)
_LISTS: Final = ("areas", "languages", "specialisation")


def label(name: str) -> str:
    """What a field is called: `contract.0.first` like every contract's first day."""
    parts = [part for part in name.split(".") if not part.isdigit()]
    return _(LABELS.get(".".join(parts), ".".join(parts)))


def fields_of(shown: Mapping[str, Any]) -> dict[str, str]:
    """A provider (services/reference_data: `StoredProvider.shown`) as the fields of its form."""
    plain = {name: value for name, value in shown.items() if name not in {"contract", "service", "channel_settings"}}
    values = spread(plain)
    if start := shown["facts"].get("earliest_start"):
        values["facts.earliest_start"] = _day(start)
    home = shown["facts"].get("home_visits")
    values["facts.home_visits"] = "" if home is None else "yes" if home else "no"
    for at, one in enumerate(shown["contract"]):
        rule = one["price_rule"]
        values |= spread(
            {
                **{name: one[name] for name in ("number", "no_show_terms", "cancellation_terms")},
                "kind": rule.get("kind"),
                "percent": None if rule.get("percent") is None else number(Decimal(str(rule["percent"]))),
                **{name: _day(one[name]) for name in ("first", "last")},
                **{name: _day(rule.get(name)) for name in ("until", "from")},
            },
            f"contract.{at}",
        )
    for at, one in enumerate(shown["service"]):
        values |= spread({**one, "vat_rate": number(Decimal(one["vat_rate"]) * 100)}, f"service.{at}")
    settings = shown["channel_settings"]
    for name in _SETTINGS:
        values[f"channel_settings.{name}"] = str(settings.get(name, ""))
    values["channel_settings.attach_xml"] = str(settings.get("attach_xml", "")).lower()
    return values


def _day(written: str | None) -> str:
    """A day as the reader writes it."""
    return day(date.fromisoformat(written)) if written else ""


def entry_of(form: Form) -> ProviderEntry | None:
    """The entry a form states, or None with a sentence beside each field that is wrong."""
    raw: dict[str, Any] = {name: form.text(name) for name in _PLAIN if form.text(name) is not None}
    raw["active"] = form.checked("active")
    raw["facts"] = _facts(form)
    raw["channel_settings"] = {name: said for name in _SETTINGS if (said := form.text(f"channel_settings.{name}"))}
    contracts = [at for at in form.rows("contract") if _stated(form, f"contract.{at}", ("number", "first", "last"))]
    offers = [at for at in form.rows("service") if _stated(form, f"service.{at}", ("service",))]
    raw["contract"] = [_contract(form, f"contract.{at}") for at in contracts]
    raw["service"] = [_offer(form, f"service.{at}") for at in offers]
    try:
        entry = ProviderEntry.model_validate(raw)
    except ValidationError as error:
        for one in error.errors():
            name = _name_of(place_of(one), contracts, offers)
            form.wrong(name, f"{label(name)}: {complaint(one)}" if name else complaint(one))
        return None
    return None if form.problems else entry


def where_they_differ(kept: Mapping[str, Any], mine: ProviderEntry) -> list[tuple[str, str, str]]:
    """What is kept and what somebody wrote, field by field in words, where the two differ."""
    both = differences(_keyed(kept), _keyed({**mine.columns(), **_stated_lists(mine)}))
    return [(_path_in_words(path), _shown(was), _shown(becomes)) for path, (was, becomes) in both.items()]


def _facts(form: Form) -> dict[str, Any]:
    facts: dict[str, Any] = {
        name: [part.strip() for part in words.split(",") if part.strip()]
        for name in _LISTS
        if (words := form.text(f"facts.{name}")) is not None
    }
    if form.value("facts.home_visits") in {"yes", "no"}:
        facts["home_visits"] = form.value("facts.home_visits") == "yes"
    start = form.read("facts.earliest_start", fields.day, label("facts.earliest_start"))
    days = form.read("facts.earliest_start_days", fields.decimal, label("facts.earliest_start_days"))
    return (
        facts
        | ({"earliest_start": start} if start else {})
        | ({"earliest_start_days": days} if days is not None else {})
    )


def _stated(form: Form, path: str, names: tuple[str, ...]) -> bool:
    """Whether a sub-form says something: the one for a new contract or service is mostly left empty."""
    return not form.checked(f"{path}.remove") and any(form.text(f"{path}.{name}") for name in names)


def _contract(form: Form, path: str) -> dict[str, Any]:
    rule: dict[str, Any] = {"kind": form.text(f"{path}.kind") or "free"}
    if rule["kind"] == "fixed":
        rule["until"] = form.read(f"{path}.until", fields.day, label("contract.until"))
    if rule["kind"] == "percent":
        percent = form.read(f"{path}.percent", fields.decimal, label("contract.percent"))
        rule["percent"] = None if percent is None else Decimal(f"{percent.normalize():f}")
        rule["from"] = form.read(f"{path}.from", fields.day, label("contract.from"))
    return {
        "number": form.text(f"{path}.number") or "",
        "first": form.read(f"{path}.first", fields.day, label("contract.first")),
        "last": form.read(f"{path}.last", fields.day, label("contract.last")),
        "price_rule": {name: value for name, value in rule.items() if value is not None},
        **{name: form.text(f"{path}.{name}") or "" for name in ("no_show_terms", "cancellation_terms")},
    }


def _offer(form: Form, path: str) -> dict[str, Any]:
    percent = form.read(f"{path}.vat_rate", fields.decimal, label("service.vat_rate"))
    if percent is not None and not 0 <= percent < 100:
        form.wrong(
            f"{path}.vat_rate",
            _("{field}: must be at least 0 and less than 100").format(field=label("service.vat_rate")),
        )
    return {
        "service": form.text(f"{path}.service"),
        "provider_code": form.text(f"{path}.provider_code"),
        "vat_category": form.text(f"{path}.vat_category") or "E",
        "vat_rate": (percent or Decimal(0)) / 100,
        "vat_basis": form.text(f"{path}.vat_basis") or "",
    }


def _name_of(place: tuple[str | int, ...], contracts: list[int], offers: list[int]) -> str:
    """The field of the form for a place in the entry."""
    rows = {"contract": contracts, "service": offers}.get(str(place[0])) if place else None
    if rows is not None and len(place) > 1 and isinstance(place[1], int):
        last = str(place[-1])
        return f"{place[0]}.{rows[place[1]]}.{'kind' if last == 'price_rule' else last}"
    return ".".join(str(part) for part in place if not isinstance(part, int))


def _stated_lists(entry: ProviderEntry) -> dict[str, Any]:
    dumped = entry.model_dump(mode="json", by_alias=True, include={"contract", "service"})
    for one in dumped["service"]:
        one["vat_rate"] = f"{Decimal(one['vat_rate']).normalize():f}"
    return dumped


def _keyed(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Contracts by number, services by code; settings only by name, for some of them are secrets."""
    return {
        **entry,
        "contract": {one["number"]: one for one in entry["contract"]},
        "service": {one["service"]: one for one in entry["service"]},
        "channel_settings": {
            name: HIDDEN if is_secret(name) else value for name, value in entry["channel_settings"].items()
        },
    }


def _path_in_words(path: str) -> str:
    group, *rest = path.split(".")
    if group in {"contract", "service"} and rest:
        return f"{_(LABELS[group])} {rest[0]}: {label(f'{group}.{rest[-1]}')}" if len(rest) > 1 else path
    if group == "channel_settings":
        return ": ".join([_(LABELS[group]), *rest])
    return label(path)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "–" if value in (None, "") else str(value)
