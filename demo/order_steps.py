"""The demo's steps about orders: approve, check by every rule at hand, deliver, and survive a kill."""

import hashlib
import os
import time
from collections import Counter
from collections.abc import Iterable
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

from core.i18n import _
from core.settings import ROOT
from demo.story import Story, money_of, money_sum, print_budgets, read_budgets

#: The official Peppol rules may not be redistributed; where a copy lies beside the checkout they are run as well.
OFFICIAL = (
    Path(os.environ.get("PEPPOL_RULES", ROOT.parent / "shared" / "peppol" / "rules" / "2026.5")) / "PEPPOLBIS-T01.sch"
)


def orders(story: Story) -> None:
    """Looked at first, then three cases are approved; two orders go by mail, one as a file; each is valid by schema and rules."""
    place, numbers = story.place, story.cases
    _looked_at(story)
    approved = place.avain(
        "order", "approve", *(numbers[case] for case in ("LC-1001", "LC-1002", "LC-1003")), "--as", "W-900", "--json"
    )
    story.check(
        not approved["refused"] and len(approved["orders"]) == 3,
        _("three orders are approved"),
        ", ".join(o["order"] for o in approved["orders"]),
    )
    place.wait(lambda: len(sent(story)) == 3, "orders")
    story.show("order", "list")
    story.check(
        received(story) == {one["order"]: 1 for one in approved["orders"]},
        _("each order arrived once, by mail or as a file"),
    )
    keep_and_check(story, [one["order"] for one in approved["orders"]])
    story.report["orders"] = approved["orders"]


def _looked_at(story: Story) -> None:
    """What would be ordered for case 1, on paper and as XML, before anybody approves; nothing is ordered by looking."""
    case = story.cases["LC-1001"]
    paper = story.place.results / "papers" / f"tilausehdotus-{case}.pdf"
    paper.parent.mkdir(exist_ok=True)
    story.show("order", "preview", case)
    seen = story.place.avain("order", "preview", case, "--pdf", str(paper), "--as", "W-900", "--json")
    (one,) = seen["orders"]
    story.check(
        one["order"] is None
        and paper.read_bytes().startswith(b"%PDF-")
        and not story.place.query("SELECT 1 FROM purchase_order"),
        _("what would be ordered is seen first, as a PDF and as XML; looking orders nothing"),
        money_of(one["total_gross"]),
    )
    story.report.setdefault("papers", []).append(paper.name)


def killed(story: Story) -> None:
    """The mail server stalls, the worker is killed with SIGKILL while it waits; another finishes the delivery, once."""
    place, case = story.place, story.cases["LC-1004"]
    place.sink.recorder.script.append("delay:60")
    number = place.avain("order", "approve", case, "--as", "W-900", "--json")["orders"][0]["order"]
    place.wait(
        lambda: place.query(
            "SELECT 1 FROM purchase_order WHERE number = %(number)s AND state = 'sending'", number=number
        ),
        "sending",
    )
    place.wait(lambda: not place.sink.recorder.script, "DATA")
    pid = place.kill_worker("orders")
    killed_at = time.monotonic()
    story.console.print(
        "  "
        + _("worker {pid} was killed (SIGKILL) while the mail server was taking order {order}").format(
            pid=pid, order=number
        )
    )
    place.wait(lambda: number in sent(story), "second attempt", 60)
    took = round(time.monotonic() - killed_at, 1)
    outcomes = [row["outcome"] for row in place.query(
        "SELECT outcome FROM run JOIN work ON work.id = work_id WHERE work.key = %(key)s ORDER BY run.id", key=f"deliver_order:{number}"
    )]  # fmt: skip
    story.show("order", "show", number)
    story.check(
        outcomes == ["lost", "succeeded"],
        _("the first attempt is recorded as lost, the second succeeded"),
        ", ".join(outcomes),
    )
    story.check(
        received(story)[number] == 1,
        _("exactly one order arrived"),
        _("{seconds} s after the kill").format(seconds=took),
    )
    keep_and_check(story, [number])
    story.report["killed"] = {
        "order": number,
        "pid": pid,
        "outcomes": outcomes,
        "seconds_after_kill": took,
        "arrived": received(story)[number],
    }
    story.place.settled()
    after = read_budgets(story)
    story.check(all(money_sum(one) for one in after), _("the budgets still add up after ordering"))
    story.check(
        all(float(one["planned"]) == 0 for one in after) and sum(float(one["ordered"]) > 0 for one in after) == 4,
        _("what was planned is now ordered"),
    )
    print_budgets(story, after)
    story.report["budgets_after"] = after


def sent(story: Story) -> list[str]:
    """Numbers of orders that were sent."""
    return [
        row["number"]
        for row in story.place.query("SELECT number FROM purchase_order WHERE state = 'sent' ORDER BY number")
    ]


def received(story: Story) -> dict[str, int]:
    """How often each order reached its provider, counted where providers look: the mail sink and the outbox."""
    return dict(Counter([*attached(story), *(path.stem for path in story.place.outbox.rglob("*.xml"))]))


def attached(story: Story) -> Iterable[str]:
    """Numbers of the orders attached as PDF to mails the sink accepted, repeats included."""
    for mail in mails(story):
        for part in mail.iter_attachments():
            name = part.get_filename() or ""
            if name.startswith("T-") and name.endswith(".pdf"):
                yield name.removesuffix(".pdf")


def mails(story: Story) -> list[Any]:
    """Every mail in the sink, parsed, in order of arrival."""
    return [
        message_from_bytes(path.read_bytes(), policy=policy.default)
        for path in sorted((story.place.results / "mail").glob("*.eml"))
    ]


def keep_and_check(story: Story, numbers: list[str]) -> None:
    """Copy the documents as they reached the provider to orders/, and check them by every rule at hand."""
    documents = {path.name: path.read_bytes() for path in story.place.outbox.rglob("*.xml")}
    for mail in mails(story):
        for part in mail.iter_attachments():
            documents[str(part.get_filename())] = part.get_payload(decode=True)
    rules = ["--schematron", str(OFFICIAL)] if OFFICIAL.exists() else []
    for number in numbers:
        file = story.place.results / "orders" / f"{number}.xml"
        file.write_bytes(documents[file.name])
        stored = story.place.query(
            "SELECT document_sha256 AS sha256 FROM purchase_order WHERE number = %(number)s", number=number
        )[0]["sha256"]
        story.check(
            hashlib.sha256(file.read_bytes()).hexdigest() == stored,
            _("{order}: the provider has the very bytes that were approved").format(order=number),
            stored[:12],
        )
        findings = [
            one
            for one in story.place.avain("order", "check", str(file), *rules, "--json", expect=(0, 1))
            if one["severity"] == "fatal"
        ]
        promise = (
            _("{order}: valid by schema, our rules and the official T01 rules")
            if rules
            else _("{order}: valid by schema and our rules")
        )
        story.check(not findings, promise.format(order=number), findings or "")
    if not rules:
        story.console.print(
            "  [bold yellow]"
            + _("The official Peppol rules are not at hand and were NOT run (set PEPPOL_RULES to their folder).")
            + "[/]"
        )
    story.report["official_rules"] = bool(rules)
