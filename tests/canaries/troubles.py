"""What goes wrong at the end of the demo's day, with canaries in whatever is on its way: people type them where they do not belong, servers
repeat what they were sent, sources break in the middle of a name, the database quotes the row it could not keep, servers die.
"""

import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

from core import embedded
from demo.installation import StepFailedError
from demo.story import Story
from tests.canaries import planted
from tests.canaries.browser import Browser
from tests.canaries.planted import CODES, NAMES
from tests.canaries.planting import Mirror, PlantedInstallation

#: Tables whose rows hold canaries when they are written.
_QUOTED_TABLES: Final = (
    "client", "client_case", "choice", "family_wish", "follow_up", "follow_up_event", "incoming_document", "order_response", "price_mail",
    "audit_event",
)  # fmt: skip
_QUOTING: Final = """
    CREATE OR REPLACE FUNCTION quoting() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'cannot keep %', NEW USING DETAIL = 'Failing row contains ' || NEW::text, HINT = NEW::text; END $$;
"""
#: A case whose every field holds what does not belong there.
_WRONG: Final = """
  <case id="LC-19{number}" status="{status}">
    <client id="{client}"><identity><henkilotunnus>{code}</henkilotunnus><name>{name}</name></identity></client>
    <responsibleWorker id="{worker}"/><unit code="{unit}"/><assessmentDate>{date}</assessmentDate>
    <goal>{goal}</goal>{more}
    <decision id="D-1" number="{number}"><decidedOn>2026-11-12</decidedOn><baseline service="{service}" quantity="{quantity}" unit="C62"/></decision>
  </case>"""


def of(story: Story) -> PlantedInstallation:
    """The place, as it was planted."""
    assert isinstance(story.place, PlantedInstallation)
    return story.place


def people(story: Story) -> None:
    """What is right: a wish, a note, a name that is read. And what is typed, or sent, where it does not belong."""
    place = of(story)
    mine, theirs = story.cases["LC-1001"], story.cases["LC-1002"]
    with Browser(place).come_in(theirs, "W-102") as family:
        wrote = family.post(f"/my/{theirs}/wishes", page=f"/my/{theirs}/wishes", words=planted.WISH, voice="parent")
        story.check(wrote == 303, "a wish is kept", wrote)
        for words in (CODES["LC-1001"], planted.TELEPHONE, f"{planted.TYPED}\0"):
            family.post(f"/my/{theirs}/wishes", page=f"/my/{theirs}/wishes", words=words, voice="parent")
        _stray(family)
        family.look_around()
    with Browser(place).come_in(mine, "W-101") as family:
        family.look_around()
    with Browser(place).signed_in("W-101") as worker:
        for part in ("name", "henkilotunnus"):
            read = worker.post(f"/cases/{mine}/identity", page=f"/cases/{mine}", part=part)
            story.check(read == 200, "the responsible worker reads who the client is", read)
        _stray(worker)
        worker.look_around()
    with Browser(place).signed_in("W-102") as worker:
        (open_one,) = place.query(
            "SELECT follow_up.id FROM follow_up JOIN client_case ON client_case.id = case_id JOIN worker ON worker.id = responsible_worker_id"
            " WHERE state IN ('open', 'snoozed') AND worker.external_id = 'W-102' AND follow_up.kind IN ('start', 'interval') ORDER BY due LIMIT 1"
        )
        address = f"/follow-ups/{open_one['id']}"
        noted = worker.post(f"{address}/acknowledge", page=address, note=planted.NOTE, rating="4", rated_by="parent")
        story.check(noted == 303, "a note is kept", noted)
        worker.get(address)
        worker.look_around()
    for one in ("W-900", None):
        with Browser(place).signed_in(one) as other:
            other.look_around()
    feed = place.avain("reminder", "calendar", "W-101", "--new", "--as", "W-101", "--json")["address"]
    place.avain("case", "hold", mine, "--reason", "valitus", "--as", "W-900")
    copy = str(place.home / "copy.zip")
    place.avain(
        "case", "export", mine, "--to", copy, "--asked-by", "adult", "--reason", "asiakkaan pyyntö", "--as", "W-900"
    )
    with Browser(place) as stranger:
        _stray(stranger)
        story.check(stranger.get(urlsplit(feed).path) == 200, "a calendar program reads a private address")
    story.check(place.learn_links(), "letters hold links to answer by")


def _stray(browser: Browser) -> None:
    """Canaries in every part of a request that logs like to keep."""
    typed = quote(planted.TYPED)
    for path in (f"/{typed}", f"/cases/{typed}", f"/cases?q={typed}&search={typed}", f"/my/{typed}", f"/reply/{typed}"):
        browser.get(path, **{"User-Agent": typed, "Referer": f"http://127.0.0.1/{typed}", "X-Request-Id": typed})
    browser.get(f"/login?to=/cases%3Fq%3D{typed}")
    browser.get("/cases", **{"Cookie": f"avain={typed}", "X-Forwarded-For": typed, "Accept-Language": typed})
    for path in ("/my/in", "/cases", f"/reply/{typed}"):
        browser.post(path, link=planted.TYPED, code=planted.TYPED, reason=planted.TYPED)


def repeating_servers(story: Story) -> None:
    """A mail server and a provider's web server that answer with what they were sent."""
    place = of(story)
    place.sink.recorder.script += ["parrot", "parrot"]
    (order,) = place.query(
        "SELECT number FROM purchase_order WHERE channel = 'email' AND state = 'sent' ORDER BY id LIMIT 1"
    )
    place.avain("order", "cancel", order["number"], "--reason", "perhe muuttaa", "--as", "W-900")
    place.wait(lambda: len(place.sink.recorder.script) < 2, "a refused mail")
    place.sink.recorder.script.clear()
    assert isinstance(place.https, Mirror)
    for status in (500, 403, 200):
        place.https.mirrors = status
        run(story, "nepsypolku")
    place.https.mirrors = 0


def broken_sources(story: Story) -> None:
    """Files that end in the middle of a name, hold names where dates belong, and rows that cannot be read; a view that fails at a name."""
    place, cases = of(story), next((of(story).home / "in" / "cases").glob("*.xml"))
    whole = cases.read_bytes()
    for content in (
        whole[: whole.index(b"</name>") - 4],
        whole.replace(b"</name>", b"</nimi>", 1),
        whole.replace(b"</cases>", "".join(wrong_cases()).encode() + b"\n</cases>"),
    ):
        cases.write_bytes(content)
        run(story, "lifecare-vienti")
    cases.write_bytes(whole)
    surname = NAMES["LC-1001"].split()[1]
    prices = place.home / "in" / "prices" / "esimerkkivalmennus.csv"
    right = prices.read_bytes()
    for number, wrong in enumerate((planted.ROW.split()[1], CODES["LC-1001"])):
        row = f"\n{wrong};{wrong};{wrong};{wrong};{wrong};{wrong}\nADHD-01;{wrong};käynti;{wrong};1.1.{2027 + number};{wrong}\n"
        prices.write_bytes(right + row.encode("cp1252"))
        run(story, "esimerkkivalmennus")
    prices.write_bytes(right)
    (place.home / "in" / "incoming").mkdir(exist_ok=True)
    for number, name in enumerate(("lasku-peppol.xml", "lasku-finvoice.xml", "vastaus-peppol.xml", "toteuma.csv")):
        text = (place.home / "letters" / name).read_text("utf-8")
        (place.home / "in" / "incoming" / f"rikki-{number}-{name}").write_text(re.sub(r"\$\w+", surname, text), "utf-8")
    run(story, "palveluntuottajat")
    mail = place.home / "in" / "mail" / "2026-11-12-mainos.eml"
    broken = mail.read_bytes().replace(b"boundary=", f'name="{planted.ATTACHED}"; boundry='.encode())
    mail.with_name("2027-01-02-rikki.eml").write_bytes(broken + planted.LETTER.encode())
    run(story, "posti")
    place.in_reporting(
        "CREATE OR REPLACE VIEW avain.asiakkuudet AS SELECT tunnus AS asiakkuus, asiakasviite AS asiakas, nimi::date > now() AS turvakielto,"
        " omatyontekija, tila, suunnitelma_pvm AS suunnitelma FROM asiakas.asiakkuus"
    )
    run(story, "raportointi")


def wrong_cases() -> Iterator[str]:
    """Cases in each of which one field holds a name, or a henkilötunnus, that does not belong there."""
    right = {
        "status": "open", "client": "AS-5999", "code": CODES["LC-1001"], "name": NAMES["LC-1001"], "worker": "W-101", "unit": "U-1",
        "date": "2026-11-02", "goal": planted.GOAL, "service": "PERHETYO", "quantity": "4", "more": "",
    }  # fmt: skip
    surname = NAMES["LC-1001"].split()[1]
    address = planted.ADDRESS.split()[0]
    wrong = [{field: CODES["LC-1001"]} for field in right]
    # a goal is free text, and by what reference a source knows a client is its own affair: names may stand there
    wrong += [
        {field: name} for field in right if field not in {"goal", "client"} for name in (surname, surname.upper())
    ]
    wrong += [
        {"more": more}
        for more in (f"<{surname}/>", f"<address>{planted.ADDRESS}</address>", f'<unit code="{address}"/>')
    ]
    for number, one in enumerate(wrong):
        yield _WRONG.format(number=number, **right | one)


def quoting_database(story: Story) -> None:
    """PostgreSQL refuses rows and says which; in a page, a command and Work."""
    place, mine, theirs = of(story), story.cases["LC-1001"], story.cases["LC-1002"]
    cases = next((place.home / "in" / "cases").glob("*.xml"))
    cases.write_text(cases.read_text("utf-8").replace(planted.GOAL, f"{planted.GOAL} taas"), "utf-8")
    (place.home / "in" / "incoming" / "taas.xml").write_bytes(
        (place.home / "in" / "incoming" / "vastaus-peppol.xml").read_bytes() + b"\n"
    )
    with Browser(place).come_in(theirs, "W-102") as family, Browser(place).signed_in("W-102") as worker:
        family.get(f"/my/{theirs}/wishes")
        worker.get("/follow-ups")
        with _quoting(place, *_QUOTED_TABLES):
            story.check(
                family.post(f"/my/{theirs}/wishes", words=planted.WISH, voice="parent") == 500,
                "the database refuses a wish",
            )
            worker.get(f"/cases/{theirs}")
            place.avain(
                "case",
                "choose",
                mine,
                "--provider",
                "9999997-6",
                "--by",
                "child",
                "--reason",
                "toinen",
                "--as",
                "W-101",
                expect=(1,),
            )
            for source in ("lifecare-vienti", "palveluntuottajat"):
                run(story, source)
            run(story, "lifecare-vienti", "--inline")


@contextmanager
def _quoting(place: PlantedInstallation, *tables: str) -> Iterator[None]:
    place.as_owner(
        _QUOTING
        + "".join(
            f"CREATE TRIGGER quoting BEFORE INSERT OR UPDATE ON {one} FOR EACH ROW EXECUTE FUNCTION quoting();"
            for one in tables
        )
    )
    try:
        yield
    finally:
        place.as_owner("DROP FUNCTION quoting() CASCADE")


def dying_servers(story: Story) -> None:
    """SIGKILL for Valkey and PostgreSQL under somebody's hands; `avain up` starts them again."""
    place, theirs = of(story), story.cases["LC-1002"]
    with Browser(place).come_in(theirs, "W-102") as family:
        family.get(f"/my/{theirs}/wishes")
        for pid in embedded.pids(place.home).values():
            os.kill(pid, signal.SIGKILL)
        family.post(f"/my/{theirs}/wishes", words=planted.WISH, voice="parent")
    place.avain("case", "list", expect=(0, 1))
    place.wait(lambda: _answers(place), "PostgreSQL again")


def _answers(place: PlantedInstallation) -> bool:
    try:
        return bool(embedded.running(place.home) and place.query("SELECT 1"))
    except (StepFailedError, OSError):
        return False


def run(story: Story, source: str, *options: str) -> None:
    """Have a source read; whatever it comes to."""
    of(story).avain(
        "source", "run", source, "--now", "--patience", "20", *options, "--as", "W-900", expect=(0, 1, 3, 4)
    )
    time.sleep(0.2)


def spool(place: PlantedInstallation) -> list[Path]:
    """Files in the places for temporary ones."""
    return [one for one in (place.home / "tmp").rglob("*") if one.is_file()]


STEPS: Final = (
    ("People", people),
    ("Servers that repeat what they were sent", repeating_servers),
    ("Sources that break in the middle of a name", broken_sources),
    ("A database that quotes", quoting_database),
    ("Servers die", dying_servers),
)
