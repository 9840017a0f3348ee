"""The story the demo lives through, step by step; every step checks what it promises and notes it for the page and the report."""

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from core.i18n import HELSINKI, N_, _, day
from core.settings import ROOT
from demo import (
    answer_steps,
    console_steps,
    family_steps,
    follow_up_steps,
    order_steps,
    oversight_steps,
    paper_steps,
    price_steps,
)
from demo.installation import Installation, StepFailedError
from demo.page import write_page
from demo.reporting_database import refuses
from demo.story import Story, money_of, money_sum, print_budgets, read_budgets

NIGHT = datetime(2026, 11, 16, 2, 5, tzinfo=HELSINKI)
#: The own unit costs and five providers' lists.
LISTS = 6
TUKIPOLKU = "9999997-6"


def run(directory: Path | None = None) -> int:
    """Live through the story; 0 only if every step held. Results are left in `directory` (default var/demo).

    With DEMO_SERVE=1 in the environment everything then goes on running, for people to look around in the console, until Ctrl-C.
    """
    results = (directory or ROOT / "var" / "demo").resolve()
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    started = time.monotonic()
    try:
        with Installation(results, columns=console.width) as place:
            story = Story(place, console)
            for number, (title, step) in enumerate(STEPS, 1):
                console.rule(f"{number}. {_(title)}", align="left")
                began = time.monotonic()
                step(story)
                story.report.setdefault("step_seconds", {})[title] = round(time.monotonic() - began, 1)
            story.report["seconds"] = round(time.monotonic() - started, 1)
            summarise(story)
            if os.environ.get("DEMO_SERVE") == "1":
                console_steps.serve(story)
    except StepFailedError as failure:
        console.print(Text(f"✗ {failure}", "bold red"))
        return 1
    return 0


def start(story: Story) -> None:
    """Real PostgreSQL, Valkey, workers and beat; the people, services and providers the county knows."""
    place = story.place
    place.clock(NIGHT)
    for kind, file in (("service", "services"), ("provider", "providers"), ("worker", "workers")):
        place.avain(kind, "import", f"in/{file}.toml", "--as", "pääkäyttäjä")
    place.up()
    found = {finding["name"]: finding for finding in place.avain("doctor", "--json", expect=(0, 1))}
    broken = [f"{name}: {one['found']}" for name, one in found.items() if one["state"] == "broken"]
    story.check(not broken, _("doctor finds nothing broken"), "; ".join(broken))
    versions = [one["found"] for one in found.values() if one["found"].startswith(("PostgreSQL", "Valkey"))]
    story.check(len(place.workers()) == 3, _("three real worker processes and beat are running"), ", ".join(versions))
    story.report["versions"] = versions


def night(story: Story) -> None:
    """Beat's slots at 02:10 and 03:10 read the price lists and the cases."""
    place = story.place
    place.clock(datetime(2026, 11, 16, 2, 10, 1, tzinfo=HELSINKI))
    place.wait(
        lambda: len(place.query("SELECT 1 FROM run WHERE kind = 'import_prices' AND finished_at IS NOT NULL")) == LISTS,
        "prices",
    )
    place.clock(datetime(2026, 11, 16, 3, 10, 1, tzinfo=HELSINKI))
    place.wait(
        lambda: len(place.query("SELECT 1 FROM run WHERE kind = 'sync_cases' AND finished_at IS NOT NULL")) == 2, "sync"
    )
    place.settled()
    cases = place.query(
        "SELECT arguments ->> 'source' AS source, counts FROM run JOIN work ON work.id = work_id WHERE run.kind = 'sync_cases'"
        " ORDER BY source"
    )
    lists = place.query(
        "SELECT price_source.name, file_name, state, sha256, count(price.id) AS prices FROM price_list JOIN price_source ON price_source.id = source_id"
        " LEFT JOIN price ON price.price_list_id = price_list.id GROUP BY price_list.id, price_source.name ORDER BY price_source.name"
    )
    rejected = place.query(
        "SELECT source, file_name, position, field, external_id, reason FROM rejected_record ORDER BY id"
    )
    story.show("source", "list")
    story.show("rejected", "list")
    story.check(len(story.cases) == 5, _("five cases came in, from two systems"), ", ".join(story.cases.values()))
    story.check(
        cases[1]["source"] == "raportointi" and cases[1]["counts"]["added"] == 1 and refuses(place.reporting_url),
        _("one of them from a view; Avain's role can read nothing else there"),
        story.cases["RP-2001"],
    )
    broken_case = [row for row in rejected if row["source"] == "lifecare-vienti"]
    story.check(
        len(broken_case) == 1,
        _("the broken case is rejected with reason and line, the rest went on"),
        broken_case[0]["position"],
    )
    story.check(
        {one["name"] for one in lists if one["state"] == "applied"}
        == {"own", "esimerkkivalmennus", f"posti/{TUKIPOLKU}", "kaveripaja", "nepsypolku", "musiikkitupa"},
        _("five providers' lists and the own unit costs are in force: from files, an e-mail, HTTPS and SFTP"), ", ".join(f"{one['name']} {one['prices']}" for one in lists),
    )  # fmt: skip
    broken_rows = [row for row in rejected if row["source"] != "lifecare-vienti"]
    story.check(
        len(broken_rows) == 1, _("the broken price row is rejected with its reason"), broken_rows[0]["position"]
    )
    story.report["night"] = {
        "cases": {one["source"]: one["counts"] for one in cases},
        "lists": lists,
        "rejected": rejected,
    }


def comparison(story: Story) -> None:
    """Case 1 beside family work, case 3 with its two providers; the family chooses."""
    place, numbers = story.place, story.cases
    compared = {}
    for case in ("LC-1001", "LC-1003"):
        story.show("compare", "--case", numbers[case])
        compared[case] = place.avain("compare", "--case", numbers[case], "--json")
    first = compared["LC-1001"][0]
    story.check(
        first["baseline"] == "PERHETYO" and first["offers"],
        _("case 1 is compared with family work"),
        money_of(first["ceiling"]),
    )
    support = [offer for offer in compared["LC-1003"][0]["offers"] if offer["service"] == "TUKIHENKILO"]
    story.check(
        len(support) == 2, _("case 3 has two providers side by side"), ", ".join(offer["provider"] for offer in support)
    )
    cheapest = [offer["provider"] for offer in support if offer["cheapest"]]
    for case, provider, chooser, reason in (
        ("LC-1001", "9999996-8", "child", "lapsi tapasi valmentajan"),
        ("LC-1003", "9999997-6", "child", "lapsi valitsi itse"),
        ("LC-1004", "9999998-4", "adult", "oma toive"),
    ):
        place.avain(
            "case",
            "choose",
            numbers[case],
            "--provider",
            provider,
            "--by",
            chooser,
            "--reason",
            reason,
            "--as",
            "W-101",
        )
    story.check(
        place.query("SELECT count(*) AS n FROM choice WHERE ended_at IS NULL")[0]["n"] == 3,
        _("three choices are recorded with who and why"),
    )
    story.report["comparison"] = {"case_1": first, "case_3": compared["LC-1003"][0], "cheapest": cheapest}


def budgets(story: Story) -> None:
    """Budgets are recomputed by the worker; ceiling, planned, ordered, free."""
    story.place.settled()
    found = read_budgets(story)
    for one in found:
        story.check(
            one["free"] is not None and money_sum(one),
            _("{case}: invoiced + ordered + planned + free = ceiling").format(case=one["case"]),
            money_of(one["ceiling"]),
        )
    story.report["budgets_before"] = found
    print_budgets(story, found)


def agrees(story: Story) -> None:
    """After months of all that: every budget calculated once more, every document hashed, numbers, work, guards, the audit trail."""
    story.place.settled()
    found = story.place.avain("doctor", "--deep", "--all", "--json", expect=(0, 1))
    broken = [f"{one['found']}: {one['things'][0]['name']}" for check in found["checks"] for one in check["broken"]]
    examined = ", ".join(f"{check['name']}: {check['examined']}" for check in found["checks"])
    story.check(not broken, _("avain doctor --deep finds that everything agrees"), "; ".join(broken) or examined)


def summarise(story: Story) -> None:
    """The summary on the screen, the report and the page."""
    results = story.place.results
    orders = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted((results / "orders").glob("*.xml"))
    }
    story.report["orders_sha256"] = orders
    story.report["checks"] = [{"promise": promise, "found": found} for promise, found in story.checks]
    (results / "report.json").write_text(
        json.dumps(story.report, default=str, ensure_ascii=False, indent=2) + "\n", "utf-8"
    )
    write_page(results / "index.html", story.report)
    made = Table(title=_("What held"), title_justify="left")
    made.add_column(_("Promise"))
    made.add_column(_("Seen"), overflow="fold")
    for promise, found in story.checks:
        made.add_row(promise, found)
    story.console.print(made)
    story.console.print(
        _("Every step held, in {seconds} s ({today}). Look at:").format(
            seconds=story.report["seconds"], today=day(datetime.now(HELSINKI).date())
        )
    )
    for name in ("index.html", "report.json", "papers/", "orders/", "mail/", "avain.log"):
        story.console.print(f"  {results / name}")


STEPS: list[tuple[str, Callable[[Story], None]]] = [
    (N_("Everything starts"), start),
    (N_("What came in at night"), night),
    (N_("Before anyone applies"), paper_steps.annex),
    (N_("Comparison and choice"), comparison),
    (N_("On the family's own page"), family_steps.proposal),
    (N_("Budgets"), budgets),
    (N_("A price rises overnight"), price_steps.dearer),
    (N_("The budget, explained"), paper_steps.explained),
    (N_("Orders"), order_steps.orders),
    (N_("A worker is killed in the middle of a delivery"), order_steps.killed),
    (N_("Providers answer"), answer_steps.answers),
    (N_("The family's statement"), paper_steps.statement),
    (N_("The 8:00 mail"), follow_up_steps.first_mail),
    (N_("Acknowledged, repeated, passed on"), follow_up_steps.escalation),
    (N_("Written down, put off, handed over"), follow_up_steps.acting),
    (N_("How good is it, says the child"), family_steps.rated),
    (N_("Delivered and billed"), answer_steps.invoiced),
    (N_("In the console"), console_steps.console),
    (N_("At the supervisor's"), oversight_steps.unit),
    (N_("Does what is kept agree with itself?"), agrees),
]
