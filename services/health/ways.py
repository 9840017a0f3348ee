"""What fails and is left alone for a while: ways out, and sources."""

from core.errors import Message
from services.gentleness import failing
from services.health.findings import Finding, Ground
from services.sources import all_sources
from services.visiting import configured_as
from services.ways.overview import closed


def ways(ground: Ground) -> list[Finding]:
    """One line for each way out that is left alone; one when none is."""
    with ground.looking() as session:
        found = closed(session, ground.settings)
    advice = Message(
        "See why. It is tried again by itself, and what waits goes then; orders and e-mails that wait for days are given up in the end."
    )
    findings = [
        Finding(
            one.name,
            "broken",
            Message(
                "left alone since {since} after {failures} failures in a row, tried again {moment}; {count} wait. {reason}",
                since=one.since.isoformat(),
                failures=one.failures,
                moment=one.until.isoformat(),
                count=one.waiting,
                reason=one.reason,
            ),
            advice,
        )
        for one in found
    ]
    return findings or [Finding(Message("What goes out"), "ok", Message("no connection is left alone"))]


def sources(ground: Ground) -> list[Finding]:
    """One line for each source that is left alone after failures; one when none is."""
    named = {one.lane: one for one in all_sources(ground.settings.sources)}
    gentle = {lane: configured_as(ground.settings, one).gentle for lane, one in named.items()}
    with ground.looking() as session:
        found = failing(session, gentle)
    findings = [
        Finding(
            Message("Source {name}", name=named[lane].name),
            "broken",
            Message(
                "left alone after {failures} failures in a row, the first at {since}; tried again {moment}",
                failures=one.failures,
                since=one.since.isoformat(),
                moment=one.until.isoformat(),
            ),
            Message(
                "It is tried again by itself. To try it now: {command}",
                command=f"avain source run {named[lane].name} --now",
            ),
        )
        for lane, one in found.items()
    ]
    return findings or [Finding(Message("Sources"), "ok", Message("none is left alone"))]
