"""`avain doctor`: every thing Avain stands on, checked (services/health); each line says what to do."""

from collections.abc import Sequence

from rich.text import Text

from cli.common import console, table
from core.i18n import _
from core.settings import settings
from services.health import CLI_PATIENCE_SECONDS, Examiner, Finding, Ground


def examine() -> Sequence[Finding]:
    """Run every check; one that fails unexpectedly is itself a finding, and the others go on."""
    return Examiner(Ground(settings()), patience=CLI_PATIENCE_SECONDS).latest().findings


def show(findings: Sequence[Finding]) -> None:
    """Print the findings as a table."""
    marks = {"ok": Text("✓", "green"), "warning": Text("!", "yellow"), "broken": Text("✗", "bold red")}
    console().print(
        table(
            "avain doctor",
            ["", _("Examined"), _("Found"), _("What to do")],
            [[marks[f.state], f.name.text(), str(f.found), f.advice.text() if f.advice else ""] for f in findings],
        )
    )
<<<<<<< HEAD


def _python(_settings: Settings) -> list[Finding]:
    version = ".".join(str(part) for part in sys.version_info[:3])
    good = sys.version_info >= (3, 11)
    return [
        Finding(_("Python"), "ok" if good else "broken", version, "" if good else _("Install Python 3.11 or newer."))
    ]


def _settings(configured: Settings) -> list[Finding]:
    found = _("production") if configured.environment == "production" else _("development")
    if configured.embedded:
        found += ", " + _("embedded services")
    advice = "" if configured.hash_key or configured.environment == "development" else _("Set AVAIN_HASH_KEY.")
    return [Finding(_("Settings"), "ok", found, advice)]


def _database(_settings: Settings) -> list[Finding]:
    from core.schema import revisions

    with transaction() as session:
        version = session.execute(text("SHOW server_version")).scalar_one()
        zone = session.execute(text("SHOW timezone")).scalar_one()
        owner = session.execute(
            text("SELECT pg_get_userbyid(relowner) = current_user FROM pg_class WHERE relname = 'audit_event'")
        ).scalar()
        drift = abs(
            (session.execute(text("SELECT clock_timestamp()")).scalar_one() - datetime.now(UTC)).total_seconds()
        )
    findings = [Finding(_("Database"), "ok", f"PostgreSQL {version}")]
    if int(version.split(".")[0]) < 14:
        findings[0] = Finding(_("Database"), "broken", f"PostgreSQL {version}", _("Use PostgreSQL 14 or newer."))
    if zone not in ("UTC", "Etc/UTC"):
        findings.append(
            Finding(_("Database time zone"), "broken", zone, _("Run: ALTER DATABASE … SET timezone TO 'UTC'"))
        )
    if owner:
        findings.append(
            Finding(
                _("Database role"), "warning", _("the application owns the tables"),
                _("Give the application a role of its own (AVAIN_DATABASE_URL) and keep the owner for migrations (AVAIN_DATABASE_OWNER_URL)."),
            )
        )  # fmt: skip
    if drift > 5:
        findings.append(
            Finding(
                _("Clocks"),
                "warning",
                _("{seconds} s apart").format(seconds=round(drift)),
                _("Synchronise the clocks (NTP)."),
            )
        )
    current, wanted = revisions()
    same = current == wanted
    findings.append(
        Finding(_("Migrations"), "ok" if same else "broken", current or "–", "" if same else _("Run: avain db upgrade"))
    )
    return findings


def _redis(_settings: Settings) -> list[Finding]:
    with Redis.from_url(redis_client_url(redis_url()), socket_timeout=3, socket_connect_timeout=3) as client:
        try:
            info: Any = client.info("server")
            policy: Any = client.info("memory").get("maxmemory_policy")
            waiting = sum(int(client.llen(queue)) for queue in QUEUES)
        except RedisError:
            return [
                Finding(
                    _("Redis"),
                    "broken",
                    _("does not answer"),
                    _("Start Redis or Valkey, or correct AVAIN_REDIS_URL. Nothing is lost meanwhile."),
                )
            ]
    name = f"Valkey {info['valkey_version']}" if "valkey_version" in info else f"Redis {info['redis_version']}"
    findings = [Finding(_("Redis"), "ok", _("{name}, {count} messages waiting").format(name=name, count=waiting))]
    if policy == "noeviction":
        findings.append(Finding(_("Redis when full"), "ok", _("refuses new messages")))
    else:
        findings.append(
            Finding(
                _("Redis when full"),
                "broken",
                _("forgets old messages ({policy})").format(policy=policy),
                _("Set maxmemory-policy to noeviction: a full server must refuse, not forget."),
            )
        )
    return findings


def _workers(_settings: Settings) -> list[Finding]:
    with transaction() as session:
        alive = [sign for sign in signs(session) if sign.kind == "worker" and sign.alive]
    served = {queue for sign in alive for queue in sign.detail.split(",")}
    findings = [Finding(_("Worker process"), "ok", f"{sign.name}: {sign.detail}") for sign in alive]
    missing = [queue for queue in QUEUES if queue not in served]
    if missing:
        findings.append(
            Finding(
                _("Worker processes"), "broken", _("nobody serves: {queues}").format(queues=", ".join(missing)),
                _("Start workers: avain up, or avain worker --group …"),
            )
        )  # fmt: skip
    return findings


def _beat(_settings: Settings) -> list[Finding]:
    with transaction() as session:
        beats: list[Sign] = [sign for sign in signs(session) if sign.kind == "beat"]
    if not beats or not beats[0].alive:
        return [
            Finding(
                _("Beat"), "broken", _("no tick for a while"), _("Start it: avain up, or avain beat (two may run).")
            )
        ]
    return [Finding(_("Beat"), "ok", _("last tick {seconds} s ago").format(seconds=round(beats[0].age, 1)))]


def _work(_settings: Settings) -> list[Finding]:
    with transaction() as session:
        count = history.given_up_count(session)
        late = session.execute(
            text(
                "SELECT coalesce(extract(epoch FROM clock_timestamp() - min(next_at)), 0)::int FROM work"
                " WHERE done_at IS NULL AND dead_at IS NULL AND token IS NULL AND next_at <= clock_timestamp()"
            )
        ).scalar_one()
    findings = [Finding(_("Due work"), "ok" if late < 300 else "warning", _("the oldest has waited for {seconds} s").format(seconds=late),
                        "" if late < 300 else _("Start more workers, or see what they are doing: avain run list"))]  # fmt: skip
    if count:
        findings.append(
            Finding(
                _("Given-up work"),
                "warning",
                str(count),
                _("See why: avain run list --failed, then avain run retry or ack"),
            )
        )
    return findings


def _mail(configured: Settings) -> list[Finding]:
    from connectors.mail_server import check_server

    try:
        check_server(configured.mail)
    except AvainError as error:
        return [
            Finding(
                _("Mail server"), "broken", str(error), _("Correct [mail] in avain.toml. Mails wait until it answers.")
            )
        ]
    return [Finding(_("Mail server"), "ok", f"{configured.mail.host}:{configured.mail.port}")]


def _templates(configured: Settings) -> list[Finding]:
    from services.reminders.message import check_templates

    name, folder = _("Templates of e-mails"), configured.mail_templates
    if folder is None:
        return [Finding(name, "ok", _("Avain's own"))]
    try:
        check_templates(configured)
    except AvainError as error:
        advice = _("Correct the file. Until then running processes use what they read before, and none can be started.")
        return [Finding(name, "broken", str(error), advice)]
    return [Finding(name, "ok", str(folder))]


def _outbox(configured: Settings) -> list[Finding]:
    folder = configured.order_outbox
    existing = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if os.access(existing, os.W_OK) and existing.is_dir():
        return [Finding(_("Outbox"), "ok", str(folder))]
    advice = _("Let the workers write there, or set [orders] outbox: orders by file wait until then.")
    return [Finding(_("Outbox"), "broken", str(folder), advice)]


def _console(configured: Settings) -> list[Finding]:
    from connectors.oidc import Provider
    from core.console_settings import is_loopback

    web = configured.console
    if web.oidc is None:
        if configured.environment == "production":
            advice = _("Enter the organisation's login provider under [console.oidc] in avain.toml: docs/console.md.")
            return [Finding(_("Console"), "broken", _("nobody can sign in"), advice)]
        return [Finding(_("Console"), "ok", _("{address}, entered by one-time link").format(address=web.origin))]
    findings = [Finding(_("Console"), "ok", web.origin)]
    if web.origin.startswith("http:"):
        advice = _("Set console.public_url to the https address under which people reach it.")
        findings = [Finding(_("Console"), "warning", _("reached on this machine only"), advice)]
    if not is_loopback(web.host) and not web.trusted_proxies:
        advice = _(
            "Name the proxy that people come through in console.trusted_proxies, or all of them count as one address."
        )
        findings.append(Finding(_("Console"), "warning", _("no trusted proxy is named"), advice))
    if configured.follow_ups.base_url.rstrip("/") != web.origin:
        advice = _("Set follow_ups.base_url to the same address as console.public_url.")
        found = _("links in e-mails lead to {address}").format(address=configured.follow_ups.base_url)
        findings.append(Finding(_("Console"), "warning", found, advice))
    try:
        Provider(web.oidc).check()
    except AvainError as error:
        advice = (
            _("It may pass by itself. Nobody can sign in meanwhile.")
            if isinstance(error, Transient)
            else _("Correct [console.oidc] in avain.toml; see docs/console.md.")
        )
        return [*findings, Finding(_("Login provider"), "broken", str(error), advice)]
    return [*findings, Finding(_("Login provider"), "ok", web.oidc.issuer)]


def _responsible_workers(_settings: Settings) -> list[Finding]:
    from services.reference_data.supervision import everybody

    with transaction() as session:
        found = everybody(session)
    name, put_right = _("Responsible workers"), _("Correct workers.toml and run: avain worker import")
    amiss = [one.text() for one in found.warnings]
    if found.unaddressed:
        amiss.append(
            _("without an e-mail address that can be written to: {workers}").format(workers=_some(found.unaddressed))
        )
    if found.languages:
        languages = [f"{worker} ({language})" for worker, language in found.languages]
        amiss.append(_("whose language is not known: {workers}").format(workers=_some(languages)))
    return [Finding(name, "warning", one, put_right) for one in amiss] or [Finding(name, "ok", _("nothing is amiss"))]


def _some(names: Sequence[str], shown: int = 5) -> str:
    """The first of them, and how many there are beside."""
    more = len(names) - shown
    return ", ".join(names[:shown]) + (" " + _("and {count} more").format(count=more) if more > 0 else "")


def _sources(configured: Settings) -> list[Finding]:
    from services.looking import look_at_all

    looks = look_at_all(configured.sources)
    if not looks:
        return [Finding(_("Sources"), "warning", _("none"), _("Name them under [sources] in avain.toml."))]
    findings = []
    for look in looks:
        name = _("Source {name}").format(name=look.source.name)
        if look.error is not None:
            advice = (
                _("It may pass by itself. If it lasts, ask the source's owner.")
                if isinstance(look.error, Transient)
                else _("Correct [sources] in avain.toml, or put the file there.")
            )
            findings.append(Finding(name, "broken", str(look.error), advice))
            continue
        advice = "" if look.files else _("If a file should be there, see who puts it there.")
        findings.append(
            Finding(name, "ok" if look.files else "warning", ", ".join(look.files) or _("no file at present"), advice)
        )
    return findings
=======
>>>>>>> h-H
