"""Families' own page, where it is on: under which address they reach it, and whether they can log in."""

from connectors.oidc import Provider
from core.errors import AvainError, Message, Transient
from services.health.findings import Finding, Ground


def page(ground: Ground) -> list[Finding]:
    """Its address; nothing while it is off."""
    name, family = Message("My budget"), ground.settings.family
    if not family.enabled:
        return []
    origin = family.public_url or ground.settings.console.origin
    if origin.startswith("http:"):
        advice = Message("Set family.public_url to the https address under which families reach it: docs/my-budget.md.")
        return [Finding(name, "warning", Message("reached on this machine only"), advice)]
    if family.public_url is None:
        advice = Message(
            "Give families an address of their own with family.public_url, so that it alone has to be reachable for everybody."
        )
        return [Finding(name, "warning", Message("under the console's address {address}", address=origin), advice)]
    return [Finding(name, "ok", origin)]


def login(ground: Ground) -> list[Finding]:
    """Whether the broker that families log in by answers; nothing where there is none."""
    name, family = Message("Families' login"), ground.settings.family
    if not family.enabled or family.oidc is None:
        return []
    try:
        Provider(family.oidc).check()
    except AvainError as error:
        advice = (
            Message("It may pass by itself. Families come in by links meanwhile.")
            if isinstance(error, Transient)
            else Message("Correct [family.oidc] in avain.toml; see docs/my-budget.md.")
        )
        return [Finding(name, "broken", error.message, advice)]
    if not family.oidc.acr_values:  # a weak login's henkilötunnus may be whatever somebody typed
        advice = Message(
            "Name the levels of assurance that are strong enough in acr_values of [family.oidc]: docs/my-budget.md."
        )
        return [Finding(name, "warning", Message("any way of identifying oneself is taken"), advice)]
    return [Finding(name, "ok", family.oidc.issuer)]
