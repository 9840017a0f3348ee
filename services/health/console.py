"""The console: under which address people reach it, and whether they can sign in."""

from connectors.oidc import Provider
from core.console_settings import is_loopback
from core.errors import AvainError, Message, Transient
from services.health.findings import Finding, Ground


def console(ground: Ground) -> list[Finding]:
    """Its address, and settings that do not fit together."""
    name, configured, web = Message("Console"), ground.settings, ground.settings.console
    if web.oidc is None:
        if configured.environment == "production":
            advice = Message(
                "Enter the organisation's login provider under [console.oidc] in avain.toml: docs/console.md."
            )
            return [Finding(name, "broken", Message("nobody can sign in"), advice)]
        return [Finding(name, "ok", Message("{address}, entered by one-time link", address=web.origin))]
    findings = [Finding(name, "ok", web.origin)]
    if web.origin.startswith("http:"):
        advice = Message("Set console.public_url to the https address under which people reach it.")
        findings = [Finding(name, "warning", Message("reached on this machine only"), advice)]
    if not is_loopback(web.host) and not web.trusted_proxies:
        advice = Message(
            "Name the proxy that people come through in console.trusted_proxies, or all of them count as one address."
        )
        findings.append(Finding(name, "warning", Message("no trusted proxy is named"), advice))
    if configured.follow_ups.base_url.rstrip("/") != web.origin:
        advice = Message("Set follow_ups.base_url to the same address as console.public_url.")
        found = Message("links in e-mails lead to {address}", address=configured.follow_ups.base_url)
        findings.append(Finding(name, "warning", found, advice))
    return findings


def login_provider(ground: Ground) -> list[Finding]:
    """Whether it answers as logins need; nothing where there is none."""
    name, oidc = Message("Login provider"), ground.settings.console.oidc
    if oidc is None:
        return []
    try:
        Provider(oidc).check()
    except AvainError as error:
        advice = (
            Message("It may pass by itself. Nobody can sign in meanwhile.")
            if isinstance(error, Transient)
            else Message("Correct [console.oidc] in avain.toml; see docs/console.md.")
        )
        return [Finding(name, "broken", error.message, advice)]
    return [Finding(name, "ok", oidc.issuer)]
